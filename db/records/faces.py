"""Faces found in photos: their boxes, crops and landmarks."""

from __future__ import annotations

from dataclasses import dataclass

from db.records import check

XYXY = tuple[float, float, float, float]
Landmarks = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class NewFace:
    """A face found in a photo, its crop already written as a blob."""

    xyxy: XYXY
    score: float
    crop_sha256: str
    crop_size_wh: tuple[int, int]
    sharpness: float
    landmarks: Landmarks | None = None

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.xyxy
        check(x1 < x2 and y1 < y2, f"a box is x1 < x2, y1 < y2 in pixels, got {self.xyxy}")
        check(0 <= self.score <= 1, f"a score lies in 0..1, got {self.score}")


@dataclass(frozen=True, slots=True)
class Face:
    """One face of one photo: pixel box, score, crop blob, and its near-duplicate group (or None)."""

    id: int
    photo_id: int
    photo_sha256: str
    ordinal: int
    xyxy: XYXY
    score: float
    crop_sha256: str
    crop_size_wh: tuple[int, int]
    sharpness: float
    landmarks: Landmarks | None
    duplicate_group: str | None
    candidate_class: str
