"""One person's sitting in one campaign, without any screen: what to show next, vote, skip, undo."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from db.blobs import Blobs
from db.errors import NotFoundError
from db.queue import LEASE_S
from db.records.campaigns import Campaign
from db.records.faces import Face
from db.records.people import Annotator
from db.records.votes import NewVote
from db.store import Store
from label_ui.ballots import Ballot, check_answer, check_request_id, told_by_screen, within_reason
from label_ui.feedback import Answer, Feedback, answers_of_others, feedback_on
from label_ui.roles import NotAllowedError
from label_ui.suggestions import Suggestion, suggestions_for

CROP_SUFFIX = ".jpg"
MOST_PASSED = 100  # faces without a picture that one call passes over


@dataclass(frozen=True, slots=True)
class FaceView:
    """What a voter sees of a face before the vote: its picture's name, and nothing that could sway.

    ``crop_name`` names the picture's content, and a ballot hands it back as proof of what was seen. ``about``
    is the class a verify campaign asks about, else empty. ``suggestion`` is a model's view, where the campaign
    shows one and did not hide it on this face.
    """

    face_id: int
    crop_name: str
    size_wh: tuple[int, int]
    about: str = ""
    suggestion: Suggestion | None = None


@dataclass(frozen=True, slots=True)
class PhotoView:
    """A face's box in its photo as shares of width and height, 0 to 1; ``size_wh`` is the photo's, in pixels."""

    face_id: int
    size_wh: tuple[int, int]
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Cast:
    """A stored vote, and what its voter may know now: the known answer, and how others voted (answer, votes)."""

    vote_id: int
    feedback: Feedback | None = None
    others: tuple[tuple[Answer, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """One person's ``voted`` and ``skipped`` faces in the campaign; of its ``faces`` so many are ``done``."""

    faces: int
    done: int
    open: int
    voted: int
    skipped: int


class Session:
    """Keeps nothing itself: any number of them, in any number of processes, agree through the store."""

    def __init__(
        self,
        store: Store,
        blobs: Blobs,
        classes: Sequence[str],
        annotator: Annotator,
        campaign: Campaign,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``classes`` are the workspace's, for a campaign that names none. Errors: NotAllowedError."""
        if campaign.voters and annotator.id not in campaign.voters:
            raise NotAllowedError(
                f"the campaign {campaign.name!r} does not ask {annotator.name}", hint="ask a curator"
            )
        self._store, self._blobs, self._clock = store, blobs, clock
        self._me, self._campaign = annotator.id, campaign
        self.classes = campaign.classes or tuple(classes)

    def next(self, count: int = 1, exclude: Collection[int] = ()) -> tuple[FaceView, ...]:
        """Up to ``count`` faces that want this person's vote, reserved for ``LEASE_S``; none when there are none.

        ``exclude`` are faces the screen holds already. A face whose picture is missing is passed over and let
        go; after some ``MOST_PASSED`` of them the next call goes on.
        """
        views: list[FaceView] = []
        passed: list[int] = []
        while len(views) < count and len(passed) < MOST_PASSED and self._campaign.closed_at is None:
            taken = self._take(count - len(views), (*exclude, *passed, *(view.face_id for view in views)))
            if not taken:
                break
            found = self._views(taken)
            views.extend(found)
            passed.extend(set(taken).difference(view.face_id for view in found))
        if passed:
            self.leave(passed)
        return tuple(views)

    def hold(self, face_ids: Sequence[int]) -> tuple[int, ...]:
        """Reserve faces that wait on the screen for another ``LEASE_S``; gives those no longer wanted."""
        return self._store.queue.renew(
            self._campaign.id, self._me, tuple(face_ids), lease_s=LEASE_S, now=self._clock()
        )

    def leave(self, face_ids: Sequence[int] | None = None) -> None:
        """Give back faces that waited on a screen that is gone; all of this person's when none are named."""
        self._store.queue.release(self._campaign.id, self._me, face_ids)

    def vote(self, ballot: Ballot) -> Cast:
        """Store the answer; the same ballot again stores nothing and gives the same vote.

        Errors: InputError for an answer that is none, NotFoundError for a face that is not (or no longer)
        the one that was shown.
        """
        new = self._checked(ballot)
        vote_id = self._store.votes.cast(new, request_id=ballot.request_id)
        return Cast(vote_id, feedback_on(self._store, self._campaign, new), self._others(ballot.face_id))

    def skip(self, ballot: Ballot) -> int:
        """Pass over the face: it is not shown to this person again. Errors as ``vote``."""
        return self._store.votes.skip(self._checked(ballot), request_id=ballot.request_id)

    def undo(self, request_id: str, of: str | None = None) -> FaceView | None:
        """Take back the latest vote or skip, or the one sent as ``of``; gives its face to be judged again.

        The face is reserved again. None when there is nothing to take back, or its picture is missing.
        """
        check_request_id(request_id)
        face_id = self._store.votes.undo(
            self._me, request_id=request_id, of=of, campaign_id=self._campaign.id
        )
        if face_id is None:
            return None
        self.hold((face_id,))
        return next(iter(self._views([face_id])), None)

    def counts(self) -> Counts:
        """How far this person and the campaign are."""
        queue = self._store.queue.counts(self._campaign.id)
        voted, skipped = self._store.votes.tally(self._campaign.id, self._me)
        return Counts(queue.open + queue.done, queue.done, queue.open, voted, skipped)

    def _take(self, count: int, exclude: Sequence[int]) -> list[int]:
        queued = self._store.queue.take(
            self._campaign.id, self._me, count, lease_s=LEASE_S, exclude=exclude, now=self._clock()
        )
        return [face.face_id for face in queued]

    def _views(self, face_ids: Sequence[int]) -> list[FaceView]:
        faces = [face for face in self._store.faces.by_ids(face_ids) if self._showable(face)]
        suggested = suggestions_for(self._store, self._campaign, self._me, [face.id for face in faces])
        return [
            FaceView(face.id, _crop_name(face), face.crop_size_wh, self._about(face), suggested.get(face.id))
            for face in faces
        ]

    def _showable(self, face: Face) -> bool:
        asks = self._campaign.question == "choose" or bool(self._about(face))
        return asks and self._blobs.exists(face.crop_sha256, CROP_SUFFIX)

    def _about(self, face: Face) -> str:
        if self._campaign.question == "choose":
            return ""
        return self._campaign.about or face.candidate_class

    def _others(self, face_id: int) -> tuple[tuple[Answer, int], ...]:
        return (
            () if self._campaign.blind else answers_of_others(self._store, self._campaign, face_id, self._me)
        )

    def _face(self, face_id: int) -> Face:
        faces = self._store.faces.by_ids((face_id,))
        if not faces:
            raise NotFoundError(f"there is no face {face_id}", hint="reload the page for the next face")
        return faces[0]

    def _checked(self, ballot: Ballot) -> NewVote:
        check_request_id(ballot.request_id)
        face = self._face(ballot.face_id)
        if _crop_name(face) != ballot.crop_name:
            raise NotFoundError(f"face {face.id} is not the picture that was shown", hint="reload the page")
        about = self._about(face)
        check_answer(
            ballot, (about,) if about else self.classes, several=self._campaign.several, no=bool(about)
        )
        return NewVote(
            face.id,
            self._me,
            choices=tuple(sorted(ballot.choices)),
            denies=ballot.denies,
            flag=ballot.flag,
            seconds=within_reason(ballot.seconds),
            shown=self._shown(ballot, face),
            campaign_id=self._campaign.id,
        )

    def _shown(self, ballot: Ballot, face: Face) -> dict[str, object]:
        """What was on the screen: what only the page knows as it says, all else as the store has it."""
        shown: dict[str, object] = {"classes": list(self.classes), **told_by_screen(ballot)}
        if about := self._about(face):
            shown["about"] = about
        if self._campaign.suggest:
            found = suggestions_for(self._store, self._campaign, self._me, [face.id], also_hidden=True)
            if face.id in found:
                shown["suggestion"] = found[face.id].as_shown()
        return shown


def photo_view(store: Store, face_id: int) -> PhotoView:
    """Where a face is in its photo. Errors: NotFoundError."""
    faces = store.faces.by_ids((face_id,))
    photo = store.photos.by_id(faces[0].photo_id) if faces else None
    if photo is None:
        raise NotFoundError(f"there is no face {face_id}", hint="reload the page for the next face")
    x1, y1, x2, y2 = faces[0].xyxy
    box = (x1 / photo.width, y1 / photo.height, x2 / photo.width, y2 / photo.height)
    return PhotoView(face_id, (photo.width, photo.height), box)


def _crop_name(face: Face) -> str:
    return face.crop_sha256[:16]
