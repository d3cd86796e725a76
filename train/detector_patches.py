"""Training patches for the face detector: photos with boxes in, square pictures of faces at every size out.

The photos are small and crowded with tiny faces, and CPU time is what training is short of. So a step does
not see whole photos only: most patches are cut around a face, scaled so that its height is spread evenly over
the sizes that the detector must find (the idea of PyramidBox's data-anchor sampling, arXiv:1803.07737).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from db.errors import InputError
from train.detector_recipe import CANVAS_SHARES

SMALLEST_PX = 3.5  # a face lower than this in a patch is no longer labelled
SMALLEST_QUARTER_PX = 160
TURNED = 0.75  # share of cuts that lean, where any do
MOST_GROWN = 3.0  # how much larger than it is a face is shown: close-ups are rare, and few of them large
ANYWHERE = 0.1  # share of cuts made without regard to faces, mostly pictures of none
GREY = 114  # what surrounds a photo smaller than its patch, as Ultralytics pads
MIRRORED = [1, 0, 2, 4, 3]  # where each of the five points goes when the picture is flipped


@dataclass(frozen=True, slots=True)
class Patch:
    """A picture to learn from: ``image`` (H, W, 3) uint8 RGB and its face boxes (N, 4) float32 pixel xyxy.

    ``points``, where given, are (N, 5, 3) float32: x, y and 1 where the point is known, else 0. ``sure``, where
    given, is (N,) float32: how sure each box is of being a face, 0 to 1; labels that people drew are sure.
    """

    image: NDArray[np.uint8]
    xyxy: NDArray[np.float32]
    points: NDArray[np.float32] | None = None
    sure: NDArray[np.float32] | None = None

    def known_points(self) -> NDArray[np.float32]:
        """(N, 5, 3), all unknown where none were given."""
        return np.zeros((len(self.xyxy), 5, 3), np.float32) if self.points is None else self.points


@dataclass(frozen=True, slots=True)
class Aim:
    """What to cut: a photo shown ``scale`` times as large, from ``corner_xy`` in its own pixels."""

    photo: Patch
    scale: float
    corner_xy: NDArray[np.float64]


class PatchSampler:
    """Draws training patches from photos held in memory; the same seed and order give the same patches.

    Three cuts of four lean by up to ``turn_degrees`` to either side; 0 leaves all upright.
    """

    def __init__(self, photos: Sequence[Patch], seed: int | Sequence[int], turn_degrees: float = 0.0) -> None:
        if not photos:
            raise InputError("no photo to train on", hint="check --data and --boxes: the names must agree")
        self.photos = photos
        self.random = np.random.default_rng(seed)
        self.turn_degrees = turn_degrees

    def patch(self, size: int, whole: bool) -> Patch:
        """One patch of ``size`` px: a photo shrunk or grown a little, a cut around one face, or four of these."""
        aim = self._aim(size, whole)
        if max(aim.photo.image.shape[:2]) * aim.scale < 0.6 * size and size >= 2 * SMALLEST_QUARTER_PX:
            return self._quarters(size)
        return self._cut(aim, size)

    def canvas(self, size: int) -> Patch:
        """A picture of ``size`` px: four cuts of half the side, a cut of the whole side, or a whole photo."""
        kind = int(self.random.choice(3, p=CANVAS_SHARES))
        if kind == 0:
            return self._quarters(size)
        return self.patch(size, whole=kind == 2)

    def _quarters(self, size: int) -> Patch:
        half = size // 2
        return quarters([self._cut(self._aim(half, False), half) for _ in range(4)])

    def _cut(self, aim: Aim, size: int) -> Patch:
        patch = cut(aim, size)
        if self.turn_degrees and self.random.random() < TURNED:
            patch = turn(patch, float(self.random.uniform(-self.turn_degrees, self.turn_degrees)))
        return recolour(flip(patch) if self.random.random() < 0.5 else patch, self.random)

    def _aim(self, size: int, whole: bool) -> Aim:
        """A photo, its scale and the patch's corner in it, kept inside the photo where that can be."""
        photo = self.photos[int(self.random.integers(len(self.photos)))]
        height, width = photo.image.shape[:2]
        if whole or not len(photo.xyxy):
            scale = size / max(height, width) * float(np.exp(self.random.normal(0.05, 0.15)))
            target_xy = np.array([width / 2, height / 2])
        elif self.random.random() < ANYWHERE:
            scale = float(np.exp(self.random.normal(0.1, 0.4)))
            target_xy = self.random.uniform(0, 1, 2) * (width, height)
        else:
            scale, target_xy = self._target(photo, size)
        side = size / scale
        corner_xy = target_xy + (self.random.uniform(-0.42, 0.42, 2) - 0.5) * side
        slack_xy = np.array([width, height]) - side
        return Aim(photo, scale, corner_xy.clip(np.minimum(slack_xy, 0), np.maximum(slack_xy, 0)))

    def _target(self, photo: Patch, size: int) -> tuple[float, NDArray[np.float64]]:
        """A face to centre on, larger ones more often, and the scale at which to show it."""
        heights = photo.xyxy[:, 3] - photo.xyxy[:, 1]
        weight = heights.astype(np.float64) ** 0.7
        chosen = int(self.random.choice(len(heights), p=weight / weight.sum()))
        if self.random.random() < 0.5:
            scale = float(np.exp(self.random.normal(0.0, 0.25)))
        else:
            wanted_px = float(np.exp(self.random.uniform(np.log(10), np.log(size))))
            scale = float(np.clip(wanted_px / heights[chosen], 0.2, MOST_GROWN))
        box = photo.xyxy[chosen]
        return scale, np.array([box[0] + box[2], box[1] + box[3]], np.float64) / 2


def cut(aim: Aim, size: int) -> Patch:
    """The square of ``size`` px that ``aim`` points at, grey where the photo ends."""
    photo, scale = aim.photo, aim.scale
    height, width = photo.image.shape[:2]
    x0, y0 = (round(float(value)) for value in aim.corner_xy)
    side = max(1, round(size / scale))
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x0 + side, width), min(y0 + side, height)
    edges = ((left, x0), (top, y0), (right, x0), (bottom, y0))
    to = [min(max(round((value - origin) * scale), 0), size) for value, origin in edges]
    canvas = np.full((size, size, 3), GREY, np.uint8)
    if to[2] > to[0] and to[3] > to[1]:
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        part = photo.image[top:bottom, left:right]
        shown = cv2.resize(part, (to[2] - to[0], to[3] - to[1]), interpolation=how)
        canvas[to[1] : to[3], to[0] : to[2]] = shown
    moved = (photo.xyxy - np.array([x0, y0, x0, y0], np.float32)) * np.float32(scale)
    points = photo.known_points().copy()
    points[..., :2] = (points[..., :2] - np.array([x0, y0], np.float32)) * np.float32(scale)
    return _seen(canvas, moved, points)


def turn(patch: Patch, degrees: float) -> Patch:
    """The patch turned about its centre, anticlockwise, grey in the corners; a box holds its turned ellipse."""
    size = patch.image.shape[0]
    matrix = cv2.getRotationMatrix2D((size / 2, size / 2), degrees, 1.0)  # (2, 3)
    image = cv2.warpAffine(patch.image, matrix, (size, size), borderValue=(GREY, GREY, GREY))
    middle = (patch.xyxy[:, :2] + patch.xyxy[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = (patch.xyxy[:, 2:] - patch.xyxy[:, :2]) / 2
    reach = np.sqrt(half**2 @ (matrix[:, :2] ** 2).T)  # of the ellipse in the box: (N, 2)
    points = patch.known_points().copy()
    points[..., :2] = points[..., :2] @ matrix[:, :2].T + matrix[:, 2]
    turned = np.concatenate([middle - reach, middle + reach], axis=1).astype(np.float32)
    return _seen(image.astype(np.uint8, copy=False), turned, points)


def _seen(image: NDArray[np.uint8], xyxy: NDArray[np.float32], points: NDArray[np.float32]) -> Patch:
    """The patch with its boxes cut at its edge; those seen by less than 40 %, or too low to label, are left out."""
    size = image.shape[0]
    seen = xyxy.clip(0, size)
    keep = (_areas(seen) > 0.4 * _areas(xyxy)) & (seen[:, 3] - seen[:, 1] >= SMALLEST_PX)
    inside = ((points[..., :2] >= 0) & (points[..., :2] < size)).all(axis=-1, keepdims=True)
    known = np.concatenate([points[..., :2], points[..., 2:] * inside], axis=-1)
    return Patch(image, seen[keep], known[keep])


def _areas(xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (xyxy[:, 2] - xyxy[:, 0]) * (xyxy[:, 3] - xyxy[:, 1])
    return areas


def flip(patch: Patch) -> Patch:
    """Left and right changed, the five points renamed with them."""
    width = patch.image.shape[1]
    xyxy = patch.xyxy.copy()
    xyxy[:, [0, 2]] = width - patch.xyxy[:, [2, 0]]
    points = patch.known_points()[:, MIRRORED].copy()
    points[..., 0] = width - points[..., 0]
    return Patch(np.ascontiguousarray(patch.image[:, ::-1]), xyxy, points)


def quarters(four: Sequence[Patch]) -> Patch:
    """Four patches of one size as the quarters of a patch twice as wide and high (a mosaic)."""
    half = four[0].image.shape[0]
    image = np.vstack([np.hstack([four[0].image, four[1].image]), np.hstack([four[2].image, four[3].image])])
    corners = [np.array([x, y], np.float32) for y in (0, half) for x in (0, half)]
    xyxy = [patch.xyxy + np.tile(corner, 2) for patch, corner in zip(four, corners, strict=True)]
    points = [
        p.known_points() + np.append(corner, 0).astype(np.float32)
        for p, corner in zip(four, corners, strict=True)
    ]
    return Patch(image, np.concatenate(xyxy), np.concatenate(points))


def recolour(patch: Patch, random: np.random.Generator) -> Patch:
    """Hue, saturation and brightness shifted as Ultralytics does; now and then grey or out of focus."""
    factors = random.uniform(-1, 1, 3) * (0.015, 0.6, 0.4) + 1
    steps = np.arange(256)
    tables = ((steps * factors[0]) % 180, *(np.clip(steps * factor, 0, 255) for factor in factors[1:]))
    hsv = cv2.cvtColor(patch.image, cv2.COLOR_RGB2HSV)
    hsv = cv2.merge([cv2.LUT(hsv[..., i], table.astype(np.uint8)) for i, table in enumerate(tables)])
    image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    luck = random.random()
    if luck < 0.08:
        image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    elif luck < 0.13:
        image = cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.5))
    return Patch(image.astype(np.uint8, copy=False), patch.xyxy, patch.points)
