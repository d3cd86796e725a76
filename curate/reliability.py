"""How far people agree beyond chance: Krippendorff's alpha, Fleiss' kappa, and plain agreement.

All answers count alike (nominal data), "unsure" and flags among them. Faces with one vote say nothing about
agreement and are left out of alpha and of the pairs.

Sources: K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011); J. L. Fleiss, Measuring nominal
scale agreement among many raters, Psychological Bulletin 76 (1971); for unequal numbers of votes K. L. Gwet,
Handbook of Inter-Rater Reliability, 4th ed. (2014).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from curate.intervals import Bounds
from curate.patterns import Floats, Ints, Patterns, interval

Verdict = Literal["reliable", "tentative", "care", "poor", "unknown"]


@dataclass(frozen=True, slots=True)
class Reliability:
    """``faces`` have votes, ``shared`` of them from two people or more; ``pairs`` of votes on one face.

    ``agreement`` is the share, 0 to 1, of pairs that give the same answer. ``alpha`` is 1 for perfect
    agreement, 0 for chance, below 0 for less. ``kappa`` (Fleiss) needs votes from people who are
    interchangeable; with the same number of votes on every face it is Fleiss' own, else Gwet's generalisation.
    ``*_bounds`` are 95 % intervals over faces drawn anew; they say nothing about other people. A figure is None
    where the votes do not give it: without a pair, or when only one answer was ever given.
    """

    faces: int
    shared: int
    votes: int
    pairs: int
    agreement: float | None
    agreement_bounds: Bounds | None
    alpha: float | None
    alpha_bounds: Bounds | None
    kappa: float | None

    @property
    def verdict(self) -> Verdict:
        """What alpha allows: ``reliable`` from .8 and ``tentative`` from .667 on (Krippendorff, Content Analysis),
        below that ``care`` from .4 on and ``poor`` (ours: faces are harder than texts); or ``unknown``.
        """
        if self.alpha is None:
            return "unknown"
        steps: tuple[tuple[float, Verdict], ...] = ((0.8, "reliable"), (0.667, "tentative"), (0.4, "care"))
        return next((name for least, name in steps if self.alpha >= least), "poor")


def reliability(faces: Patterns, resampled: Floats) -> Reliability:
    """The figures of a count table; ``resampled`` (B, U) are its `Patterns.resampled` for the intervals."""
    sums = _sums(faces.counts)  # (U, 3 + A)
    once, anew = faces.times @ sums, resampled @ sums
    votes = faces.counts.sum(axis=1)
    return Reliability(
        faces=int(faces.times.sum()),
        shared=int(faces.times[votes >= 2].sum()),
        votes=int(faces.times @ votes),
        pairs=int(once[1] // 2),
        agreement=_known(_agreement(once)),
        agreement_bounds=interval(_agreement(anew)),
        alpha=_known(_alpha(once)),
        alpha_bounds=interval(_alpha(anew)),
        kappa=_fleiss(faces.counts, faces.times),
    )


def alpha(counts: Ints) -> float | None:
    """Krippendorff's alpha of a count table (faces, answers); None where it is not defined."""
    return _known(_alpha(_sums(counts).sum(axis=0)))


def fleiss(counts: Ints) -> float | None:
    """Fleiss' kappa of a count table, also of unequal numbers of votes; None where it is not defined."""
    return _fleiss(counts, np.ones(len(counts), np.int64))


def _sums(counts: Ints) -> Floats:
    """What the figures are made of, to be summed over faces: (U, 3 + A).

    Columns: ordered pairs that agree, ordered pairs, Krippendorff's observed disagreement (each vote weighs
    one), and the pairable votes for each answer.
    """
    votes = counts.sum(axis=1)
    pairs = votes * (votes - 1)
    same = (counts * (counts - 1)).sum(axis=1)
    pairable = votes >= 2
    apart = (pairs - same) / np.maximum(votes - 1, 1)
    return np.column_stack([same, pairs, apart, counts * pairable[:, None]]).astype(np.float64)


def _agreement(sums: Floats) -> Floats:
    return _ratio(sums[..., 0], sums[..., 1])


def _alpha(sums: Floats) -> Floats:
    votes = sums[..., 3:].sum(axis=-1)
    expected = votes**2 - (sums[..., 3:] ** 2).sum(axis=-1)
    return 1 - _ratio((votes - 1) * sums[..., 2], expected)


def _fleiss(counts: Ints, times: Ints) -> float | None:
    votes = counts.sum(axis=1)
    kept = votes > 0
    counts, times, votes = counts[kept], times[kept], votes[kept]
    shared = votes >= 2
    if not shared.any():
        return None
    same = (counts * (counts - 1)).sum(axis=1)[shared] / (votes * (votes - 1))[shared]
    observed = np.average(same, weights=times[shared])
    shares = np.average(counts / votes[:, None], axis=0, weights=times)  # (A,)
    expected = float((shares**2).sum())
    return None if expected > 1 - 1e-12 else float((observed - expected) / (1 - expected))


def _ratio(part: Floats, whole: Floats) -> Floats:
    """NaN where the whole is 0."""
    there = np.asarray(whole > 0)
    return np.where(there, part / np.where(there, whole, 1.0), np.nan)


def _known(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
