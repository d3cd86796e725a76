"""Stand-ins for the two models, for tests and for trying the loop without a trained run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection


@dataclass(frozen=True, slots=True)
class BrightBoxDetector:
    """Takes every bright blob (a grey level of ``least`` or more, 8×8 pixels at least) for a face."""

    least: int = 160

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """The blobs of each (H, W, 3) picture, the largest first; score 1 − 1/area."""
        return [self._blobs(image) for image in images]

    def _blobs(self, image: NDArray[np.uint8]) -> list[Detection]:
        import cv2

        mask = (image.mean(axis=2) >= self.least).astype(np.uint8)
        _count, _labels, stats, _centres = cv2.connectedComponentsWithStats(mask)
        found = [
            Detection((float(x), float(y), float(x + w), float(y + h)), 1 - 1 / float(area))
            for x, y, w, h, area in stats[1:].tolist()
            if min(w, h) >= 8
        ]
        return sorted(found, key=lambda face: -face.score)


@dataclass(slots=True)
class ColourClassifier:
    """Says the first three classes by how red, green and blue a face is; the others get a tenth each."""

    labels: tuple[str, ...] = ("happy", "angry", "surprised", "neutral")
    imgsz: int = 32

    def predict(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 RGB → (N, K) probabilities."""
        colours = faces.reshape(len(faces), -1, 3).mean(axis=1) / 255 + 1e-6  # (N, 3)
        shares = np.full((len(faces), len(self.labels)), 0.1)
        shares[:, : min(3, len(self.labels))] = colours[:, : len(self.labels)]
        probabilities: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
        return probabilities.astype(np.float32)
