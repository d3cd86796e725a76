"""How far the team is: what it agrees on so far, how often, and who voted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.consensus import REJECTING, Majority
from curate.votes_table import VoteTable, tabulate
from db.store import Store


@dataclass(frozen=True, slots=True)
class PersonProgress:
    """One annotator's votes and skips that hold now."""

    name: str
    simulated: bool
    note: str
    votes: int
    skips: int


@dataclass(frozen=True, slots=True)
class TeamProgress:
    """Every face is in one class of ``by_class``, or undecided, rejected or not voted on.

    ``agreement`` is the share, 0 to 1, of all ``pairs`` of people who judged the same face and gave the
    same answer ("unsure" and flags are answers too); None without a pair.
    """

    faces: int
    votes: int
    by_class: Mapping[str, int]
    undecided: int
    rejected: int
    unvoted: int
    agreement: float | None
    pairs: int
    people: tuple[PersonProgress, ...]


def team_progress(store: Store, classes: Sequence[str]) -> TeamProgress:
    """What holds at this moment, by absolute majority of those who voted on each face."""
    table = tabulate(store.votes.current(), classes).table
    decisions = Majority().aggregate(table)
    by_class = dict.fromkeys(classes, 0)
    for decision in decisions:
        if decision.label is not None:
            by_class[decision.label] += 1
    rejected = sum(decision.reason in REJECTING for decision in decisions)
    agreeing, pairs = agreeing_pairs(table)
    faces = store.faces.count()
    return TeamProgress(
        faces=faces,
        votes=len(table),
        by_class=by_class,
        undecided=len(decisions) - sum(by_class.values()) - rejected,
        rejected=rejected,
        unvoted=faces - len(decisions),
        agreement=agreeing / pairs if pairs else None,
        pairs=pairs,
        people=_people(store),
    )


def agreeing_pairs(votes: VoteTable) -> tuple[int, int]:
    """(pairs of votes on one item that give the same answer, all pairs of votes on one item)."""
    answers = votes.choices * 100 + votes.flags  # (N,), one number for each answer
    same = _pairs(np.stack([votes.items, answers], axis=1))
    return same, _pairs(votes.items[:, None])


def _pairs(rows: NDArray[np.int64]) -> int:
    """How many pairs of equal rows there are."""
    counts = np.unique(rows, axis=0, return_counts=True)[1]
    return int((counts * (counts - 1) // 2).sum())


def _people(store: Store) -> tuple[PersonProgress, ...]:
    votes, skips = store.votes.counts(), store.votes.skips()
    people = (
        PersonProgress(who.name, who.simulated, who.note, votes.get(who.id, 0), skips.get(who.id, 0))
        for who in store.annotators.all()
    )
    return tuple(sorted(people, key=lambda person: (-person.votes, person.name)))
