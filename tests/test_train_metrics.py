"""The figures a run is judged by, and the rule that picks its best epoch."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.history import Epoch, best_epoch, read_history, record_epoch
from train.metrics import (
    accuracy,
    class_scores,
    confusion_matrix,
    macro_f1,
    scores,
    selection_score,
    wilson_interval,
)


def epoch(number: int, f1: float, loss: float = 1.0) -> Epoch:
    return Epoch(number, "all layers", 1e-3, 1.0, loss, 0.5, f1, 0.1)


@pytest.mark.parametrize(
    ("true", "predicted", "expected"),
    [
        ([], [], [[0, 0], [0, 0]]),
        ([0], [1], [[0, 1], [0, 0]]),
        ([0, 0, 1, 1], [0, 1, 1, 1], [[1, 1], [0, 2]]),
    ],
)
def test_rows_of_the_confusion_matrix_are_the_truth(true, predicted, expected):
    assert confusion_matrix(true, predicted, 2).tolist() == expected


def test_truth_and_predictions_of_unequal_length_are_refused():
    with pytest.raises(ValueError, match="2 true classes but 1"):
        confusion_matrix([0, 1], [0], 2)


@pytest.mark.parametrize(
    ("matrix", "acc", "f1"),
    [
        ([[0, 0], [0, 0]], 0.0, 0.0),
        ([[3, 0], [0, 2]], 1.0, 1.0),
        ([[0, 3], [2, 0]], 0.0, 0.0),
        ([[2, 0, 0], [0, 2, 0], [0, 0, 0]], 1.0, 1.0),  # a class nobody has or claims is left out
        (
            [[2, 0, 1], [0, 2, 0], [0, 0, 0]],
            0.8,
            (0.8 + 1.0 + 0.0) / 3,
        ),  # claimed but never true: counts as 0
    ],
)
def test_accuracy_and_macro_f1(matrix, acc, f1):
    assert accuracy(np.array(matrix)) == pytest.approx(acc)
    assert macro_f1(np.array(matrix)) == pytest.approx(f1)


def test_figures_per_class():
    angry, happy = class_scores(np.array([[1, 1], [0, 2]]), ("angry", "happy"))
    assert (angry.precision, angry.recall, angry.support) == (1.0, 0.5, 2)
    assert happy.f1 == pytest.approx(0.8)


@pytest.mark.parametrize(
    ("hits", "total", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (81, 100, 0.7222, 0.8749)],
)
def test_the_wilson_interval_matches_published_values(hits, total, low, high):
    assert wilson_interval(hits, total) == pytest.approx((low, high), abs=1e-4)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=40))
def test_figures_stay_in_range_and_the_interval_holds_the_accuracy(pairs):
    true, predicted = [t for t, _ in pairs], [p for _, p in pairs]
    found = scores(true, predicted, "abcd")
    assert found.faces == len(pairs)
    assert 0 <= found.macro_f1 <= 1
    assert found.accuracy_low <= found.accuracy + 1e-9 and found.accuracy <= found.accuracy_high + 1e-9


def test_the_epoch_of_best_macro_f1_is_kept_and_a_lower_loss_decides_between_equals():
    rows = (
        epoch(1, 0.5),
        epoch(2, 0.7, loss=1.2),
        epoch(3, 0.7, loss=0.9),
        epoch(4, 0.7, loss=0.9),
        epoch(5, 0.6),
    )
    best = best_epoch(rows)
    assert best is not None and best.epoch == 3
    assert best_epoch(()) is None


def test_a_loss_that_is_no_number_loses_to_everything():
    assert selection_score(0.9, math.nan) < selection_score(0.0, 99.0)
    assert selection_score(0.5, math.inf) == -1.0


def test_recording_an_epoch_again_drops_it_and_the_later_ones(tmp_path):
    path = tmp_path / "history.csv"
    assert read_history(path) == ()
    for number in (1, 2, 3):
        record_epoch(path, epoch(number, 0.1 * number))
    rows = record_epoch(path, epoch(2, 0.9))
    assert [row.epoch for row in rows] == [1, 2]
    assert read_history(path) == rows
