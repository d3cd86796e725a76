"""Votes as columns of numbers, the form that every consensus rule takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from db.records import FLAGS, Vote

UNSURE = -1
ANONYMOUS = -1


@dataclass(frozen=True, slots=True, eq=False)
class VoteTable:
    """Who said what about which face; a vote is one row, or one row for each class that it chose.

    ``items`` and ``annotators`` (N,) int64 are the store's ids; -1 is an annotator nobody knows. ``choices``
    (N,) int64 are places in ``classes``, or -1 for "unsure" and for a flag alone. ``flags`` (N,) int64 are places
    in ``db.records.FLAGS``, or -1 for no flag. ``weights`` (N,) float64 share out one vote: the rows of a vote
    that chose m classes weigh 1/m each; of votes of nobody known, how many said so; 1 where left out. N may be 0.
    """

    items: NDArray[np.int64]
    annotators: NDArray[np.int64]
    choices: NDArray[np.int64]
    flags: NDArray[np.int64]
    classes: tuple[str, ...]
    weights: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        if not len(self.weights):
            object.__setattr__(self, "weights", np.ones(len(self.items)))
        rows = self.items.shape
        columns = (self.annotators, self.choices, self.flags, self.weights)
        if len(rows) != 1 or any(column.shape != rows for column in columns):
            raise ValueError("the columns of a vote table have one length")
        _check_range("choices", self.choices, len(self.classes))
        _check_range("flags", self.flags, len(FLAGS))

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Tabulated:
    """A table, and how many votes were left out because their class is none of the workspace's."""

    table: VoteTable
    strangers: int


def tabulate(votes: Iterable[Vote], classes: Sequence[str]) -> Tabulated:
    """The standing votes as a table over these classes; votes for any other class are left out and counted.

    A vote that chose m classes gives each 1/m of itself; a "no" to one class is a vote for all the others. Of
    one person's votes on a face in several campaigns the newest counts.
    """
    place = {name: i for i, name in enumerate(classes)}
    flag_place = {name: i for i, name in enumerate(FLAGS)}
    standing: dict[tuple[int, int], Vote] = {}
    strangers = 0
    for vote in votes:
        if not {*vote.choices, *([vote.denies] if vote.denies else [])} <= place.keys():
            strangers += 1
            continue
        key = (vote.face_id, vote.annotator_id)
        if key not in standing or standing[key].id < vote.id:
            standing[key] = vote
    rows: list[tuple[int, int, int, int, float]] = []
    for vote in standing.values():
        chosen = [place[name] for name in vote.choices] or _others(vote.denies, place) or [UNSURE]
        flag = UNSURE if vote.flag is None else flag_place[vote.flag]
        rows += [(vote.face_id, vote.annotator_id, choice, flag, 1 / len(chosen)) for choice in chosen]
    items, annotators, choices, flags, weights = zip(*rows, strict=True) if rows else ((),) * 5
    table = VoteTable(
        items=np.array(items, np.int64),
        annotators=np.array(annotators, np.int64),
        choices=np.array(choices, np.int64),
        flags=np.array(flags, np.int64),
        classes=tuple(classes),
        weights=np.array(weights, np.float64),
    )
    return Tabulated(table, strangers)


def _others(denied: str | None, place: dict[str, int]) -> list[int]:
    return [i for name, i in place.items() if name != denied] if denied else []


def _check_range(name: str, column: NDArray[np.int64], count: int) -> None:
    if len(column) and not (column.min() >= UNSURE and column.max() < count):
        raise ValueError(f"{name} lie in -1..{count - 1}, got {column.min()}..{column.max()}")
