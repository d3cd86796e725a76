"""Votes as columns of numbers, the form that every consensus rule takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from db.records.votes import FLAGS, Vote

UNSURE = -1
ANONYMOUS = -1


@dataclass(frozen=True, slots=True, eq=False)
class VoteTable:
    """Who said what about which face; a vote is one row, or one row for each class that it chose.

    ``denies`` (N,) int64 are places in ``classes`` of what a "no" says that the face does not show, in a row that
    chooses nothing; -1, also where left out, for every other row.

    ``items`` and ``annotators`` (N,) int64 are the store's ids; -1 is an annotator nobody knows. ``choices``
    (N,) int64 are places in ``classes``, or -1 for "unsure" and for a flag alone. ``flags`` (N,) int64 are places
    in ``db.records.votes.FLAGS``, or -1 for no flag. ``weights`` (N,) float64 share out one vote: the rows of a
    vote that chose m classes weigh 1/m each; of votes of nobody known, how many said so; 1 where left out.
    N may be 0.
    """

    items: NDArray[np.int64]
    annotators: NDArray[np.int64]
    choices: NDArray[np.int64]
    flags: NDArray[np.int64]
    classes: tuple[str, ...]
    weights: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    denies: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        if not len(self.weights):
            object.__setattr__(self, "weights", np.ones(len(self.items)))
        if not len(self.denies):
            object.__setattr__(self, "denies", np.full(len(self.items), UNSURE))
        rows = self.items.shape
        columns = (self.annotators, self.choices, self.flags, self.weights, self.denies)
        if len(rows) != 1 or any(column.shape != rows for column in columns):
            raise ValueError("the columns of a vote table have one length")
        _check_range("choices", self.choices, len(self.classes))
        _check_range("flags", self.flags, len(FLAGS))
        _check_range("denies", self.denies, len(self.classes))

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A table, and how many votes were left out because their class is none of the workspace's."""

    table: VoteTable
    strangers: int


def tabulate(votes: Iterable[Vote], classes: Sequence[str]) -> Tabulated:
    """The standing votes as a table over these classes; votes for any other class are left out and counted.

    A vote that chose m classes gives each 1/m of itself. Of one person's votes on a face in several campaigns the
    newest counts; but a "no" leaves an earlier choice or flag as it is, unless it denies a class that was chosen.
    """
    place = {name: i for i, name in enumerate(classes)}
    flag_place = {name: i for i, name in enumerate(FLAGS)}
    standing: dict[tuple[int, int], Vote] = {}
    strangers = 0
    for vote in sorted(votes, key=lambda vote: (vote.at, vote.id)):
        if not {*vote.choices, *([vote.denies] if vote.denies else [])} <= place.keys():
            strangers += 1
            continue
        key = (vote.face_id, vote.annotator_id)
        if key not in standing or not _agrees(vote, standing[key]):
            standing[key] = vote
    rows: list[tuple[int, int, int, int, float, int]] = []
    for vote in standing.values():
        chosen = [place[name] for name in vote.choices] or [UNSURE]
        flag = UNSURE if vote.flag is None else flag_place[vote.flag]
        denied = UNSURE if vote.denies is None else place[vote.denies]
        rows += [(vote.face_id, vote.annotator_id, each, flag, 1 / len(chosen), denied) for each in chosen]
    items, annotators, choices, flags, weights, denies = zip(*rows, strict=True) if rows else ((),) * 6
    table = VoteTable(
        items=np.array(items, np.int64),
        annotators=np.array(annotators, np.int64),
        choices=np.array(choices, np.int64),
        flags=np.array(flags, np.int64),
        classes=tuple(classes),
        weights=np.array(weights, np.float64),
        denies=np.array(denies, np.int64),
    )
    return Tabulated(table, strangers)


def _agrees(no: Vote, earlier: Vote) -> bool:
    """Whether the later vote is a "no" that takes nothing back of what its person said before."""
    said = bool(earlier.choices) or earlier.flag is not None
    return no.denies is not None and said and no.denies not in earlier.choices


def _check_range(name: str, column: NDArray[np.int64], count: int) -> None:
    if len(column) and not (column.min() >= UNSURE and column.max() < count):
        raise ValueError(f"{name} lie in -1..{count - 1}, got {column.min()}..{column.max()}")
