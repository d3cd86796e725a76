"""Half hidden faces to learn from: covered in part, never all, and nothing else is touched."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.detector_covers import SMALLEST_COVERED_PX, cover
from train.detector_patches import Patch


def _patch(*boxes):
    image = np.random.default_rng(0).integers(0, 255, (96, 96, 3), np.uint8)
    return Patch(image, np.array(boxes, np.float32).reshape(-1, 4))


def _changed(before, after, box):
    """The share of a box's pixels that differ."""
    x1, y1, x2, y2 = box
    return (before.image != after.image).any(axis=2)[y1:y2, x1:x2].mean()


@given(st.integers(0, 10_000))
def test_a_covered_face_is_hidden_in_part_and_the_rest_of_the_picture_stays(seed):
    face = (30, 20, 70, 80)
    before = _patch(face)
    after = cover(before, 1.0, np.random.default_rng(seed))
    assert 0.1 < _changed(before, after, face) <= 0.53  # an ellipse fills 0.79 of a rectangle of 0.2 to 0.5
    outside = (before.image != after.image).any(axis=2)
    outside[20:80, 30:70] = False
    assert not outside.any()
    assert (after.xyxy == before.xyxy).all()


def test_about_the_share_asked_for_is_covered_and_small_faces_never():
    large, small = (10, 10, 50, 60), (60, 60, 70, 60 + SMALLEST_COVERED_PX - 1)
    before = _patch(large, small)
    covered = [cover(before, 0.3, np.random.default_rng(seed)) for seed in range(400)]
    assert np.mean([_changed(before, after, large) > 0 for after in covered]) == pytest.approx(0.3, abs=0.08)
    assert all(_changed(before, after, small) == 0 for after in covered)


def test_no_share_and_no_face_leave_the_patch_as_it_is():
    assert (
        cover(_patch((10, 10, 50, 60)), 0.0, np.random.default_rng(0)).image.tolist()
        == _patch().image.tolist()
    )
    assert cover(_patch(), 1.0, np.random.default_rng(0)).image.tolist() == _patch().image.tolist()


@given(st.integers(0, 1000))
def test_a_face_at_the_edge_is_covered_within_the_picture(seed):
    before = _patch((-0.0, 0.0, 20.4, 95.9), (80.0, 40.0, 96.0, 96.0))
    assert cover(before, 1.0, np.random.default_rng(seed)).image.shape == before.image.shape
