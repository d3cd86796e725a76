"""Votes, and the known answers that voters are checked by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from db.records import check
from db.records.campaigns import MAIN_CAMPAIGN

VoteAction = Literal["vote", "skip", "undo"]
FLAGS: tuple[str, ...] = ("not_a_face", "artificial", "unusable", "offensive")


@dataclass(frozen=True, slots=True)
class NewVote:
    """One answer in a campaign. ``choices`` are classes, usually one, in any order.

    Without choices it is a ``flag``, or the "no" of a verify campaign (``denies`` names the class that the face
    does not show), or else "unsure". ``seconds`` is the time from the face being shown to the answer; ``shown``
    what was on the screen.
    """

    face_id: int
    annotator_id: int
    choices: tuple[str, ...] = ()
    flag: str | None = None
    seconds: float | None = None
    shown: Mapping[str, object] = field(default_factory=dict)
    denies: str | None = None
    campaign_id: int = MAIN_CAMPAIGN

    def __post_init__(self) -> None:
        check(not isinstance(self.choices, str), f"choices are a tuple of classes, got {self.choices!r}")
        check(len(set(self.choices)) == len(self.choices), f"a class is chosen twice in {self.choices}")
        check(
            self.flag is None or self.flag in FLAGS, f"flag is one of {', '.join(FLAGS)}, got {self.flag!r}"
        )
        check(not (self.choices and self.denies), "a vote chooses or denies, not both")
        check(self.seconds is None or self.seconds >= 0, f"seconds count from 0, got {self.seconds}")


@dataclass(frozen=True, slots=True)
class Vote:
    """A row of the append-only ledger; an undo is a row of its own that names the row it withdraws.

    ``choices`` are sorted.
    """

    id: int
    campaign_id: int
    face_id: int
    annotator_id: int
    action: VoteAction
    choices: tuple[str, ...]
    denies: str | None
    flag: str | None
    seconds: float | None
    shown: Mapping[str, object]
    at: datetime
    request_id: str | None = None
    undoes_id: int | None = None

    @property
    def choice(self) -> str | None:
        """The class chosen; None without one, and where several were chosen."""
        return self.choices[0] if len(self.choices) == 1 else None


class BareVote(NamedTuple):
    """A vote for statistics; the fields mean what those of ``Vote`` do."""

    id: int
    campaign_id: int
    face_id: int
    annotator_id: int
    denies: str | None
    flag: str | None
    seconds: float | None
    choices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Gold:
    """A face with a known answer: a class, or a ``flag``; ``set_by`` is the curator's annotator id."""

    face_id: int
    answer: str | None
    flag: str | None
    set_by: int
    at: datetime
