"""Tiles cover the photo, cut faces are dropped, and the same face seen twice counts once."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curate.nms import overlaps, suppress
from curate.tiles import cut_by_tile, merge, tile_boxes, zoomed_tiles


def _boxes(*rows: tuple[float, float, float, float]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 4)


@pytest.mark.parametrize(
    ("size_wh", "tile_px", "expected"),
    [
        ((1, 1), 640, [(0, 0, 1, 1)]),
        ((640, 480), 640, [(0, 0, 640, 480)]),
        ((1000, 600), 640, [(0, 0, 640, 600), (360, 0, 1000, 600)]),
    ],
)
def test_tiles_of_known_sizes(size_wh, tile_px, expected):
    assert tile_boxes(size_wh, (tile_px, tile_px)) == expected


sizes = st.tuples(st.integers(1, 3000), st.integers(1, 3000))


def assert_covering(tiles, size_wh, overlap):
    for axis in (0, 1):
        spans = sorted({(tile[axis], tile[axis + 2]) for tile in tiles})
        assert spans[0][0] == 0
        assert spans[-1][1] == size_wh[axis]
        for (_, end), (start, later_end) in pairwise(spans):
            assert end - start >= overlap * (later_end - start) - 1


@given(sizes, st.tuples(st.integers(40, 900), st.integers(40, 900)), st.sampled_from([0.0, 0.2, 0.5]))
def test_tiles_stay_inside_cover_every_edge_and_overlap(size_wh, tile_wh, overlap):
    tiles = tile_boxes(size_wh, tile_wh, overlap)
    assert_covering(tiles, size_wh, overlap)
    for axis in (0, 1):
        assert {tile[axis + 2] - tile[axis] for tile in tiles} == {min(tile_wh[axis], size_wh[axis])}


@pytest.mark.parametrize(("tile_wh", "overlap"), [((0, 9), 0.2), ((9, 9), 1.0), ((9, 9), -0.1)])
def test_tiles_that_make_no_sense_are_refused(tile_wh, overlap):
    with pytest.raises(ValueError, match="expected tiles of"):
        tile_boxes((100, 100), tile_wh, overlap)


@given(sizes, st.sampled_from([2, 4]))
def test_zoomed_tiles_cover_the_photo_with_at_most_so_many_a_side(size_wh, a_side):
    tiles = zoomed_tiles(size_wh, a_side)
    assert_covering(tiles, size_wh, 0.25)
    assert len(tiles) <= a_side**2


@pytest.mark.parametrize(
    ("size_wh", "a_side", "count", "tile_wh"),
    [
        ((1750, 1050), 2, 4, (1000, 600)),
        ((1300, 650), 4, 16, (400, 200)),
        ((7000, 1000), 2, 2, (4000, 1000)),
        ((1, 1), 4, 1, (1, 1)),
    ],
)
def test_zoomed_tiles_have_the_ratio_of_the_photo_and_panoramas_one_row(size_wh, a_side, count, tile_wh):
    tiles = zoomed_tiles(size_wh, a_side)
    assert len(tiles) == count
    assert tiles[0] == (0, 0, *tile_wh)


def test_a_face_on_an_inner_edge_is_cut_and_one_on_the_photos_edge_is_not():
    boxes = _boxes((0, 10, 30, 40), (590, 10, 640, 50), (300, 300, 340, 350))
    assert cut_by_tile(boxes, (0, 0, 640, 480), (1000, 480)).tolist() == [False, True, False]
    assert cut_by_tile(_boxes(), (0, 0, 640, 480), (1000, 480)).tolist() == []


def test_merging_nothing_gives_nothing():
    assert merge([]).tolist() == []
    assert merge([(_boxes(), np.zeros(0, np.float32))]).tolist() == []


def test_merging_keeps_the_surer_of_two_looks_at_one_face_and_drops_its_part():
    whole = (_boxes((10, 10, 60, 70)), np.array([0.6], np.float32))
    tile = (
        _boxes((11, 10, 61, 70), (12, 40, 58, 69), (200, 200, 240, 250)),
        np.array([0.9, 0.5, 0.4], np.float32),
    )
    assert merge([whole, tile]).tolist() == [1, 3]


def test_overlaps_of_empty_and_touching_boxes_are_zero():
    assert overlaps(_boxes(), _boxes((0, 0, 1, 1))).shape == (0, 1)
    assert overlaps(_boxes((0, 0, 1, 1)), _boxes((1, 0, 2, 1)))[0, 0] == 0
    assert overlaps(_boxes((0, 0, 0, 0)), _boxes((0, 0, 0, 0)))[0, 0] == 0


def test_overlap_per_smaller_box_sees_a_part_inside():
    assert overlaps(_boxes((0, 0, 10, 10)), _boxes((0, 0, 5, 4)), "smaller")[0, 0] == 1


def test_suppression_goes_by_score_and_ties_by_order():
    boxes = _boxes((0, 0, 10, 10), (0, 1, 10, 11), (50, 50, 60, 60))
    assert suppress(boxes, np.array([0.5, 0.5, 0.9], np.float32)).tolist() == [2, 0]
    assert suppress(_boxes(), np.zeros(0, np.float32)).tolist() == []


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 40), st.integers(1, 40)), max_size=25
    )
)
def test_after_suppression_no_two_kept_boxes_overlap_and_every_other_overlaps_one(rows):
    boxes = _boxes(*[(x, y, x + w, y + h) for x, y, w, h in rows])
    kept = suppress(boxes, np.linspace(1, 0.1, len(boxes), dtype=np.float32), iou=0.5)
    shared = overlaps(boxes, boxes)
    assert all(shared[a, b] <= 0.5 for a in kept for b in kept if a != b)
    assert all(index in kept or shared[index, kept].max() > 0.5 for index in range(len(boxes)))
