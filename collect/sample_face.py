"""The features of a sample face, painted on its unrolled skin: eyes, brows, nose, mouth, folds."""

from __future__ import annotations

import numpy as np

from collect.sample_head import Anatomy
from collect.sample_mouth import paint_mouth
from collect.sample_paint import Brush, Floats, curve, ellipse, ribbon
from collect.sample_skin import Skin

SIDES = (-1, 1)


def paint_face(skin: Skin, gaze_xy: tuple[float, float], rng: np.random.Generator) -> None:
    """Everything of a face but hair and beard. `gaze_xy` is how far the irises are off the middle, -1 to 1."""
    skin.weather()
    _tint(skin, rng)
    _nose(skin)
    _folds(skin)
    paint_mouth(skin)
    for side in SIDES:
        _eye(skin, side, gaze_xy)
        _brow(skin, side, rng)


def _tint(skin: Skin, rng: np.random.Generator) -> None:
    """Blush, the darker hollows, freckles."""
    a, who = skin.anatomy, skin.anatomy.who
    warm = np.asarray(who.skin) * (1.0, 0.76, 0.74)
    for side in SIDES:
        skin.fill(ellipse((side * 0.36, a.eye_y + 0.3), (0.14, 0.1)), warm, 0.35 * who.blush + 0.12, 0.08)
        skin.shade(
            ellipse((side * who.eye_gap, a.eye_y - 0.02), (0.16, 0.1)), 0.20 + 0.12 * who.wrinkles, 0.05
        )
        skin.shade(ellipse((side * 0.13, a.eye_y + 0.03), (0.035, 0.08)), 0.16, 0.03)
    skin.fill(ellipse((0, a.nose_y), (0.1, 0.07)), warm, 0.35, 0.05)
    skin.shade(ellipse((0, a.mouth_y + 0.15 + a.jaw_shift), (0.12, 0.03)), 0.18, 0.03)
    for _ in range(int(45 * who.freckles)):
        x, y = rng.normal(0, 0.24), a.eye_y + rng.normal(0.24, 0.07)
        skin.shade(ellipse((x, y), (0.008, 0.008), steps=8), rng.uniform(0.1, 0.4), 0.003)


def _nose(skin: Skin) -> None:
    a, who = skin.anatomy, skin.anatomy.who
    y, wide = a.nose_y, who.nose_width
    skin.shade(ellipse((0, y + 0.075), (0.11 * wide, 0.025)), 0.42, 0.02)
    skin.shade(ribbon([(0, y + 0.08), (0, a.mouth_y - 0.08)], (0.04, 0.05)), 0.14, 0.015)
    flare = 1 + 0.1 * a.units.nose_wrinkle
    for side in SIDES:
        nostril = ellipse((side * 0.055 * wide * flare, y + 0.052), (0.034 * wide, 0.015), side * -0.35)
        skin.fill(nostril, np.asarray(who.skin) * (0.28, 0.16, 0.14), 0.9, 0.006)
        wing = curve(
            [
                (side * 0.105 * wide * flare, y - 0.035),
                (side * 0.138 * wide * flare, y + 0.015),
                (side * 0.118 * wide * flare, y + 0.055),
            ],
            6,
        )
        skin.crease(wing, 0.016, 0.65)


def _folds(skin: Skin) -> None:
    """The folds that age leaves and that the units make: laugh lines, crow's feet, frown and forehead lines."""
    a, who, u = skin.anatomy, skin.anatomy.who, skin.anatomy.units
    age, eye = who.wrinkles, a.eye_y
    for side in SIDES:
        corner_x, corner_y = a.corner(side)
        reach = abs(corner_x) + 0.055
        laugh = [(side * 0.13 * who.nose_width, a.nose_y - 0.01), (side * (0.45 * reach + 0.09), a.nose_y + 0.09),
                 (side * reach, corner_y - 0.06), (side * (reach + 0.02), corner_y + 0.01)]  # fmt: skip
        sneer = u.one_corner if side == a.sneer_side else 0.0
        deep = (
            0.16 + 0.5 * age + 0.75 * u.corner_pull + 0.6 * u.lip_raise + 0.5 * u.nose_wrinkle + 0.6 * sneer
        )
        skin.crease(curve(laugh, 6), 0.02, min(1.3, deep) * (0.75 if who.age == "child" else 1))
        bag = [
            (side * (who.eye_gap - 0.11), eye + 0.065),
            (side * who.eye_gap, eye + 0.105),
            (side * (who.eye_gap + 0.11), eye + 0.075),
        ]
        skin.crease(curve(bag, 6), 0.014, 0.16 + 0.45 * age + 0.65 * u.cheek_raise + 0.3 * u.lid_tight)
        for k in range(3):
            start = (side * (who.eye_gap + 0.15), eye + 0.02 * (k - 1))
            end = (side * (who.eye_gap + 0.235), eye + 0.055 * (k - 1) + 0.015)
            skin.crease(curve([start, end], 5), 0.011, (0.25 + 0.75 * age) * u.cheek_raise + 0.3 * age)
        frown = [(side * 0.030, eye - 0.255), (side * 0.046, eye - 0.20), (side * 0.052, eye - 0.125)]
        skin.crease(curve(frown, 5), 0.013, 0.95 * u.brow_lower + 0.35 * age * (side > 0))
        snarl = [(side * 0.03, eye - 0.06), (side * 0.07, eye + 0.0), (side * 0.10, eye + 0.08)]
        skin.crease(curve(snarl, 5), 0.014, 0.9 * u.nose_wrinkle)
        skin.crease(
            curve([(corner_x * 1.03, corner_y - 0.02), (corner_x * 1.06, corner_y + 0.03)], 4),
            0.022,
            0.25 + 0.3 * u.corner_pull + 0.5 * sneer,
        )
        skin.crease(
            curve([(corner_x * 1.02, corner_y + 0.01), (corner_x * 1.14, corner_y + 0.09)], 4),
            0.016,
            0.55 * u.corner_depress + 0.35 * age,
        )
    for k in range(3):
        y = -0.30 - 0.085 * k + eye
        wave = [
            (-0.30 + 0.03 * k, y + 0.02),
            (-0.15, y - 0.008),
            (0, y + 0.012),
            (0.15, y - 0.008),
            (0.30 - 0.03 * k, y + 0.02),
        ]
        skin.crease(
            curve(wave, 5), 0.014, 0.55 * (u.inner_brow * 0.6 + u.outer_brow * 0.6) * (0.5 + age) + 0.45 * age
        )
        skin.crease(
            curve([(-0.05, eye + 0.035 * k), (0.05, eye + 0.035 * k)], 4), 0.012, 0.7 * u.nose_wrinkle
        )


def lid_curves(a: Anatomy, side: int) -> tuple[Floats, Floats]:
    """The upper and lower lid (N, 2 each), both from the inner to the outer corner."""
    who, u = a.who, a.units
    cx, cy = a.eye(side)
    half = 0.132 * who.eye_size
    tilt = who.eye_tilt * half
    inner, outer = (cx - side * half, cy + 0.012 + tilt), (cx + side * half, cy - tilt)
    open_ = 1 - u.eyes_closed
    upper = (
        0.072
        * who.eye_size
        * (1 + 0.55 * u.lid_raise - 0.26 * u.lid_tight - 0.28 * u.cheek_raise - 0.14 * who.wrinkles)
    )
    lower = 0.046 * who.eye_size * (1 + 0.1 * u.lid_raise - 0.6 * u.cheek_raise - 0.45 * u.lid_tight)
    # A closing lid comes down to the lower one; it does not meet it half way.
    upper = upper * open_ - lower * 0.75 * (1 - open_)
    droop = 0.022 * u.inner_brow * (u.corner_depress + 0.3 * u.lip_stretch)
    top = [inner, (cx - side * half * 0.52, cy - 0.80 * upper - 0.3 * droop), (cx + side * half * 0.05, cy - upper),
           (cx + side * half * 0.58, cy - 0.74 * upper + droop), (outer[0], outer[1] + droop)]  # fmt: skip
    low = [inner, (cx - side * half * 0.42, cy + 0.86 * lower), (cx + side * half * 0.2, cy + lower),
           (cx + side * half * 0.66, cy + 0.66 * lower), (outer[0], outer[1] + droop)]  # fmt: skip
    return curve(top, 6), curve(low, 6)


def _down(distance: float) -> Floats:
    return np.array((0.0, distance), np.float32)


def _eye(skin: Skin, side: int, gaze_xy: tuple[float, float]) -> None:
    a, who = skin.anatomy, skin.anatomy.who
    top, low = lid_curves(a, side)
    opening = np.concatenate([top, low[::-1]])
    cx, cy = a.eye(side)
    size = who.eye_size
    if who.masculine < 0.4 and who.age != "child":
        lid = np.concatenate([top, (top - _down(0.05))[::-1]])
        skin.fill(lid, np.asarray(who.skin) * (0.72, 0.58, 0.6), 0.3, 0.015)
    inside = skin.mask(opening)
    skin.fill(opening, (0.90, 0.87, 0.85), 1.0)
    skin.gloss += inside * np.float32(0.06)
    skin.fill(
        ellipse((cx - side * 0.12 * size, cy + 0.012), (0.02, 0.018)), (0.78, 0.5, 0.48), 0.8, 0.006, inside
    )
    x, y = cx + gaze_xy[0] * 0.045, cy - 0.008 + gaze_xy[1] * 0.025
    radius = 0.060 * size
    skin.fill(ellipse((x, y), (radius, radius)), np.asarray(who.iris) * 0.45, 1.0, 0.004, inside)
    skin.fill(ellipse((x, y), (radius * 0.84, radius * 0.84)), who.iris, 1.0, 0.006, inside)
    skin.fill(
        ellipse((x, y + radius * 0.45), (radius * 0.55, radius * 0.35)),
        np.asarray(who.iris) * 1.5 + 0.05,
        0.6,
        0.01,
        inside,
    )
    skin.fill(ellipse((x, y), (radius * 0.42, radius * 0.42)), (0.03, 0.025, 0.025), 1.0, 0.003, inside)
    shadow = ribbon(top + _down(0.008), (0.03, 0.042, 0.034))
    skin.fill(shadow, (0.22, 0.16, 0.15), 0.55, 0.012, inside)
    skin.fill(ellipse((x - 0.02, y - 0.024), (0.0115, 0.0115)), (1.25, 1.25, 1.25), 0.95, 0.002, inside)
    _lashes(skin, top, low, side)


def _lashes(skin: Skin, top: Floats, low: Floats, side: int) -> None:
    """Lash lines, and the fold above the upper lid."""
    who, u = skin.anatomy.who, skin.anatomy.units
    dark = np.asarray(who.brow) * 0.35
    made_up = 1.0 + 0.55 * (1 - who.masculine) * (who.age != "child")
    skin.fill(ribbon(top, (0.006, 0.020 * made_up, 0.017 * made_up)), dark, 0.92, 0.002)
    skin.fill(ribbon(low, (0.003, 0.008, 0.010)), np.asarray(who.skin) * (0.45, 0.32, 0.3), 0.6, 0.003)
    skin.fill(
        ribbon(low + _down(0.009), (0.003, 0.010, 0.008)),
        np.asarray(who.skin) * (1.05, 0.92, 0.9),
        0.5,
        0.004,
    )
    if who.masculine < 0.5 and who.age != "child":
        tip = top[-1]
        skin.fill(
            ribbon([top[-4], tip, tip + np.array((side * 0.022, -0.02))], (0.018, 0.014, 0.003)),
            dark,
            0.85,
            0.002,
        )
    fold = top[1:] + np.array((side * 0.004, -0.036 + 0.012 * u.lid_raise + 0.012 * u.brow_lower))
    skin.crease(fold, 0.012, 0.62 - 0.25 * u.brow_lower)


def brow_line(a: Anatomy, side: int) -> Floats:
    """The middle line (N, 2) of an eyebrow, from the nose outwards."""
    u, who = a.units, a.who
    base = a.eye_y - 0.195
    inner_y = base + 0.015 - 0.105 * u.inner_brow + 0.085 * u.brow_lower + 0.03 * u.nose_wrinkle
    arch_y = (
        base
        - 0.03 * who.brow_arch
        - 0.06 * u.inner_brow
        - 0.085 * u.outer_brow
        + 0.05 * u.brow_lower
        + 0.01 * u.cheek_raise
    )
    tail_y = (
        base + 0.045 - 0.055 * u.outer_brow + 0.005 * u.brow_lower + 0.025 * u.inner_brow * (1 - u.outer_brow)
    )
    squeeze = 0.032 * u.brow_lower
    if u.one_corner > 0.2 and side == a.sneer_side:
        arch_y -= 0.03 * u.one_corner
    x = who.eye_gap - 0.28
    middle = (side * (0.20 + x - 0.5 * squeeze), (inner_y + arch_y) / 2 - 0.012)
    inner, arch, tail = (
        (side * (0.105 + x - squeeze), inner_y),
        (side * (0.325 + x), arch_y),
        (side * (0.435 + x), tail_y),
    )
    return curve([inner, middle, arch, tail], 6)


def _brow(skin: Skin, side: int, rng: np.random.Generator) -> None:
    who = skin.anatomy.who
    line = brow_line(skin.anatomy, side)
    weight = who.brow_weight
    skin.fill(
        ribbon(line, (0.034 * weight, 0.050 * weight, 0.044 * weight, 0.028 * weight, 0.006)),
        who.brow,
        0.62,
        0.007,
    )
    hairs = 26 if skin.detail > 70 else 12
    for tone in (0.5, 0.75, 0.95):
        strokes = []
        for share in rng.uniform(0, 1, hairs // 3):
            root = line[int(share * (len(line) - 1))] + (
                rng.normal(0, 0.004),
                rng.normal(0.006, 0.010 * weight) * (1 - 0.6 * share),
            )
            lean = np.array([side * (0.012 + 0.030 * share), -0.030 + 0.034 * share]) * (0.8 + 0.3 * weight)
            strokes.append(ribbon([root, root + lean], (0.007, 0.003)))
        found = Brush(skin.rgb).mask(skin.px(np.concatenate(strokes)), 0.0, len(strokes))
        if found is not None:
            Brush(skin.rgb).blend(found[0], found[1] * np.float32(0.75), np.asarray(who.brow) * tone)
