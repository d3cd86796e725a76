"""Faces, people and campaigns of a store as a file names them, and so its votes, decisions and marks as rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import PurePosixPath

from db.label_rows import PastLabel
from db.records.campaigns import Campaign
from db.records.faces import Face
from db.records.labels import Label
from db.records.people import Annotator
from db.records.photos import Harvest
from db.records.votes import Gold, Vote
from db.workspace import Workspace
from label_ui.exchange import (
    ANONYMOUS,
    CampaignRow,
    FaceName,
    GoldRow,
    LabelRow,
    VoterKind,
    VoteRow,
)
from label_ui.exchange_campaigns import settings_of
from label_ui.exchange_decided import batch_of

FACES_AT_ONCE = 2000
_PERSON: VoterKind = "person"


class Names:
    """Faces, people and campaigns as a file names them."""

    def __init__(self, workspace: Workspace, by_origin: bool) -> None:
        self._store = workspace.store
        photos = {photo.sha256: photo for photo in self._store.photos.all()}
        faces = self._store.faces.all()
        files = _origin_files(workspace, faces) if by_origin else {}
        self._faces: dict[int, FaceName] = {}
        for face in faces:
            photo = photos[face.photo_sha256]
            file = f"{photo.sha256[:2]}/{photo.sha256}{photo.suffix}"
            if by_origin:
                file = files.get(face.photo_sha256, f"{face.photo_sha256}:{face.ordinal}")
            self._faces[face.id] = FaceName(
                face.photo_sha256,
                face.ordinal,
                face.crop_sha256,
                face.xyxy,
                (photo.width, photo.height),
                file,
            )
        self._people = {one.id: (one.name, _kind(one)) for one in self._store.annotators.all()}
        self._campaigns = {one.id: one.name for one in self._store.campaigns.all()}

    def chunks(self) -> Iterator[Sequence[int]]:
        """The face ids, those of a photo together, in lists of some thousand."""
        ids = tuple(self._faces)  # faces.all() gives them photo by photo
        for start in range(0, len(ids), FACES_AT_ONCE):
            yield ids[start : start + FACES_AT_ONCE]

    def vote(self, vote: Vote, undoes: str) -> VoteRow:
        name, kind = self._person(vote.annotator_id)
        row_id = vote.request_id or self._content_id(vote, name)
        return VoteRow(
            face=self._face(vote.face_id),
            voter=name,
            action=vote.action,
            choices=vote.choices,
            denies=vote.denies,
            flag=vote.flag,
            seconds=vote.seconds,
            at=vote.at,
            shown=vote.shown,
            campaign=self._campaign(vote.campaign_id),
            id=row_id,
            undoes=undoes,
            kind=kind,
        )

    def label(self, label: Label) -> LabelRow:
        by, kind = ("", _PERSON) if label.by_id is None else self._person(label.by_id)
        return LabelRow(
            face=self._face(label.face_id),
            label=label.label,
            distribution=label.distribution,
            confidence=label.confidence,
            votes=label.votes,
            method=label.method,
            at=label.at,
            by=by,
            reason=label.reason,
            kind=kind,
        )

    def decision(self, past: PastLabel) -> LabelRow:
        """A curator's decision with its bulk action, and when and by whom it was taken back."""
        batch, campaign = batch_of(past.label)
        return replace(
            self.label(past.label),
            batch=batch,
            campaign="" if campaign is None else self._campaign(campaign),
            undone_at=past.undone_at,
            undone_by="" if past.undone_by is None else self._person(past.undone_by)[0],
        )

    def gold(self, mark: Gold) -> GoldRow:
        by, kind = self._person(mark.set_by)
        return GoldRow(self._face(mark.face_id), mark.answer, mark.flag, by, mark.at, kind)

    def asked(self, campaign: Campaign, harvests: Mapping[int, Harvest]) -> CampaignRow:
        return CampaignRow(campaign.name, settings_of(campaign, self._person, self._faces, harvests))

    def _face(self, face_id: int) -> FaceName:
        if face_id not in self._faces:  # it came while we were writing
            face = self._store.faces.by_ids((face_id,))[0]
            self._faces[face_id] = FaceName(face.photo_sha256, face.ordinal, face.crop_sha256, face.xyxy)
        return self._faces[face_id]

    def _person(self, annotator_id: int) -> tuple[str, VoterKind]:
        if annotator_id not in self._people:
            one = self._store.annotators.get(annotator_id)
            self._people[annotator_id] = (one.name, _kind(one))
        return self._people[annotator_id]

    def _campaign(self, campaign_id: int) -> str:
        if campaign_id not in self._campaigns:
            self._campaigns[campaign_id] = self._store.campaigns.get(campaign_id).name
        return self._campaigns[campaign_id]

    def _content_id(self, vote: Vote, name: str) -> str:
        """A name for a row that was cast without one, the same in every export."""
        face, campaign = self._face(vote.face_id), self._campaign(vote.campaign_id)
        whose = (face.photo_sha256, face.ordinal, name, campaign, vote.action, vote.at.isoformat())
        return "r-" + blake2b(repr((*whose, vote.choices, vote.flag)).encode(), digest_size=20).hexdigest()


def _kind(person: Annotator) -> VoterKind:
    if person.simulated:
        return "simulated"
    return ANONYMOUS if person.note == ANONYMOUS else "person"


def _origin_files(workspace: Workspace, faces: Sequence[Face]) -> dict[str, str]:
    """What the file of each photo with one face was called where it came from, if no other was called the same.

    A file that is called by a bare number in its folder is not told apart by it.
    """
    single = {photo for photo, count in Counter(face.photo_sha256 for face in faces).items() if count == 1}
    sha256 = {photo.id: photo.sha256 for photo in workspace.store.photos.all()}
    titles: dict[str, str] = {}
    for photo_id, origin in workspace.store.photos.origins():
        if origin.title and sha256[photo_id] in single:
            titles.setdefault(sha256[photo_id], origin.title)
    names = Counter(PurePosixPath(title).name for title in titles.values())
    return {
        photo: title
        for photo, title in titles.items()
        if names[name := PurePosixPath(title).name] == 1 and not name.isdecimal()
    }
