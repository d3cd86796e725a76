"""Votes and labels from the store into a file, and by kind what the format had no place for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import Literal

from db.errors import NotFoundError
from db.progress import progress
from db.records import Annotator, Face, Label, Vote
from db.workspace import Workspace
from label_ui.exchange import ANONYMOUS, FaceName, LabelRow, LeftOut, Row, VoteFormat, VoterKind, VoteRow
from label_ui.exchange_file import whole_file

FACES_AT_ONCE = 2000
What = Literal["all", "votes", "labels"]


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many rows of votes and labels were handed to the format, and what it left out, counted by kind."""

    votes: int
    labels: int
    left_out: LeftOut


def export_votes(
    workspace: Workspace, kind: VoteFormat, out: Path, *, campaign: str = "", what: What = "all"
) -> ExportReport:
    """Write the votes of all campaigns, or of one, and what was decided; the file appears whole or not at all.

    ``out`` ``-`` is standard output. Errors: NotFoundError for an unknown campaign, InputError, StoreError when
    the disk is full.
    """
    job = _Export(workspace, kind, _campaign_id(workspace, campaign), what)
    with whole_file(out) as file:
        left_out = kind.write(progress(job.rows(), "exporting"), file, workspace.settings.classes)
    for reason, count in job.left_out.items():
        left_out.add(reason, count)
    return ExportReport(job.votes, job.labels, left_out)


class _Export:
    """One export under way: the rows in the order the format needs, counted as they go."""

    def __init__(self, workspace: Workspace, kind: VoteFormat, campaign_id: int | None, what: What) -> None:
        self._store, self._kind, self._campaign_id, self._what = workspace.store, kind, campaign_id, what
        self._names = _Names(workspace, kind.names_by == "origin")
        self.votes = self.labels = 0
        self.left_out = LeftOut()

    def rows(self) -> Iterator[Row]:
        rows = self._by_time() if self._kind.order == "time" else self._by_face()
        for row in rows:
            if isinstance(row, LabelRow):
                self.labels += 1
            else:
                self.votes += 1
            yield row

    def _by_time(self) -> Iterator[Row]:
        """Every row of the ledger as it was written, then every label."""
        if self._what != "labels":
            withdrawn, ids = self._store.vote_rows.withdrawn(), dict[int, str]()
            for vote in self._store.votes.iterate(self._campaign_id, everything=True):
                row = self._names.vote(vote, ids.get(vote.undoes_id or 0, ""))
                if vote.id in withdrawn:
                    ids[vote.id] = row.id
                yield row
        if self._what != "votes":
            for label in self._store.labels.current():
                yield self._names.label(label)

    def _by_face(self) -> Iterator[Row]:
        """The votes that hold and the label of each face, photo by photo."""
        votes_wanted, labels_wanted = self._what != "labels", self._what != "votes"
        labels = {one.face_id: one for one in self._store.labels.current()} if labels_wanted else {}
        held = 0
        for faces in self._names.chunks():
            found = self._store.vote_rows.of_faces(faces, self._campaign_id) if votes_wanted else ()
            held += len(found)
            of_face: dict[int, dict[int, Vote]] = {}
            for vote in found:  # oldest first: of one person's votes in several campaigns the newest stays
                of_face.setdefault(vote.face_id, {})[vote.annotator_id] = vote
            kept = sum(map(len, of_face.values()))
            self.left_out.add("votes of people who voted again in another campaign", len(found) - kept)
            for face_id in faces:
                for vote in of_face.get(face_id, {}).values():
                    yield self._names.vote(vote, "")
                if face_id in labels:
                    yield self._names.label(labels[face_id])
        if votes_wanted:
            self._count_history(held)

    def _count_history(self, held: int) -> None:
        rows = self._store.vote_rows.counts(self._campaign_id)
        self.left_out.add("skips", rows.get("skip", 0))
        self.left_out.add("undos", rows.get("undo", 0))
        self.left_out.add("votes undone or replaced", rows.get("vote", 0) - held)


class _Names:
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
        return LabelRow(
            face=self._face(label.face_id),
            label=label.label,
            distribution=label.distribution,
            confidence=label.confidence,
            votes=label.votes,
            method=label.method,
            at=label.at,
            by="" if label.by_id is None else self._person(label.by_id)[0],
            reason=label.reason,
        )

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
    """What the file of each photo with one face was called where it came from, if no other was called the same."""
    single = {photo for photo, count in Counter(face.photo_sha256 for face in faces).items() if count == 1}
    sha256 = {photo.id: photo.sha256 for photo in workspace.store.photos.all()}
    titles: dict[str, str] = {}
    for photo_id, origin in workspace.store.photos.origins():
        if origin.title and sha256[photo_id] in single:
            titles.setdefault(sha256[photo_id], origin.title)
    names = Counter(PurePosixPath(title).name for title in titles.values())
    return {photo: title for photo, title in titles.items() if names[PurePosixPath(title).name] == 1}


def _campaign_id(workspace: Workspace, name: str) -> int | None:
    if not name:
        return None
    found = workspace.store.campaigns.by_name(name)
    if found is None:
        there = ", ".join(one.name for one in workspace.store.campaigns.all())
        raise NotFoundError(f"there is no campaign {name!r}", hint=f"there are: {there}")
    return found.id
