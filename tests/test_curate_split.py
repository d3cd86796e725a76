"""Splits: nothing leaks, ratios hold, and neither order nor machine changes anything."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.split import SplitItem, leaks, split, whole_ratios
from db.records.snapshots import PARTS, Part

CLASSES = ("angry", "happy", "neutral", "surprised")
SEED_RATIOS = (20.0, 4.0, 1.0)


def key(i: int) -> str:
    return f"{i * 7919 % 1_000_003:064x}"


def free_items(per_class: dict[str, int]) -> list[SplitItem]:
    """Items that are tied to nothing."""
    labels = [label for label, count in per_class.items() for _ in range(count)]
    return [SplitItem(key(i), label) for i, label in enumerate(labels)]


def counts(items: list[SplitItem], parts: dict[str, Part]) -> dict[str, list[int]]:
    """Faces of each class in train, val and test."""
    tally = Counter((item.label, parts[item.key]) for item in items)
    return {label: [tally[label, part] for part in PARTS] for label in {i.label for i in items}}


def tied_items(draws: list[tuple[int, int, int, int]]) -> list[SplitItem]:
    """Items of (class, photo, owner, near-duplicate group); owner and group 0 mean none."""
    items = []
    for i, (label, photo, owner, group) in enumerate(draws):
        ties = {("photo", str(photo))}
        ties |= {("photographer", str(owner))} if owner else set()
        ties |= {("near-duplicate group", str(group))} if group else set()
        items.append(SplitItem(key(i), CLASSES[label], frozenset(ties)))
    return items


tied_draws = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 60), st.integers(0, 12), st.integers(0, 20)), max_size=80
).map(tied_items)
ratios = st.sampled_from([SEED_RATIOS, (8.0, 1.0, 1.0), (0.8, 0.16, 0.04), (1.0, 1.0, 1.0), (3.0, 1.0, 0.0)])


def test_nothing_splits_into_nothing() -> None:
    assert dict(split([]).parts) == {}


@pytest.mark.parametrize(
    ("given_ratios", "whole"),
    [
        ((20, 4, 1), (20, 4, 1)),
        ((0.8, 0.16, 0.04), (20, 4, 1)),
        ((80, 20, 0), (4, 1, 0)),
        ((1.5, 1, 0.5), (3, 2, 1)),
    ],
)
def test_ratios_become_whole_numbers(
    given_ratios: tuple[float, float, float], whole: tuple[int, int, int]
) -> None:
    assert whole_ratios(given_ratios) == whole


@pytest.mark.parametrize("bad", [(0, 0, 0), (1, -1, 1)])
def test_impossible_ratios_are_refused(bad: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="ratios"):
        split([], bad)


def test_two_items_with_one_key_are_refused() -> None:
    with pytest.raises(ValueError, match="same key"):
        split([SplitItem("a", "happy"), SplitItem("a", "angry")])


@settings(deadline=None)
@given(tied_draws, ratios, st.integers(0, 5))
def test_no_tie_straddles_two_parts(items: list[SplitItem], r: tuple[float, float, float], seed: int) -> None:
    parts = split(items, r, seed).parts
    assert set(parts) == {item.key for item in items}
    assert leaks(items, parts) == []


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(CLASSES), st.integers(1, 90), min_size=1), ratios, st.integers(0, 1_000)
)
def test_free_faces_keep_the_ratios_to_within_one_face_a_class(
    per_class: dict[str, int], r: tuple[float, float, float], seed: int
) -> None:
    items = free_items(per_class)
    for label, placed in counts(items, dict(split(items, r, seed).parts)).items():
        for number, share in zip(placed, r, strict=True):
            assert abs(number - per_class[label] * share / sum(r)) <= 1 + 1e-9


@settings(deadline=None)
@given(st.integers(5, 60), st.integers(0, 100))
def test_from_five_faces_on_every_part_has_one_at_the_usual_ratios(count: int, seed: int) -> None:
    items = free_items({"happy": count})
    assert all(counts(items, dict(split(items, SEED_RATIOS, seed).parts))["happy"])


@pytest.mark.parametrize(
    ("count", "placed"), [(1, [1, 0, 0]), (2, [1, 1, 0]), (5, [3, 1, 1]), (25, [20, 4, 1])]
)
def test_small_classes(count: int, placed: list[int]) -> None:
    items = free_items({"happy": count})
    assert counts(items, dict(split(items).parts))["happy"] == placed


@settings(deadline=None)
@given(tied_draws.flatmap(lambda items: st.tuples(st.just(items), st.permutations(items))), st.integers(0, 3))
def test_the_order_of_items_changes_nothing(both: tuple[list[SplitItem], list[SplitItem]], seed: int) -> None:
    assert split(both[0], SEED_RATIOS, seed) == split(both[1], SEED_RATIOS, seed)


def test_another_seed_gives_another_split() -> None:
    items = free_items({"happy": 60})
    assert split(items, SEED_RATIOS, 0).parts != split(items, SEED_RATIOS, 1).parts
    assert split(items, SEED_RATIOS, 0) == split(items, SEED_RATIOS, 0)


@pytest.mark.parametrize("seed", range(10))
def test_pairs_of_mixed_classes_keep_close_to_the_ratios(seed: int) -> None:
    items = [SplitItem(key(i), CLASSES[i * 7 % 4], frozenset({("photo", str(i // 2))})) for i in range(400)]
    for placed in counts(items, dict(split(items, SEED_RATIOS, seed).parts)).values():
        for number, share in zip(placed, SEED_RATIOS, strict=True):
            assert abs(number - 100 * share / 25) <= 1


def test_groups_of_all_sizes_keep_close_to_the_ratios() -> None:
    owners = [i for i in range(120) for _ in range(1 + i % 9)]
    items = [
        SplitItem(key(i), CLASSES[(i * 5 + o) % 4], frozenset({("photographer", str(o))}))
        for i, o in enumerate(owners)
    ]
    for placed in counts(items, dict(split(items).parts)).values():
        for number, share in zip(placed, SEED_RATIOS, strict=True):
            assert abs(number - sum(placed) * share / 25) <= 1


def test_the_group_key_is_the_smallest_content_hash_of_the_group() -> None:
    tie = frozenset({("photo", "p")})
    items = [SplitItem("c", "happy", tie), SplitItem("a", "angry", tie), SplitItem("b", "happy")]
    assert dict(split(items).groups) == {"a": "a", "b": "b", "c": "a"}


def test_a_group_that_swallows_the_data_is_named() -> None:
    items = [SplitItem(key(i), "happy", frozenset({("video", "party.mp4")})) for i in range(9)]
    (note,) = split([*items, SplitItem("x", "happy")]).notes
    assert "9 of 10 faces" in note
    assert "video 'party.mp4'" in note
    assert split(free_items({"happy": 10})).notes == ()


def test_val_and_test_get_faces_even_when_one_group_swallows_the_data() -> None:
    glued = frozenset({("photographer", "one agency")})
    items = [SplitItem(key(i), CLASSES[i % 4], glued if i < 190 else frozenset()) for i in range(206)]
    for placed in counts(items, dict(split(items).parts)).values():
        assert all(placed)


def test_hints_pin_groups_and_contradictions_are_told() -> None:
    tie = frozenset({("photo", "p")})
    items = [SplitItem(key(i), "happy", hint="test") for i in range(10)]
    items += [SplitItem("x", "happy", tie, "val"), SplitItem("y", "happy", tie, "val")]
    items += [SplitItem("z", "happy", tie, "train"), SplitItem("free", "happy")]
    done = split(items)
    assert {done.parts[item.key] for item in items[:10]} == {"test"}
    assert [done.parts[k] for k in "xyz"] == ["val", "val", "val"]
    assert done.parts["free"] == "train"
    assert "1 group lies" in done.notes[-1]


def test_leaks_are_found_where_there_are_some() -> None:
    tie = frozenset({("photo", "p")})
    items = [SplitItem("a", "happy", tie), SplitItem("b", "happy", tie)]
    assert leaks(items, {"a": "train", "b": "test"}) == [("photo", "p")]
