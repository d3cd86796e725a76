"""Draws the composed sample photos: the place, what hangs there, the people, and what the camera does to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from collect.sample_background import draw_setting
from collect.sample_figure import Figure
from collect.sample_paint import Brush, Floats, curve, ellipse, noise_patch, ribbon
from collect.sample_person import draw_figure
from collect.sample_scene import NearCopy, Scene, SceneFace
from collect.sample_skin import Light


def render(scene: Scene) -> NDArray[np.uint8]:
    """The photo of a scene, uint8 RGB (H, W, 3); the same scene gives the same bytes."""
    if scene.copy is not None:
        return _reworked(scene.copy, scene.size_wh)
    image = draw_setting(scene.setting, scene.size_wh)
    for face in sorted(scene.faces, key=lambda face: (face.kind != "picture", face.height)):
        _draw(image, face, scene.setting.light)
    seed = scene.seed * 7919 + scene.index * 104729
    return develop(image, blur_px=scene.blur_px, grain=scene.grain, seed=seed)


def _reworked(copy: NearCopy, size_wh: tuple[int, int]) -> NDArray[np.uint8]:
    x0, y0, x1, y1 = copy.crop_xyxy
    cut = render(copy.original)[y0:y1, x0:x1]
    resized = np.asarray(cv2.resize(cut, size_wh, interpolation=cv2.INTER_AREA), np.float32)
    return np.asarray(np.clip(resized * copy.brightness + 0.5, 0, 255), np.uint8)


def _draw(image: Floats, face: SceneFace, light: Light) -> None:
    if face.kind == "picture":
        _framed(image, face)
    elif face.kind == "toy":
        _toy(image, face, light)
    else:
        draw_figure(image, face.figure, light)


def _framed(image: Floats, face: SceneFace) -> None:
    """A person on a poster or in a frame: printed flat, in few or no colours."""
    x0, y0, x1, y1 = face.xyxy
    grow = 0.42 * face.height
    left, top = max(int(x0 - grow), 0), max(int(y0 - grow), 0)
    right, bottom = min(int(x1 + grow), image.shape[1]), min(int(y1 + 0.8 * grow), image.shape[0])
    print_ = np.full((bottom - top, right - left, 3), (0.78, 0.72, 0.60), np.float32)
    cx, cy = face.figure.pose.centre_xy
    shifted = _at(face, (cx - left, cy - top))
    draw_figure(print_, shifted, Light((-0.4, -0.5, 0.77), (0.6, 0.6, 0.6), (0.45, 0.45, 0.45)))
    grey = np.clip(print_ @ np.array((0.3, 0.59, 0.11), np.float32), 0, 1)
    tint = np.array(((1.0, 0.92, 0.76), (0.93, 0.94, 0.96))[face.figure.who.texture_seed % 2], np.float32)
    levels = np.round(grey * 6) / 6 if face.figure.who.texture_seed % 3 == 0 else grey
    image[top:bottom, left:right] = levels[..., None] * tint * 0.92
    rim = max(int(0.05 * face.height), 2)
    cv2.rectangle(image, (left, top), (right - 1, bottom - 1), (0.22, 0.15, 0.1), 2 * rim)


def _at(face: SceneFace, centre_xy: tuple[float, float]):  # type: ignore[no-untyped-def]
    return replace(face.figure, pose=replace(face.figure.pose, centre_xy=centre_xy))


def _toy(image: Floats, face: SceneFace, light: Light) -> None:
    """A yellow balloon with a face drawn on it."""
    brush, pose = Brush(image), face.figure.pose
    x0, y0, x1, y1 = face.xyxy
    centre, radius = ((x0 + x1) / 2, (y0 + y1) / 2), min(x1 - x0, y1 - y0) * 0.55
    bright = float(np.sqrt(np.mean(light.key) + np.mean(light.ambient)))
    string = curve(
        [
            (centre[0], centre[1] + radius),
            (centre[0] + 0.2 * radius, centre[1] + 3 * radius),
            (centre[0], image.shape[0] + 9.0),
        ]
    )
    brush.fill(ribbon(string, (1.5, 1.5)), (0.25, 0.22, 0.2))
    brush.fill(ellipse(centre, (radius, radius), steps=48), np.array((0.86, 0.62, 0.10)) * bright)
    brush.fill(
        ellipse((centre[0] - 0.2 * radius, centre[1] - 0.25 * radius), (0.6 * radius, 0.55 * radius)),
        np.array((1.0, 0.84, 0.3)) * bright,
        0.9,
        0.25 * radius,
    )
    for eye in face.landmarks[:2]:
        brush.fill(
            ellipse((float(eye[0]), float(eye[1])), (0.09 * radius, 0.16 * radius), pose.roll),
            np.array((0.1, 0.07, 0.05)),
        )
    left, right = face.landmarks[3], face.landmarks[4]
    middle = (left + right) / 2 + (0, 0.22 * radius)
    brush.fill(
        ribbon(curve([left, middle, right], 8), (0.05 * radius, 0.09 * radius, 0.05 * radius)),
        np.array((0.25, 0.08, 0.05)),
    )


def draw_figures(image: Floats, figures: Sequence[Figure], light: Light) -> None:
    """Draw people into an image in place, the far ones first."""
    for figure in sorted(figures, key=lambda figure: figure.pose.scale):
        draw_figure(image, figure, light)


def develop(image: Floats, *, blur_px: float, grain: float, seed: int) -> NDArray[np.uint8]:
    """What lens and sensor do: darker corners, grain, a little softness. Overwrites `image`."""
    height, width = image.shape[:2]
    y, x = np.linspace(-1, 1, height, dtype=np.float32), np.linspace(-1, 1, width, dtype=np.float32)
    image *= (1 - 0.036 * (y[:, None] ** 2 + x[None] ** 2) ** 1.5)[..., None]
    image += (noise_patch(height, width, seed, 0.6, 0.6) * np.float32(grain))[..., None]
    np.maximum(image, 0, out=image)
    exposed = cv2.convertScaleAbs(image, alpha=255)  # rounds and stops at 255
    return np.asarray(cv2.GaussianBlur(exposed, (0, 0), float(np.hypot(blur_px, 0.55))), np.uint8)
