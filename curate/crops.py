"""Cuts faces out of photos: square crops with a margin, upright ones, and how sharp they are."""

from __future__ import annotations

from math import atan2, degrees

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.detect import Landmarks

Image = NDArray[np.uint8]
XYXY = tuple[float, float, float, float]

SHARPNESS_SIDE = 112


def clip_xyxy(xyxy: XYXY, size_wh: tuple[int, int]) -> XYXY | None:
    """The part of a box that lies in the picture, in pixels; None when nothing does."""
    width, height = size_wh
    x1, y1 = max(0.0, xyxy[0]), max(0.0, xyxy[1])
    x2, y2 = min(float(width), xyxy[2]), min(float(height), xyxy[3])
    return (x1, y1, x2, y2) if x1 < x2 and y1 < y2 else None


def crop_xyxy(xyxy: XYXY, margin: float, size_wh: tuple[int, int]) -> tuple[int, int, int, int]:
    """The whole-pixel box to cut for a face: a square around it, right and bottom exclusive.

    The square's side is the longer side of the face and `margin` times that on both ends. It is moved into
    the picture where it would stick out, and cut only where the picture is smaller than its side.
    """
    x1, y1, x2, y2 = xyxy
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    left, right = _span((x1 + x2) / 2, side, size_wh[0])
    top, bottom = _span((y1 + y2) / 2, side, size_wh[1])
    return left, top, right, bottom


def crop(image: Image, xyxy: XYXY, margin: float) -> Image:
    """The face with its margin, a copy (h, w, 3)."""
    height, width = image.shape[:2]
    left, top, right, bottom = crop_xyxy(xyxy, margin, (width, height))
    return image[top:bottom, left:right].copy()


def upright_crop(image: Image, xyxy: XYXY, landmarks: Landmarks, margin: float) -> Image:
    """As `crop`, turned about the middle of that crop until the face is upright.

    A turn, no scaling: pixels stay the size they have in the photo. Where a corner comes to lie outside the
    photo, its edge is repeated.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = crop_xyxy(xyxy, margin, (width, height))
    size_wh = (right - left, bottom - top)
    turn = cv2.getRotationMatrix2D(((left + right - 1) / 2, (top + bottom - 1) / 2), roll_deg(landmarks), 1.0)
    turn[:, 2] -= (left, top)
    cut = cv2.warpAffine(image, turn, size_wh, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


def roll_deg(landmarks: Landmarks) -> float:
    """How far a face leans, -180 to 180 degrees: 0 upright, positive with its right eye (as seen) lower.

    The line from eye to eye and the line from eyes to mouth, turned by 90 degrees, are added: in a profile
    the eyes are close together and tell little, the other line still tells (as FFHQ is aligned, Karras et
    al. 2019).
    """
    left_eye, right_eye, _, left_mouth, right_mouth = np.array(landmarks)
    across = right_eye - left_eye
    down = (left_mouth + right_mouth - left_eye - right_eye) / 2
    return degrees(atan2(across[1] - down[0], across[0] + down[1]))


def sharpness(image: Image) -> float:
    """Variance of the Laplacian at 112×112 grey pixels: 0 for a flat picture, hundreds for a sharp face.

    The fixed size makes small and large faces comparable (Pech-Pacheco et al. 2000).
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (SHARPNESS_SIDE, SHARPNESS_SIDE), interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_64F).var())


def _span(middle: float, side: int, limit: int) -> tuple[int, int]:
    if side >= limit:
        return 0, limit
    start = min(max(0, round(middle - side / 2)), limit - side)
    return start, start + side
