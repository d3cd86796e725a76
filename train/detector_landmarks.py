"""Five points for a trained face detector, learnt from a teacher, with the boxes left exactly as they were.

WIDER FACE's validation part has boxes and no points. A peer that gives points is asked for them, and where
its box agrees with a labelled one its points become the label. Only the small branch of the network that
gives points is then trained, on features that stay fixed: so points cost no box accuracy at all.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from curate.detect import Detection, Detector
from curate.nms import overlaps
from db.command import say
from db.progress import progress as shown
from train.detector import train_detector
from train.detector_patches import Patch
from train.detector_recipe import LANDMARK_RECIPE, DetectorRecipe

AGREE_IOU = 0.5
LEAST_HEIGHT_PX = 24.0  # the points of lower faces are guesses, the teacher's too


def taught(photo: Patch, found: Sequence[Detection]) -> Patch:
    """The photo with the points of those of ``found`` that agree with a labelled face high enough."""
    points = photo.known_points().copy()
    known = [face for face in found if face.landmarks is not None]
    if not known or not len(photo.xyxy):
        return replace(photo, points=points)
    shared = overlaps(photo.xyxy, np.array([face.xyxy for face in known], np.float32))  # (faces, known)
    for row, best in enumerate(shared.argmax(axis=1)):
        landmarks = known[best].landmarks
        height = photo.xyxy[row, 3] - photo.xyxy[row, 1]
        if shared[row, best] >= AGREE_IOU and height >= LEAST_HEIGHT_PX and landmarks is not None:
            points[row] = [(x, y, 1.0) for x, y in landmarks]
    return replace(photo, points=points)


def train_landmarks(
    photos: Sequence[Patch],
    teacher: Detector,
    detector: Path,
    out: Path,
    recipe: DetectorRecipe = LANDMARK_RECIPE,
    *,
    progress: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
    device: str = "",
) -> Path:
    """Adds a branch for points to ``detector`` (a .pt of ``train_detector``); returns ``out/best.pt``.

    Photos that carry points already (drawn ones) keep theirs. Resumable like ``train_detector``. Where the teacher
    gives no point of any photo, ``detector`` itself is returned, and that is said.
    """
    asked = shown(photos, "asking the teacher", len(photos))
    lessons = [p if p.points is not None else taught(p, teacher.detect([p.image])[0]) for p in asked]
    taught_now = [q for p, q in zip(photos, lessons, strict=True) if p.points is None]
    if taught_now and not any(lesson.known_points().any() for lesson in taught_now):
        say("the teacher gives no five points of any labelled face, so the detector gives boxes alone")
        return detector
    return train_detector(lessons, detector, out, recipe, progress=progress, device=device)
