"""Campaigns: what is asked about which faces, and how far each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from db.overlap import Overlap
from db.records import check

Question = Literal["choose", "verify"]
Ordering = Literal["teach", "age", "random", "class"]
MAIN_CAMPAIGN = 1  # every store has this one from its first moment; votes from before campaigns are in it


@dataclass(frozen=True, slots=True)
class Picks:
    """Which faces a campaign asks about: those that fit every field given; all faces when none is.

    ``face_ids`` is a list of its own, as a relabelling round makes. With ``run_id`` only the faces whose two
    strongest classes lie at most ``most_margin`` (0 to 1) apart in that run's predictions.
    """

    candidate_class: str | None = None
    harvest_id: int | None = None
    run_id: str | None = None
    most_margin: float = 1.0
    face_ids: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        check(0 <= self.most_margin <= 1, f"a margin lies in 0..1, got {self.most_margin}")


@dataclass(frozen=True, slots=True)
class Suggest:
    """A run whose view is shown to voters, hidden on a random ``hidden_share`` (0 to 1) of the faces."""

    run_id: str
    hidden_share: float = 0.2

    def __post_init__(self) -> None:
        check(0 <= self.hidden_share <= 1, f"a share lies in 0..1, got {self.hidden_share}")


@dataclass(frozen=True, slots=True)
class GoldMix:
    """``share`` (0 to 0.5) of the faces handed out are known ones; whether the voter is told at once."""

    share: float = 0.0
    feedback: Literal["at once", "never"] = "never"

    def __post_init__(self) -> None:
        check(0 <= self.share <= 0.5, f"the share of gold lies in 0..0.5, got {self.share}")
        check(
            self.feedback in ("at once", "never"), f"feedback is 'at once' or 'never', not {self.feedback!r}"
        )


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """One question put to people about some faces.

    ``question`` "choose" asks which of the ``classes`` (empty: the workspace's) a face shows, ``several`` allows
    more than one; "verify" asks whether it shows the class ``about`` ("": its own candidate class). ``voters``
    are the annotators asked (empty: everybody). ``blind`` hides others' votes and the search word. ``rule`` is
    a name in ``curate.consensus.RULES``. ``ordering``: "teach" puts faces first whose votes conflict or that a
    run doubts, mixed half and half with the others; "age", "random" (by ``seed``) or "class" (candidate class).
    """

    name: str
    question: Question = "choose"
    classes: tuple[str, ...] = ()
    about: str = ""
    several: bool = False
    overlap: Overlap = field(default_factory=Overlap)
    rule: str = "auto"
    blind: bool = True
    ordering: Ordering = "teach"
    picks: Picks = field(default_factory=Picks)
    voters: tuple[int, ...] = ()
    suggest: Suggest | None = None
    gold: GoldMix = field(default_factory=GoldMix)
    seed: int = 0

    def __post_init__(self) -> None:
        check(self.question in ("choose", "verify"), f"a question is choose or verify, got {self.question!r}")
        check(self.ordering in ("teach", "age", "random", "class"), f"there is no order {self.ordering!r}")
        check(not (self.several and self.question == "verify"), "only a 'choose' allows several classes")


@dataclass(frozen=True, slots=True)
class Campaign(NewCampaign):
    """A stored campaign; ``closed_at`` is set when it hands out no more faces (late votes still count)."""

    id: int = 0
    created_at: datetime = datetime.min
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueuedFace:
    """A face handed to a screen: ``gold`` when its answer is known, ``urgent`` when it teaches most now."""

    face_id: int
    gold: bool = False
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How many faces of one candidate class a campaign still asks about, and has finished."""

    open: int
    done: int


@dataclass(frozen=True, slots=True)
class CampaignCounts:
    """Faces still ``open`` and ``done`` in a campaign, by candidate class, and done in the last hour.

    ``needs`` is how many votes the open faces take at the least.
    """

    open: int
    done: int
    needs: int
    by_class: Mapping[str, ClassCount]
    done_last_hour: int
