"""The gallery: which faces it shows, in which order, and what it tells of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from db.records import check
from db.records.faces import Face
from db.records.labels import STATES, Label, LabelState
from db.records.votes import FLAGS


@dataclass(frozen=True, slots=True)
class FaceFilter:
    """Which faces a gallery shows: those that fit every field given; all faces when none is.

    ``label`` is the class that holds, ``candidate_class`` the one whose search found the photo, ``owner`` and
    ``source`` the photo's (any of its origins), ``flag`` a flag that somebody's vote holds up ("any": any flag).
    Confidences are 0 to 1 and leave out faces that nobody decided. ``state`` "undecided" also means never decided;
    ``reviewed`` says whether a curator's decision holds. ``voted_by`` is an annotator id, ``campaign_id`` a
    campaign that asks about the face, ``gold`` whether the answer is known.
    """

    label: str | None = None
    candidate_class: str | None = None
    harvest_id: int | None = None
    owner: str | None = None
    source: str | None = None
    flag: str | None = None
    state: LabelState | None = None
    reviewed: bool | None = None
    least_confidence: float | None = None
    most_confidence: float | None = None
    least_votes: int | None = None
    most_votes: int | None = None
    voted_by: int | None = None
    campaign_id: int | None = None
    gold: bool | None = None
    face_ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check(
            self.flag in (None, "any", *FLAGS), f"flag is one of {', '.join(FLAGS)} or any, got {self.flag!r}"
        )
        check(self.state in (None, *STATES), f"state is one of {', '.join(STATES)}, got {self.state!r}")


FaceOrder = Literal["oldest", "newest", "least sure", "most sure", "fewest votes", "most votes"]


@dataclass(frozen=True, slots=True)
class FaceRow:
    """A face as a gallery shows it: what holds of it, its votes (of all campaigns), and the flags they hold up."""

    face: Face
    label: Label | None
    votes: int
    flags: tuple[str, ...]
    gold: bool
