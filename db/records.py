"""What goes into the store and comes out of it: frozen records, checked when made.

Ids are the store's own integers and differ between machines; whatever must agree between machines
(blobs, snapshots, groups) is named by content. Times are aware UTC datetimes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from db.overlap import Overlap

Part = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")
VoteAction = Literal["vote", "skip", "undo"]
Question = Literal["choose", "verify"]
Ordering = Literal["teach", "age", "random", "class"]
Role = Literal["voter", "curator", "owner"]
ROLES: tuple[Role, ...] = ("voter", "curator", "owner")  # each may do what the ones before it may
LabelState = Literal["undecided", "tie", "rejected", "decided"]
STATES: tuple[LabelState, ...] = ("undecided", "tie", "rejected", "decided")
RunStatus = Literal["running", "done", "failed"]
FLAGS: tuple[str, ...] = ("not_a_face", "artificial", "unusable", "offensive")

SENT_BACK = "send back"  # the method of a curator's row that lets go of a face: the rules decide it again

MAIN_CAMPAIGN = 1  # every store has this one from its first moment; votes from before campaigns are in it

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
    """A person who votes, or a simulated one (``simulated``; ``note`` says how it was simulated).

    ``disabled_at`` is set for someone who may no longer enter; their votes stay.
    """

    id: int
    name: str
    simulated: bool
    note: str
    created_at: datetime
    role: Role = "voter"
    disabled_at: datetime | None = None


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


@dataclass(frozen=True, slots=True)
class Gold:
    """A face with a known answer: a class, or a ``flag``; ``set_by`` is the curator's annotator id."""

    face_id: int
    answer: str | None
    flag: str | None
    set_by: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Invite:
    """A link that lets someone in. ``name`` is "" when the guest chooses one; the token itself is not kept."""

    token_hash: str
    role: Role
    name: str
    created_by: int
    created_at: datetime
    expires_at: datetime
    uses_left: int
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Login:
    """A web session of one annotator; the token itself is not kept."""

    token_hash: str
    annotator_id: int
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Label:
    """What was decided about a face; ``label`` None means "no agreement" or "not usable".

    ``method`` is the rule that decided, with its reason after a colon, or for a curator what they did; ``by_id``
    is the curator's annotator id, ``batch`` names the bulk action it was part of. ``id`` and ``undoes_id`` are
    given by the store; a row with ``undoes_id`` only withdraws that row.
    """

    face_id: int
    label: str | None
    distribution: Mapping[str, float]
    confidence: float
    votes: int
    method: str
    at: datetime | None = None
    by_id: int | None = None
    reason: str = ""
    batch: str | None = None
    id: int | None = None
    undoes_id: int | None = None

    @property
    def state(self) -> LabelState:
        """ "decided" with a label; else "rejected" for a flag, "undecided" for too few or no votes, "tie"."""
        reason = self.reason or self.method.partition(": ")[2]
        if self.label is not None:
            return "decided"
        if reason in FLAGS or self.method == "reject":
            return "rejected"
        return "undecided" if reason in ("too few votes", "no votes") else "tie"


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """One action of a curator: ``method`` on so many ``faces``; ``batch`` names it to ``store.labels.undo``."""

    batch: str
    method: str
    label: str | None
    reason: str
    faces: int
    by_id: int | None
    at: datetime


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
