"""Draws one whole sample person into a photo: hair, body, head, glasses."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike

from collect.sample_beard import draw_glasses, paint_beard
from collect.sample_body import draw_body, solid, tone
from collect.sample_face import paint_face
from collect.sample_figure import STONE, Figure
from collect.sample_hair import CUTS, back_hair, bun, hair_colour, lock, paint_cap
from collect.sample_head import unroll
from collect.sample_paint import Brush, Floats
from collect.sample_skin import Light, Skin


def draw_figure(image: Floats, figure: Figure, light: Light) -> None:
    """Paint a person on a photo (H, W, 3), 0 to 1, in place; parts outside the photo are cut off."""
    skin = _painted(figure)
    a, pose = figure.anatomy, figure.pose
    brush = Brush(image)
    hair = hair_colour(skin) if figure.material == "flesh" else (STONE,) * 3
    cut = CUTS[figure.who.hair_style]
    cloth = cut.cloth
    for outline in (back_hair(a, pose), bun(a, pose)):
        if outline is not None:
            solid(
                brush,
                outline,
                np.asarray(hair) * 0.72,
                light,
                pose,
                grain=None if cloth else (cut.curl, figure.who.texture_seed),
            )
    draw_body(brush, figure, light)
    hidden = [side for side in (-1, 1) if side * pose.yaw > 0.14]
    shown = [side for side in (-1, 1) if side not in hidden]
    for side in hidden:
        _ear(brush, figure, side, light)
        _lock(brush, figure, side, hair, light)
    _head(image, skin, figure, light)
    for side in shown:
        _ear(brush, figure, side, light)
    if figure.material == "flesh":
        draw_glasses(brush, a, pose, float(np.sqrt(np.mean(light.ambient) + 0.6 * np.mean(light.key))))
    for side in shown:
        _lock(brush, figure, side, hair, light)


def _painted(figure: Figure) -> Skin:
    """The head's texture, painted as finely as its size in the photo deserves."""
    skin = Skin(figure.anatomy, float(np.clip(figure.pose.scale * 1.05, 32, 150)))
    rng = np.random.default_rng([figure.who.texture_seed, 3])
    paint_face(skin, figure.gaze_xy, rng)
    paint_beard(skin, rng)
    paint_cap(skin, rng)
    if figure.material == "stone":
        grey = skin.rgb.mean(axis=2, keepdims=True)
        skin.rgb = (
            STONE * (0.75 + 0.25 * np.clip(grey / 0.5, 0, 1.2)) * np.array((1.0, 0.98, 0.94), np.float32)
        ).astype(np.float32)
    return skin


def _head(image: Floats, skin: Skin, figure: Figure, light: Light) -> None:
    """Light the texture, bend it into space, and lay it on the photo."""
    pose, a = figure.pose, figure.anatomy
    surface = a.surface(skin.thetas[None], skin.ys[:, None], skin.macro)
    step = 0.025 if pose.scale > 50 else 0.035
    theta, y, inside, x0, y0 = unroll(surface @ pose.turn.T, -pose.yaw, skin.thetas, skin.ys, step)
    height, width = theta.shape
    corners = pose.place(
        [(x0, y0), (x0 + width * step, y0), (x0, y0 + height * step), (x0 + width * step, y0 + height * step)]
    )
    low = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, image.shape[1::-1])
    if (low >= high).any():
        return
    cos, sin = np.cos(pose.roll) / (pose.scale * step), np.sin(pose.roll) / (pose.scale * step)
    offset = low - np.asarray(pose.centre_xy)
    back = np.array(
        [
            [cos, sin, offset[0] * cos + offset[1] * sin - x0 / step],
            [-sin, cos, -offset[0] * sin + offset[1] * cos - y0 / step],
        ]
    )
    texture = skin.polar(np.stack([theta.ravel(), y.ravel()], axis=1)).reshape(height, width, 2)
    fields = np.dstack([texture, inside])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    where = cv2.warpAffine(
        fields, back, size, flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=(0, 0, -1, 0)
    )
    lit = skin.lit(pose, light)
    shown = cv2.remap(lit, where[..., 0], where[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = np.clip(where[..., 2] * pose.scale + 0.2, 0, 1)
    window = (slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0])))
    Brush(image).blend(window, alpha, shown)


def _lock(brush: Brush, figure: Figure, side: int, hair: ArrayLike, light: Light) -> None:
    outline = lock(figure.anatomy, figure.pose, side)
    if outline is not None:
        solid(brush, outline, hair, light, figure.pose, (False, figure.who.texture_seed + side), 0.015)


def _ear(brush: Brush, figure: Figure, side: int, light: Light) -> None:
    who, pose = figure.who, figure.pose
    if not CUTS[who.hair_style].ears:
        return
    skin = np.asarray(who.skin) if figure.material == "flesh" else np.full(3, STONE)
    normal = np.array([side * 0.7, 0, 0.7]) @ pose.turn.T
    lit = tone(skin * (1.0, 0.9, 0.88), light, normal)
    for size, factor, shift in ((1.0, 1.0, 0.0), (0.66, 0.80, 0.028), (0.34, 0.93, 0.03)):
        angle = np.linspace(0, 2 * np.pi, 22)
        out = (0.075 + 0.085 * np.cos(angle) * (1 + 0.25 * -np.sin(angle))) * size * who.ear + shift
        up = 0.175 * np.sin(angle) * size * who.ear
        x = side * (who.width * 0.945 + 0.62 * out)
        points = np.stack([x, figure.anatomy.eye_y + 0.14 + up, -0.02 - 0.75 * out], axis=1)
        brush.fill(
            pose.project(points),
            lit * np.array((1, 0.1 + 0.9 * factor, 0.1 + 0.9 * factor)) * factor,
            1.0,
            0.02 * pose.scale * (size < 1),
        )
