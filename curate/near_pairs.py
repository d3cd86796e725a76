"""All pairs of 64-bit hashes that differ in few bits, exactly and without comparing every pair."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]
Pairs = NDArray[np.int64]

BANDS = 4
BAND_BITS = 16
BRUTE_BELOW = 2_000
INDEXED_UP_TO = 11  # beyond, a band would have to be tried within 3 bits: 697 look-ups a band
CHUNK = 2_000_000


def near_pairs(hashes: Hashes, distance: int) -> Pairs:
    """Every pair i < j whose hashes differ in at most `distance` of 64 bits: (P, 2) int64, sorted.

    Few hashes, or a distance above 11, are compared all with all; many by multi-index hashing (Norouzi,
    Punjani and Fleet 2012): of four 16-bit bands one differs in at most distance // 4 bits. Equal hashes
    make a pair each with each, so take them out first when there may be many. Fewer than two hashes give
    (0, 2). Raises ValueError for a distance outside 0..64.
    """
    if not 0 <= distance <= 64:
        raise ValueError(f"a distance between 64-bit hashes lies in 0..64, got {distance}")
    values = np.ascontiguousarray(hashes, np.uint64)
    indexed = len(values) > BRUTE_BELOW and distance <= INDEXED_UP_TO
    found = list(_by_bands(values, distance) if indexed else _by_brute_force(values, distance))
    if not found:
        return np.zeros((0, 2), np.int64)
    keys = np.unique(np.concatenate(found))
    return np.stack([keys // len(values), keys % len(values)], axis=1)


def _by_brute_force(values: Hashes, distance: int) -> Iterator[NDArray[np.int64]]:
    """Keys i·n + j of near pairs, some rows at a time."""
    n = len(values)
    rows = max(1, CHUNK // max(n, 1))
    for start in range(0, n, rows):
        block = values[start : start + rows]
        near = np.bitwise_count(block[:, None] ^ values[None, start:]) <= distance
        i, j = np.nonzero(near)
        yield _keys(i + start, j + start, n)


def _by_bands(values: Hashes, distance: int) -> Iterator[NDArray[np.int64]]:
    """Keys i·n + j of near pairs; one pair may come from several bands."""
    n = len(values)
    for band in range(BANDS):
        bits = ((values >> np.uint64(band * BAND_BITS)) & np.uint64(0xFFFF)).astype(np.int64)
        order = np.argsort(bits, kind="stable")
        sizes = np.bincount(bits, minlength=1 << BAND_BITS)
        starts = np.concatenate([[0], np.cumsum(sizes)])
        for mask in _masks(distance // BANDS):
            wanted = bits ^ mask
            for i, j in _joined(starts[wanted], sizes[wanted], order):
                near = (i < j) & (np.bitwise_count(values[i] ^ values[j]) <= distance)
                yield _keys(i[near], j[near], n)


def _joined(
    starts: NDArray[np.int64], sizes: NDArray[np.int64], order: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(i, j) for every i and every j in its bucket ``order[starts[i] : starts[i] + sizes[i]]``, in chunks."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        done = ends[first - 1] if first else 0
        last = max(first + 1, int(np.searchsorted(ends, done + CHUNK, side="right")))
        some = sizes[first:last]
        i = np.repeat(np.arange(first, last), some)
        within = np.arange(len(i)) - np.repeat(np.cumsum(some) - some, some)
        yield i, order[np.repeat(starts[first:last], some) + within]
        first = last


def _masks(radius: int) -> list[int]:
    """Every 16-bit number with at most `radius` bits set."""
    return [
        sum(1 << bit for bit in bits)
        for ones in range(radius + 1)
        for bits in combinations(range(BAND_BITS), ones)
    ]


def _keys(i: NDArray[np.int64], j: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    ordered = i < j
    return i[ordered] * n + j[ordered]
