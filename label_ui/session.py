"""One person's sitting at the voting workbench, without any screen: what to show next, vote, skip, undo."""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from db.blobs import Blobs
from db.errors import InputError, NotFoundError
from db.records import FLAGS, Annotator, Face, NewVote
from db.store import Store
from label_ui.pictures import browser_jpeg

AHEAD = 64  # faces looked up at once: the walk past what one has judged is paid once for so many
CROP_SUFFIX = ".jpg"
LONGEST_SECONDS = 86_400.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")


@dataclass(frozen=True, slots=True)
class FaceView:
    """What a voter sees of a face: its picture, and nothing that could sway a vote.

    ``crop`` is the JPEG; ``crop_name`` names its content, and a ballot hands it back as proof of what was seen.
    """

    face_id: int
    crop_name: str
    crop: bytes
    size_wh: tuple[int, int]


@dataclass(frozen=True, slots=True)
class PhotoView:
    """The whole photo as JPEG, and the face's box in it as shares of width and height, 0 to 1."""

    face_id: int
    photo: bytes
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Ballot:
    """One answer as it comes from a screen. Neither ``choice`` nor ``flag`` means "unsure".

    ``request_id`` (8 to 64 letters, digits, - or _) is made once for every face shown: a ballot that
    arrives twice, after a double click or a lost answer, counts once.
    """

    face_id: int
    crop_name: str
    request_id: str
    choice: str | None = None
    flag: str | None = None
    seconds: float | None = None
    shown: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MyProgress:
    """How far one person is: ``voted`` and ``skipped`` of ``faces``."""

    faces: int
    voted: int
    skipped: int


class Session:
    """Safe to share between threads; several sessions of one person, even in several processes, agree."""

    def __init__(self, store: Store, blobs: Blobs, classes: Sequence[str], annotator: Annotator) -> None:
        self.annotator = annotator
        self._store, self._blobs, self._classes = store, blobs, tuple(classes)
        self._queue: tuple[int, ...] = ()
        self._lock = threading.Lock()

    def next(self, count: int = 1, exclude: Collection[int] = ()) -> tuple[FaceView, ...]:
        """Up to ``count`` faces this person has not judged, fewest votes first; none when all are judged.

        ``exclude`` are faces the screen holds already. A face whose picture is missing is passed over.
        """
        views: list[FaceView] = []
        passed = set(exclude)
        while len(views) < count:
            ids = self._upcoming(count - len(views), passed)
            if not ids:
                break
            passed.update(ids)
            found = (self._view(face) for face in self._store.faces.by_ids(ids))
            views.extend(view for view in found if view is not None)
        return tuple(views)

    def vote(self, ballot: Ballot) -> int:
        """Store the answer and give the vote's id; the same ballot again gives the same id.

        Errors: InputError for an answer that is none, NotFoundError for a face that is not (or no longer)
        the one that was shown.
        """
        self._check(ballot)
        return self._store.votes.cast(self._new(ballot), request_id=ballot.request_id)

    def skip(self, ballot: Ballot) -> int:
        """Pass over the face: it is not shown to this person again. Errors as ``vote``."""
        self._check(ballot)
        return self._store.votes.skip(self._new(ballot), request_id=ballot.request_id)

    def undo(self, request_id: str, of: str | None = None) -> FaceView | None:
        """Take back the latest vote or skip, or the one sent as ``of``; gives its face to be judged again.

        None when there is nothing to take back, or its picture is missing. Any number of times.
        """
        _check_request_id(request_id)
        face_id = self._store.votes.undo(self.annotator.id, request_id=request_id, of=of)
        faces = () if face_id is None else self._store.faces.by_ids((face_id,))
        return self._view(faces[0]) if faces else None

    def photo(self, face_id: int) -> PhotoView:
        """The whole photo around a face. Errors: NotFoundError, InputError when it cannot be read."""
        face = self._face(face_id)
        photo = self._store.photos.by_id(face.photo_id)
        assert photo is not None  # a face's photo is kept by a foreign key
        x1, y1, x2, y2 = face.xyxy
        box = (x1 / photo.width, y1 / photo.height, x2 / photo.width, y2 / photo.height)
        return PhotoView(face_id, browser_jpeg(self._blobs.read(photo.sha256, photo.suffix)), box)

    def progress(self) -> MyProgress:
        """How far this person is."""
        mine = self.annotator.id
        return MyProgress(
            faces=self._store.faces.count(),
            voted=self._store.votes.counts().get(mine, 0),
            skipped=self._store.votes.skips().get(mine, 0),
        )

    def _upcoming(self, count: int, passed: Collection[int]) -> tuple[int, ...]:
        with self._lock:
            waiting = self._waiting(passed)
            if len(waiting) < count:
                self._queue = self._store.votes.next_faces(self.annotator.id, AHEAD + len(passed))
                waiting = self._waiting(passed)
            return waiting[:count]

    def _waiting(self, passed: Collection[int]) -> tuple[int, ...]:
        self._queue = self._store.votes.unjudged(self.annotator.id, self._queue)
        return tuple(face_id for face_id in self._queue if face_id not in passed)

    def _view(self, face: Face) -> FaceView | None:
        try:
            crop = self._blobs.read(face.crop_sha256, CROP_SUFFIX)
        except NotFoundError:
            return None
        return FaceView(face.id, _crop_name(face), crop, face.crop_size_wh)

    def _face(self, face_id: int) -> Face:
        faces = self._store.faces.by_ids((face_id,))
        if not faces:
            raise NotFoundError(f"there is no face {face_id}", hint="reload the page for the next face")
        return faces[0]

    def _check(self, ballot: Ballot) -> None:
        _check_request_id(ballot.request_id)
        if ballot.choice is not None and ballot.choice not in self._classes:
            raise InputError(
                f"{ballot.choice!r} is no class; expected one of {', '.join(self._classes)}",
                hint="reload the page: the classes may have changed",
            )
        if ballot.flag is not None and ballot.flag not in FLAGS:
            raise InputError(f"{ballot.flag!r} is no flag; expected one of {', '.join(FLAGS)}")
        if _crop_name(self._face(ballot.face_id)) != ballot.crop_name:
            raise NotFoundError(
                f"face {ballot.face_id} is not the picture that was shown", hint="reload the page"
            )

    def _new(self, ballot: Ballot) -> NewVote:
        seconds = ballot.seconds
        if seconds is not None:
            seconds = min(max(seconds, 0.0), LONGEST_SECONDS) if math.isfinite(seconds) else None
        shown = {"classes": list(self._classes), **ballot.shown}
        return NewVote(ballot.face_id, self.annotator.id, ballot.choice, ballot.flag, seconds, shown)


def _crop_name(face: Face) -> str:
    return face.crop_sha256[:16]


def _check_request_id(request_id: str) -> None:
    if not _REQUEST_ID.fullmatch(request_id):
        raise InputError(f"a request id is 8 to 64 letters, digits, - or _; got {request_id[:80]!r}")
