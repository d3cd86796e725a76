"""Applies a consensus rule to the votes of a workspace and writes down the decisions that changed."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from curate.auto import Auto, opinions_of
from curate.consensus import COUNTING, REJECTING, RULES, Aggregator, Consensus, Terms, aggregator, known_rule
from curate.votes_table import tabulate
from db.errors import ConfigError, NotFoundError
from db.records.campaigns import Campaign
from db.records.labels import Label, LabelBatch
from db.workspace import Workspace

_AT_ONCE = 10_000
_WRITTEN_AT_ONCE = 200  # faces a transaction: voters get their turn between two
_MOVED = 0.02  # a distribution that moved by less, with the same label, is no new decision


@dataclass(frozen=True, slots=True)
class DecisionTally:
    """``by_class`` faces agreed on for each class; ``changed`` decisions that differ from what held before.

    ``confirmed`` faces were voted on after they were decided, and what held before still does. ``withdrawn`` faces
    lost their label because every vote on them was undone; ``strangers`` are votes for a class that the workspace no
    longer has, which were left out. Of ``waiting`` faces the campaign still asks for votes, so they keep what they
    had; ``early`` ones were decided although an open campaign still asks. ``batch`` names the run to
    ``store.labels.undo``; empty when nothing was written.
    """

    by_class: dict[str, int]
    undecided: int
    rejected: int
    withdrawn: int
    strangers: int
    changed: int
    batch: str
    waiting: int = 0
    confirmed: int = 0
    early: int = 0


@dataclass(frozen=True, slots=True)
class Undone:
    """The run of a rule that was taken back: its ``batch``, when it decided, and on how many ``faces``."""

    batch: str
    at: datetime
    faces: int


def workspace_terms(rule: str) -> Terms:
    """What a label takes unless told otherwise: from a rule that weighs people, more than an even chance."""
    return Terms(least_confidence=0.0 if rule in COUNTING else 0.5)


def rule_of_campaign(workspace: Workspace, campaign: str = "") -> str:
    """The rule that the campaign of this name is decided by; main's without a name. Errors: NotFoundError."""
    return _campaign(workspace, campaign).rule


def decide_labels(
    workspace: Workspace, rule: str = "auto", terms: Terms | None = None, run: str = "", campaign: str = ""
) -> DecisionTally:
    """Decide every face that has votes; running it again without new votes writes nothing.

    A face that was voted on since it was decided is decided anew, and where that says the same, confirmed.
    With a ``campaign`` only the votes cast in it count, and only faces that it has finished are decided.
    ``terms`` default to `workspace_terms`. ``run`` names a training run (as `train list` does) whose view of the
    faces it was not trained on counts as one more voter's, by the rule "auto" only. Curators' own decisions stay.
    All that changed is one batch, which `undo_decisions` takes back. It is written some faces at a time, so that
    people vote meanwhile; when it was interrupted, the next run decides the rest.
    Errors: ConfigError for an unknown rule, or a run beside another rule; NotFoundError for an unknown campaign
    or run, or a run without out-of-fold predictions.
    """
    known_rule(rule)
    terms = terms or workspace_terms(rule)
    begun = datetime.now(UTC)  # a vote that comes after this is not seen
    classes = workspace.settings.classes
    chosen, method = _with_run(workspace, rule, terms, run) if run else (aggregator(rule, terms), rule)
    asked = _campaign(workspace, campaign).id if campaign else None
    tabulated = tabulate(workspace.store.votes.iterate(asked), classes)
    decisions = chosen.aggregate(tabulated.table)
    still_asked = _still_asked(workspace, asked, decisions)
    waiting = still_asked if asked else frozenset[int]()
    decisions = [decision for decision in decisions if decision.item not in waiting]
    held = {label.face_id: label for label in workspace.store.labels.current()}
    outdated = workspace.store.labels.outdated()
    labels = [_label(decision, method) for decision in decisions]
    if not campaign:
        labels += _withdrawn(held, {decision.item for decision in decisions}, method, outdated)
    stays = [_stays(held.get(new.face_id), new) for new in labels]
    news = [new for new, same in zip(labels, stays, strict=True) if not same]
    again = [new for new, same in zip(labels, stays, strict=True) if same and new.face_id in outdated]
    batch, changed, confirmed = _write(workspace, news, again, begun)
    withdrawn = sum(not new.votes for new in news)
    done = _tally(decisions, classes, withdrawn, tabulated.strangers, changed, batch)
    return replace(
        done, waiting=len(waiting), confirmed=confirmed, early=len(still_asked) if not asked else 0
    )


def newest_decisions(workspace: Workspace) -> LabelBatch | None:
    """The newest run of `decide_labels` that changed anything and is not undone; None without one."""
    return next(iter(workspace.store.labels.batches(1, of_rules=True)), None)


def undo_decisions(workspace: Workspace, batch: str = "", by_id: int | None = None) -> Undone | None:
    """Take back the newest run of `decide_labels` that changed anything and is not undone; None without one.

    None also when that is not the ``batch`` asked for. What each of its faces held before holds again, unless a
    curator has decided it since. Nothing is erased, and the next run decides anew. ``by_id`` is who undoes.
    """
    newest = newest_decisions(workspace)
    if newest is None or batch not in ("", newest.batch):
        return None
    faces = workspace.store.labels.undo(newest.batch, by_id=by_id, at_once=_WRITTEN_AT_ONCE)
    return Undone(newest.batch, newest.at, len(faces))


def _write(
    workspace: Workspace, news: Sequence[Label], again: Sequence[Label], at: datetime
) -> tuple[str, int, int]:
    """The name of the run, "" when nothing was written, how many decisions changed and how many were confirmed."""
    batch = f"consensus-{at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    decide = workspace.store.labels.decide
    changed = confirmed = 0
    for some in _parts(news):
        changed += decide([replace(new, batch=batch, at=at) for new in some])
    for some in _parts(again):
        same = [replace(new, batch=batch, at=at) for new in some]
        confirmed += decide(same, confirm={new.face_id for new in same})
    return batch if changed or confirmed else "", changed, confirmed


def _parts(labels: Sequence[Label]) -> Iterator[Sequence[Label]]:
    for start in range(0, len(labels), _WRITTEN_AT_ONCE):
        yield labels[start : start + _WRITTEN_AT_ONCE]


def _campaign(workspace: Workspace, name: str) -> Campaign:
    campaigns = workspace.store.campaigns
    found = campaigns.by_name(name) if name else campaigns.main()
    if found is None:
        names = ", ".join(campaign.name for campaign in campaigns.all())
        raise NotFoundError(f"there is no campaign {name!r}", hint=f"choose one of: {names}")
    return found


def _still_asked(
    workspace: Workspace, campaign_id: int | None, decisions: Sequence[Consensus]
) -> frozenset[int]:
    """Those of the faces that the campaign still asks about; without one, that any open campaign does."""
    store = workspace.store
    campaigns = [campaign_id] if campaign_id else [c.id for c in store.campaigns.all() if c.closed_at is None]
    ids = [decision.item for decision in decisions]
    found: set[int] = set()
    for asking in campaigns:
        for start in range(0, len(ids), _AT_ONCE):
            wanted = store.queue.wanted(asking, ids[start : start + _AT_ONCE])
            found.update(face_id for face_id, face in wanted.items() if face.needs)
    return frozenset(found)


def _with_run(workspace: Workspace, rule: str, terms: Terms, run: str) -> tuple[Aggregator, str]:
    if rule != "auto":
        raise ConfigError(f"only the rule auto takes a run's view, not {rule}", hint="leave out --rule")
    found = workspace.store.runs.load(run)
    predictions = workspace.store.predictions.of_run(found.id)
    opinions = opinions_of(predictions, workspace.settings.classes)
    if not len(opinions.items):
        raise NotFoundError(
            f"run {found.id} has no predictions for faces that it was not trained on",
            hint="choose another run: train list",
        )
    return Auto(terms, opinions), f"auto with {found.id}"


def _label(decision: Consensus, method: str) -> Label:
    return Label(
        face_id=decision.item,
        label=decision.label,
        distribution=decision.distribution,
        confidence=decision.confidence,
        votes=decision.votes,
        method=f"{method}: {decision.reason}" if decision.reason else method,
    )


def _stays(old: Label | None, new: Label) -> bool:
    """Whether only the rule's view of other faces moved this one's distribution, and by next to nothing."""
    if old is None or (old.label, old.method, old.votes) != (new.label, new.method, new.votes):
        return False
    if old.distribution.keys() != new.distribution.keys():
        return False
    return all(abs(old.distribution[name] - share) < _MOVED for name, share in new.distribution.items())


def _withdrawn(
    held: Mapping[int, Label], voted: set[int], method: str, outdated: frozenset[int]
) -> list[Label]:
    """Decisions for faces that a rule once labelled and that nobody's vote supports any more."""
    return [
        Label(old.face_id, None, {}, 0.0, 0, f"{method}: no votes")
        for old in held.values()
        if (old.votes > 0 or old.face_id in outdated) and old.face_id not in voted and _rule_of(old) in RULES
    ]


def _rule_of(label: Label) -> str:
    return label.method.partition(":")[0].partition(" ")[0]


def _tally(
    decisions: Sequence[Consensus],
    classes: Sequence[str],
    withdrawn: int,
    strangers: int,
    changed: int,
    batch: str,
) -> DecisionTally:
    agreed = Counter(decision.label for decision in decisions)
    rejected = sum(decision.reason in REJECTING for decision in decisions)
    return DecisionTally(
        by_class={name: agreed[name] for name in classes},
        undecided=agreed[None] - rejected,
        rejected=rejected,
        withdrawn=withdrawn,
        strangers=strangers,
        changed=changed,
        batch=batch,
    )
