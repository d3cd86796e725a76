"""Steady predictions: follow each face from frame to frame and average its probabilities over time.

A prediction made on every frame alone flickers. Here each face keeps an exponential moving average of its
class probabilities, counted in seconds rather than frames: after ``half_life_s`` an old prediction weighs
half, so the picture is equally steady at 5 and at 60 frames a second. Boxes are linked by overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curate.nms import overlaps

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Track:
    """One followed face: its number, last box (4,), averaged probabilities (K,), when it was last seen."""

    id: int
    xyxy: Floats
    probabilities: Floats
    seen_s: float


@dataclass(frozen=True, slots=True)
class Smoothing:
    """``half_life_s`` 0 means none. A face is lost after ``gap_s`` unseen; boxes of one face overlap by
    ``min_iou`` from frame to frame at least."""

    half_life_s: float = 0.4
    min_iou: float = 0.2
    gap_s: float = 0.6

    def __post_init__(self) -> None:
        if self.half_life_s < 0 or self.gap_s < 0 or not 0 < self.min_iou <= 1:
            raise ValueError(f"half_life_s and gap_s count from 0, min_iou lies in 0..1, got {self}")


@dataclass(slots=True)
class Smoother:
    """The faces followed in one stream; one smoother a stream, never shared by two."""

    smoothing: Smoothing = field(default_factory=Smoothing)
    _tracks: tuple[Track, ...] = ()
    _next_id: int = 1

    def update(self, time_s: float, boxes: Floats, probabilities: Floats) -> tuple[Track, ...]:
        """The faces of this frame in the order given: their track and smoothed probabilities.

        ``boxes`` (N, 4) pixel xyxy, ``probabilities`` (N, K) with rows that add up to 1; N may be 0. A time
        before the last one means that the stream began anew.
        """
        alive = [t for t in self._tracks if 0 <= time_s - t.seen_s <= self.smoothing.gap_s]
        links = match(overlaps(_boxes([t.xyxy for t in alive]), _boxes(boxes)), self.smoothing.min_iou)
        now = tuple(
            self._continued(alive[links[n]] if n in links else None, time_s, boxes[n], probabilities[n])
            for n in range(len(boxes))
        )
        linked = set(links.values())
        self._tracks = (*now, *(t for i, t in enumerate(alive) if i not in linked))
        return now

    def _continued(self, old: Track | None, time_s: float, box: Floats, new: Floats) -> Track:
        if old is None:
            self._next_id += 1
            return Track(self._next_id - 1, box, new, time_s)
        mixed = blend(old.probabilities, new, time_s - old.seen_s, self.smoothing.half_life_s)
        return Track(old.id, box, mixed, time_s)


def blend(old: Floats, new: Floats, elapsed_s: float, half_life_s: float) -> Floats:
    """The moving average after ``elapsed_s``: ``old`` weighs 2^(-elapsed / half-life), ``new`` the rest."""
    kept = 0.0 if half_life_s <= 0 else 0.5 ** (elapsed_s / half_life_s)
    return kept * old + (1 - kept) * new


def match(overlap: NDArray[np.floating], least: float) -> dict[int, int]:
    """Pair columns with rows of (N, M), the largest overlap first, each used once: {column: row}.

    Pairs under ``least`` stay apart. Ties go to the lower row, then the lower column.
    """
    pairs: dict[int, int] = {}
    for flat in np.argsort(-overlap, axis=None, kind="stable"):
        row, column = divmod(int(flat), overlap.shape[1])
        if overlap[row, column] < least:
            break
        if column not in pairs and row not in pairs.values():
            pairs[column] = row
    return pairs


def _boxes(boxes: Floats | list[Floats]) -> Floats:
    return np.asarray(boxes, dtype=np.float64).reshape(-1, 4)
