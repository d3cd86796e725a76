"""CenterFace (arXiv:1911.03599): a map of face centres, with size, offset and five points at each.

A peer to measure the bundled detector against. It runs in OpenCV, which takes any picture size, where
ONNX Runtime insists on the 10 × 3 × 32 × 32 that the file was exported with.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.detect import LOOK_PX, Detection, checked_rgb
from curate.nms import Floats, suppress
from db.errors import ModelError

CELL_PX = 4  # picture pixels that a cell of the maps covers


class CenterFace:
    """CenterFace behind the detector protocol. OpenCV's threads are one setting for the process."""

    def __init__(
        self,
        path: Path,
        *,
        score: float = 0.5,
        iou: float = 0.3,
        threads: int | None = None,
        size_px: int = LOOK_PX,
    ) -> None:
        if threads:
            cv2.setNumThreads(threads)
        try:
            self._model: Any = cv2.dnn.readNetFromONNX(str(path))
        except cv2.error as error:
            raise ModelError(f"{path} is no CenterFace model: {error.err}") from error
        self.score = score
        self.iou = iou
        self.size_px = size_px

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first."""
        return [self._one(checked_rgb(image)) for image in images]

    def _one(self, image: NDArray[np.uint8]) -> list[Detection]:
        height, width = image.shape[:2]
        scale = min(1.0, self.size_px / max(height, width))
        shown_wh = [max(32, round(side * scale / 32) * 32) for side in (width, height)]
        self._model.setInput(cv2.dnn.blobFromImage(image, 1.0, tuple(shown_wh)))
        maps = self._model.forward(self._model.getUnconnectedOutLayersNames())
        xyxy, scores, points = decode(tuple(part[0] for part in maps), self.score)
        keep = suppress(xyxy, scores, iou=self.iou)
        back = np.array([width / shown_wh[0], height / shown_wh[1]], np.float32)
        corners = (xyxy[keep].reshape(-1, 2, 2) * back).clip(0, (width, height))
        return [
            _face(box, score, marks)
            for box, score, marks in zip(corners, scores[keep], points[keep] * back, strict=True)
            if (box[1] > box[0]).all()
        ]


def decode(maps: tuple[Floats, ...], score: float) -> tuple[Floats, Floats, Floats]:
    """Boxes (N, 4), scores (N,) and points (N, 5, 2) in pixels, of the cells whose heat reaches ``score``.

    The maps are (1, H, W) heat, (2, H, W) log size, (2, H, W) offset and (10, H, W) points, each as y, x pairs.
    """
    heat, size, offset, points = maps
    row, column = np.nonzero(heat[0] >= score)
    h, w = np.exp(size[:, row, column]) * CELL_PX  # (N,) each
    y, x = (np.stack([row, column]) + offset[:, row, column] + 0.5) * CELL_PX
    left, top = x - w / 2, y - h / 2
    yx = points[:, row, column].T.reshape(-1, 5, 2)  # (N, 5, 2), shares of the box
    marks = np.stack(
        [yx[..., 1] * w[:, None] + left[:, None], yx[..., 0] * h[:, None] + top[:, None]], axis=2
    )
    xyxy = np.stack([left, top, left + w, top + h], axis=1).astype(np.float32)
    return xyxy, heat[0, row, column].astype(np.float32), marks.astype(np.float32)


def _face(box: Floats, score: float, marks: Floats) -> Detection:
    (x1, y1), (x2, y2) = box.tolist()
    a, b, c, d, e = ((float(x), float(y)) for x, y in marks)
    return Detection((x1, y1, x2, y2), min(1.0, float(score)), (a, b, c, d, e))
