"""One sample person at one moment: who, how the face moves, where the head is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from collect.sample_expression import ActionUnits
from collect.sample_head import Anatomy, Pose
from collect.sample_identity import Identity

Material = Literal["flesh", "stone"]
STONE = 0.72  # the lightness of a statue


@dataclass(frozen=True, slots=True)
class Figure:
    """One person as drawn. `gaze_xy` is how far the irises are off the middle, -1 to 1."""

    who: Identity
    units: ActionUnits
    pose: Pose
    gaze_xy: tuple[float, float] = (0.0, 0.0)
    material: Material = "flesh"

    @property
    def anatomy(self) -> Anatomy:
        return Anatomy(self.who, self.units)
