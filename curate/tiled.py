"""Any detector, with a closer look at large photos whose faces are too small for the first."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from curate.detect import LOOK_PX, Detection, Detector, Landmarks
from curate.tiles import TileXyxy, cut_by_tile, merge, zoomed_tiles

LARGE = 1.875  # photos less than this many looks long (1,200 px) show too little more in tiles for their time
SMALL_FACE_PX = 24.0  # a median face below this, as the detector saw it, asks for a closer look
SURE = 0.5  # faces of a lower score do not count for that, so that a low limit looks no closer
ENOUGH = 1.25  # at this many photo pixels to a shown one, or fewer, a closer look shows next to nothing new
CLOSER = (2, 4)  # tiles a side: 4 looks that magnify 1.75 times, then 16 that magnify 3.25 times


class TiledDetector:
    """Looks at each photo whole, then closer, tile by tile, as long as the faces it finds are small.

    A large photo without a face at the first look gets the first closer one, so it costs 5 looks; a photo of
    1,024 px is looked at once. ``always`` looks as closely as the photo's pixels allow, from ``look_px`` on.
    """

    def __init__(self, inner: Detector, *, always: bool = False, look_px: int = LOOK_PX) -> None:
        self.inner = inner
        self.always = always
        self.look_px = look_px

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first."""
        return [
            self._closer(image, faces) for image, faces in zip(images, self.inner.detect(images), strict=True)
        ]

    def _closer(self, image: NDArray[np.uint8], faces: list[Detection]) -> list[Detection]:
        height, width = image.shape[:2]
        seen_wh = (width, height)  # what one look has shown so far
        for a_side in CLOSER:
            if not self._worth_a_closer_look((width, height), seen_wh, faces):
                break
            tiles = zoomed_tiles((width, height), a_side)
            faces = self._with_tiles(image, faces, tiles)
            seen_wh = (tiles[0][2] - tiles[0][0], tiles[0][3] - tiles[0][1])
        return faces

    def _worth_a_closer_look(
        self, size_wh: tuple[int, int], seen_wh: tuple[int, int], faces: list[Detection]
    ) -> bool:
        if max(seen_wh) <= ENOUGH * self.look_px or min(size_wh) < self.look_px / 4:
            return False  # there are no more pixels to show, or there is no room for a face
        if self.always:
            return True
        if max(size_wh) < LARGE * self.look_px:
            return False
        heights = [face.height for face in faces if face.score >= SURE]
        if not heights:
            return seen_wh == size_wh
        return float(np.median(heights)) * self.look_px / max(seen_wh) < SMALL_FACE_PX

    def _with_tiles(
        self, image: NDArray[np.uint8], faces: list[Detection], tiles: Sequence[TileXyxy]
    ) -> list[Detection]:
        """The faces together with those that the tiles show, each once, highest score first."""
        size_wh = (image.shape[1], image.shape[0])
        parts = [faces]
        for tile in tiles:
            x1, y1, x2, y2 = tile
            found = [_moved(face, tile) for face in self.inner.detect([image[y1:y2, x1:x2]])[0]]
            cut = cut_by_tile(_boxes(found), tile, size_wh)
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
