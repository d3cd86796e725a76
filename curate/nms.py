"""Overlaps of boxes, and the suppression of boxes that show a face already found.

Boxes are (N, 4) pixel xyxy; all functions are pure and take empty arrays.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def overlaps(first: Floats, second: Floats, per: Literal["union", "smaller"] = "union") -> Floats:
    """(N, M) shared area of each pair, as a share of their union or of the smaller box; 0 where there is none."""
    left_top = np.maximum(first[:, None, :2], second[None, :, :2])  # (N, M, 2)
    right_bottom = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.prod(np.clip(right_bottom - left_top, 0, None), axis=2)  # (N, M)
    area_1, area_2 = (np.prod(np.clip(b[:, 2:] - b[:, :2], 0, None), axis=1) for b in (first, second))
    if per == "smaller":
        whole = np.minimum(area_1[:, None], area_2[None, :])
    else:
        whole = area_1[:, None] + area_2[None, :] - shared
    result: Floats = np.divide(shared, whole, out=np.zeros_like(shared), where=whole > 0)
    return result


def suppress(xyxy: Floats, scores: Floats, *, iou: float = 0.5, inside: float = 1.0) -> NDArray[np.intp]:
    """Indices to keep, highest score first (ties: earlier first).

    A box goes when it overlaps a kept one by more than ``iou`` of their union, or lies in it (or it in the
    box) by more than ``inside`` of the smaller one.
    """
    order = np.argsort(-scores, kind="stable")
    left, top, right, bottom = xyxy[order].T  # in the order of the scores from here on
    area = (right - left).clip(0) * (bottom - top).clip(0)
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for best in range(len(order)):
        if not alive[best]:
            continue
        kept.append(int(order[best]))
        rest = best + 1 + np.flatnonzero(alive[best + 1 :])
        wide = np.minimum(right[rest], right[best]) - np.maximum(left[rest], left[best])
        high = np.minimum(bottom[rest], bottom[best]) - np.maximum(top[rest], top[best])
        shared = wide.clip(0) * high.clip(0)
        gone = shared > iou * (area[rest] + area[best] - shared)
        if inside < 1.0:
            gone |= shared > inside * np.minimum(area[rest], area[best])
        alive[rest[gone]] = False
    return np.array(kept, np.intp)
