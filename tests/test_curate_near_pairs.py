"""Near pairs of hashes: the index finds exactly what comparing all with all finds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from curate.components import components, tied
from curate.near_pairs import near_pairs


def all_with_all(hashes: NDArray[np.uint64], distance: int) -> list[tuple[int, int]]:
    numbers = [int(h) for h in hashes]
    return [
        (i, j)
        for i in range(len(numbers))
        for j in range(i + 1, len(numbers))
        if (numbers[i] ^ numbers[j]).bit_count() <= distance
    ]


def as_tuples(pairs: NDArray[np.int64]) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in pairs]


@pytest.mark.parametrize("hashes", [[], [5]])
def test_fewer_than_two_hashes_make_no_pair(hashes: list[int]) -> None:
    assert near_pairs(np.array(hashes, np.uint64), 6).shape == (0, 2)


@pytest.mark.parametrize("distance", [-1, 65])
def test_a_distance_outside_64_bits_is_refused(distance: int) -> None:
    with pytest.raises(ValueError, match=r"0\.\.64"):
        near_pairs(np.zeros(3, np.uint64), distance)


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 2**64 - 1), max_size=12),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 2**64 - 1)), max_size=8),
    st.integers(0, 64),
)
def test_few_hashes_equal_brute_force(seeds: list[int], near: list[tuple[int, int]], distance: int) -> None:
    copies = [
        seeds[i % len(seeds)] ^ (bits & bits >> 7 & bits << 5 & (2**64 - 1)) for i, bits in near if seeds
    ]
    hashes = np.array(seeds + copies, np.uint64)
    assert as_tuples(near_pairs(hashes, distance)) == all_with_all(hashes, distance)


@pytest.mark.parametrize("distance", [0, 3, 4, 7, 8, 11, 12])
def test_the_index_equals_brute_force(distance: int) -> None:
    rng = np.random.default_rng(distance)
    base = rng.integers(0, 2**64, 2_200, dtype=np.uint64)
    copies = base[:300].copy()
    for _ in range(distance + 1):  # up to distance + 1 flipped bits: just inside and just outside
        copies ^= np.where(
            rng.random(300) < 0.85, np.uint64(1) << rng.integers(0, 64, 300).astype(np.uint64), 0
        )
    hashes = np.concatenate([base, copies, base[:5]])
    bits = np.bitwise_count(hashes[:, None] ^ hashes[None])
    i, j = np.nonzero(np.triu(bits <= distance, 1))
    found = near_pairs(hashes, distance)
    assert len(found) >= 5
    assert np.array_equal(found, np.stack([i, j], axis=1))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19))))
def test_components_do_not_depend_on_the_order_of_pairs(pairs: list[tuple[int, int]]) -> None:
    shuffled = [(b, a) for a, b in reversed(pairs)]
    roots = components(20, pairs)
    assert np.array_equal(roots, components(20, shuffled))
    assert all(roots[a] == roots[b] for a, b in pairs)
    assert all(roots[root] == root <= i for i, root in enumerate(roots))


def test_things_tied_through_others_are_one_component() -> None:
    assert tied([["a"], ["b"], [], ["a", "b"]]).tolist() == [0, 0, 2, 0]
    assert tied([]).tolist() == []
