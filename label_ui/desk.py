"""The workbench's counter: plain values in and out, for the page in the browser and for ``gradio_client``."""

from __future__ import annotations

import base64
import hashlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from db.errors import InputError, MimiqueError, NotFoundError, StoreError
from db.records import Annotator
from db.workspace import Workspace
from label_ui.session import Ballot, FaceView, MyProgress, Session
from label_ui.team import team_progress

Json = dict[str, Any]
MOST_FACES = 32
TEAM_PROGRESS_AGE_S = 2.0


@dataclass(slots=True)
class Desk:
    """What the page can ask. Everything is checked here or in the session: callers may be anybody.

    Errors of every method: InputError, NotFoundError for what the caller got wrong, StoreError.
    """

    workspace: Workspace
    _sessions: dict[int, Session] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _team: tuple[float, Json] | None = None

    def join(self, name: str) -> Json:
        """Name yourself; the same name later goes on where it stopped. Gives name and own progress."""
        try:
            annotator = self.workspace.store.annotators.join(name)
        except ValueError as error:
            raise InputError(str(error), hint="type your name and press Enter") from error
        if annotator.simulated:
            raise InputError(f"{annotator.name} is a simulated annotator", hint="choose a name of your own")
        return {"name": annotator.name, **_mine(self._sitting(annotator).progress())}

    def next(self, annotator: str, count: int = 1, exclude: Sequence[int] = ()) -> list[Json]:
        """The next faces this person has not judged, at most 32; none when all are judged."""
        session = self._session(annotator)
        return [_face(view) for view in session.next(min(max(int(count), 1), MOST_FACES), tuple(exclude))]

    def vote(
        self,
        annotator: str,
        face: int,
        crop: str,
        request_id: str,
        choice: str | None = None,
        flag: str | None = None,
        seconds: float | None = None,
        shown: Json | None = None,
    ) -> Json:
        """Store one answer: a class, a flag, or neither for "unsure". Sending it again changes nothing."""
        ballot = Ballot(face, crop, request_id, choice, flag, seconds, shown or {})
        return {"vote": self._session(annotator).vote(ballot)}

    def skip(
        self, annotator: str, face: int, crop: str, request_id: str, seconds: float | None = None
    ) -> Json:
        """Pass over a face."""
        return {"vote": self._session(annotator).skip(Ballot(face, crop, request_id, seconds=seconds))}

    def undo(self, annotator: str, request_id: str, of: str | None = None) -> Json:
        """Take back the latest answer (or the one sent as ``of``); gives the face to judge again, or null."""
        view = self._session(annotator).undo(request_id, of)
        return {"face": None if view is None else _face(view)}

    def photo(self, annotator: str, face: int) -> Json:
        """The whole photo around a face, and the face's box as shares of its size."""
        view = self._session(annotator).photo(face)
        return {"face": view.face_id, "picture": _data_url(view.photo), "box": list(view.box)}

    def mine(self, annotator: str) -> Json:
        """How far this person is."""
        return _mine(self._session(annotator).progress())

    def progress(self) -> Json:
        """How far the team is, at most two seconds old."""
        with self._lock:
            if self._team is None or time.monotonic() - self._team[0] > TEAM_PROGRESS_AGE_S:
                team = asdict(team_progress(self.workspace.store, self.workspace.settings.classes))
                self._team = (time.monotonic(), team)
            return self._team[1]

    def _session(self, name: str) -> Session:
        annotator = self.workspace.store.annotators.find(name)
        if annotator is None or annotator.simulated:
            raise NotFoundError(f"nobody called {name!r} has joined", hint="name yourself first")
        return self._sitting(annotator)

    def _sitting(self, annotator: Annotator) -> Session:
        with self._lock:
            session = self._sessions.get(annotator.id)
            if session is None:
                here = self.workspace
                session = Session(here.store, here.blobs, here.settings.classes, annotator)
                self._sessions[annotator.id] = session
            return session


def envelope(call: Callable[..., Any], values: Json) -> Json:
    """The answer to a page that may have lost its connection: ``ok`` or ``error``, and whether to send again."""
    try:
        return {"ok": call(**values)}
    except MimiqueError as error:
        return {"error": str(error), "hint": error.hint, "again": isinstance(error, StoreError)}
    except (TypeError, ValueError, OverflowError) as error:
        return {"error": f"not understood: {error}", "hint": "reload the page", "again": False}


def workspace_name(workspace: Workspace) -> str:
    """Names the workspace to the browser, so that votes waiting for one are never sent to another."""
    return hashlib.sha256(str(workspace.path.resolve()).encode()).hexdigest()[:12]


def _face(view: FaceView) -> Json:
    return {
        "face": view.face_id,
        "crop": view.crop_name,
        "picture": _data_url(view.crop),
        "width": view.size_wh[0],
        "height": view.size_wh[1],
    }


def _data_url(jpeg: bytes) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def _mine(progress: MyProgress) -> Json:
    return asdict(progress)
