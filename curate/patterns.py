"""Faces that were answered alike, counted together: thousands of patterns stand for a million faces.

Resampling faces with replacement is a multinomial draw over the patterns, so a bootstrap over 100,000 faces
costs milliseconds and is exact.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

REPLICATES = 400
INTERVAL = (2.5, 97.5)  # percentiles: a 95 % interval


@dataclass(frozen=True, slots=True, eq=False)
class Patterns:
    """``counts`` (U, A) are the distinct rows of a count table, ``times`` (U,) how often each occurs.

    ``of_row`` (I,) names the pattern of every row.
    """

    counts: Ints
    times: Ints
    of_row: Ints

    def resampled(self, seed: int, replicates: int = REPLICATES) -> Floats:
        """How often each pattern occurs when the rows are drawn anew with replacement: (replicates, U)."""
        total = int(self.times.sum())
        if not total:
            return np.zeros((replicates, 0))
        drawn = np.random.default_rng(seed).multinomial(total, self.times / total, size=replicates)
        return drawn.astype(np.float64)  # for fast products


def patterns(counts: Ints, times: Ints | None = None) -> Patterns:
    """The distinct rows of a count table (I, A) of numbers from 0; row i stands for ``times`` [i] rows, or one."""
    keys = counts.astype(np.uint64) @ _keys(counts.shape[1])  # (I,), wraps at 2**64
    _, first, of_row = np.unique(keys, return_index=True, return_inverse=True)
    total = np.bincount(of_row, times, minlength=len(first))
    return Patterns(counts[first], total.astype(np.int64), of_row.astype(np.int64))


def interval(values: Floats) -> tuple[float, float] | None:
    """The 95 % percentile interval of bootstrapped figures; None when any of them does not exist (NaN)."""
    if not len(values) or np.isnan(values).any():
        return None
    low, high = np.percentile(values, INTERVAL)
    return float(low), float(high)


def _keys(count: int) -> NDArray[np.uint64]:
    """One odd 64-bit number a column: rows that differ share a key once in 2**64."""
    numbers = np.random.default_rng(20110125).integers(0, 2**63, count, dtype=np.uint64)
    return numbers * np.uint64(2) + np.uint64(1)
