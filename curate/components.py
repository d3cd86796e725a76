"""Connected components: which things belong together when some pairs do."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray


def components(count: int, pairs: Iterable[tuple[int, int]]) -> NDArray[np.int64]:
    """For each of `count` things the smallest index in its component, (count,) int64.

    Pairs are indices 0 ≤ i, j < count in any order; no pairs leave every thing on its own.
    Union-find with path halving; the smaller root wins, so the order of the pairs changes nothing.
    """
    root = list(range(count))

    def find(i: int) -> int:
        while root[i] != i:
            root[i] = root[root[i]]
            i = root[i]
        return i

    for i, j in pairs:
        a, b = find(int(i)), find(int(j))
        if a != b:
            root[max(a, b)] = min(a, b)
    return np.fromiter((find(i) for i in range(count)), np.int64, count)


def tied(keys: Sequence[Iterable[Hashable]]) -> NDArray[np.int64]:
    """Components of things that share a key; ``keys[i]`` are the keys of thing i. Shapes as `components`."""
    first: dict[Hashable, int] = {}
    pairs = [(first.setdefault(key, i), i) for i, own in enumerate(keys) for key in own]
    return components(len(keys), pairs)
