"""How a detector is scored: known curves, ignored faces, and how sure the figure is."""

import numpy as np
import pytest

from curate.detect import Detection
from train.detector_score import (
    ScoredPhoto,
    average_precision,
    interval,
    judge,
    precision_recall,
    recall_of,
    score_record,
)


def _scored(truth, *found):
    return ScoredPhoto(
        [Detection(box, score) for box, score in found], np.array(truth, np.float32).reshape(-1, 4)
    )


FACE, LOW = (0, 0, 100, 100), (200, 0, 210, 10)


@pytest.mark.parametrize(
    ("photos", "least_px", "expected"),
    [
        ([_scored([FACE], (FACE, 0.9))], 0, 1.0),
        ([_scored([FACE])], 0, 0.0),
        ([_scored([FACE], (FACE, 0.9), (FACE, 0.8))], 0, 1.0),  # a double after the last face costs nothing
        ([_scored([FACE, LOW], (FACE, 0.8), ((400, 0, 500, 90), 0.9))], 0, 0.25),
        ([_scored([FACE, LOW], (FACE, 0.8), (LOW, 0.9))], 50, 1.0),  # a low face is ignored
        ([_scored([FACE], (FACE, 0.8), ((300, 0, 310, 10), 0.9))], 50, 1.0),  # and so is a low false alarm
        ([_scored([FACE], ((0, 0, 100, 49), 0.9))], 0, 0.0),
    ],
)
def test_average_precision_of_known_cases(photos, least_px, expected):
    assert average_precision(photos, least_height_px=least_px) == pytest.approx(expected)


@pytest.mark.parametrize("photos", [[], [_scored([])], [_scored([LOW])]])
def test_average_precision_without_faces_is_nan(photos):
    assert np.isnan(average_precision(photos, least_height_px=50))


# Two photos, made by hand. Heights: A 100, B 60, C 30 and D 10 px. Sorted by score:
#   .95 A right · .90 nothing there, 80 px · .85 B right · .80 D right · .70 nothing there, 12 px · .60 C right
A, B, C, D = (0, 0, 80, 100), (100, 0, 150, 60), (0, 0, 25, 30), (50, 50, 58, 60)
BY_HAND = [
    _scored([A, B], (A, 0.95), ((300, 0, 360, 80), 0.9), (B, 0.85)),
    _scored([C, D], (D, 0.8), ((200, 0, 210, 12), 0.7), (C, 0.6)),
]


@pytest.mark.parametrize(
    ("least_px", "expected"),
    [
        (
            0,
            (1 + 3 / 4 + 3 / 4 + 4 / 6) / 4,
        ),  # precision 1, 1/2, 2/3, 3/4, 3/5, 4/6, then the best to the right
        (20, (1 + 3 / 4 + 3 / 4) / 3),  # D and the false alarm of 12 px are ignored: 1, 1/2, 2/3, 3/4
        (50, (1 + 2 / 3) / 2),  # and C: 1, 1/2, 2/3
        (100, 1.0),  # only A is left, and the false alarm of 80 px is too low to count
    ],
)
def test_average_precision_agrees_with_a_curve_drawn_by_hand(least_px, expected):
    assert average_precision(BY_HAND, least_height_px=least_px) == pytest.approx(expected)


def test_precision_and_recall_after_each_detection():
    precision, recall = precision_recall(judge(BY_HAND, least_height_px=20))
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 3 / 4])
    assert recall.tolist() == pytest.approx([1 / 3, 1 / 3, 2 / 3, 1])
    assert recall_of(BY_HAND, least_height_px=20) == (3, 3)


def test_the_interval_surrounds_the_figure_and_is_the_same_each_time():
    photos = [_scored([A], (A, 0.9)) if n % 3 else _scored([A], (B, 0.8)) for n in range(60)]
    verdicts = judge(photos)
    low, high = interval(verdicts, rounds=200)
    assert 0 < low < average_precision(photos) < high < 1
    assert interval(verdicts, rounds=200) == (low, high)


def test_a_record_says_none_where_there_is_no_such_face():
    record = score_record([_scored([C, D], (C, 0.9), (D, 0.8))])
    assert record["0"] == {"ap50": 1.0, "low": 1.0, "high": 1.0, "faces": 2}
    assert record["100"] == {"ap50": None, "low": None, "high": None, "faces": 0}
