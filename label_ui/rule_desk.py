"""The curators' counter for rules: what a decision can be made by, one decision at a time, and the way back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from db.errors import InputError
from db.records.people import Annotator
from db.workspace import Workspace
from label_ui.roles import needs

Json = dict[str, Any]


@dataclass(slots=True)
class RuleDesk:
    """What `curate consensus` does, for the pages of curators; voters cannot.

    A decision on 100,000 faces takes half a minute or more. It runs in the thread of its call and is
    written some faces at a time, so that people vote meanwhile. Who asks for a second one before it ends is refused.
    Errors of every method: InputError, ConfigError, NotFoundError, StoreError.
    """

    workspace: Workspace
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _by: str = ""

    @needs("curator")
    def decide_form(self, who: Annotator) -> Json:
        """What there is to decide, and by what: the ``rules`` that can run here and the main campaign's own.

        ``waiting`` faces have votes that no decision has seen. ``run`` is the newest with a view of faces that it
        was not trained on, or "". ``last`` is the newest decision that can be taken back, or null.
        """
        from curate.consensus import usable_rules
        from curate.decide import newest_decisions, rule_of_campaign

        store, rules = self.workspace.store, usable_rules()
        usual = rule_of_campaign(self.workspace)
        run, last = store.runs.newest_with_view(), newest_decisions(self.workspace)
        return {
            "rules": list(rules),
            "rule": usual if usual in rules else rules[0],
            "waiting": store.labels.awaited(),
            "run": run.id if run else "",
            "last": last and {"batch": last.batch, "at": last.at.isoformat(), "faces": last.faces},
        }

    @needs("curator")
    def decide(self, who: Annotator, rule: str = "auto", run: str = "") -> Json:
        """Decide every face that has votes, on the terms of `curate consensus`; gives the batch to take back.

        ``decided`` faces have a class, by this decision or one that it confirms; ``changed`` is how many decisions
        are new. ``run`` names a training run whose view counts too, by the rule auto only.
        """
        from curate.consensus import usable_rule
        from curate.decide import decide_labels

        usable_rule(str(rule))
        with self._alone(who):
            done = decide_labels(self.workspace, str(rule), run=str(run))
        return {
            "batch": done.batch,
            "decided": sum(done.by_class.values()),
            "no_agreement": done.undecided,
            "rejected": done.rejected,
            "changed": done.changed,
            "confirmed": done.confirmed,
            "early": done.early,
        }

    @needs("curator")
    def decide_undo(self, who: Annotator, batch: str = "") -> Json:
        """Take the newest decision by a rule back, as `curate consensus --undo` does; what held before holds again.

        With a ``batch`` only that one, so that nobody takes back what somebody else decided since.
        """
        from curate.decide import undo_decisions

        with self._alone(who):
            undone = undo_decisions(self.workspace, str(batch), who.id)
        if undone is None:
            raise InputError(
                "this decision is the newest no more" if batch else "no decision is left to take back",
                hint="it was taken back, or a newer one came: look again",
                code="not_the_newest",
            )
        return {"batch": undone.batch, "faces": undone.faces}

    @contextmanager
    def _alone(self, who: Annotator) -> Iterator[None]:
        if not self._busy.acquire(blocking=False):
            raise InputError(
                f"{self._by} is deciding at this moment",
                hint="wait until that has ended, then look again",
                code="deciding",
                name=self._by,
            )
        try:
            self._by = who.name
            yield
        finally:
            self._busy.release()
