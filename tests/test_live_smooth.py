"""Smoothing and following faces."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.nms import overlaps
from live.smooth import Smoother, Smoothing, blend, match

BOX = np.array([[10.0, 10.0, 50.0, 60.0]])
shares = st.lists(st.floats(0.001, 1), min_size=3, max_size=3).map(lambda p: np.array(p) / sum(p))


def test_no_faces_give_no_tracks() -> None:
    assert Smoother().update(0.0, np.zeros((0, 4)), np.zeros((0, 4))) == ()


@given(st.lists(shares, min_size=1, max_size=12), st.floats(0, 3), st.floats(0.001, 0.5))
def test_probabilities_add_up_to_one(stream: list[np.ndarray], half_life_s: float, step_s: float) -> None:
    smoother = Smoother(Smoothing(half_life_s))
    for number, p in enumerate(stream):
        (track,) = smoother.update(number * step_s, BOX, p[None])
        assert track.probabilities.sum() == pytest.approx(1)
        assert (track.probabilities >= 0).all()


@given(shares, st.floats(0, 3))
def test_a_constant_face_stays_as_it_is(p: np.ndarray, half_life_s: float) -> None:
    smoother = Smoother(Smoothing(half_life_s))
    for number in range(10):
        (track,) = smoother.update(number / 30, BOX, p[None])
    assert track.probabilities == pytest.approx(p)


def test_after_one_half_life_old_and_new_weigh_the_same() -> None:
    old, new = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert blend(old, new, 0.4, 0.4) == pytest.approx([0.5, 0.5])
    assert blend(old, new, 0.8, 0.4) == pytest.approx([0.25, 0.75])
    assert blend(old, new, 0.01, 0.0) == pytest.approx(new)


@given(st.integers(1, 40))
def test_smoothing_does_not_depend_on_the_frame_rate(frames: int) -> None:
    old, new = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    stepped = old
    for _ in range(frames):
        stepped = blend(stepped, new, 1.0 / frames, 0.4)
    assert stepped == pytest.approx(blend(old, new, 1.0, 0.4))


@given(st.integers(-6, 6), st.integers(-6, 6))
def test_a_moving_face_keeps_its_number(dx: int, dy: int) -> None:
    smoother, p = Smoother(), np.array([[0.5, 0.5]])
    ids = {smoother.update(n / 30, BOX + n * np.array([dx, dy, dx, dy]), p)[0].id for n in range(20)}
    assert ids == {1}


def test_two_faces_keep_their_numbers_when_the_detector_swaps_their_order() -> None:
    two, p = np.array([[0.0, 0, 40, 40], [100.0, 0, 140, 40]]), np.array([[1.0, 0], [0, 1.0]])
    smoother = Smoother()
    first = smoother.update(0.0, two, p)
    second = smoother.update(0.03, two[::-1] + 2, p[::-1])
    assert [t.id for t in second] == [t.id for t in first][::-1]
    assert second[0].probabilities == pytest.approx([0, 1])


def test_a_face_is_found_again_within_the_gap_and_new_after_it() -> None:
    smoother, p = Smoother(Smoothing(gap_s=0.5)), np.array([[0.5, 0.5]])
    none, nothing = np.zeros((0, 4)), np.zeros((0, 2))
    assert smoother.update(0.0, BOX, p)[0].id == 1
    smoother.update(0.2, none, nothing)
    assert smoother.update(0.4, BOX, p)[0].id == 1
    smoother.update(0.6, none, nothing)
    assert smoother.update(1.0, BOX, p)[0].id == 2


def test_time_running_back_starts_anew() -> None:
    smoother, p = Smoother(), np.array([[0.5, 0.5]])
    smoother.update(5.0, BOX, p)
    assert smoother.update(0.0, BOX, p)[0].id == 2


def test_overlap_of_known_boxes() -> None:
    other = np.array([[10.0, 10, 50, 60], [30, 10, 70, 60], [200, 200, 210, 210], [5, 5, 5, 5]])
    assert overlaps(BOX, other)[0] == pytest.approx([1, 1 / 3, 0, 0])


def test_matching_takes_the_largest_overlap_first_and_each_box_once() -> None:
    assert match(np.array([[0.6, 0.9], [0.5, 0.8]]), 0.2) == {1: 0, 0: 1}
    assert match(np.array([[0.1]]), 0.2) == {}
    assert match(np.zeros((0, 3)), 0.2) == {}
    assert match(np.zeros((3, 0)), 0.2) == {}


def test_negative_times_are_refused() -> None:
    with pytest.raises(ValueError, match="half_life_s"):
        Smoothing(half_life_s=-1)
