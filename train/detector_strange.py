"""Pictures that no label fits and teachers can still judge: two photos in one, faces pasted where none would be."""

from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from train.detector_patches import Patch, PatchSampler

LEAST_PASTED_PX = 20  # lower faces are too coarse to be shown elsewhere
MOST_PASTED = 12
MARGIN = 0.25  # how much of a face's surroundings comes along, of its size, on each side
TRIES = 8


def strange(sampler: PatchSampler, size: int) -> NDArray[np.uint8]:
    """A picture of ``size`` px: one canvas shining through another, faces pasted in, noise; some or none of these."""
    random = sampler.random
    image = sampler.canvas(size).image
    if random.random() < 0.35:
        weight = float(random.uniform(0.5, 0.9))
        image = cv2.addWeighted(image, weight, sampler.canvas(size).image, 1 - weight, 0).astype(
            np.uint8, copy=False
        )
    if random.random() < 0.4:
        image = image.copy()
        for _ in range(int(random.integers(1, MOST_PASTED + 1))):
            paste(image, sampler)
    if random.random() < 0.3:
        noise = random.normal(0, random.uniform(3, 15), image.shape)
        image = np.clip(image + noise, 0, 255).astype(np.uint8)
    return image


def paste(image: NDArray[np.uint8], sampler: PatchSampler) -> None:
    """Writes a face of another photo over a place of ``image``, 8 to 120 px high, with soft edges."""
    random = sampler.random
    cut = _face(sampler)
    if cut is None:
        return
    height = int(np.exp(random.uniform(np.log(8), np.log(120))) * (1 + 2 * MARGIN))
    width = max(4, round(height * cut.shape[1] / cut.shape[0]))
    if max(width, height) >= image.shape[0]:
        return
    how = cv2.INTER_AREA if height < cut.shape[0] else cv2.INTER_LINEAR
    shown = cv2.resize(cut, (width, height), interpolation=how)
    left, top = (int(random.integers(image.shape[0] - side)) for side in (width, height))
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    over = np.clip((1 - np.maximum(abs(x), abs(y))) / (2 * MARGIN), 0, 1)[..., None]  # (H, W, 1)
    place = image[top : top + height, left : left + width]
    place[:] = np.round(place + (shown.astype(np.float64) - place) * over)


def _face(sampler: PatchSampler) -> NDArray[np.uint8] | None:
    """A face of any photo with some of its surroundings, or None where a few tries show none high enough."""
    random = sampler.random
    for _ in range(TRIES):
        photo: Patch = sampler.photos[int(random.integers(len(sampler.photos)))]
        heights = photo.xyxy[:, 3] - photo.xyxy[:, 1]
        tall = np.flatnonzero(heights >= LEAST_PASTED_PX)
        if len(tall):
            x1, y1, x2, y2 = photo.xyxy[int(random.choice(tall))]
            more_x, more_y = MARGIN * (x2 - x1), MARGIN * (y2 - y1)
            left, top = max(0, int(x1 - more_x)), max(0, int(y1 - more_y))
            cut = photo.image[top : ceil(y2 + more_y), left : ceil(x2 + more_x)]
            return np.ascontiguousarray(cut[:, ::-1]) if random.random() < 0.5 else cut
    return None
