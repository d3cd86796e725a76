"""Training patches: cut, flipped and laid together with the right faces in them, the same for the same seed."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InputError
from train.detector_patches import Aim, Patch, PatchSampler, cut, flip, quarters, turn


def _boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def _photo(width=200, height=100, *boxes):
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return Patch(image, _boxes(*boxes))


def test_a_cut_moves_scales_and_trims_boxes_and_drops_what_is_hardly_seen():
    photo = _photo(200, 100, (20, 20, 40, 40), (70, 20, 90, 40), (95, 20, 115, 40))
    patch = cut(Aim(photo, 2.0, np.array([10.0, 10.0])), 160)
    assert patch.image.shape == (160, 160, 3)
    assert patch.xyxy.tolist() == [[20, 20, 60, 60], [120, 20, 160, 60]]


def test_a_photo_smaller_than_its_patch_is_surrounded_by_grey():
    patch = cut(Aim(_photo(50, 40, (5, 5, 25, 25)), 1.0, np.array([-10.0, -20.0])), 100)
    assert patch.xyxy.tolist() == [[15, 25, 35, 45]]
    assert (patch.image[:20] == 114).all()
    assert (patch.image[:, 60:] == 114).all()


def test_flipping_twice_gives_the_same_patch_and_once_changes_the_eyes():
    points = np.arange(15, dtype=np.float32).reshape(1, 5, 3)
    patch = replace(_photo(50, 40, (5, 5, 25, 25)), points=points)
    once = flip(patch)
    assert once.xyxy.tolist() == [[25, 5, 45, 25]]
    assert once.known_points()[0, 0, 0] == 50 - points[0, 1, 0]
    again = flip(once)
    assert (again.image == patch.image).all()
    assert (again.known_points() == points).all()


def test_a_quarter_turn_moves_pixels_boxes_and_points_together():
    image = np.zeros((100, 100, 3), np.uint8)
    image[20, 30] = 255
    points = np.zeros((1, 5, 3), np.float32)
    points[0, 0] = (30, 20, 1)
    turned = turn(Patch(image, _boxes((20, 10, 50, 30)), points), 90)
    x, y, known = turned.known_points()[0, 0]
    assert (x, y, known) == pytest.approx((20, 70, 1))
    assert turned.image[round(y) - 1 : round(y) + 2, round(x) - 1 : round(x) + 2].max() > 100
    assert turned.xyxy[0].tolist() == pytest.approx([10, 50, 30, 80])


@given(st.floats(-180, 180))
def test_a_face_turned_about_the_middle_stays_in_the_middle_and_keeps_its_ellipse(degrees):
    turned = turn(_photo(200, 200, (80, 60, 120, 140)), degrees)
    x1, y1, x2, y2 = turned.xyxy[0]
    assert ((x1 + x2) / 2, (y1 + y2) / 2) == pytest.approx((100, 100), abs=0.01)
    assert ((x2 - x1) / 2) ** 2 + ((y2 - y1) / 2) ** 2 == pytest.approx(20**2 + 40**2, rel=1e-3)


def test_quarters_lay_four_patches_side_by_side():
    four = [_photo(10, 10, (1, 1, 5, 5)) for _ in range(4)]
    patch = quarters(four)
    assert patch.image.shape == (20, 20, 3)
    assert patch.xyxy.tolist() == [[1, 1, 5, 5], [11, 1, 15, 5], [1, 11, 5, 15], [11, 11, 15, 15]]


@given(st.integers(0, 1000), st.sampled_from([64, 160, 320]), st.booleans())
def test_boxes_of_drawn_patches_lie_inside_and_are_high_enough(seed, size, whole):
    photos = [
        _photo(300, 200, (10, 10, 60, 80), (250, 150, 299, 199)),
        _photo(40, 500),
        _photo(1, 1, (0, 0, 1, 1)),
        _photo(20_000, 20, (100, 2, 112, 18)),
    ]
    patch = PatchSampler(photos, seed).patch(size, whole)
    assert patch.image.shape == (size, size, 3)
    assert ((patch.xyxy >= 0) & (patch.xyxy <= size)).all()
    assert (patch.xyxy[:, 3] - patch.xyxy[:, 1] >= 3.5).all()


def test_the_same_seed_draws_the_same_patches():
    one, other = (PatchSampler([_photo(300, 200, (10, 10, 60, 80))], 7).patch(64, False) for _ in range(2))
    assert (one.image == other.image).all()


def test_no_photos_are_a_clear_error():
    with pytest.raises(InputError, match="no photo to train on"):
        PatchSampler([], 0)
