"""Hair, beards, headwear and glasses of the sample people."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from collect.sample_head import Anatomy, Pose
from collect.sample_identity import HairStyle, Rgb
from collect.sample_paint import Brush, Floats, curve, noise_patch, ribbon
from collect.sample_skin import Skin


@dataclass(frozen=True, slots=True)
class Cut:
    """What makes a hair style. Heights in head units."""

    front: float  # height of the hairline in the middle
    temple: float  # its height at the temples
    side: float  # how far down it goes before the ear
    volume: float
    length: float = 0.0  # how far down long hair hangs; 0 for none
    curl: bool = False
    cloth: bool = False
    ears: bool = True  # whether the ears show
    cover: float = 1.0
    parted: bool = False
    sweep: float = 0.5  # how far the strands lean to the side of the parting


CUTS: dict[HairStyle, Cut] = {
    "bald": Cut(-9, -9, -9, 0.0),
    "receding": Cut(-0.80, -0.66, 0.05, 0.03),
    "buzz": Cut(-0.58, -0.44, 0.08, 0.015, cover=0.8),
    "short": Cut(-0.58, -0.46, 0.06, 0.07),
    "side": Cut(-0.55, -0.44, 0.10, 0.12, parted=True, sweep=1.6),
    "fringe": Cut(-0.30, -0.26, 0.15, 0.10),
    "curly": Cut(-0.52, -0.42, 0.16, 0.15, curl=True),
    "afro": Cut(-0.54, -0.42, 0.12, 0.16, length=0.42, curl=True, ears=False),
    "bob": Cut(-0.46, -0.40, 0.35, 0.11, length=0.98, ears=False),
    "long": Cut(-0.50, -0.40, 0.35, 0.10, length=1.75, ears=False, parted=True),
    "bun": Cut(-0.58, -0.46, 0.04, 0.06),
    "beanie": Cut(-0.44, -0.40, -0.12, 0.11, cloth=True),
    "scarf": Cut(-0.54, -0.50, 0.55, 0.07, length=1.25, cloth=True, ears=False),
}  # fmt: skip


def hair_colour(skin: Skin) -> Rgb:
    who = skin.anatomy.who
    return who.accent if CUTS[who.hair_style].cloth else who.hair


def paint_cap(skin: Skin, rng: np.random.Generator) -> None:
    """The hair (or cap) that lies on the skull: colour, strands, and the room it takes."""
    who = skin.anatomy.who
    cut = CUTS[who.hair_style]
    if cut.front < -5:
        return
    outline = skin.polar(_hairline(cut, who.part, rng))
    mask = np.zeros(skin.relief.shape, np.float32)
    Brush(mask).fill(outline, 1.0, cut.cover, (0.006 if cut.cloth else 0.010) * skin.detail)
    if not cut.cloth:
        mask *= np.clip(
            1 + 0.6 * strands(mask.shape, who.texture_seed, cut.curl, skin.detail, 0.3) * (mask < 0.9), 0, 1
        )
    grain = (
        _knit(mask.shape, skin.detail)
        if who.hair_style == "beanie"
        else strands(mask.shape, who.texture_seed, cut.curl, skin.detail, cut.sweep * who.part)
    )
    depth = 0.03 if cut.cloth else (0.30 if cut.curl else 0.2)
    shaded = np.asarray(hair_colour(skin), np.float32) * (0.98 + depth * grain)[..., None]
    # Hair throws a soft shadow on the brow beneath it.
    under = cv2.GaussianBlur(mask, (0, 0), 0.05 * skin.detail)
    skin.rgb *= 1 - (0.30 * np.clip(under, 0, 1) * (1 - mask))[..., None]
    skin.rgb += (np.clip(shaded, 0.01, 1) - skin.rgb) * mask[..., None]
    skin.relief *= 1 - mask
    skin.relief += mask * grain * np.float32(0.002 if cut.cloth else 0.005 if not cut.curl else 0.010)
    skin.gloss += mask * np.float32(0.0 if cut.cloth or cut.curl else 0.16)
    rows, columns = skin.macro.shape
    room = cv2.resize(
        cv2.GaussianBlur(mask, (0, 0), 0.03 * skin.detail), (columns, rows), interpolation=cv2.INTER_AREA
    )
    lumps = noise_patch(rows, columns, who.texture_seed, 5.0, 5.0) * np.clip(
        (skin.ys[:, None] + 0.95) / 0.3, 0, 1
    )
    skin.macro += room * cut.volume * (1 + (0.0 if cut.cloth else 0.2) * lumps)


def _hairline(cut: Cut, part: float, rng: np.random.Generator) -> Floats:
    """The outline (N, 2) of the cap, as angle and height: up over the crown and along the hairline."""
    # Off the forehead the line rises before the temples and comes down in front of the ear.
    high = cut.front - (0.05 if cut.front < -0.4 else 0.0)
    half = [(0.0, cut.front), (0.30, cut.front), (0.62, high), (0.86, cut.temple)]
    half += [(1.02, min(cut.temple + 0.2, cut.side)), (1.12, cut.side - 0.06), (1.24, cut.side + 0.02)]
    half += [(1.36, min(cut.side, -0.02)), (1.62, max(cut.side, 0.0)), (1.8, 0.5), (2.25, 0.62)]
    if cut.cloth and cut.side < 0:
        half = [
            (0.0, cut.front),
            (0.8, cut.temple + 0.02),
            (1.2, cut.side - 0.1),
            (1.7, cut.side),
            (2.25, cut.side + 0.05),
        ]
    elif cut.cloth:
        half = [
            (0.0, cut.front),
            (0.4, cut.front + 0.03),
            (0.8, cut.temple + 0.12),
            (1.02, -0.1),
            (1.08, 0.3),
            (1.02, 0.58),
            (1.2, 0.80),
            (1.6, 0.85),
            (2.25, 0.85),
        ]
    elif cut.length > 0.5:
        half = [
            (0.0, cut.front),
            (0.35, cut.front + 0.03),
            (0.75, cut.temple + 0.06),
            (0.98, -0.15),
            (1.12, 0.2),
            (1.25, 0.5),
            (1.5, 0.72),
            (2.25, 0.78),
        ]
    right = curve(half, 6)
    left = right[:0:-1] * (-1, 1)
    line = np.concatenate([left, right])
    if not cut.cloth:
        jag = 0.020 if cut.cover == 1 else 0.006
        line[:, 1] += rng.normal(0, jag, len(line)) * (np.abs(line[:, 0]) < (0.85 if cut.length else 1.5))
        if cut.front > -0.75 and cut.length < 1.5:
            line[:, 1] += 0.05 * part * np.sin(line[:, 0] * 2.2) * (np.abs(line[:, 0]) < 1.3)
        if cut.parted:
            line[:, 1] -= 0.20 * np.exp(-np.abs(line[:, 0] - 0.5 * part) / 0.22)
    return np.concatenate([[(-2.3, -1.3)], line, [(2.3, -1.3)]]).astype(np.float32)


def strands(shape: tuple[int, ...], seed: int, curl: bool, detail: float, lean: float = 0.0) -> Floats:
    """Lightness of hair (H, W), mean 0: lines along y that `lean` sideways, or curls."""
    height, width = shape[:2]
    zoom = max(detail / 110, 0.35)
    if curl:
        return noise_patch(height, width, seed, 2.2, 2.2, zoom)
    fine = noise_patch(height, width, seed, 0.9, 14.0, zoom, lean)
    return 0.6 * fine + 0.5 * noise_patch(height, width, seed + 5, 3.5, 30.0, zoom, lean)


def _knit(shape: tuple[int, ...], detail: float) -> Floats:
    """The ribs of a woollen cap."""
    rows, columns = np.arange(shape[0]), np.arange(shape[1])
    pitch = max(0.05 * detail, 3)
    ribs = np.sin(columns / pitch * 2 * np.pi)[None] + 0.4 * np.sin(rows / (pitch * 0.6) * 2 * np.pi)[:, None]
    return np.asarray(ribs, np.float32)


def back_hair(a: Anatomy, pose: Pose) -> Floats | None:
    """The outline (N, 2) in pixels of the hair (or cloth) that is seen behind the head; None for short hair."""
    cut = CUTS[a.who.hair_style]
    if cut.length == 0:
        return None
    reach = a.who.width + 0.08 + cut.volume
    if a.who.hair_style == "afro":
        half = [(0, -1.40), (0.5, -1.32), (0.93, -0.95), (1.08, -0.45), (1.02, 0.05), (0.8, 0.4), (0.4, 0.5)]
    else:
        half = [
            (0, -0.98 - cut.volume),
            (0.36, -0.90 - cut.volume),
            (reach * 0.88, -0.52),
            (reach + 0.04, -0.1),
            (reach + 0.02, 0.5),
            (reach + 0.06, 0.9),
            (reach, cut.length),
            (0.3, cut.length + 0.08),
        ]
    right = np.array([p for p in half if p[1] <= cut.length + 0.3])
    loop = np.concatenate([right, (right * (-1, 1))[::-1][:-1], right[:1]])
    points = np.concatenate([curve(loop, 6), np.zeros((len(curve(loop, 6)), 1))], axis=1)
    points[:, 2] = -0.25 + 0.1 * (points[:, 1] > 0.6)
    return pose.project(points)


def lock(a: Anatomy, pose: Pose, side: int) -> Floats | None:
    """The outline (N, 2) in pixels of the hair that falls before one shoulder; None where there is none."""
    cut = CUTS[a.who.hair_style]
    if cut.length < 0.9 or cut.cloth:
        return None
    w, end = a.who.width, cut.length
    line = curve(
        [
            (side * w * 0.80, -0.66),
            (side * w * 0.96, -0.40),
            (side * (w + 0.03), -0.1),
            (side * (w + 0.05), 0.45),
            (side * (w - 0.0), end * 0.75 + 0.1),
            (side * (w - 0.08), end),
        ],
        6,
    )
    outline = ribbon(line, (0.0, 0.12, 0.20, 0.22, 0.22, 0.24, 0.05))
    depth = np.interp(outline[:, 1], (-0.5, 0.1, 1.0), (0.22, 0.08, 0.15))
    return pose.project(np.concatenate([outline, depth[:, None]], axis=1))


def bun(a: Anatomy, pose: Pose) -> Floats | None:
    """The outline (N, 2) in pixels of hair tied up on the head."""
    if a.who.hair_style != "bun":
        return None
    angle = np.linspace(0, 2 * np.pi, 24)
    return pose.project(
        np.stack([0.27 * np.cos(angle), -1.2 + 0.24 * np.sin(angle), np.full(24, -0.35)], axis=1)
    )
