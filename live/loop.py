"""One step of the live loop: find the faces of a frame, classify them in one batch, smooth, draw."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection, Detector
from curate.faces import CropRule, cut_face, usable_faces
from live.camera import Frame, Image
from live.draw import draw_faces
from live.face import LiveFace
from live.smooth import Smoother
from train.classifier import Classifier, predict_faces


@dataclass(frozen=True, slots=True)
class Annotated:
    """A frame as it is shown: the drawn-on picture, same size as the frame, and what was drawn."""

    image_rgb: Image
    faces: tuple[LiveFace, ...]


@dataclass(frozen=True, slots=True)
class LiveLoop:
    """Detector, classifier and the smoother of one stream. The first two may be shared by several loops.

    ``rule`` says how a face is cut out: as ``curate faces`` cut the crops that the classifier learned from.
    """

    detector: Detector
    classifier: Classifier
    smoother: Smoother
    rule: CropRule = field(default_factory=CropRule)

    def process(self, frame: Frame) -> Annotated:
        """The frame with its faces. Any size, also another one than before; no face is a plain copy."""
        height, width = frame.image_rgb.shape[:2]
        found, _too_small = usable_faces(self.detector.detect([frame.image_rgb])[0], (width, height), 1)
        faces = self._classified(frame, found)
        return Annotated(draw_faces(frame.image_rgb, faces), faces)

    def _classified(self, frame: Frame, found: Sequence[Detection]) -> tuple[LiveFace, ...]:
        labels = self.classifier.labels
        boxes = np.array([face.xyxy for face in found], dtype=np.float64).reshape(-1, 4)
        probabilities = self._probabilities(frame.image_rgb, found)  # (N, K)
        tracks = self.smoother.update(frame.time_s, boxes, probabilities)
        return tuple(
            LiveFace(track.id, face.xyxy, face.score, labels, tuple(track.probabilities.tolist()))
            for track, face in zip(tracks, found, strict=True)
        )

    def _probabilities(self, image_rgb: Image, found: Sequence[Detection]) -> NDArray[np.float64]:
        if not found:
            return np.zeros((0, len(self.classifier.labels)))
        crops = [cut_face(image_rgb, face, self.rule) for face in found]
        return predict_faces(self.classifier, crops).astype(np.float64)
