"""How good a face detector is: average precision by face height, with its uncertainty over photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection
from curate.nms import overlaps

LEAST_HEIGHTS_PX = (0, 20, 50, 100)
LEAST_SCORE = 0.01  # what a detector must report for its curve to be whole

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ScoredPhoto:
    """What was found in a photo and the boxes (N, 4) of the faces that are there."""

    found: Sequence[Detection]
    truth: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Every detection that counts, highest score first: its score, whether it is right, its photo's number.

    ``faces`` (photos,) is how many faces each photo holds that are to be found.
    """

    scores: Floats
    right: NDArray[np.bool_]
    photo: NDArray[np.intp]
    faces: NDArray[np.intp]


def average_precision(
    photos: Sequence[ScoredPhoto], *, least_height_px: float = 0, iou: float = 0.5
) -> float:
    """Area under the interpolated precision-recall curve (VOC 2010 and later), 0 to 1; nan without a face.

    A face lower than ``least_height_px`` is ignored, as in COCO: it need not be found, and a detection that
    matches it, or that matches nothing and is itself that low, counts neither for nor against.
    """
    return area(judge(photos, least_height_px=least_height_px, iou=iou))


def judge(photos: Sequence[ScoredPhoto], *, least_height_px: float = 0, iou: float = 0.5) -> Verdicts:
    """Which detections are right; faces go to the highest score first, each to one detection."""
    rows: list[tuple[float, bool, int]] = []
    faces = []
    for number, photo in enumerate(photos):
        counted = photo.truth[:, 3] - photo.truth[:, 1] >= least_height_px
        faces.append(int(counted.sum()))
        rows += [(*verdict, number) for verdict in _verdicts(photo, counted, least_height_px, iou)]
    rows.sort(key=lambda row: -row[0])
    scores, right, numbers = zip(*rows, strict=True) if rows else ((), (), ())
    return Verdicts(
        np.array(scores, np.float64),
        np.array(right, np.bool_),
        np.array(numbers, np.intp),
        np.array(faces, np.intp),
    )


def precision_recall(verdicts: Verdicts, counts: NDArray[np.intp] | None = None) -> tuple[Floats, Floats]:
    """(precision, recall) after each detection, both (N,); ``counts`` (photos,) says how often each photo counts."""
    counts = np.ones(len(verdicts.faces), np.intp) if counts is None else counts
    seen = counts[verdicts.photo]
    hits, found = np.cumsum(seen * verdicts.right), np.cumsum(seen)
    return hits / np.maximum(found, 1), hits / max(1, int((counts * verdicts.faces).sum()))


def area(verdicts: Verdicts, counts: NDArray[np.intp] | None = None) -> float:
    """The area under the best precision at each recall or more; nan without a face."""
    faces = verdicts.faces if counts is None else counts * verdicts.faces
    if not faces.any():
        return float("nan")
    precision, recall = precision_recall(verdicts, counts)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(np.append(0.0, recall)) * envelope))


def interval(verdicts: Verdicts, *, seed: int = 0, rounds: int = 500) -> tuple[float, float]:
    """The middle 95 % of the average precision over photos drawn anew with replacement (bootstrap)."""
    random = np.random.default_rng(seed)
    photos = len(verdicts.faces)
    areas = [
        area(verdicts, random.multinomial(photos, np.full(photos, 1 / photos)))
        for _ in range(rounds if photos and verdicts.faces.any() else 0)
    ]
    low, high = np.nanpercentile(areas, [2.5, 97.5]) if areas else (np.nan, np.nan)
    return float(low), float(high)


def recall_of(photos: Iterable[ScoredPhoto], *, least_height_px: float, iou: float = 0.5) -> tuple[int, int]:
    """(found, there): how many of the faces at least that high were found, at any score that is given."""
    verdicts = judge(list(photos), least_height_px=least_height_px, iou=iou)
    return int(verdicts.right.sum()), int(verdicts.faces.sum())


def score_record(photos: Sequence[ScoredPhoto]) -> Mapping[str, Mapping[str, float | int | None]]:
    """For "0", "20", "50" and "100" px: ap50, its 95 % interval (low, high) and the number of faces.

    None stands for what cannot be measured because there is no such face.
    """
    record: dict[str, Mapping[str, float | int | None]] = {}
    for px in LEAST_HEIGHTS_PX:
        verdicts = judge(photos, least_height_px=px)
        values = (area(verdicts), *interval(verdicts))
        ap50, low, high = (None if np.isnan(value) else round(value, 4) for value in values)
        record[str(px)] = {"ap50": ap50, "low": low, "high": high, "faces": int(verdicts.faces.sum())}
    return record


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
