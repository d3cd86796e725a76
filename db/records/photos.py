"""Photos, where they came from, the jobs that collect them, and what could not be handled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from db.records import check


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a photo came from. ``(source, native_id, candidate_class)`` is unique in a store.

    ``candidate_class`` is the class whose search found it: a candidate, never a label; empty if none.
    For a video frame ``video`` names the file or address and ``time_s`` the frame's exact time.
    ``split_hint`` is the part a data set's own layout put it in (``train``, ``val``, ``test``).
    """

    source: str
    native_id: str
    candidate_class: str = ""
    page_url: str = ""
    owner: str = ""
    title: str = ""
    license_id: str = ""
    license_name: str = ""
    tags: tuple[str, ...] = ()
    taken_at: datetime | None = None
    video: str = ""
    time_s: float | None = None
    split_hint: str = ""

    def __post_init__(self) -> None:
        check(bool(self.source) and bool(self.native_id), "an origin needs a source and a native id")


@dataclass(frozen=True, slots=True)
class Photo:
    """One stored picture, named by its bytes; ``width`` and ``height`` are pixels after EXIF rotation."""

    id: int
    sha256: str
    suffix: str
    width: int
    height: int
    phash: str
    size_bytes: int
    added_at: datetime


@dataclass(frozen=True, slots=True)
class NewPhoto:
    """A picture about to be stored: its blob is already written."""

    sha256: str
    suffix: str
    width: int
    height: int
    phash: str
    size_bytes: int

    def __post_init__(self) -> None:
        check(len(self.sha256) == 64, f"sha256 has 64 hex digits, got {self.sha256!r}")
        check(self.width > 0 and self.height > 0, f"a photo has a size, got {self.width}x{self.height}")


@dataclass(frozen=True, slots=True)
class Harvest:
    """One collecting job: a source and what was asked of it; ``cursor`` says where to go on."""

    id: int
    source: str
    query: str
    candidate_class: str
    cursor: str
    tally: Mapping[str, int]
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Failure:
    """One item a stage could not handle, why, and how often it was tried."""

    stage: str
    item: str
    reason: str
    tries: int
    at: datetime
