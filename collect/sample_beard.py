"""Beards of the sample people, and their glasses: what is worn on the front of a face."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from collect.sample_head import Anatomy, Pose
from collect.sample_paint import Brush, Floats, curve, noise_patch, ribbon
from collect.sample_skin import Skin


def paint_beard(skin: Skin, rng: np.random.Generator) -> None:
    """Stubble, moustache, goatee or full beard, around the mouth where it happens to be."""
    a, who = skin.anatomy, skin.anatomy.who
    if who.beard == "none":
        return
    height, width = skin.relief.shape
    mask: Floats = np.zeros((height, width), np.float32)
    for outline in _beard_shapes(a):
        found = Brush(mask).mask(skin.polar(outline), 0.028 * skin.detail)
        if found is not None:
            mask[found[0]] = np.maximum(mask[found[0]], found[1])
    lips = np.array(
        [a.corner(-1), (0, a.mouth_y - 0.055), a.corner(1), (0, a.mouth_y + 0.085 + 0.9 * a.jaw_shift)]
    )
    mask *= 1 - skin.mask(curve(np.concatenate([lips, lips[:1]]), 6), 0.012)
    grain = noise_patch(height, width, who.texture_seed + 9, 0.7, 2.2, max(skin.detail / 110, 0.4))
    density = 0.42 if who.beard == "stubble" else 0.93
    mask = np.clip(mask * (density + 0.16 * grain), 0, 0.96)
    tone = np.asarray(who.brow) if who.age != "old" else np.asarray(who.hair)
    skin.rgb += (tone.astype(np.float32) * (0.9 + 0.22 * grain)[..., None] - skin.rgb) * mask[..., None]
    if who.beard != "stubble":
        skin.relief += mask * (0.012 + 0.004 * grain)


def _beard_shapes(a: Anatomy) -> list[Floats]:
    """Outlines (N, 2) as angle and height."""
    y, chin = a.mouth_y, a.chin_y
    corner = abs(a.corner(1)[0])

    def polar(points: ArrayLike) -> Floats:
        x, height = np.asarray(points, np.float64).T
        return np.stack([a.theta(x, height), height], axis=1).astype(np.float32)

    end = corner + 0.03
    above = [(-end, y + 0.03), (-0.12, y - 0.075), (0, y - 0.085), (0.12, y - 0.075), (end, y + 0.03)]
    beneath = [(0.13, y - 0.02), (0, y - 0.035), (-0.13, y - 0.02), (-end, y + 0.03)]
    moustache = polar(curve(above + beneath, 4))
    if a.who.beard == "moustache":
        return [moustache]
    if a.who.beard == "goatee":
        loop = [
            (-corner - 0.05, y),
            (-corner - 0.05, y + 0.15),
            (-0.15, chin + 0.1),
            (0.15, chin + 0.1),
            (corner + 0.05, y + 0.15),
            (corner + 0.05, y),
        ]
        return [moustache, polar(loop)]
    half = [(1.35, -0.05), (1.18, 0.05), (1.02, 0.40), (0.72, y - 0.06), (0.42, y - 0.07)]
    top = np.array([(-t, h) for t, h in half] + half[::-1])
    return [moustache, np.concatenate([top, [(1.5, 1.32), (-1.5, 1.32)]]).astype(np.float32)]


def draw_glasses(brush: Brush, a: Anatomy, pose: Pose, bright: float) -> None:
    """Frames that stand before the eyes, with arms to the ears. `bright` scales colours to the light."""
    who = a.who
    if who.glasses == "none":
        return
    sun = who.glasses == "sun"
    frame = np.asarray((0.08, 0.07, 0.07) if sun or who.texture_seed % 3 else who.accent) * bright
    width = max(0.026 * pose.scale, 0.9)
    for side in (-1, 1):
        rim = pose.project(_rim(a, side))
        if sun:
            brush.fill(rim, np.array((0.07, 0.065, 0.07)) * bright, 0.93)
        brush.fill(rim, np.array((1, 1, 1)) * bright, 0.05)
        glare = _rim(a, side)[[14, 16, 18, 2, 4]] * (1, 1, 1)
        brush.fill(pose.project(glare), np.array((1, 1, 1)) * bright, 0.10, 0.02 * pose.scale)
        closed = np.concatenate([rim, rim[:2]])
        brush.fill(ribbon(closed, (width, width)), frame, 0.95)
        if side * pose.yaw < 0.12:
            outer = (side * (who.eye_gap + 0.17), a.eye_y - 0.03, 0.83)
            arm = pose.project(
                [
                    outer,
                    (side * (who.width + 0.02), a.eye_y - 0.02, 0.5),
                    (side * (who.width + 0.03), a.eye_y + 0.02, 0.0),
                ]
            )
            brush.fill(ribbon(arm, (width, width)), frame, 0.95)
    bridge = curve(
        [(-who.eye_gap + 0.15, a.eye_y - 0.02), (0, a.eye_y - 0.05), (who.eye_gap - 0.15, a.eye_y - 0.02)], 5
    )
    brush.fill(
        ribbon(pose.project(np.column_stack([bridge, np.full(len(bridge), 0.92)])), (width, width)),
        frame,
        0.95,
    )


def _rim(a: Anatomy, side: int) -> NDArray[np.float64]:
    """Head points (28, 3) of one rim."""
    who = a.who
    angle = np.linspace(0, 2 * np.pi, 28, endpoint=False)
    power = 1.0 if who.glasses == "round" else 0.6
    x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    size = (0.18, 0.17) if who.glasses == "round" else (0.175, 0.125)
    along = who.eye_gap + 0.012 + x * size[0]
    return np.stack([side * along, a.eye_y + 0.02 + y * size[1], 0.925 - 0.32 * along**2], axis=1)
