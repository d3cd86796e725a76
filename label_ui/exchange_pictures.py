"""Pictures a file of votes speaks of and the store lacks: they come in with the boxes the votes were about.

A picture of which no box is told is one whole face, as in FER+. Only pictures named in the file get faces.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from collect.folder import FolderSource
from collect.harvest import HarvestTally, harvest
from collect.image import decode, encode_jpeg, size_wh
from curate.crops import clip_xyxy, sharpness
from curate.detect import Detection
from curate.faces import CROP_SUFFIX, CropRule, cut_face
from db.errors import InputError, NotFoundError
from db.progress import progress
from db.records.faces import XYXY, NewFace
from db.records.photos import Photo
from db.workspace import Workspace
from label_ui.exchange import BadLine, LedgerRow, VoteRow
from label_ui.exchange_faces import SAME_BOX, FaceIndex, UnknownFaceError, overlap, shares

DETECTOR = "boxes of imported votes"
_WHOLE: XYXY = (0.0, 0.0, 1.0, 1.0)


@dataclass(frozen=True, slots=True)
class PicturesTally:
    """What came in: pictures from the folder, and faces of ``photos`` that the file speaks of.

    ``files`` is the SHA-256 of every picture of the folder by its path in it.
    """

    harvest: HarvestTally
    photos: int
    faces: int
    failed: int
    files: Mapping[str, str]

    def counts(self) -> dict[str, int]:
        """What became faces, under names for people."""
        failed = {"pictures failed": self.failed} if self.failed else {}
        return {"faces": self.faces, "pictures they are on": self.photos, **failed}


def import_pictures(workspace: Workspace, folder: Path, rows: Iterable[LedgerRow | BadLine]) -> PicturesTally:
    """Collect the folder, then give each picture that the rows name, and no detector has seen, its faces.

    Boxes that overlap by half are one face, the first one's box. Repeating it adds nothing.
    Errors: InputError without the folder, StoreError.
    """
    collected = harvest(workspace, FolderSource(folder, workspace.settings.classes))
    offered = FolderSource(folder, workspace.settings.classes).candidates()
    files = {one.origin.title: one.origin.native_id for one in offered}
    boxes = _boxes_by_photo(FaceIndex(workspace.store, files), rows)
    unseen = [photo for photo in workspace.store.photos.without_detection() if photo.sha256 in boxes]
    faces = failed = 0
    for photo in progress(unseen, "cutting faces", len(unseen)):
        try:
            found = _faces(workspace, photo, boxes[photo.sha256])
        except (InputError, NotFoundError, OSError) as error:
            workspace.store.failures.record("faces", photo.sha256, str(error))
            failed += 1
            continue
        workspace.store.faces.record_detection(photo.id, DETECTOR, found)
        faces += len(found)
    return PicturesTally(collected, len(unseen) - failed, faces, failed, files)


def _boxes_by_photo(index: FaceIndex, rows: Iterable[LedgerRow | BadLine]) -> dict[str, list[XYXY]]:
    """The boxes of each photo, as shares of it, in the order of the rows; one row a face is enough."""
    boxes: dict[str, list[XYXY]] = {}
    for row in rows:
        if not isinstance(row, VoteRow) or not row.face.file:
            continue
        try:
            sha256 = index.photo_named(row.face.file)
        except UnknownFaceError:
            continue
        if sha256 is None:
            continue
        name, known = row.face, boxes.setdefault(sha256, [])
        box = shares(name.xyxy, name.size_wh or index.size_of(sha256)) if name.xyxy else _WHOLE
        if all(overlap(box, other) < SAME_BOX for other in known):
            known.append(box)
    return boxes


def _faces(workspace: Workspace, photo: Photo, boxes: Iterable[XYXY]) -> list[NewFace]:
    image = decode(workspace.blobs.read(photo.sha256, photo.suffix))
    width, height = size_wh(image)
    faces = []
    for box in boxes:
        xyxy = clip_xyxy((box[0] * width, box[1] * height, box[2] * width, box[3] * height), (width, height))
        if xyxy is None:
            continue
        cut = cut_face(image, Detection(xyxy, 1.0), CropRule(0.0 if box == _WHOLE else CropRule().margin))
        crop_sha256 = workspace.blobs.put(encode_jpeg(cut), CROP_SUFFIX)
        faces.append(NewFace(xyxy, 1.0, crop_sha256, size_wh(cut), sharpness(cut)))
    return faces
