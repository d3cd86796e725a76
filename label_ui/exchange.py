"""Votes between tools: the neutral rows that every format reads and writes, and what a format is.

A face is named by content (the photo's SHA-256 and the face's place in it, the crop's SHA-256), or by what
the other tool calls it (a file and perhaps a box); never by a database id.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal, Protocol

from db.records import check
from db.records.faces import XYXY
from db.records.votes import FLAGS, Vote, VoteAction

VoterKind = Literal["person", "simulated", "anonymous"]
VOTER_KINDS: tuple[VoterKind, ...] = ("person", "simulated", "anonymous")
ACTIONS: tuple[VoteAction, ...] = ("vote", "skip", "undo")
UNSURE = "unsure"
ANONYMOUS: Literal["anonymous"] = (
    "anonymous"  # the note of annotators who are slots for unnamed people, not one person each
)
HEAD_CHARACTERS = 65_536


@dataclass(frozen=True, slots=True)
class FaceName:
    """Which face a row is about. ``xyxy`` are pixels of the photo, ``size_wh`` the photo's; all may be unknown.

    ``file`` is what a file calls the picture: a path, a file name, or any word of a ``question`` column.
    """

    photo_sha256: str = ""
    ordinal: int | None = None
    crop_sha256: str = ""
    xyxy: XYXY | None = None
    size_wh: tuple[int, int] | None = None
    file: str = ""

    def __str__(self) -> str:
        return self.file or self.crop_sha256[:16] or f"{self.photo_sha256[:16]} face {self.ordinal}"


@dataclass(frozen=True, slots=True)
class VoteRow:
    """One row of the vote ledger, as a file holds it.

    ``voter`` "" with kind ``anonymous`` is somebody the file does not name: never to be taken for one person.
    ``id`` names the row and ``undoes`` the row that an undo withdraws ("" where the file gives none);
    ``at`` None: the file does not say when. ``counted``: the file says only how many gave this answer; all such
    rows of a line are about one face. ``line`` is where it stands in the file, from 1.
    """

    face: FaceName
    voter: str
    action: VoteAction = "vote"
    choices: tuple[str, ...] = ()
    denies: str | None = None
    flag: str | None = None
    seconds: float | None = None
    at: datetime | None = None
    shown: Mapping[str, object] = field(default_factory=dict)
    campaign: str = ""
    id: str = ""
    undoes: str = ""
    kind: VoterKind = "person"
    counted: bool = False
    line: int = 0

    def __post_init__(self) -> None:
        wrong = self._wrong()
        if wrong:
            raise ValueError(wrong)

    def _wrong(self) -> str:
        if self.action not in ACTIONS:
            return f"an action is one of {', '.join(ACTIONS)}, got {self.action!r}"
        if self.kind not in VOTER_KINDS or not (self.voter or self.kind == ANONYMOUS):
            return f"a row needs a voter's name, or the mark {ANONYMOUS}; got {self.voter!r}, {self.kind!r}"
        if self.flag is not None and self.flag not in FLAGS:
            return f"there is no flag {self.flag!r}"
        if self.seconds is not None and not 0 <= self.seconds < float("inf"):
            return f"{self.seconds} seconds are no time"
        if len(self.choices) > 1 and len(set(self.choices)) < len(self.choices):
            return f"a class is chosen twice in {self.choices}"
        if self.choices and self.denies:
            return "a vote chooses or denies, not both"
        if (self.action == "undo") != bool(self.undoes):
            return "an undo, and nothing else, names the row it undoes"
        return ""


@dataclass(frozen=True, slots=True)
class LabelRow:
    """What was decided about a face: ``label`` None is "no agreement" or "not usable"; ``by`` a curator's name.

    Only a curator's row has what follows ``reason``: the bulk action it was part of, the campaign it was sent back
    to, and when and by whom it was taken back.
    """

    face: FaceName
    label: str | None
    distribution: Mapping[str, float]
    confidence: float
    votes: int
    method: str
    at: datetime | None = None
    by: str = ""
    reason: str = ""
    batch: str = ""
    campaign: str = ""
    undone_at: datetime | None = None
    undone_by: str = ""
    kind: VoterKind = "person"
    line: int = 0


@dataclass(frozen=True, slots=True)
class GoldRow:
    """A face with a known answer: a class, or else a flag; by whom and when."""

    face: FaceName
    answer: str | None
    flag: str | None
    by: str
    at: datetime | None = None
    kind: VoterKind = "person"
    line: int = 0

    def __post_init__(self) -> None:
        check((self.answer is None) != (self.flag is None), "a known face has either a class or a flag")
        check(self.flag is None or self.flag in FLAGS, f"there is no flag {self.flag!r}")
        check(bool(self.by) and self.kind in VOTER_KINDS, "a known face has somebody who knows it")


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign by name, with all its settings as plain values; people and faces in them by name and content."""

    name: str
    settings: Mapping[str, object]
    line: int = 0

    def __post_init__(self) -> None:
        check(bool(self.name), "a campaign needs a name")


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be read, and why; the lines after it are read on."""

    line: int
    reason: str


Row = VoteRow | LabelRow
LedgerRow = Row | GoldRow | CampaignRow
NamesBy = Literal["blob", "origin"]


class LeftOut(dict[str, int]):
    """What a format could not hold, counted by kind: ``{"skips": 3}``.

    ``votes`` and ``labels`` are the rows given to the format of which nothing is in the file.
    """

    votes = labels = 0

    def add(self, kind: str, count: int = 1) -> None:
        """Count what is lost of rows, or rows that were not given to the format."""
        if count:
            self[kind] = self.get(kind, 0) + count

    def whole_labels(self, kind: str) -> None:
        """Count a label that is not in the file."""
        self.labels += 1
        self.add(kind)

    def whole_votes(self, kind: str, count: int = 1) -> None:
        """Count votes that are not in the file."""
        self.votes += count
        self.add(kind, count)


class _AnyFormat(Protocol):
    """A kind of file. ``names_by``: pictures are called by their place in the blobs folder, or as they were called
    where they came from.
    """

    name: str
    suffixes: tuple[str, ...]
    about: str
    names_by: NamesBy

    def looks_like(self, head: str) -> bool:
        """Whether a file that begins with these characters is one."""
        ...

    def read(self, path: Path) -> Iterator[LedgerRow | BadLine]:
        """The rows in the order of the file, one at a time. Errors: InputError when it is no such file."""
        ...


class LedgerFormat(_AnyFormat, Protocol):
    """It holds all there is: skips, undos and replaced votes, campaigns, curators' decisions, known faces."""

    holds_history: Literal[True]

    def write(self, rows: Iterable[LedgerRow], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        """Write the rows, as they were cast; gives what the format has no place for."""
        ...


class ToolFormat(_AnyFormat, Protocol):
    """It holds the votes that hold and, if it ``holds_labels``, what is decided now."""

    holds_history: Literal[False]
    holds_labels: bool

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        """Write the rows, all of a photo, and of a face in it, together, the face's label last."""
        ...


VoteFormat = LedgerFormat | ToolFormat


def vote_word(row: VoteRow | Vote) -> str:
    """The vote in one word, for formats that take one: its flag, else its first class, else ``unsure``."""
    return row.flag or (row.choices[0] if row.choices else UNSURE)


def question_of(face: FaceName) -> str:
    """One word that names a face by content."""
    return f"{face.photo_sha256}:{face.ordinal}"


def face_of_question(question: str) -> FaceName:
    """The face that such a word names; any other word is a picture's file."""
    photo, _, ordinal = question.rpartition(":")
    if len(photo) == 64 and ordinal.isdecimal():
        return FaceName(photo_sha256=photo, ordinal=int(ordinal))
    return FaceName(file=question)


def as_utc(text: str) -> datetime:
    """A time as ISO 8601; one without a zone is UTC. Errors: ValueError."""
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def box_of(x1: float, y1: float, x2: float, y2: float) -> XYXY:
    """The four numbers as a box. Errors: ValueError when it has no area."""
    check(x1 < x2 and y1 < y2, f"a box is left < right and top < bottom, got {(x1, y1, x2, y2)}")
    return (x1, y1, x2, y2)
