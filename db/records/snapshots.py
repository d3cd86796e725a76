"""Snapshots: immutable data sets in three parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


@dataclass(frozen=True, slots=True)
class SnapshotMember:
    """One face in a snapshot. ``group_key`` is shared by all faces that must stay in one part."""

    face_id: int
    crop_sha256: str
    label: str
    part: Part
    group_key: str
    distribution: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An immutable data set, named by the hash of its content; ``members`` sorted by crop."""

    hash: str
    classes: tuple[str, ...]
    ratios: tuple[float, float, float]
    seed: int
    created_at: datetime
    members: tuple[SnapshotMember, ...] = ()

    @property
    def is_of_photos(self) -> bool:
        """Whether it is a detector's data set: photos with boxes, the one class ``face``, no members."""
        return self.classes == ("face",)

    def part(self, part: Part) -> tuple[SnapshotMember, ...]:
        """The members of one part, in snapshot order."""
        return tuple(member for member in self.members if member.part == part)
