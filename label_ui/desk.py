"""The voter's counter: plain values in and out, for the page in the browser and for ``gradio_client``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from db.errors import StoreError
from db.records.campaigns import Campaign
from db.records.people import Annotator
from db.records.votes import FLAGS
from db.workspace import Workspace
from label_ui.ballots import Ballot
from label_ui.feedback import Answer
from label_ui.my_answers import my_answers
from label_ui.roles import needs
from label_ui.session import Cast, FaceView, Session, photo_view

Json = dict[str, Any]
MOST_FACES = 32
_FIRST_COMMANDS = ("collect folder PHOTOS", "collect flickr --class angry", "curate faces")
_TO_TRY = "collect sample --count 400"


class OtherPersonError(StoreError):
    """What was sent is somebody else's, who used this browser before: it stays there until they are back."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the voting page can ask. Everything is checked here or in the session: callers may be anybody.

    Errors of every method: InputError, NotFoundError for what the caller got wrong, NotAllowedError for a
    campaign that does not ask the caller, StoreError.
    """

    workspace: Workspace

    @needs("voter")
    def join(self, who: Annotator) -> Json:
        """Name yourself; the same name later goes on where it stopped."""
        return {"name": who.name}

    @needs("voter")
    def open_campaigns(self, who: Annotator) -> list[Json]:
        """The campaigns that ask this person, oldest first, each with its question and how far it is."""
        campaigns = self.workspace.store.campaigns.all()
        asking = (c for c in campaigns if c.closed_at is None and (not c.voters or who.id in c.voters))
        return [self._campaign(who, campaign) for campaign in asking]

    @needs("voter")
    def next(self, who: Annotator, campaign: int, count: int = 1, exclude: Sequence[int] = ()) -> list[Json]:
        """The next faces that want this person's vote, at most 32, reserved for a while; none when done."""
        views = self._session(who, campaign).next(min(max(int(count), 1), MOST_FACES), tuple(exclude))
        return [_face(view) for view in views]

    @needs("voter")
    def vote(
        self,
        who: Annotator,
        campaign: int,
        face: int,
        crop: str,
        request_id: str,
        choices: Sequence[str] = (),
        denies: str | None = None,
        flag: str | None = None,
        seconds: float | None = None,
        shown: Json | None = None,
        person: str = "",
    ) -> Json:
        """Store one answer: classes, a "no" (``denies``), a flag, or none of these for "unsure".

        Sending it again changes nothing. Gives the vote's id, with ``gold`` where the answer is known and the
        campaign tells, and ``others`` where the campaign is open.
        """
        _same_person(who, person)
        ballot = Ballot(face, crop, request_id, tuple(choices), denies, flag, seconds, shown or {})
        return _cast(self._session(who, campaign).vote(ballot))

    @needs("voter")
    def skip(
        self,
        who: Annotator,
        campaign: int,
        face: int,
        crop: str,
        request_id: str,
        seconds: float | None = None,
        person: str = "",
    ) -> Json:
        """Pass over a face."""
        _same_person(who, person)
        return {"vote": self._session(who, campaign).skip(Ballot(face, crop, request_id, seconds=seconds))}

    @needs("voter")
    def undo(
        self, who: Annotator, campaign: int, request_id: str, of: str | None = None, person: str = ""
    ) -> Json:
        """Take back the latest answer (or the one sent as ``of``).

        Gives the face to judge again, or null, and the classes that were chosen for it.
        """
        _same_person(who, person)
        view = self._session(who, campaign).undo(request_id, of)
        taken = self.workspace.store.votes.taken_back(request_id)
        return {
            "face": None if view is None else _face(view),
            "choices": list(taken.choices) if taken else [],
        }

    @needs("voter")
    def hold(self, who: Annotator, campaign: int, faces: Sequence[int] = ()) -> Json:
        """Keep faces that wait on the screen reserved; gives those ``gone`` meanwhile, and how far things are."""
        session = self._session(who, campaign)
        return {"gone": list(session.hold(tuple(faces)[:MOST_FACES])), "counts": asdict(session.counts())}

    @needs("voter")
    def leave(self, who: Annotator, campaign: int, faces: Sequence[int] | None = None) -> Json:
        """Give back faces that nobody looks at any more; all of this person's when none are named."""
        self._session(who, campaign).leave(None if faces is None else tuple(faces)[:MOST_FACES])
        return {}

    @needs("voter")
    def photo(self, who: Annotator, face: int) -> Json:
        """The whole photo around a face, and the face's box as shares of its size."""
        view = photo_view(self.workspace.store, int(face))
        width, height = view.size_wh
        picture = f"/picture/photo/{view.face_id}"
        return {"face": view.face_id, "picture": picture, "box": view.box, "width": width, "height": height}

    @needs("voter")
    def counts(self, who: Annotator, campaign: int) -> Json:
        """How far this person and the campaign are."""
        return asdict(self._session(who, campaign).counts())

    @needs("voter")
    def answers(self, who: Annotator, campaign: int) -> Json:
        """How much this person voted, how fast, and how it compares with the faces whose answer is known."""
        found = self.workspace.store.campaigns.get(int(campaign))
        return asdict(my_answers(self.workspace.store, found, self._classes(found), who.id))

    def _session(self, who: Annotator, campaign: int) -> Session:
        here = self.workspace
        found = here.store.campaigns.get(int(campaign))
        return Session(here.store, here.blobs, here.settings.classes, who, found)

    def _classes(self, campaign: Campaign) -> tuple[str, ...]:
        return campaign.classes or self.workspace.settings.classes

    def _campaign(self, who: Annotator, campaign: Campaign) -> Json:
        return {
            "id": campaign.id,
            "name": campaign.name,
            "question": campaign.question,
            "classes": list(self._classes(campaign)),
            "several": campaign.several,
            "blind": campaign.blind,
            **asdict(self._session(who, campaign.id).counts()),
        }


def vote_setup(workspace: Workspace) -> Json:
    """What the pages know from the start: flags, what to type first, and the workspace's name to browsers."""
    at = "" if workspace.path.name == "workspace" else f" --workspace {workspace.path}"
    return {
        "flags": list(FLAGS),
        "workspace": workspace_name(workspace),
        "commands": [command + at for command in _FIRST_COMMANDS],
        "to_try": _TO_TRY + at,
        "decide": f"curate consensus{at}",
    }


def workspace_name(workspace: Workspace) -> str:
    """Names the workspace to the browser, so that votes waiting for one are never sent to another."""
    return hashlib.sha256(str(workspace.path.resolve()).encode()).hexdigest()[:12]


def _same_person(who: Annotator, person: str) -> None:
    if person and person != who.name:
        raise OtherPersonError(f"these votes wait for {person}", hint=f"log in as {person} to send them")


def _face(view: FaceView) -> Json:
    face: Json = {
        "face": view.face_id,
        "crop": view.crop_name,
        "picture": f"/picture/crop/{view.crop_name}",
        "width": view.size_wh[0],
        "height": view.size_wh[1],
    }
    if view.about:
        face["about"] = view.about
    if view.suggestion:
        face["suggestion"] = {"label": view.suggestion.label, "share": view.suggestion.share}
    return face


def _cast(cast: Cast) -> Json:
    answer: Json = {"vote": cast.vote_id}
    if cast.feedback:
        answer["gold"] = {"right": cast.feedback.right, "answer": _answer(cast.feedback.answer)}
    if cast.others:
        answer["others"] = [{"answer": _answer(given), "votes": votes} for given, votes in cast.others]
    return answer


def _answer(answer: Answer) -> Mapping[str, Any]:
    return {"choices": list(answer.choices), "denies": answer.denies, "flag": answer.flag}
