"""Drawing faces onto frames."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from live.colours import FAMILIAR, class_colours
from live.draw import clipped, draw_faces
from live.face import LiveFace

LABELS = ("happy", "étonné", "грустный", "a class name that is far too long to be drawn in full")


def face(xyxy: tuple[float, float, float, float], p: tuple[float, ...] = (0.1, 0.7, 0.1, 0.1)) -> LiveFace:
    return LiveFace(1, xyxy, 0.9, LABELS[: len(p)], p)


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_a_face_changes_pixels_at_its_box_and_not_the_input(shade: int) -> None:
    frame = np.full((240, 320, 3), shade, np.uint8)
    before = frame.copy()
    drawn = draw_faces(frame, [face((60, 60, 160, 180))])
    assert drawn.shape == frame.shape and drawn.dtype == np.uint8
    assert np.array_equal(frame, before)
    changed = (drawn != frame).any(axis=2)
    assert changed[60:180, 58:66].mean() > 0.2  # the left edge
    assert not changed[100:140, 90:130].any()  # the face itself stays visible


def test_without_faces_the_frame_is_a_plain_copy() -> None:
    frame = np.zeros((10, 12, 3), np.uint8)
    drawn = draw_faces(frame, [])
    assert np.array_equal(drawn, frame) and drawn is not frame


def test_letters_can_be_read_on_white_and_on_black() -> None:
    for shade in (0, 255):
        drawn = draw_faces(np.full((480, 640, 3), shade, np.uint8), [face((200, 200, 400, 400))])
        plate = drawn[172:192, 210:330].astype(int)  # the label's plate above the box
        assert plate.max() > 240 and plate.min() < 75


@settings(max_examples=40, deadline=None)
@given(
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.lists(
        st.tuples(st.floats(-200, 400), st.floats(-200, 400), st.floats(1, 400), st.floats(1, 400)),
        max_size=6,
    ),
)
def test_any_box_in_any_frame_can_be_drawn(
    size_hw: tuple[int, int], boxes: list[tuple[float, float, float, float]]
) -> None:
    frame = np.zeros((*size_hw, 3), np.uint8)
    faces = [face((x, y, x + w, y + h)) for x, y, w, h in boxes]
    assert draw_faces(frame, faces).shape == frame.shape


def test_letters_grow_with_the_frame() -> None:
    def inked(side: int) -> float:
        box = (side * 0.3, side * 0.3, side * 0.6, side * 0.6)
        drawn = draw_faces(np.zeros((side, side, 3), np.uint8), [face(box)])
        return float((drawn > 0).any(axis=2).mean())

    assert inked(1600) == pytest.approx(inked(800), rel=0.25)


def test_long_names_are_clipped_and_short_ones_are_not() -> None:
    assert clipped("happy", 500, 16) == "happy"
    short = clipped("x" * 200, 100, 16)
    assert short.endswith("…") and 3 < len(short) < 20
    assert clipped("abc", 0, 16) == "…"


def test_familiar_classes_keep_their_colour_whatever_the_run() -> None:
    four, eight = class_colours(("happy", "angry")), class_colours(tuple(FAMILIAR))
    assert four["angry"] == eight["angry"] == FAMILIAR["angry"]
    assert len(set(eight.values())) == 8


def test_new_classes_get_colours_of_their_own_and_repeat_only_when_there_are_none_left() -> None:
    colours = class_colours(("happy", "bored", "tired"))
    assert len(set(colours.values())) == 3
    assert len(class_colours(tuple(f"class {n}" for n in range(20)))) == 20


def test_a_face_as_json_names_every_class() -> None:
    said = face((1.04, 2, 3, 4)).as_json()
    assert said["class"] == "étonné" and said["box"] == [1.0, 2, 3, 4]
    assert said["probabilities"] == dict(zip(LABELS, (0.1, 0.7, 0.1, 0.1), strict=True))
