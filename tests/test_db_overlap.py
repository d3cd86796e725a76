"""When a face has votes enough."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.overlap import Overlap

_ANSWERS = 8

_adaptive = st.builds(
    lambda least, extra, lead: Overlap("adaptive", least=least, lead=lead, most=least + extra),
    st.integers(1, 4),
    st.integers(0, 4),
    st.integers(1, 4),
)
_fixed = st.builds(lambda most: Overlap("fixed", most=most), st.integers(1, 6))
_majority = st.builds(lambda team: Overlap("majority", team=team), st.integers(1, 7))
_policies = st.one_of(_adaptive, _fixed, _majority)
_counts = st.lists(st.integers(0, 4), max_size=_ANSWERS)


@pytest.mark.parametrize(
    ("counts", "wants"),
    [
        ([], True),
        ([1], True),
        ([2], False),
        ([1, 1], True),
        ([2, 1], True),
        ([3, 1], False),
        ([2, 2], True),
        ([2, 2, 1], False),
        ([1, 1, 1, 1], True),
    ],
)
def test_by_default_two_people_vote_and_more_until_one_answer_leads_by_two_at_most_five(
    counts: list[int], wants: bool
) -> None:
    assert Overlap().wants_more(counts, sum(counts)) is wants


def test_fixed_overlap_asks_the_same_number_of_people_whatever_they_say() -> None:
    policy = Overlap("fixed", most=3)
    assert policy.wants_more([2], 2)
    assert not policy.wants_more([1, 1, 1], 3)


@pytest.mark.parametrize(
    ("counts", "wants"),
    [
        ([], True),
        ([2], True),
        ([3], False),
        ([1, 1], True),
        ([1, 1, 1], False),
        ([2, 1], True),
        ([2, 2], False),
    ],
)
def test_a_team_of_four_stops_at_three_alike_or_when_no_answer_can_get_three(
    counts: list[int], wants: bool
) -> None:
    assert Overlap("majority", team=4).wants_more(counts, sum(counts)) is wants


@given(_policies, _counts)
def test_least_more_is_the_shortest_way_to_enough(policy: Overlap, counts: list[int]) -> None:
    padded = [*counts, *[0] * _ANSWERS]
    steps, reached = 0, [padded]
    while all(policy.wants_more(state, sum(state)) for state in reached):
        reached = [_with_one_more(state, i) for state in reached for i in _distinct(state)]
        steps += 1
    assert policy.least_more(counts, sum(counts)) == steps


def _with_one_more(state: list[int], place: int) -> list[int]:
    return sorted((*state[:place], state[place] + 1, *state[place + 1 :]), reverse=True)


def _distinct(state: list[int]) -> list[int]:
    """One place for the most, one for the second, one unheard: any other vote is no shorter way."""
    ranked = sorted(range(len(state)), key=lambda i: -state[i])
    return [ranked[0], ranked[1], state.index(0)]


@given(_policies, _counts, st.randoms(use_true_random=False))
def test_the_order_of_answers_does_not_matter(policy: Overlap, counts: list[int], random: object) -> None:
    shuffled = sorted(counts, key=lambda _: random.random())  # type: ignore[attr-defined]
    assert policy.wants_more(shuffled, sum(counts)) == policy.wants_more(counts, sum(counts))


@given(_policies, st.lists(st.lists(st.integers(0, 4), min_size=3, max_size=3), min_size=1, max_size=20))
def test_many_faces_at_once_are_judged_as_each_alone(policy: Overlap, rows: list[list[int]]) -> None:
    counts = np.array(rows, np.int64)
    alone = [policy.wants_more(row, sum(row)) for row in rows]
    assert policy.wanting(counts, counts.sum(axis=1)).tolist() == alone


def test_no_faces_and_a_single_answer_are_fine() -> None:
    none = np.zeros((0, 3), np.int64)
    assert Overlap().wanting(none, none.sum(axis=1)).tolist() == []
    one = np.array([[1], [2]], np.int64)
    assert Overlap().wanting(one, one.sum(axis=1)).tolist() == [True, False]


@given(_policies, st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_voting_always_ends_and_never_exceeds_the_most(policy: Overlap, answers: list[int]) -> None:
    counts, voters = [0, 0, 0, 0], 0
    while policy.wants_more(counts, voters):
        counts[answers[voters]] += 1
        voters += 1
    assert voters <= (policy.team if policy.kind == "majority" else policy.most)


@pytest.mark.parametrize(
    "numbers",
    [
        {"kind": "adaptive", "least": 0},
        {"kind": "adaptive", "least": 4, "most": 3},
        {"kind": "adaptive", "lead": 0},
        {"kind": "fixed", "most": 0},
        {"kind": "majority"},
        {"kind": "sometimes"},
    ],
)
def test_numbers_that_make_no_policy_are_refused(numbers: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Overlap(**numbers)  # type: ignore[arg-type]


def test_more_at_least_than_at_most_is_refused_in_words() -> None:
    with pytest.raises(ValueError) as refused:
        Overlap(least=2, most=1)
    assert str(refused.value) == "at least 2 votes a face but at most 1: most must not be less than least"
