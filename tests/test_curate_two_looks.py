"""Two looks at a picture: small faces by the near one, large ones mostly by the far one, every face once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from curate.two_looks import FAR_SHARE, LARGE_PX, SMALL_PX, far_share, matched, put_together
from curate.yolo_layout import Candidates


def _seen(*rows, points=False):
    """Candidates of (x1, y1, x2, y2, score); with points: all five in the box's corner."""
    table = np.array(rows, np.float32).reshape(-1, 5)
    corners = np.repeat(table[:, None, :2], 5, axis=1) if points else None
    return Candidates(table[:, :4], table[:, 4], corners)


def _rows(found):
    return sorted(
        [*box, score] for box, score in zip(found.xyxy.tolist(), found.scores.tolist(), strict=True)
    )


def test_a_small_face_is_what_the_near_look_saw():
    near, far = _seen((10, 10, 30, 30, 0.8)), _seen((12, 12, 32, 32, 0.2))
    assert _rows(put_together(near, far, 1.0)) == [pytest.approx([10, 10, 30, 30, 0.8])]


def test_a_large_face_is_mostly_what_the_far_look_saw():
    near, far = _seen((0, 0, 200, 200, 0.5), points=True), _seen((10, 10, 210, 210, 1.0), points=True)
    both = put_together(near, far, 1.0)
    at = 10 * FAR_SHARE
    assert _rows(both) == [pytest.approx([at, at, 200 + at, 200 + at, 0.5 + 0.5 * FAR_SHARE], rel=1e-5)]
    assert both.points == pytest.approx(np.full((1, 5, 2), at), rel=1e-5)


def test_how_large_a_face_is_goes_by_the_pixels_the_near_look_was_shown():
    near, far = _seen((0, 0, 200, 200, 0.8)), _seen((0, 0, 200, 200, 0.2))
    assert put_together(near, far, SMALL_PX / 200).scores.tolist() == pytest.approx([0.8])
    assert put_together(near, far, LARGE_PX / 200).scores.tolist() == pytest.approx([0.8 - 0.6 * FAR_SHARE])


def test_a_face_of_one_look_alone_keeps_that_looks_share_of_its_score():
    large, other = (0, 0, 200, 200), (300, 0, 500, 200)
    found = _rows(put_together(_seen((*large, 0.9)), _seen((*other, 0.9)), 1.0))
    assert found == [
        pytest.approx([*large, 0.9 * (1 - FAR_SHARE)]),
        pytest.approx([*other, 0.9 * FAR_SHARE]),
    ]
    tiny = (0, 0, 10, 10)
    assert put_together(_seen(), _seen((*tiny, 0.9)), 1.0).scores.tolist() == [0]


def test_the_surest_face_finds_its_partner_first_and_none_is_taken_twice():
    near = _seen((0, 0, 100, 100, 0.5), (5, 5, 105, 105, 0.9))
    far = _seen((4, 4, 104, 104, 0.7))
    rows, columns = matched(near, far)
    assert (rows.tolist(), columns.tolist()) == ([1], [0])


def test_nothing_seen_is_nothing_found():
    assert _rows(put_together(_seen(), _seen(), 1.0)) == []


@given(arrays.arrays(np.float32, 20, elements=st.floats(0, 2000, width=32)))
def test_the_far_look_counts_more_the_larger_a_face_is(heights):
    share = far_share(np.sort(heights))
    assert (np.diff(share) >= 0).all()
    assert ((share >= 0) & (share <= np.float32(FAR_SHARE))).all()
