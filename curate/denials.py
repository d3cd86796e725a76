"""What a "no" says: that one class is not the true one.

Everybody who says no is as often wrong as people are on average when they choose: few "no" votes cannot tell whose
are worth more.
"""

from __future__ import annotations

import numpy as np

from curate.ballots import Ballots, Floats

ERRORS, ERRORS_WEIGH = 0.3, 4.0  # before any vote: three errors in ten, a belief worth four votes
_LEAST = 1e-3


def error_rate(wrong: float, votes: float) -> float:
    """How often people are wrong, given the expected number of errors among these votes."""
    return float((wrong + ERRORS * ERRORS_WEIGH) / (votes + ERRORS_WEIGH))


def denials(ballots: Ballots, error: float) -> Floats:
    """The likelihood of each item's "no" votes under each true class, as logs: (I, K), or 0 where none was said.

    Who errs with probability e says "no" to the true class with e, and "no" to any other with 1 - e / (K - 1).
    """
    if not ballots.denied.any():
        return np.zeros((1, len(ballots.classes)))  # broadcasts to every item
    wrong = min(max(error, _LEAST), 1 - _LEAST)
    right = 1 - wrong / max(len(ballots.classes) - 1, 1)
    others = ballots.denied.sum(axis=1, keepdims=True) - ballots.denied
    return np.asarray(ballots.denied * np.log(wrong) + others * np.log(max(right, _LEAST)))
