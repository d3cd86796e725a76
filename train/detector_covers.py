"""Faces half hidden: what masks, hands, water and other heads do to a face, done to training patches.

Two thousand photos show few hidden faces; a detector that never learnt from them misses them however large.
"""

import numpy as np
from numpy.typing import NDArray

from train.detector_patches import Patch

SMALLEST_COVERED_PX = 16  # a lower face is left whole: what is left of it would be no face
_WAYS = ("below", "above", "left", "right", "spot")


def cover(patch: Patch, share: float, random: np.random.Generator) -> Patch:
    """The patch with about ``share`` of its faces covered by 20 to 50 %; boxes and points stay as they were.

    What covers is a piece of the same picture, so that its edges are no surer sign than those of real things, or,
    one time in three, a plain colour.
    """
    tall = np.flatnonzero(patch.xyxy[:, 3] - patch.xyxy[:, 1] >= SMALLEST_COVERED_PX)
    chosen = tall[random.random(len(tall)) < share]
    if not len(chosen):
        return patch
    image = patch.image.copy()
    for box in patch.xyxy[chosen]:
        _cover(image, patch.image, _part(box, random), random)
    return Patch(image, patch.xyxy, patch.points)


def _part(box: NDArray[np.float32], random: np.random.Generator) -> tuple[int, int, int, int]:
    """Which pixels of a face are covered, as x1, y1, x2, y2: a side of it, or a spot in it."""
    x1, y1, x2, y2 = (round(float(value)) for value in box)
    width, height = x2 - x1, y2 - y1
    share = float(random.uniform(0.2, 0.5))
    match _WAYS[int(random.integers(len(_WAYS)))]:
        case "below":
            return x1, y2 - round(share * height), x2, y2
        case "above":
            return x1, y1, x2, y1 + round(share * height)
        case "left":
            return x1, y1, x1 + round(share * width), y2
        case "right":
            return x2 - round(share * width), y1, x2, y2
    across, down = round(share**0.5 * width), round(share**0.5 * height)
    left, top = x1 + int(random.integers(width - across + 1)), y1 + int(random.integers(height - down + 1))
    return left, top, left + across, top + down


def _cover(
    image: NDArray[np.uint8],
    source: NDArray[np.uint8],
    part: tuple[int, int, int, int],
    random: np.random.Generator,
) -> None:
    """Writes over the part, as a rectangle or as the ellipse in it."""
    x1, y1, x2, y2 = (min(max(value, 0), image.shape[0]) for value in part)
    height, width = y2 - y1, x2 - x1
    if height < 1 or width < 1:
        return
    if random.random() < 1 / 3:
        piece = np.broadcast_to(random.integers(0, 256, 3).astype(np.uint8), (height, width, 3))
    else:
        top = int(random.integers(image.shape[0] - height + 1))
        left = int(random.integers(image.shape[1] - width + 1))
        piece = source[top : top + height, left : left + width]
    over = np.ones((height, width), np.bool_)
    if random.random() < 0.5:
        y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        over = x**2 + y**2 <= 1
    image[y1:y2, x1:x2][over] = piece[over]
