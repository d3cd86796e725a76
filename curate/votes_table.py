"""Votes as three columns of numbers, the form that every consensus rule takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from db.records import FLAGS, Vote

UNSURE = -1


@dataclass(frozen=True, slots=True, eq=False)
class VoteTable:
    """Who said what about which face; row i of every column is one vote, one an (item, annotator).

    ``items`` and ``annotators`` (N,) int64 are the store's ids. ``choices`` (N,) int64 are places in
    ``classes``, or -1 for "unsure" and for a flag alone. ``flags`` (N,) int64 are places in
    ``db.records.FLAGS``, or -1 for no flag. N may be 0.
    """

    items: NDArray[np.int64]
    annotators: NDArray[np.int64]
    choices: NDArray[np.int64]
    flags: NDArray[np.int64]
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        rows = self.items.shape
        if len(rows) != 1 or not (rows == self.annotators.shape == self.choices.shape == self.flags.shape):
            raise ValueError("a vote table has four columns of one length")
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
    """The standing votes as a table over these classes; votes for any other class are left out and counted."""
    place = {name: i for i, name in enumerate(classes)}
    flag_place = {name: i for i, name in enumerate(FLAGS)}
    rows: list[tuple[int, int, int, int]] = []
    strangers = 0
    for vote in votes:
        if vote.choice is not None and vote.choice not in place:
            strangers += 1
            continue
        choice = UNSURE if vote.choice is None else place[vote.choice]
        flag = UNSURE if vote.flag is None else flag_place[vote.flag]
        rows.append((vote.face_id, vote.annotator_id, choice, flag))
    columns = np.array(rows, np.int64).reshape(-1, 4).T
    return Tabulated(VoteTable(columns[0], columns[1], columns[2], columns[3], tuple(classes)), strangers)


def _check_range(name: str, column: NDArray[np.int64], count: int) -> None:
    if len(column) and not (column.min() >= UNSURE and column.max() < count):
        raise ValueError(f"{name} lie in -1..{count - 1}, got {column.min()}..{column.max()}")
