"""What goes into the store and comes out of it: frozen records, checked when made.

Ids are the store's own integers and differ between machines; whatever must agree between machines
(blobs, snapshots, groups) is named by content. Times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
VoteAction = Literal["vote", "skip", "undo"]
RunStatus = Literal["running", "done", "failed"]
FLAGS: tuple[str, ...] = ("not_a_face", "artificial", "unusable", "offensive")

XYXY = tuple[float, float, float, float]
Landmarks = tuple[tuple[float, float], ...]


def check(condition: bool, message: str) -> None:
    """Raise ValueError(message) unless the condition holds; used by ``__post_init__``."""
    if not condition:
        raise ValueError(message)


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


@dataclass(frozen=True, slots=True)
class Annotator:
    """A person who votes, or a simulated one (``simulated``; ``note`` says how it was simulated)."""

    id: int
    name: str
    simulated: bool
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NewVote:
    """One answer. ``choice`` is a class, or None with a ``flag``, or None for "unsure".

    ``seconds`` is the time from the face being shown to the answer; ``shown`` what was on the screen.
    """

    face_id: int
    annotator_id: int
    choice: str | None
    flag: str | None = None
    seconds: float | None = None
    shown: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check(
            self.flag is None or self.flag in FLAGS, f"flag is one of {', '.join(FLAGS)}, got {self.flag!r}"
        )
        check(self.seconds is None or self.seconds >= 0, f"seconds count from 0, got {self.seconds}")


@dataclass(frozen=True, slots=True)
class Vote:
    """A row of the append-only ledger; an undo is a row of its own that names the row it withdraws."""

    id: int
    face_id: int
    annotator_id: int
    action: VoteAction
    choice: str | None
    flag: str | None
    seconds: float | None
    at: datetime
    undoes_id: int | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """What a rule decided about a face; ``label`` None means "no agreement" or "not usable"."""

    face_id: int
    label: str | None
    distribution: Mapping[str, float]
    confidence: float
    votes: int
    method: str
    at: datetime | None = None


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

    def part(self, part: Part) -> tuple[SnapshotMember, ...]:
        """The members of one part, in snapshot order."""
        return tuple(member for member in self.members if member.part == part)


@dataclass(frozen=True, slots=True)
class Run:
    """One training run; its files (weights, curves, plots) lie in ``runs/<id>/`` of the workspace."""

    id: str
    recipe: Mapping[str, object]
    snapshot_hash: str
    status: RunStatus
    metrics: Mapping[str, object]
    environment: Mapping[str, object]
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run thinks of a face; ``out_of_fold`` says the run never trained on it."""

    run_id: str
    face_id: int
    probabilities: Mapping[str, float]
    part: str
    out_of_fold: bool
