"""The mouth of a sample face: lips, teeth and the dark between, wherever the action units move them."""

from __future__ import annotations

import numpy as np

from collect.sample_head import Anatomy
from collect.sample_paint import Brush, Floats, curve, ellipse, ribbon
from collect.sample_skin import Skin


def paint_mouth(skin: Skin) -> None:
    """Lips, and what shows between them."""
    a, who, u = skin.anatomy, skin.anatomy.who, skin.anatomy.units
    upper, lower = inner_lips(a)
    thin = (
        (1 - 0.5 * u.lip_press)
        * (1 - 0.22 * u.corner_pull)
        * (1 - 0.15 * u.lip_stretch)
        * (1 - 0.25 * who.wrinkles)
    )
    thick_up, thick_low = 0.056 * who.lip_fullness * thin, 0.078 * who.lip_fullness * thin
    left, right = upper[0], upper[-1]
    middle_up, middle_low = upper[len(upper) // 2], lower[len(lower) // 2]
    bow = 0.06 * who.mouth_width

    def off(point: Floats, dx: float, dy: float) -> Floats:
        return point + np.array((dx, dy), np.float32)

    flank = -0.62 * thick_up
    peaks = [
        off(middle_up, -bow, -thick_up),
        off(middle_up, 0, -0.8 * thick_up),
        off(middle_up, bow, -thick_up),
    ]
    above = curve(
        [left, off((left + middle_up) / 2, 0, flank), *peaks, off((right + middle_up) / 2, 0, flank), right],
        5,
    )
    flank = 0.72 * thick_low
    pout = [off(middle_low, -0.05, thick_low), off(middle_low, 0.05, thick_low)]
    below = curve(
        [left, off((left + middle_low) / 2, 0, flank), *pout, off((right + middle_low) / 2, 0, flank), right],
        6,
    )
    skin.shade(ribbon(off(below, 0, 0.018), (0.005, 0.03, 0.03, 0.005)), 0.35, 0.014)
    lips = np.asarray(who.lips)
    for outline, tone, lift in (
        (np.concatenate([above, upper[::-1]]), 0.88, 0.010),
        (np.concatenate([lower, below[::-1]]), 1.04, 0.016),
    ):
        skin.fill(outline, lips * tone, 0.88, 0.006)
        Brush(skin.relief).add(skin.px(outline), lift, 0.014 * skin.detail)
    Brush(skin.gloss).add(skin.px(np.concatenate([lower, below[::-1]])), 0.10, 0.01 * skin.detail)
    _cavity(skin, upper, lower)


def inner_lips(a: Anatomy) -> tuple[Floats, Floats]:
    """The edges where the lips meet, upper and lower (N, 2), left to right; one line when the mouth is closed."""
    u = a.units
    left, right = np.array(a.corner(-1)), np.array(a.corner(1))
    parted = u.lips_part
    raised = (
        a.mouth_y
        - 0.030 * u.lip_raise * (0.3 + parted)
        - 0.018 * u.jaw_drop
        - 0.014 * parted
        - 0.02 * u.chin_raise
    )
    opening = 0.052 * parted * (1 + 0.4 * u.corner_pull) + 0.88 * a.jaw_shift * min(
        1.0, 2.2 * parted + 0.6
    ) * (u.jaw_drop > 0.02)
    pout = 0.012 * u.corner_depress
    up = curve(
        [
            left.tolist(),
            (left[0] * 0.55, raised * 0.72 + left[1] * 0.28 - 0.25 * pout),
            (0, raised + 0.008),
            (right[0] * 0.55, raised * 0.72 + right[1] * 0.28 - 0.25 * pout),
            right,
        ],
        6,
    )
    bottom = raised + 0.008 + opening
    low = curve(
        [
            left.tolist(),
            (left[0] * 0.62, bottom * 0.78 + left[1] * 0.22),
            (0, bottom),
            (right[0] * 0.62, bottom * 0.78 + right[1] * 0.22),
            right,
        ],
        6,
    )
    low[:, 1] = np.maximum(low[:, 1], up[:, 1])
    return up, low


def _cavity(skin: Skin, upper: Floats, lower: Floats) -> None:
    """What shows between the lips: a line, or teeth and tongue in the dark."""
    u = skin.anatomy.units
    skin.fill(
        ribbon((upper + lower) / 2, (0.008, 0.015, 0.017, 0.015, 0.008)), (0.22, 0.08, 0.08), 0.85, 0.004
    )
    gap = float((lower - upper)[:, 1].max())
    if gap < 0.012:
        return
    opening = np.concatenate([upper, lower[::-1]])
    inside = skin.mask(opening, 0.003)
    skin.fill(opening, (0.20, 0.06, 0.06), 1.0, 0.003)
    middle = len(upper) // 2
    if gap > 0.09:
        skin.fill(
            ellipse((0, float(lower[middle, 1]) - 0.01), (0.11, 0.30 * gap)),
            (0.62, 0.28, 0.28),
            0.85,
            0.012,
            inside,
        )
    teeth = 0.062 if u.corner_pull + u.lip_raise + u.lip_stretch > 0.35 else 0.036
    lip_edge = curve([upper[0] * (0.9, 1), upper[middle] + (0, teeth), upper[-1] * (0.9, 1)], 10)
    lip_edge[:, 1] = np.maximum(
        lip_edge[:, 1], np.interp(lip_edge[:, 0], upper[:, 0], upper[:, 1]) + 0.5 * teeth
    )
    skin.fill(np.concatenate([upper, lip_edge[::-1]]), (0.92, 0.89, 0.83), 1.0, 0.003, inside)
    for x in np.arange(-0.20, 0.21, 0.042):
        top_y = float(np.interp(x, upper[:, 0], upper[:, 1]))
        skin.fill(
            ribbon([(x, top_y), (x, top_y + teeth)], (0.005, 0.004)), (0.5, 0.42, 0.36), 0.35, 0.002, inside
        )
    if u.lip_stretch + 0.6 * u.lip_raise > 0.45 and gap < 0.16:
        skin.fill(np.concatenate([lower, (lower - (0, 0.03))[::-1]]), (0.86, 0.82, 0.76), 0.9, 0.003, inside)
    skin.fill(ribbon(upper, (0.01, 0.022, 0.01)), (0.25, 0.1, 0.1), 0.45, 0.008, inside)
