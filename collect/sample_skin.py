"""The unrolled surface of a sample head: colour and relief to paint on, and the light that falls on it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from collect.sample_head import BOTTOM, SIDE, TOP, Anatomy, Pose, facing_angle
from collect.sample_identity import Rgb
from collect.sample_paint import Brush, Floats, noise_patch, ribbon

_ACROSS = 0.64  # texture pixels a radian, per pixel a head unit: about square in front
_COARSE = (100, 112)  # rows and columns of the grid that bends into space


@dataclass(frozen=True, slots=True)
class Light:
    """Where the light comes from and its colours. `towards` is a unit vector to the light in camera directions."""

    towards: tuple[float, float, float]
    key: Rgb
    ambient: Rgb


class Skin:
    """A head's texture while it is painted: `rgb` (H, W, 3) 0 to 1 and `relief` (H, W) in head units."""

    def __init__(self, anatomy: Anatomy, detail: float) -> None:
        """`detail` is texture pixels a head unit."""
        self.anatomy, self.detail = anatomy, detail
        height, width = int((BOTTOM - TOP) * detail), int(2 * SIDE * _ACROSS * detail)
        self.rgb: Floats = np.empty((height, width, 3), np.float32)
        self.rgb[:] = anatomy.who.skin
        self.relief: Floats = np.zeros((height, width), np.float32)
        self.gloss: Floats = np.full((height, width), 0.035, np.float32)
        self.thetas = np.linspace(-SIDE, SIDE, _COARSE[1])
        self.ys = np.linspace(TOP, BOTTOM, _COARSE[0])
        self._widths, _ = anatomy.section(self.ys)
        self.macro = _macro_relief(anatomy, self.thetas, self.ys)

    def px(self, points_xy: ArrayLike) -> Floats:
        """Texture pixels (N, 2) of frontal points (N, 2)."""
        points = np.asarray(points_xy, np.float64)
        theta = facing_angle(points[:, 0], np.interp(points[:, 1], self.ys, self._widths))
        return self.polar(np.stack([theta, points[:, 1]], axis=1))

    def polar(self, points: ArrayLike) -> Floats:
        """Texture pixels (N, 2) of points (N, 2) given as angle and height."""
        theta, y = np.asarray(points, np.float64).T
        height, width = self.relief.shape
        return np.stack(
            [(theta + SIDE) / (2 * SIDE) * width - 0.5, (y - TOP) / (BOTTOM - TOP) * height - 0.5], axis=1
        ).astype(np.float32)

    def fill(
        self,
        points_xy: ArrayLike,
        colour: ArrayLike,
        alpha: float = 1.0,
        soft: float = 0.0,
        within: Floats | None = None,
    ) -> None:
        """Blend a colour over a frontal polygon; `soft` in head units."""
        Brush(self.rgb).fill(self.px(points_xy), colour, alpha, soft * self.detail, within)

    def shade(self, points_xy: ArrayLike, strength: float, soft: float, within: Floats | None = None) -> None:
        """Darken a frontal polygon the way skin darkens: blue and green first."""
        found = Brush(self.rgb).mask(self.px(points_xy), soft * self.detail)
        if found is not None and strength > 0.01:
            window, cover = found
            if within is not None:
                cover = cover * within[window]
            self.rgb[window] *= 1 - cover[..., None] * np.array((0.42, 0.58, 0.62), np.float32) * np.float32(
                strength
            )

    def crease(self, line: ArrayLike, width: float, strength: float) -> None:
        """A fold along a frontal line (N, 2): a soft furrow that is a little darker."""
        if strength < 0.03:
            return
        outline = ribbon(line, (0.3 * width, width, 0.9 * width, 0.2 * width))
        self.shade(outline, min(0.8, 0.68 * strength), 0.007)
        Brush(self.relief).add(self.px(outline), -0.009 * strength, 0.016 * self.detail)

    def mask(self, points_xy: ArrayLike, soft: float = 0.0) -> Floats:
        """A full (H, W) mask of a frontal polygon."""
        full = np.zeros(self.relief.shape, np.float32)
        found = Brush(full).mask(self.px(points_xy), soft * self.detail)
        if found is not None:
            full[found[0]] = found[1]
        return full

    def lit(self, pose: Pose, light: Light) -> Floats:
        """The texture under a light, as the camera sees it: float32 (H, W, 3), 0 to 1."""
        anatomy, size = self.anatomy, self.relief.shape[::-1]
        grid_theta, grid_y = self.thetas[None], self.ys[:, None]
        smooth = anatomy.normal(grid_theta, grid_y)
        cell = size[1] / _COARSE[0]
        bump = cv2.resize(self.macro.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        # Enlarging leaves ripples that a normal map would show as stripes.
        bump = np.asarray(cv2.GaussianBlur(bump, (0, 0), max(0.7 * cell, 0.3)), np.float32) + self.relief
        along = np.asarray(cv2.Sobel(bump, cv2.CV_32F, 1, 0, scale=1 / 8), np.float32) * np.float32(
            self.detail
        )
        down = np.asarray(cv2.Sobel(bump, cv2.CV_32F, 0, 1, scale=1 / 8), np.float32) * np.float32(
            self.detail
        )
        to_light = pose.turn.T @ _unrolled(light.towards, pose.roll)
        half = to_light + pose.turn.T @ np.array([0.0, 0.0, 1.0])
        half /= np.linalg.norm(half)
        cos, sin = np.cos(self.thetas), np.sin(self.thetas)

        # n = smooth - along * east - down * south: its dot with any vector needs three small maps, not a normal map.
        def dot(vector: NDArray[np.float64]) -> Floats:
            base = cv2.resize((smooth @ vector).astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
            east = cv2.resize((cos * vector[0] - sin * vector[2]).astype(np.float32)[None], (size[0], 1))
            return np.asarray((base - along * east - down * np.float32(vector[1])) / length, np.float32)

        length = np.sqrt(1 + along**2 + down**2)
        diffuse = np.clip((dot(to_light) + 0.22) / 1.22, 0, 1)
        up = cv2.resize((smooth @ pose.turn.T @ np.array([0.0, -1.0, 0.0])).astype(np.float32), size)
        glint = np.clip(dot(half), 0, 1) ** 2
        for _ in range(3):  # to the 16th power: squaring is much faster than a power
            glint *= glint
        glint *= self.gloss
        ambient = 0.78 + 0.22 * up
        linear = self.rgb * self.rgb
        key = np.asarray(light.key, np.float32)
        # Light seeps through skin: where the shade begins it is warmer.
        seep = (0.10 * np.clip(1 - np.abs(diffuse - 0.25) * 4, 0, 1))[..., None] * np.array(
            (1.0, 0.35, 0.2), np.float32
        )
        linear *= (
            ambient[..., None] * np.asarray(light.ambient, np.float32) + (diffuse[..., None] + seep) * key
        )
        linear += glint[..., None] * key
        return np.asarray(np.sqrt(np.clip(linear, 0, 1, out=linear), out=linear), np.float32)

    def weather(self) -> None:
        """Skin is never one colour: mottling and pores, from the person's own place in the noise."""
        height, width = self.relief.shape
        seed = self.anatomy.who.texture_seed
        blotches = noise_patch(height, width, seed, 9.0, 9.0, self.detail / 90)
        pores = noise_patch(height, width, seed + 77, 0.8, 0.8)
        tone = 1 + 0.014 * blotches + 0.006 * pores
        self.rgb *= tone[..., None]
        self.relief += pores * np.float32(0.00012 + 0.00035 * self.anatomy.who.wrinkles)


def _unrolled(vector: tuple[float, float, float], roll: float) -> NDArray[np.float64]:
    """A camera direction as a head that is rolled sees it."""
    x, y, z = vector
    cos, sin = np.cos(roll), np.sin(roll)
    return np.array([x * cos + y * sin, -x * sin + y * cos, z])


def _macro_relief(
    anatomy: Anatomy, thetas: NDArray[np.float64], ys: NDArray[np.float64]
) -> NDArray[np.float64]:
    """What stands out of the smooth head, in head units (R, C): nose, brow ridge, sockets, cheeks, lips, chin."""
    width, _ = anatomy.section(ys)
    front = np.abs(thetas) < np.pi / 2
    x = width[:, None] * np.sign(thetas) * np.where(front, np.abs(np.sin(thetas)) ** 0.84, 9.0)
    y = ys[:, None]
    relief = np.zeros_like(x)
    for amount, cx, cy, sx, sy in _bumps(anatomy):
        for centre in {cx, -cx}:
            relief += amount * np.exp(-(((x - centre) / sx) ** 2)) * np.exp(-(((y - cy) / sy) ** 2))
    return np.asarray(relief, np.float64)


def _bumps(anatomy: Anatomy) -> list[tuple[float, float, float, float, float]]:
    """Amount, x (mirrored), y, and the two widths of every bump."""
    who, u = anatomy.who, anatomy.units
    eye, nose, mouth = anatomy.eye_y, anatomy.nose_y, anatomy.mouth_y
    high, wide = who.nose_height, who.nose_width
    smile = max(u.corner_pull, u.cheek_raise)
    bridge = eye + 0.05
    return [
        (0.055 * high, 0.0, bridge, 0.05, 0.11),
        (0.095 * high, 0.0, (bridge + nose) / 2, 0.062 * wide, 0.12),
        (0.130 * high, 0.0, nose - 0.012, 0.078 * wide, 0.062),
        (0.055, 0.098 * wide, nose + 0.022, 0.045 * wide, 0.042),
        (0.012 + 0.03 * who.masculine, 0.17, eye - 0.17 + 0.03 * u.brow_lower, 0.17, 0.06),
        (-0.060, who.eye_gap, eye - 0.005, 0.13, 0.085),
        (-0.030, 0.13, eye + 0.02, 0.05, 0.08),
        (0.040, who.eye_gap, eye + 0.005, 0.085, 0.060),
        (0.030 + 0.035 * smile, 0.36, eye + 0.31 - 0.04 * smile, 0.13, 0.10),
        (-0.022 * (who.wrinkles + 0.3), 0.40, mouth - 0.02, 0.10, 0.14),
        (0.035, 0.0, mouth - 0.01, 0.22, 0.12),
        (-0.024, 0.0, mouth + 0.135 + anatomy.jaw_shift * 0.8, 0.13, 0.04),
        (0.045 + 0.02 * u.chin_raise, 0.0, anatomy.chin_y - 0.13, 0.13, 0.085),
        (-0.030, 0.52, -0.30, 0.12, 0.2),
    ]
