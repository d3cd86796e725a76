"""Places groups in train, val and test so that every class comes as close to its ratios as groups allow.

The measure is the sum of squares, over parts and classes, of (share wanted − faces placed). To stay in whole
numbers everything is multiplied by the sum of the ratios.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
MAX_MOVES = 500
MAX_KINDS = 300


def balance(groups: Ints, ratios: tuple[int, int, int], pinned: Ints) -> Ints:
    """The part 0, 1 or 2 of each group.

    ``groups`` (G, K) holds how many faces of each class a group has, in the order in which they are placed;
    ``pinned`` (G,) names the part of groups that have no choice, -1 for the others. A part with ratio 0
    gets pinned groups only.
    """
    board = _Board(groups, ratios, pinned)
    board.place()
    board.improve()
    board.fill_empty()
    return board.part


class _Board:
    """Where groups lie and how far every part is below its targets, kept up to date move by move."""

    def __init__(self, groups: Ints, ratios: tuple[int, int, int], pinned: Ints) -> None:
        self.groups = groups
        self.ratios = np.array(ratios, np.int64)
        self.scale = int(self.ratios.sum())
        self.part = pinned.copy()
        self.free = pinned < 0
        self.lacking = self.ratios[:, None] * groups.sum(axis=0)  # (3, K), times scale
        for part in range(3):
            self.lacking[part] -= self.scale * groups[pinned == part].sum(axis=0)

    def place(self) -> None:
        """Each free group in turn to the part whose classes lack most; the first part wins a tie."""
        for g in np.flatnonzero(self.free):
            wanted = self.lacking @ self.groups[g]  # (3,)
            wanted[self.ratios == 0] = np.iinfo(np.int64).min
            self._put(int(g), int(wanted.argmax()))

    def improve(self) -> None:
        """Move or swap groups while that lowers the measure."""
        for _ in range(MAX_MOVES):
            if not (self._best_move() or self._best_swap()):
                return

    def fill_empty(self) -> None:
        """Give val, then test, a group of each class they lack altogether, where the ratios bear it."""
        for part in (1, 2):
            if self.ratios[part]:
                for kind in range(self.groups.shape[1]):
                    self._fill(part, kind)

    def _put(self, g: int, part: int) -> None:
        if self.part[g] >= 0:
            self.lacking[self.part[g]] += self.scale * self.groups[g]
        self.lacking[part] -= self.scale * self.groups[g]
        self.part[g] = part

    def _best_move(self) -> bool:
        squares = self.scale * (self.groups**2).sum(axis=1)  # (G,)
        best, choice = 0, None
        for p, q in self._routes():
            movable = np.flatnonzero(self.free & (self.part == p))
            if len(movable):
                change = squares[movable] - self.groups[movable] @ (self.lacking[q] - self.lacking[p])
                at = int(change.argmin())
                if change[at] < best:
                    best, choice = int(change[at]), (int(movable[at]), q)
        if choice is not None:
            self._put(*choice)
        return choice is not None

    def _best_swap(self) -> bool:
        best, choice = 0, None
        for p, q in self._routes():
            if p > q:
                continue
            here, there = self._kinds(p), self._kinds(q)
            if not len(here) or not len(there):
                continue
            across = self.groups[here][:, None] - self.groups[there][None]  # (A, B, K)
            change = self.scale * (across**2).sum(axis=2) - across @ (self.lacking[q] - self.lacking[p])
            at = np.unravel_index(int(change.argmin()), change.shape)
            if change[at] < best:
                best, choice = int(change[at]), (int(here[at[0]]), q, int(there[at[1]]), p)
        if choice is not None:
            self._put(choice[0], choice[1])
            self._put(choice[2], choice[3])
        return choice is not None

    def _routes(self) -> list[tuple[int, int]]:
        return [(p, q) for p in range(3) for q in range(3) if p != q and self.ratios[p] and self.ratios[q]]

    def _kinds(self, part: int) -> Ints:
        """One free group of every make-up in a part, at most MAX_KINDS of them."""
        inside = np.flatnonzero(self.free & (self.part == part))
        if not len(inside):
            return inside
        _, first = np.unique(self.groups[inside], axis=0, return_index=True)
        return inside[np.sort(first)[:MAX_KINDS]]

    def _fill(self, part: int, kind: int) -> None:
        placed = np.stack([self.groups[self.part == p].sum(axis=0) for p in range(3)])  # (3, K)
        if placed[part, kind]:
            return
        holds = np.flatnonzero(self.free & (self.groups[:, kind] > 0))
        squares = self.scale * (self.groups[holds] ** 2).sum(axis=1)
        change = squares + (self.groups[holds] * (self.lacking[self.part[holds]] - self.lacking[part])).sum(
            axis=1
        )
        for g in holds[np.argsort(change, kind="stable")]:
            if self._may_move(int(g), part, placed):
                self._put(int(g), part)
                return

    def _may_move(self, g: int, part: int, placed: Ints) -> bool:
        """Whether the move empties no class where it was and breaks no ratio that holds.

        A ratio holds when a class is within one face, or the moved group, of its share. Where large groups
        have broken it already, the move may take from what lacks and must bring what it fills closer.
        """
        vector, source = self.groups[g], int(self.part[g])
        has = vector > 0
        if (placed[source][has] == vector[has]).any():
            return False
        bound = self.scale * vector[has]
        before = self.lacking[[source, part]][:, has]
        after = before + self.scale * np.stack([vector[has], -vector[has]])
        source_bears = (np.abs(after[0]) <= bound) | (before[0] > bound)
        part_bears = (np.abs(after[1]) <= bound) | (np.abs(after[1]) < np.abs(before[1]))
        return bool(source_bears.all() and part_bears.all())
