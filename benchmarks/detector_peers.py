"""The detectors that `benchmarks/detector.py` compares: by name or file, at any picture size, and MTCNN.

    pip install --no-deps facenet-pytorch

gives MTCNN. Its own pins (torch < 2.3, numpy < 2) contradict Mimique's, so it cannot be one of its extras; the code
runs with both all the same, and its weights come inside the wheel.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection, Detector, load_detector
from db.errors import ModelError

SCORE = 0.7  # of the last stage, as facenet-pytorch sets it
LEAST_FACE_PX = 20


Image = NDArray[np.uint8]


def opened(label: str, score: float | None, threads: int) -> Detector:
    """The detector that ``NAME`` or ``NAME@SIZE`` stands for; ``score`` None is its own default."""
    name, _, size = label.partition("@")
    if name == "mtcnn":
        inner: Detector = Mtcnn(score, threads)
    else:
        inner = load_detector(
            name, score=score, tiles=False, threads=threads, size_px=int(size) if size else None
        )
    return Resized(inner, int(size)) if size else inner


class Resized:
    """Shows a detector every picture at one longest side."""

    def __init__(self, inner: Detector, size_px: int) -> None:
        self.inner, self.size_px = inner, size_px

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        return [self._faces(image) for image in images]

    def _faces(self, image: Image) -> list[Detection]:
        height, width = image.shape[:2]
        scale = self.size_px / max(height, width)
        size_wh = max(1, round(width * scale)), max(1, round(height * scale))
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        shown = np.asarray(cv2.resize(image, size_wh, interpolation=how), np.uint8)
        factor = np.tile((width / size_wh[0], height / size_wh[1]), 2)
        faces = self.inner.detect([shown])[0]
        return [replace(face, xyxy=tuple((np.array(face.xyxy) * factor).tolist())) for face in faces]


class Mtcnn:
    """Detects faces of 20 px and more with the three networks' own thresholds, but for the last one's."""

    def __init__(self, score: float | None, threads: int) -> None:
        import torch

        try:
            from facenet_pytorch import MTCNN
        except ImportError as error:
            raise ModelError(
                f"facenet-pytorch is not installed ({error})", hint="pip install --no-deps facenet-pytorch"
            ) from error
        torch.set_num_threads(threads)
        last = SCORE if score is None else score
        self._model: Any = MTCNN(
            keep_all=True, device="cpu", min_face_size=LEAST_FACE_PX, thresholds=[0.6, 0.7, last]
        )

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        return [self._faces(image) for image in images]

    def _faces(self, image: Image) -> list[Detection]:
        try:
            boxes, scores, _ = self._model.detect(image, landmarks=True)
        except (
            RuntimeError
        ):  # "expected a non-empty list of Tensors": a picture smaller than its smallest face
            return []
        height, width = image.shape[:2]
        corners = [] if boxes is None else np.clip(boxes, 0, (width, height, width, height)).tolist()
        faces = [
            Detection((x1, y1, x2, y2), min(1.0, float(score)))
            for (x1, y1, x2, y2), score in zip(corners, scores, strict=False)
            if x1 < x2 and y1 < y2
        ]
        return sorted(faces, key=lambda face: -face.score)
