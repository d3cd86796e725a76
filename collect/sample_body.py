"""The sample people below the head, and rounded shapes in general: neck, clothes, arms and legs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike

from collect.sample_figure import STONE, Figure
from collect.sample_hair import strands
from collect.sample_head import Pose
from collect.sample_paint import Brush, Floats, curve, ribbon
from collect.sample_skin import Light


def draw_body(brush: Brush, figure: Figure, light: Light) -> None:
    """Neck, clothes and limbs; the body stands upright below a head that leans."""
    who, pose = figure.who, figure.pose
    small = 0.8 if who.age == "child" else 1.0
    base = pose.place([(0.0, 0.78)])[0] + (-0.1 * np.sin(pose.yaw) * pose.scale, 0.48 * pose.scale * small)
    frame = _Frame(
        base,
        pose.scale,
        (1.42 + 0.36 * who.masculine) * small,
        (0.36 + 0.09 * who.masculine) * (0.92 if small < 1 else 1),
    )
    stone = figure.material == "stone"
    skin = np.full(3, STONE) if stone else np.asarray(who.skin) * (0.97, 0.94, 0.93)
    cloth = np.full(3, STONE * 0.95) if stone else np.asarray(who.clothes)
    trousers = np.full(3, STONE * 0.9) if stone else np.asarray(who.accent) * 0.5
    _limbs(brush, frame, cloth, trousers, light, pose)
    _neck(brush, frame, figure, skin, light)
    _clothes(brush, frame, figure, cloth, light)
    if who.hair_style == "scarf":
        drape = curve(
            [
                (-1.15, 0.75),
                (-1.0, 0.1),
                (-0.5, -0.2),
                (0, -0.08),
                (0.5, -0.2),
                (1.0, 0.1),
                (1.15, 0.75),
                (0.5, 1.05),
                (-0.4, 1.1),
                (-1.15, 0.75),
            ],
            6,
        )
        solid(
            brush,
            frame.at(drape * frame.broad / 1.7),
            np.full(3, STONE) if stone else who.accent,
            light,
            pose,
        )


@dataclass(frozen=True, slots=True)
class _Frame:
    """The body's own coordinates: the pit of the neck in pixels, their scale, half widths of shoulders and neck."""

    base: Floats
    scale: float
    broad: float
    neck: float

    def at(self, points: ArrayLike) -> Floats:
        return np.asarray(np.asarray(points) * self.scale + self.base, np.float32)


def _limbs(
    brush: Brush, frame: _Frame, cloth: ArrayLike, trousers: ArrayLike, light: Light, pose: Pose
) -> None:
    """Arms and legs, where the photo reaches that far down."""
    w = frame.broad
    if frame.base[1] + 4.0 * frame.scale < brush.image.shape[0]:
        for side in (-1, 1):
            leg = curve([(side * 0.45 * w, 3.9), (side * 0.42 * w, 7.0), (side * 0.36 * w, 11.5)], 6)
            solid(brush, frame.at(ribbon(leg, (0.9 * w, 0.72 * w, 0.5 * w))), trousers, light, pose)
    for side in (-1, 1):
        arm = curve(
            [(side * 0.82 * w, 0.62), (side * 0.95 * w, 1.4), (side * 1.04 * w, 2.7), (side * 0.98 * w, 4.4)],
            6,
        )
        solid(
            brush,
            frame.at(ribbon(arm, (0.46 * w, 0.44 * w, 0.36 * w, 0.28 * w))),
            np.asarray(cloth) * 0.93,
            light,
            pose,
        )


def _neck(brush: Brush, frame: _Frame, figure: Figure, skin: ArrayLike, light: Light) -> None:
    """The neck from under the jaw to the collar, with the jaw's shadow on it."""
    pose, n = figure.pose, frame.neck
    top = (pose.place([(0.0, 0.4)])[0] - frame.base) / frame.scale
    half = [(n * 1.05, float(top[1])), (n, -0.25), (n * 1.12, 0.02), (n * 1.7, 0.2)]
    sides = [
        curve(
            [
                (float(top[0]) * share + sign * x, y)
                for (x, y), share in zip(half, (1, 0.4, 0, 0), strict=True)
            ],
            5,
        )
        for sign in (1, -1)
    ]
    column = frame.at(np.concatenate([sides[0], [(0, 0.75)], sides[1][::-1]]))
    wrapped = figure.who.hair_style == "scarf" and figure.material == "flesh"
    solid(brush, column, np.asarray(figure.who.accent) * 0.9 if wrapped else skin, light, pose)
    inside = brush.mask(column)
    jaw = figure.anatomy.surface(np.linspace(-1.3, 1.3, 14), np.full(14, 0.80 * figure.anatomy.chin_y))
    edge = pose.project(jaw)
    for reach, depth in ((0.22, 0.30), (0.55, 0.32)):
        fall = np.array((-0.12 * light.towards[0] * pose.scale, reach * pose.scale), np.float32)
        found = brush.mask(
            np.concatenate([edge - (0, 0.3 * pose.scale), (edge + fall)[::-1]]).astype(np.float32),
            0.09 * pose.scale,
        )
        if found is not None and inside is not None:
            _darken(brush, found, inside, depth)


def _darken(
    brush: Brush,
    found: tuple[tuple[slice, slice], Floats],
    inside: tuple[tuple[slice, slice], Floats],
    by: float,
) -> None:
    """Darken where two masks overlap."""
    full = np.zeros(brush.image.shape[:2], np.float32)
    full[inside[0]] = inside[1]
    window, cover = found
    brush.image[window] *= 1 - (cover * full[window])[..., None] * np.array(
        (0.88, 0.97, 1.0), np.float32
    ) * np.float32(by)


def _clothes(brush: Brush, frame: _Frame, figure: Figure, cloth: ArrayLike, light: Light) -> None:
    who, pose, n, w = figure.who, figure.pose, frame.neck, frame.broad
    slope = [
        (n * 1.02, -0.06),
        (n * 1.35, 0.06),
        (w * 0.60, 0.20),
        (w * 0.90, 0.40),
        (w * 0.98, 0.72),
        (w * 0.86, 1.5),
        (w * 0.80, 2.6),
        (w * 0.86, 4.3),
    ]
    side = curve(slope, 6)
    depth = {"round": 0.22, "vee": 0.55, "shirt": 0.34, "high": -0.12}[who.collar]
    opening = curve(
        [
            (n * 1.02, -0.06),
            (n * 0.75, 0.4 * depth + 0.02),
            (0, depth),
            (-n * 0.75, 0.4 * depth + 0.02),
            (-n * 1.02, -0.06),
        ],
        6,
    )
    if who.collar in ("vee", "shirt"):
        opening = np.array([(n * 1.02, -0.06), (0, depth), (-n * 1.02, -0.06)], np.float32)
    outline = np.concatenate([side, (side * (-1, 1))[::-1], opening[::-1]])
    solid(brush, frame.at(outline), cloth, light, pose)
    if who.collar == "shirt":
        for sign in (-1, 1):
            flap = np.array(
                [(sign * n * 1.05, -0.14), (sign * n * 1.2, 0.06), (sign * 0.24, 0.46), (0, depth)]
            )
            solid(brush, frame.at(flap), np.clip(np.asarray(cloth) * 1.12, 0, 1), light, pose)
    else:
        rim = tone(np.asarray(cloth) * 0.8, light, (0, -0.2, 0.95))
        brush.fill(frame.at(ribbon(opening, (0.05, 0.05))), rim, 0.8, 0.01 * pose.scale)
    for sign in (-1, 1):
        fold = curve([(sign * w * 0.62, 0.75), (sign * w * 0.70, 1.3), (sign * w * 0.6, 2.0)], 6)
        brush.fill(frame.at(ribbon(fold, (0.02, 0.10, 0.03))), np.zeros(3), 0.18, 0.05 * pose.scale)


def tone(colour: ArrayLike, light: Light, normal: ArrayLike) -> Floats:
    """A colour under the light, for surface directions (..., 3)."""
    facing = np.clip(
        (np.asarray(normal, np.float32) @ np.asarray(light.towards, np.float32) + 0.2) / 1.2, 0, 1
    )
    power = (
        facing[..., None] * np.asarray(light.key, np.float32) + np.asarray(light.ambient, np.float32) * 0.85
    )
    return np.asarray(np.asarray(colour, np.float32) * np.sqrt(power), np.float32)


def solid(brush: Brush, outline: Floats, colour: ArrayLike, light: Light, pose: Pose,
           grain: tuple[bool, int] | None = None, soft: float = 0.01) -> None:  # fmt: skip
    """A rounded body under the light, as if its outline were a cushion's; `grain` gives it curls or strands."""
    found = brush.mask(outline, soft * pose.scale)
    if found is None:
        return
    window, cover = found
    (x0, y0), (x1, y1) = outline.min(axis=0), outline.max(axis=0)
    # The light changes slowly over a body: a sixteenth of the pixels are enough to reckon it.
    size = cover.shape[1] // 4 + 2, cover.shape[0] // 4 + 2
    x = (np.linspace(window[1].start, window[1].stop, size[0]) - (x0 + x1) / 2) / max((x1 - x0) / 2, 1)
    y = (np.linspace(window[0].start, window[0].stop, size[1]) - y0) / max(y1 - y0, 1)
    nx, ny = np.broadcast_arrays(np.clip(x, -1, 1)[None] * 0.85, (-0.5 * (1 - y))[:, None])
    normal = np.stack([nx, ny, np.sqrt(np.maximum(1 - nx**2 - ny**2, 0.02))], axis=-1)
    lit = np.asarray(cv2.resize(tone(colour, light, normal), cover.shape[::-1]), np.float32)
    if grain is not None:
        lit = lit * (1 + 0.2 * strands(cover.shape, grain[1], grain[0], pose.scale))[..., None]
    brush.blend(window, cover, lit)
