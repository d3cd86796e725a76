"""The Agreement page's counter: how far people agree, kept from one question to the next, with each role's view.

A voter sees the team's totals and an own row; curators see everybody.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from curate.agreement import Agreement
from curate.agreement_sheets import (
    Names,
    Row,
    answer_rows,
    as_csv,
    confusion_rows,
    face_rows,
    mix_up_rows,
    pair_rows,
    stage_rows,
    summary,
    voter_rows,
)
from curate.agreement_votes import Asked, store_agreement
from db.errors import NotFoundError
from db.records.people import Annotator
from db.store import Store
from db.workspace import Workspace
from label_ui.roles import allows, needs
from label_ui.switchboard import Json

MOST_FACES = 10
SHEETS = ("summary", "answers", "confusion", "mix_ups", "voters", "pairs", "one_more_vote", "faces")
CURATORS_ONLY = frozenset({"pairs", "faces"})


@dataclass(frozen=True, slots=True, eq=False)
class _Look:
    """The figures as they were; ``newest`` is how many votes there were, the last one's id, and how much gold."""

    found: Agreement
    left_out: int
    newest: tuple[int, int, int]
    at: float
    cost_s: float


@dataclass(slots=True, eq=False)
class AgreementDesk:
    """What the page can ask. The figures are computed by the thread of whoever asks first.

    They are at most ``fresh_s`` seconds old, or, where computing them takes long, ``rest`` times as old as that
    took: voting comes first.
    """

    workspace: Workspace
    fresh_s: float = 2.0
    rest: float = 9.0
    compute: Callable[[Store, Sequence[str], int | None], tuple[Agreement, Asked]] = store_agreement
    _looks: dict[int, _Look] = field(default_factory=dict)
    _busy: dict[int, threading.Lock] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @needs("voter")
    def agreement(self, who: Annotator, campaign: int = 0, seen: str = "") -> Json:
        """The figures of a campaign (0: of all that ask to choose). ``seen`` is the ``look`` of an earlier answer.

        ``{"look": seen}`` alone when nothing changed since. Errors: NotFoundError for an unknown campaign.
        """
        look = self._look(int(campaign))
        name = "-".join(map(str, (int(campaign), who.id, who.role, *look.newest)))
        if name == seen:
            return {"look": seen}
        rows = {sheet: self._rows(sheet, look.found, who, MOST_FACES) for sheet in SHEETS}
        return {
            "look": name,
            "campaign": int(campaign),
            "campaigns": [
                {
                    "id": each.id,
                    "name": each.name,
                    "question": each.question,
                    "closed": each.closed_at is not None,
                }
                for each in self.workspace.store.campaigns.all()
            ],
            "everybody": allows(who.role, "curator"),
            "left_out": look.left_out,
            "classes": look.found.votes.classes,
            **rows,
            "summary": rows["summary"][0],
        }

    @needs("voter")
    def agreement_csv(self, who: Annotator, sheet: str, campaign: int = 0) -> Json:
        """One table as CSV: its file's name and text. Errors: NotFoundError for a table that is not there for you."""
        if sheet not in SHEETS or (sheet in CURATORS_ONLY and not allows(who.role, "curator")):
            raise NotFoundError(
                f"there is no table {sheet[:40]!r} for you", hint=f"choose one of {', '.join(SHEETS)}"
            )
        return {
            "name": f"{sheet}.csv",
            "text": as_csv(self._rows(sheet, self._look(int(campaign)).found, who)),
        }

    def _rows(self, sheet: str, found: Agreement, who: Annotator, most: int | None = None) -> Sequence[Row]:
        """A table as this person may see it; of faces at most ``most``."""
        if sheet in CURATORS_ONLY and not allows(who.role, "curator"):
            return []
        makers: Mapping[str, Callable[[], list[Row]]] = {
            "summary": lambda: [summary(found)],
            "answers": lambda: answer_rows(found),
            "confusion": lambda: confusion_rows(found),
            "mix_ups": lambda: mix_up_rows(found),
            "voters": lambda: self._voters(found, who),
            "pairs": lambda: pair_rows(found, self._names()),
            "one_more_vote": lambda: stage_rows(found),
            "faces": lambda: face_rows(found, str, most),
        }
        return makers[sheet]()

    def _voters(self, found: Agreement, who: Annotator) -> list[Row]:
        everybody = allows(who.role, "curator")
        people = {each.id: each for each in self.workspace.store.annotators.all()}
        rows: list[Row] = []
        for row in voter_rows(found, str):
            person = people.get(int(str(row["voter"])))
            if person is not None and (everybody or person.id == who.id):
                mine: Row = {"me": person.id == who.id, "simulated": person.simulated}
                rows.append({**row, "voter": person.name, **mine})
        return rows

    def _names(self) -> Names:
        names = {who.id: who.name for who in self.workspace.store.annotators.all()}
        return lambda person: names.get(person, str(person))

    def _look(self, campaign: int) -> _Look:
        held = self._looks.get(campaign)
        if held is not None and self._fresh(held):
            return held
        if held is None and campaign:
            self.workspace.store.campaigns.get(campaign)  # an unknown one leaves no trace here
        with self._lock:
            busy = self._busy.setdefault(campaign, threading.Lock())
        if not busy.acquire(blocking=held is None):
            assert held is not None
            return held  # somebody else is already looking again
        try:
            held = self._looks.get(campaign)
            if held is None or not self._fresh(held):
                held = self._look_again(campaign, held)
                self._looks[campaign] = held
            return held
        finally:
            busy.release()

    def _fresh(self, look: _Look) -> bool:
        return time.monotonic() - look.at < max(self.fresh_s, self.rest * look.cost_s)

    def _look_again(self, campaign: int, held: _Look | None) -> _Look:
        store, begun = self.workspace.store, time.monotonic()
        newest = (*store.votes.newest(), len(store.gold.all()))
        if held is not None and held.newest == newest:
            return _Look(held.found, held.left_out, newest, begun, 0.0)
        found, asked = self.compute(store, self.workspace.settings.classes, campaign or None)
        end = time.monotonic()
        return _Look(found, asked.left_out, newest, end, end - begun)
