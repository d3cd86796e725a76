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
    """As `crop`, turned about the middle of the box until the eyes are level; edges repeat outside the photo.

    ``landmarks`` begin with the left and the right eye as the viewer sees them.
    """
    (lx, ly), (rx, ry) = landmarks[0], landmarks[1]
    x1, y1, x2, y2 = xyxy
    side = max(1, round(max(x2 - x1, y2 - y1) * (1 + 2 * margin)))
    centre = ((x1 + x2) / 2, (y1 + y2) / 2)
    turn = cv2.getRotationMatrix2D(centre, degrees(atan2(ry - ly, rx - lx)), 1.0)
    turn[:, 2] += side / 2 - np.array(centre)
    cut = cv2.warpAffine(image, turn, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cut, np.uint8)


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
