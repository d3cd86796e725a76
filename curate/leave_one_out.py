"""What the others say: for each vote, the answers of everybody else on its face."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.patterns import Floats
from curate.said import Said


@dataclass(frozen=True, slots=True, eq=False)
class LeaveOneOut:
    """By `Said.alike_votes`, (R, A): whether an answer has the most votes among the others on the face.

    Several answers lead where they tie, none where there are no others.
    """

    leaders: NDArray[np.bool_]

    @property
    def consensus(self) -> Floats:
        """(R, A): 1 for the one leading answer, equal parts of 1 where several tie, 0 without others."""
        many = np.maximum(self.leaders.sum(axis=1, keepdims=True), 1)
        return np.asarray(self.leaders / many, np.float64)


def leave_one_out(votes: Said) -> LeaveOneOut:
    """The others' leading answers; computed once for all votes that stand alike."""
    answers = len(votes.names)
    others = np.repeat(votes.alike.counts[:, None, :], answers, axis=1)  # (U, A, A): pattern, own, others'
    others[:, np.arange(answers), np.arange(answers)] -= (
        1  # -1 where nobody said it: such rows are never asked for
    )
    others = others.reshape(-1, answers)
    top = others.max(axis=1, initial=0)
    return LeaveOneOut((others == top[:, None]) & (top > 0)[:, None])
