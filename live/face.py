"""What the live loop says of one face in one frame."""

from __future__ import annotations

from dataclasses import dataclass

from db.records import check
from db.records.faces import XYXY


@dataclass(frozen=True, slots=True)
class LiveFace:
    """A face: the number it keeps while it is followed, its pixel box, the detector's score, and the smoothed
    probability of every class, in the order of the classifier's ``labels``."""

    track: int
    xyxy: XYXY
    score: float
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]

    def __post_init__(self) -> None:
        check(len(self.labels) == len(self.probabilities) > 0, "every class has one probability")

    @property
    def label(self) -> str:
        """The likeliest class; the first of equals."""
        return self.labels[self.probabilities.index(self.confidence)]

    @property
    def confidence(self) -> float:
        """The probability of ``label``, 0..1."""
        return max(self.probabilities)

    def as_json(self) -> dict[str, object]:
        """Plain values for a JSON line: box in pixels (1 decimal), probabilities by class (4 decimals)."""
        return {
            "track": self.track,
            "box": [round(edge, 1) for edge in self.xyxy],
            "score": round(self.score, 4),
            "class": self.label,
            "confidence": round(self.confidence, 4),
            "probabilities": {
                name: round(p, 4) for name, p in zip(self.labels, self.probabilities, strict=True)
            },
        }
