"""How good a classifier is, from counts alone: accuracy with its interval, F1 per class, macro-F1.

Everything starts from one confusion matrix of shape (K, K): rows are the true class, columns the prediction.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from curate.intervals import wilson_interval

Matrix = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class ClassScore:
    """One class: ``support`` faces truly have it; a figure without a denominator is 0."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Scores:
    """All figures of one part. ``accuracy_low`` and ``accuracy_high`` bound accuracy at 95 % (Wilson)."""

    faces: int
    accuracy: float
    accuracy_low: float
    accuracy_high: float
    macro_f1: float
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]

    def as_record(self) -> dict[str, Any]:
        """As plain lists and numbers for JSON."""
        return asdict(self)


def confusion_matrix(true: ArrayLike, predicted: ArrayLike, classes: int) -> Matrix:
    """Counts of shape (classes, classes) from two equally long lists of class indices; empty gives zeros."""
    rows, columns = np.asarray(true, np.int64), np.asarray(predicted, np.int64)
    if rows.shape != columns.shape:
        raise ValueError(f"{rows.size} true classes but {columns.size} predictions")
    return np.bincount(rows * classes + columns, minlength=classes * classes).reshape(classes, classes)


def accuracy(matrix: Matrix) -> float:
    """The share on the diagonal; 0 for an empty matrix."""
    total = int(matrix.sum())
    return int(np.trace(matrix)) / total if total else 0.0


def class_scores(matrix: Matrix, labels: Sequence[str]) -> tuple[ClassScore, ...]:
    """Precision, recall and F1 of each class, in the order of the labels."""
    hits, true, claimed = np.diag(matrix), matrix.sum(axis=1), matrix.sum(axis=0)
    return tuple(
        ClassScore(
            label,
            _share(int(hits[i]), int(claimed[i])),
            _share(int(hits[i]), int(true[i])),
            _share(2 * int(hits[i]), int(true[i]) + int(claimed[i])),
            int(true[i]),
        )
        for i, label in enumerate(labels)
    )


def macro_f1(matrix: Matrix) -> float:
    """The mean F1 over the classes that occur, as truth or as prediction; 0 when none does."""
    occurs = matrix.sum(axis=0) + matrix.sum(axis=1)  # (K,)
    f1 = 2 * np.diag(matrix)[occurs > 0] / occurs[occurs > 0]
    return float(f1.mean()) if f1.size else 0.0


def scores(true: ArrayLike, predicted: ArrayLike, labels: Sequence[str]) -> Scores:
    """All figures at once from class indices; an empty part has accuracy 0 within 0 to 1."""
    matrix = confusion_matrix(true, predicted, len(labels))
    low, high = wilson_interval(int(np.trace(matrix)), int(matrix.sum()))
    return Scores(
        faces=int(matrix.sum()),
        accuracy=accuracy(matrix),
        accuracy_low=low,
        accuracy_high=high,
        macro_f1=macro_f1(matrix),
        classes=class_scores(matrix, labels),
        confusion=tuple(tuple(int(n) for n in row) for row in matrix),
    )


def selection_score(macro_f1: float, val_loss: float) -> float:
    """What the best checkpoint has most of: macro-F1 on val, a lower loss deciding between equals.

    A loss that is no number loses to everything.
    """
    if not (math.isfinite(macro_f1) and math.isfinite(val_loss)):
        return -1.0
    return macro_f1 - 1e-6 * min(max(val_loss, 0.0), 100.0)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
