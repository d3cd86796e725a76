"""Applies a consensus rule to the votes of a workspace and writes down the decisions that changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from curate.consensus import REJECTING, RULES, Consensus, aggregator
from curate.votes_table import tabulate
from db.records import Label
from db.workspace import Workspace


@dataclass(frozen=True, slots=True)
class DecisionTally:
    """``by_class`` faces agreed on for each class; ``changed`` decisions that differ from what held before.

    ``withdrawn`` faces lost their label because every vote on them was undone; ``strangers`` are votes for
    a class that the workspace no longer has, which were left out.
    """

    by_class: dict[str, int]
    undecided: int
    rejected: int
    withdrawn: int
    strangers: int
    changed: int


def decide_labels(workspace: Workspace, rule: str = "majority", min_votes: int = 1) -> DecisionTally:
    """Decide every face that has votes; running it again without new votes writes nothing.

    Errors: ConfigError for an unknown rule.
    """
    chosen = aggregator(rule, min_votes)
    tabulated = tabulate(workspace.store.votes.current(), workspace.settings.classes)
    decisions = chosen.aggregate(tabulated.table)
    withdrawn = _withdrawn(workspace, {decision.item for decision in decisions}, rule)
    changed = workspace.store.labels.decide([*(_label(d, rule) for d in decisions), *withdrawn])
    return _tally(decisions, workspace.settings.classes, len(withdrawn), tabulated.strangers, changed)


def _label(decision: Consensus, rule: str) -> Label:
    return Label(
        face_id=decision.item,
        label=decision.label,
        distribution=decision.distribution,
        confidence=decision.confidence,
        votes=decision.votes,
        method=f"{rule}: {decision.reason}" if decision.reason else rule,
    )


def _withdrawn(workspace: Workspace, voted: set[int], rule: str) -> list[Label]:
    """Decisions for faces that a rule once labelled and that nobody's vote supports any more."""
    return [
        Label(old.face_id, None, {}, 0.0, 0, f"{rule}: no votes")
        for old in workspace.store.labels.current()
        if old.votes > 0 and old.face_id not in voted and old.method.split(":")[0] in RULES
    ]


def _tally(
    decisions: Sequence[Consensus], classes: Sequence[str], withdrawn: int, strangers: int, changed: int
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
    )
