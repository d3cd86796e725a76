"""YuNet through OpenCV: the smallest detector here, a peer to measure the bundled one against."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.detect import LOOK_PX, Detection, checked_rgb
from db.errors import ModelError

LEAST_PX = 16  # the shortest side that the network can be shown


class YuNet:
    """``cv2.FaceDetectorYN`` behind the detector protocol. OpenCV's threads are one setting for the process."""

    def __init__(
        self,
        path: Path,
        *,
        score: float = 0.7,
        iou: float = 0.45,
        threads: int | None = None,
        size_px: int = LOOK_PX,
    ) -> None:
        if threads:
            cv2.setNumThreads(threads)
        loud = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
        try:  # it warns that its new engine knows no other target than the CPU, which is the one asked for
            self._model: Any = cv2.FaceDetectorYN.create(str(path), "", (320, 320), score, iou, 5000)
        except cv2.error as error:
            raise ModelError(f"{path} is no YuNet model: {error.err}") from error
        finally:
            cv2.utils.logging.setLogLevel(loud)
        self.size_px = size_px

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first."""
        return [self._one(checked_rgb(image)) for image in images]

    def _one(self, image: NDArray[np.uint8]) -> list[Detection]:
        height, width = image.shape[:2]
        scale = min(1.0, self.size_px / max(height, width))
        shown = (max(LEAST_PX, round(width * scale)), max(LEAST_PX, round(height * scale)))
        bgr = cv2.resize(np.ascontiguousarray(image[..., ::-1]), shown, interpolation=cv2.INTER_AREA)
        self._model.setInputSize(shown)
        _, rows = self._model.detect(bgr)  # (N, 15): x, y, w, h, five points, score
        if rows is None:
            return []
        rows = np.asarray(rows, np.float64)
        rows[:, :14] = (rows[:, :14].reshape(-1, 7, 2) * (width / shown[0], height / shown[1])).reshape(
            -1, 14
        )
        faces = [_face(row, width, height) for row in rows]
        return sorted((face for face in faces if face is not None), key=lambda face: -face.score)


def _face(row: NDArray[np.float64], width: int, height: int) -> Detection | None:
    x, y, w, h, *points, score = row.tolist()
    x1, y1, x2, y2 = max(0.0, x), max(0.0, y), min(float(width), x + w), min(float(height), y + h)
    if x1 >= x2 or y1 >= y2:
        return None
    a, b, c, d, e = zip(points[::2], points[1::2], strict=True)
    return Detection((x1, y1, x2, y2), min(1.0, max(0.0, score)), (a, b, c, d, e))
