"""Who says what when others say something else, and which classes people cannot tell apart.

Source: the coincidence matrix of K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), and its
alpha for the two answers alone (Content Analysis, 4th ed., 2019, chapter 12). Every vote weighs one, however
many people judged its face.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from curate.intervals import Bounds
from curate.patterns import Floats, Ints, Patterns, interval

TOLD_APART, OFTEN_CONFUSED = 0.667, 0.4


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """``coincidences`` (A, A), symmetric: how often one person says the row and another the column of one face.

    Its sum is the number of votes on faces with two votes or more.
    """

    names: tuple[str, ...]
    coincidences: Floats

    @property
    def shares(self) -> Floats:
        """What others say, as shares of each row, 0 to 1, when one person says the row; a row of 0 without votes."""
        whole = self.coincidences.sum(axis=1, keepdims=True)
        return np.asarray(self.coincidences / np.where(whole > 0, whole, 1.0), np.float64)


@dataclass(frozen=True, slots=True)
class MixUp:
    """Two classes, and how well people tell them apart where they say one of the two.

    ``votes`` on either that meet another such vote on the same face; ``split`` is the share of them, 0 to 1,
    that meets the other class. ``alpha`` is 1 where nobody mixes them up and 0 where people guess (None
    when only one of the two was said); ``bounds`` is its 95 % interval over faces, None with too few of them.
    """

    first: str
    second: str
    votes: float
    split: float
    alpha: float | None
    bounds: Bounds | None

    @property
    def verdict(self) -> str:
        """``told apart``, ``often confused``, ``not told apart``, or ``unknown`` while the interval is too wide."""
        if self.alpha is None or self.bounds is None:
            return "unknown"
        low, high = self.bounds
        if low >= TOLD_APART:
            return "told apart"
        if high < OFTEN_CONFUSED:
            return "not told apart"
        return "often confused" if high < TOLD_APART else "unknown"


def confusion(faces: Patterns, names: tuple[str, ...]) -> Confusion:
    """The confusion between people over all answers, "unsure" and flags among them."""
    weights = faces.times / np.maximum(faces.counts.sum(axis=1) - 1, 1)  # a vote alone meets nobody: 1·1 - 1
    met = (faces.counts * weights[:, None]).T @ faces.counts - np.diag(weights @ faces.counts)
    return Confusion(names, met)


def mix_ups(faces: Patterns, resampled: Floats, classes: tuple[str, ...]) -> tuple[MixUp, ...]:
    """Every two classes that were both said of faces with two votes or more, least told apart first.

    ``classes`` are the first columns of the counts; ``resampled`` (B, U) gives the intervals.
    """
    each = _coincidences(faces.counts, len(classes))  # (U, K²)
    shape = (len(classes), len(classes))
    once, anew = (faces.times @ each).reshape(1, *shape), (resampled @ each).reshape(len(resampled), *shape)
    found = [
        _mix_up(classes[a], classes[b], _between(once, a, b), _between(anew, a, b))
        for a, b in combinations(range(len(classes)), 2)
    ]
    said = [mixed for mixed in found if mixed.alpha is not None]
    return tuple(sorted(said, key=lambda m: (m.alpha, -m.split, m.first, m.second)))


def _coincidences(counts: Ints, classes: int) -> Floats:
    """Each pattern's own coincidences of the classes, flat: (U, classes²)."""
    votes, said = counts.sum(axis=1), counts[:, :classes]
    met = said[:, :, None] * said[:, None, :]
    met[:, np.arange(classes), np.arange(classes)] -= said
    return np.asarray(met.reshape(len(counts), classes**2) / np.maximum(votes - 1, 1)[:, None], np.float64)


def _between(coincidences: Floats, a: int, b: int) -> Floats:
    """(…, 3): how often both said the first of two classes, both the second, one each."""
    return np.stack([coincidences[:, a, a], coincidences[:, b, b], coincidences[:, a, b]], axis=-1)


def _mix_up(first: str, second: str, once: Floats, anew: Floats) -> MixUp:
    both, apart = float(once[0, :2].sum()), 2 * float(once[0, 2])
    figure = float(_alpha(once)[0])
    known = not np.isnan(figure)
    split = apart / (both + apart) if both + apart else 0.0
    return MixUp(first, second, both + apart, split, figure if known else None, interval(_alpha(anew)))


def _alpha(sums: Floats) -> Floats:
    """Alpha of two answers from their coincidences (…, 3); NaN when one of them was never said."""
    first, second = sums[..., 0] + sums[..., 2], sums[..., 1] + sums[..., 2]
    product = first * second
    there = product > 0
    whole = np.maximum(first + second - 1, 0)
    return np.where(there, 1 - whole * sums[..., 2] / np.where(there, product, 1.0), np.nan)
