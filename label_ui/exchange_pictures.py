"""Pictures a file of votes speaks of and the store lacks: they come in with the boxes the votes were about.

A picture of which no box is told is one whole face, as in FER+. Only pictures named in the file get faces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from collect.folder import FolderSource
from collect.harvest import HarvestTally, harvest
from collect.image import decode, encode_jpeg, size_wh
from curate.crops import clip_xyxy, sharpness
from curate.detect import Detection
from curate.faces import CROP_SUFFIX, CropRule, cut_face
from curate.nms import overlaps
from db.errors import InputError, NotFoundError
from db.progress import progress
from db.records.faces import XYXY, NewFace
from db.records.photos import Photo
from db.workspace import Workspace
from label_ui.exchange import BadLine, GoldRow, LabelRow, LedgerRow, VoteRow
from label_ui.exchange_faces import SAME_BOX, FaceIndex, UnknownFaceError, shares

DETECTOR = "boxes of imported votes"
_WHOLE: XYXY = (0.0, 0.0, 1.0, 1.0)
_Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class PicturesTally:
    """What came in: pictures from the folder, and faces of ``photos`` that the file speaks of.

    ``files`` is the SHA-256 of every picture of the folder by its path in it. ``wanted``: some face that the file is
    about is here or on those pictures; if none is, nothing was collected.
    """

    harvest: HarvestTally
    photos: int
    faces: int
    failed: int
    files: Mapping[str, str]
    wanted: bool = True

    def counts(self) -> dict[str, int]:
        """What became faces, under names for people."""
        failed = {"pictures failed": self.failed} if self.failed else {}
        return {"faces": self.faces, "pictures they are on": self.photos, **failed}


def import_pictures(workspace: Workspace, folder: Path, rows: Iterable[LedgerRow | BadLine]) -> PicturesTally:
    """Collect the folder, then give each picture that the rows name, and no detector has seen, its faces.

    Boxes that overlap by half are one face, the first one's box. Repeating it adds nothing. Where the rows are about
    no face that is here or would be, nothing is collected. Errors: InputError without the folder, StoreError.
    """
    offered = FolderSource(folder, workspace.settings.classes).candidates()
    files = {one.origin.title: one.origin.native_id for one in offered}
    named = _named(FaceIndex(workspace.store, files), rows)
    if not (named.here or _new(workspace, named, files)):
        return PicturesTally(HarvestTally(), 0, 0, 0, files, wanted=False)
    collected = harvest(workspace, FolderSource(folder, workspace.settings.classes))
    unseen = [photo for photo in workspace.store.photos.without_detection() if photo.sha256 in named.boxes]
    faces = failed = 0
    for photo in progress(unseen, "cutting faces", len(unseen)):
        try:
            found = _faces(workspace, photo, named.boxes[photo.sha256])
        except (InputError, NotFoundError, OSError) as error:
            workspace.store.failures.record("faces", photo.sha256, str(error))
            failed += 1
            continue
        workspace.store.faces.record_detection(photo.id, DETECTOR, found)
        faces += len(found)
    return PicturesTally(collected, len(unseen) - failed, faces, failed, files)


@dataclass(frozen=True, slots=True)
class _Box:
    """A box in pixels of a picture of this size; of the picture itself where the file does not say its size.

    Without ``xyxy`` it is the whole picture.
    """

    xyxy: XYXY | None
    size_wh: _Size | None

    def shares(self, picture_wh: _Size) -> XYXY:
        return _WHOLE if self.xyxy is None else shares(self.xyxy, self.size_wh or picture_wh)

    def pixels(self, picture_wh: _Size) -> XYXY:
        """The box on the picture: the very numbers of the file when its size is the one the file says."""
        if self.xyxy is not None and self.size_wh in (None, picture_wh):
            return self.xyxy
        width, height = picture_wh
        x1, y1, x2, y2 = self.shares(picture_wh)
        return (x1 * width, y1 * height, x2 * width, y2 * height)


@dataclass(slots=True)
class _Named:
    """What rows speak of: boxes by photo, in the order of the rows; ``here``: a face that the store has is named."""

    boxes: dict[str, list[_Box]] = field(default_factory=dict)
    here: bool = False


def _named(index: FaceIndex, rows: Iterable[LedgerRow | BadLine]) -> _Named:
    named = _Named()
    for row in rows:
        if not named.here and (isinstance(row, VoteRow | GoldRow) or (isinstance(row, LabelRow) and row.by)):
            with suppress(UnknownFaceError):
                index.find(row.face)
                named.here = True
        if isinstance(row, VoteRow) and row.face.file:
            with suppress(UnknownFaceError):
                if (sha256 := index.photo_named(row.face.file)) is not None:
                    _note(named.boxes.setdefault(sha256, []), _Box(row.face.xyxy, row.face.size_wh))
    return named


def _note(boxes: list[_Box], box: _Box) -> None:
    """Keep one box a face, as far as boxes can be compared before the picture is there."""
    like = [other for other in boxes if other.size_wh == box.size_wh or (other.xyxy is box.xyxy is None)]
    if not _shown_by([other.shares((1, 1)) for other in like], box.shares((1, 1))):
        boxes.append(box)


def _shown_by(known: Sequence[XYXY], box: XYXY) -> bool:
    """Whether one of these boxes is the same face's."""
    return bool(known) and bool(overlaps(np.array([box]), np.array(known)).max() >= SAME_BOX)


def _new(workspace: Workspace, named: _Named, files: Mapping[str, str]) -> bool:
    """Whether the boxes are on a picture of the folder that is not here, or on one that no detector has seen."""
    photos = workspace.store.photos
    unseen = {photo.sha256 for photo in photos.without_detection()}
    return bool(
        named.boxes.keys() & (unseen | (set(files.values()) - {photo.sha256 for photo in photos.all()}))
    )


def _faces(workspace: Workspace, photo: Photo, boxes: Iterable[_Box]) -> list[NewFace]:
    image = decode(workspace.blobs.read(photo.sha256, photo.suffix))
    picture_wh = size_wh(image)
    faces: list[NewFace] = []
    known: list[XYXY] = []
    for box in boxes:
        share, xyxy = box.shares(picture_wh), clip_xyxy(box.pixels(picture_wh), picture_wh)
        if xyxy is None or _shown_by(known, share):
            continue
        known.append(share)
        cut = cut_face(image, Detection(xyxy, 1.0), CropRule(0.0 if share == _WHOLE else CropRule().margin))
        crop_sha256 = workspace.blobs.put(encode_jpeg(cut), CROP_SUFFIX)
        faces.append(NewFace(xyxy, 1.0, crop_sha256, size_wh(cut), sharpness(cut)))
    return faces
