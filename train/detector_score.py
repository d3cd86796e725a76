"""Average precision of a face detector, for all faces and by their height in the photo."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection
from curate.nms import overlaps

LEAST_HEIGHTS_PX = (0, 20, 50, 100)


@dataclass(frozen=True, slots=True)
class ScoredPhoto:
    """What was found in a photo and the boxes (N, 4) of the faces that are there."""

    found: Sequence[Detection]
    truth: NDArray[np.float32]


def average_precision(
    photos: Sequence[ScoredPhoto], *, least_height_px: float = 0, iou: float = 0.5
) -> float:
    """Area under the interpolated precision-recall curve (VOC 2010 and later), 0 to 1; nan without a face.

    A face lower than ``least_height_px`` is ignored, as in COCO: it need not be found, and a detection that
    matches it, or that matches nothing and is itself that low, counts neither for nor against.
    """
    scores: list[float] = []
    right: list[bool] = []
    total = 0
    for photo in photos:
        counted = photo.truth[:, 3] - photo.truth[:, 1] >= least_height_px
        total += int(counted.sum())
        for score, verdict in _verdicts(photo, counted, least_height_px, iou):
            scores.append(score)
            right.append(verdict)
    if not total:
        return float("nan")
    hits = np.cumsum(np.array(right)[np.argsort(-np.array(scores), kind="stable")]) if scores else np.zeros(0)
    recall = np.concatenate([[0], hits / total])
    precision = hits / np.arange(1, len(hits) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]  # best precision at this recall or more
    return float(np.sum(np.diff(recall) * envelope))


def _verdicts(
    photo: ScoredPhoto, counted: NDArray[np.bool_], least_height_px: float, iou: float
) -> list[tuple[float, bool]]:
    """(score, right or not) of each detection that counts; faces go to the highest score first."""
    found = sorted(photo.found, key=lambda face: -face.score)
    boxes = np.array([face.xyxy for face in found], np.float32).reshape(-1, 4)
    shared = overlaps(boxes, photo.truth.astype(np.float32))  # (found, truth)
    free = np.ones(len(photo.truth), bool)
    verdicts = []
    for face, row in zip(found, shared, strict=True):
        for candidates in (free & counted, free & ~counted):
            best = int(np.argmax(np.where(candidates, row, -1))) if len(row) else 0
            if len(row) and candidates[best] and row[best] >= iou:
                free[best] = False
                if counted[best]:
                    verdicts.append((face.score, True))
                break
        else:
            if face.height >= least_height_px:
                verdicts.append((face.score, False))
    return verdicts
