"""Any detector, with a second look in tiles at photos whose faces are too small for the first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection, Detector, Landmarks
from curate.tiles import TileXyxy, cut_by_tile, merge, tile_boxes

LOOK_PX = 640  # what a detector sees of the longest side, whatever the photo's size
LARGE_PX = 1000  # photos no longer than this gain nothing from tiles
SMALL_FACE_PX = 40.0  # a median face below this, as the detector sees it, asks for tiles
MOST_TILES_A_SIDE = 4


class TiledDetector:
    """Looks at each photo whole, then, where faces are small (or ``always``), at overlapping tiles of it.

    A photo with no face at the first look is taken to have small ones: a large photo without any face
    therefore costs up to ``MOST_TILES_A_SIDE``² looks more.
    """

    def __init__(self, inner: Detector, *, always: bool = False) -> None:
        self.inner = inner
        self.always = always

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        first = self.inner.detect(images)
        return [
            self._closer(image, faces) if self._worth_a_closer_look(image, faces) else faces
            for image, faces in zip(images, first, strict=True)
        ]

    def _worth_a_closer_look(self, image: NDArray[np.uint8], faces: list[Detection]) -> bool:
        longest = max(image.shape[:2])
        shortest = min(image.shape[:2])
        if longest <= LARGE_PX or shortest < LOOK_PX / 4:
            return self.always and longest > LOOK_PX
        seen_px = [face.height * LOOK_PX / longest for face in faces]
        return self.always or not seen_px or float(np.median(seen_px)) < SMALL_FACE_PX

    def _closer(self, image: NDArray[np.uint8], faces: list[Detection]) -> list[Detection]:
        height, width = image.shape[:2]
        tile_px = max(LOOK_PX, round(max(height, width) / (1 + 0.75 * (MOST_TILES_A_SIDE - 1))) + 1)
        tiles = tile_boxes((width, height), tile_px)
        parts = [faces]
        for tile, seen in zip(
            tiles, self.inner.detect([image[y1:y2, x1:x2] for x1, y1, x2, y2 in tiles]), strict=True
        ):
            found = [_moved(face, tile) for face in seen]
            cut = cut_by_tile(_boxes(found), tile, (width, height))
            parts.append([face for face, is_cut in zip(found, cut, strict=True) if not is_cut])
        together = [face for part in parts for face in part]
        keep = merge([(_boxes(part), np.array([f.score for f in part], np.float32)) for part in parts])
        return [together[index] for index in keep]


def _boxes(faces: Sequence[Detection]) -> NDArray[np.float32]:
    return np.array([face.xyxy for face in faces], np.float32).reshape(-1, 4)


def _moved(face: Detection, tile: TileXyxy) -> Detection:
    """The face of a tile in the photo's pixels."""
    left, top = tile[:2]
    x1, y1, x2, y2 = face.xyxy
    landmarks: Landmarks | None = None
    if face.landmarks is not None:
        a, b, c, d, e = ((x + left, y + top) for x, y in face.landmarks)
        landmarks = (a, b, c, d, e)
    return Detection((x1 + left, y1 + top, x2 + left, y2 + top), face.score, landmarks)
