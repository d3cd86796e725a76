"""Soft-edged shapes on float images: the brush that the sample source draws with."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float32]

_SHIFT = 4  # cv2 takes points in sixteenths of a pixel: edges move smoothly
_BIGGEST = 4096.0


def curve(points: ArrayLike, steps: int = 8) -> Floats:
    """A smooth line (Catmull-Rom) through (N, 2) points, `steps` pieces a span; returns (M, 2)."""
    knots = np.asarray(points, np.float32)
    padded = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.linspace(0, 1, steps, endpoint=False, dtype=np.float32)[None, :, None]
    a, b, c, d = (padded[i : len(padded) - 3 + i, None] for i in range(4))
    spans = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([spans.reshape(-1, 2), knots[-1:]]).astype(np.float32)


def ribbon(line: ArrayLike, widths: ArrayLike) -> Floats:
    """The outline (2N, 2) of a stroke along a line (N, 2) whose full widths run evenly through `widths`."""
    path = np.asarray(line, np.float32)
    direction = np.empty_like(path)
    direction[1:-1] = path[2:] - path[:-2]
    direction[0], direction[-1] = path[1] - path[0], path[-1] - path[-2]
    length = np.maximum(np.hypot(direction[:, 0], direction[:, 1]), 1e-6)
    normal = np.stack([-direction[:, 1], direction[:, 0]], axis=1) / length[:, None]
    knots = np.asarray(widths, np.float32)
    half = 0.5 * np.interp(_even(len(path)), _even(len(knots)), knots)[:, None]
    return np.concatenate([path + normal * half, (path - normal * half)[::-1]]).astype(np.float32)


@lru_cache(maxsize=256)
def _even(count: int) -> NDArray[np.float64]:
    return np.linspace(0, 1, count)


def ellipse(
    centre_xy: tuple[float, float], radii_xy: tuple[float, float], turn: float = 0.0, steps: int = 28
) -> Floats:
    """The outline (steps, 2) of an ellipse turned by `turn` radians."""
    angle = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    x, y = radii_xy[0] * np.cos(angle), radii_xy[1] * np.sin(angle)
    cos, sin = np.cos(turn), np.sin(turn)
    return np.stack([centre_xy[0] + x * cos - y * sin, centre_xy[1] + x * sin + y * cos], axis=1).astype(
        np.float32
    )


class Brush:
    """Paints polygons given in pixels on a float32 (H, W) or (H, W, 3) image, in place."""

    __slots__ = ("image",)

    def __init__(self, image: Floats) -> None:
        self.image = image

    def mask(
        self, outline: Floats, soft: float = 0.0, pieces: int = 1
    ) -> tuple[tuple[slice, slice], Floats] | None:
        """Where a polygon (N, 2) covers the image, 0 to 1, blurred by `soft` pixels; None if it is all outside.

        `pieces` equal runs of the points are polygons of their own: many strokes cost one call.
        """
        height, width = self.image.shape[:2]
        margin = 2.5 * soft + 2
        low = np.floor(outline.min(axis=0) - margin)
        high = np.ceil(outline.max(axis=0) + margin)
        x0, y0 = max(0, int(low[0])), max(0, int(low[1]))
        x1, y1 = min(width, int(high[0]) + 1), min(height, int(high[1]) + 1)
        if x0 >= x1 or y0 >= y1:
            return None
        cover = np.zeros((y1 - y0, x1 - x0), np.uint8)
        points = np.clip(outline - (x0, y0), -_BIGGEST, _BIGGEST) * (1 << _SHIFT)
        cv2.fillPoly(cover, np.split(np.round(points).astype(np.int32), pieces), 255, cv2.LINE_AA, _SHIFT)
        smooth = cover.astype(np.float32) * np.float32(1 / 255)
        if soft > 0.3:
            smooth = _blur(smooth, soft)
        return (slice(y0, y1), slice(x0, x1)), smooth

    def fill(self, outline: Floats, colour: ArrayLike, alpha: float = 1.0, soft: float = 0.0,
             within: Floats | None = None) -> None:  # fmt: skip
        """Blend a colour over a polygon; `within` (H, W) limits it. A colour may be an image of the same size."""
        found = self.mask(outline, soft)
        if found is None:
            return
        window, cover = found
        weight = cover * np.float32(alpha)
        if within is not None:
            weight = weight * within[window]
        self.blend(window, weight, colour)

    def blend(self, window: tuple[slice, slice], weight: Floats, colour: ArrayLike) -> None:
        """Move the pixels of a window towards a colour by a weight (h, w)."""
        target = np.asarray(colour, np.float32)
        if target.shape == self.image.shape:
            target = target[window]
        patch = self.image[window]
        patch += (target - patch) * (weight[..., None] if patch.ndim == 3 else weight)

    def add(self, outline: Floats, amount: float, soft: float) -> None:
        """Raise (or lower) the values under a polygon."""
        found = self.mask(outline, soft)
        if found is not None:
            window, cover = found
            self.image[window] += (cover * np.float32(amount))[(...,) + (None,) * (self.image.ndim - 2)]


def _blur(mask: Floats, sigma: float) -> Floats:
    """Gaussian for small radii; two box passes, about as smooth and much faster, for large ones."""
    if sigma < 6:
        return np.asarray(cv2.GaussianBlur(mask, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float32)
    box = (int(sigma * 2.4) | 1,) * 2
    once = cv2.blur(mask, box, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.blur(once, box, borderType=cv2.BORDER_REPLICATE), np.float32)


@lru_cache(maxsize=8)
def noise(stretch_x: float, stretch_y: float) -> Floats:
    """A tile (512, 512) of smooth noise of mean 0 and deviation 1; the stretches are blurs in pixels. Read only."""
    raw = np.random.default_rng(20_240).standard_normal((512, 512)).astype(np.float32)
    tile = np.tile(raw, (3, 3))
    smooth = cv2.GaussianBlur(tile, (0, 0), sigmaX=max(stretch_x, 0.1), sigmaY=max(stretch_y, 0.1))[
        512:1024, 512:1024
    ]
    result = np.asarray((smooth - smooth.mean()) / smooth.std(), np.float32)
    result.flags.writeable = False
    return result


def noise_patch(height: int, width: int, seed: int, stretch_x: float, stretch_y: float, scale: float = 1.0,
                lean: float = 0.0) -> Floats:  # fmt: skip
    """A (height, width) cut of the noise tile, at another place for every seed, enlarged by `scale`.

    `lean` shears it: columns a row.
    """
    tile = noise(stretch_x, stretch_y)
    if scale == 1 and lean == 0:  # wrapping by copies is several times faster than by a warp
        x, y = seed // 509 % 503, seed % 509
        wide = cv2.copyMakeBorder(
            tile, 0, max(y + height - 512, 0), 0, max(x + width - 512, 0), cv2.BORDER_WRAP
        )
        return np.asarray(wide[y : y + height, x : x + width], np.float32)
    cut = np.array([[1 / scale, lean / scale, seed // 509 % 503], [0, 1 / scale, seed % 509]], np.float64)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(tile, cut, (width, height), flags=flags, borderMode=cv2.BORDER_WRAP), np.float32
    )
