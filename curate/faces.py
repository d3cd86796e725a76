"""Finds the faces in a workspace's photos and stores their crops; goes on where it was stopped.

Photos are decoded by two threads ahead of the detector and crops written by one behind it, so that
inference does not wait for the disk. A photo's faces and the note that it was seen are one transaction, made
after its crops are on the disk: a kill at any point loses at most the photos in flight.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial

from collect.image import decode, encode_jpeg, size_wh
from curate.ahead import read_ahead
from curate.crops import Image, clip_xyxy, crop, sharpness, upright_crop
from curate.detect import Detection, Detector
from db.errors import InputError, NotFoundError
from db.progress import progress
from db.records.faces import NewFace
from db.records.photos import Photo
from db.workspace import Workspace

STAGE = "faces"
DECODERS = 2
CROP_SUFFIX = ".jpg"


@dataclass(frozen=True, slots=True)
class CropRule:
    """How faces are cut: ``margin`` is a share of the box's longer side, added at both ends.

    Faces whose shorter side is under ``min_size`` pixels are counted and not stored. ``align`` turns crops
    upright where the detector gives eyes.
    """

    margin: float = 0.2
    min_size: int = 24
    align: bool = False

    def __post_init__(self) -> None:
        if self.margin < 0 or self.min_size < 0:
            raise ValueError(f"a margin and a least size count from 0, got {self.margin}, {self.min_size}")


@dataclass(frozen=True, slots=True)
class FacesTally:
    """What one run of `find_faces` did; photos seen by earlier runs are not counted."""

    photos: int = 0
    faces: int = 0
    without_face: int = 0
    too_small: int = 0
    failed: int = 0

    def __add__(self, other: FacesTally) -> FacesTally:
        return FacesTally(
            self.photos + other.photos,
            self.faces + other.faces,
            self.without_face + other.without_face,
            self.too_small + other.too_small,
            self.failed + other.failed,
        )

    def counts(self) -> dict[str, int]:
        """The figures under names for people, in the order they are told."""
        return {
            "photos": self.photos,
            "faces": self.faces,
            "photos without a face": self.without_face,
            "faces too small": self.too_small,
            "failed": self.failed,
        }


def find_faces(
    workspace: Workspace,
    detector: Detector,
    *,
    batch: int = 4,
    rule: CropRule | None = None,
    name: str = "",
) -> FacesTally:
    """Detect, crop and store the faces of every photo that no detector has seen yet.

    ``batch`` photos are given to the detector at a time; ``name`` is kept beside each photo as what saw it
    (the detector's class by default). A photo without a face is marked and not tried again; one that is
    missing or cannot be decoded goes to the failure ledger, and is tried again by the next run. Faces are
    stored by falling score, then from left to right. Errors: StoreError when the disk is full.
    """
    photos = workspace.store.photos.without_detection()
    job = _Job(workspace, rule or CropRule(), name or type(detector).__name__)
    pending: list[Future[FacesTally]] = []
    decoded = read_ahead(photos, partial(_read, workspace), threads=DECODERS, ahead=batch)
    with ThreadPoolExecutor(1) as writer:
        for chunk in _chunks(progress(decoded, "finding faces", len(photos)), batch):
            whole = [(photo, image) for photo, image in chunk if not isinstance(image, Exception)]
            found = detector.detect([image for _, image in whole]) if whole else []
            job.collect(pending)
            pending = [
                writer.submit(job.store, photo, image, detections)
                for (photo, image), detections in zip(whole, found, strict=True)
            ]
            job.note_failures(chunk)
        job.collect(pending)
    return job.tally


_Read = Image | Exception


class _Job:
    """One run of `find_faces`: writes what was found and counts it."""

    def __init__(self, workspace: Workspace, rule: CropRule, name: str) -> None:
        self.workspace, self.rule, self.name = workspace, rule, name
        self.tally = FacesTally()
        self._failed_before = {failure.item for failure in workspace.store.failures.all(STAGE)}

    def store(self, photo: Photo, image: Image, detections: Sequence[Detection]) -> FacesTally:
        """Write one photo's crops, then its faces; gives what this adds to the tally."""
        usable, too_small = usable_faces(detections, size_wh(image), self.rule.min_size)
        faces = [self._new_face(image, detection) for detection in usable]
        new = self.workspace.store.faces.record_detection(photo.id, self.name, faces)
        if photo.sha256 in self._failed_before:
            self.workspace.store.failures.clear(STAGE, photo.sha256)
        if not new:  # another copy of this command was faster
            return FacesTally()
        return FacesTally(1, len(faces), int(not faces), too_small)

    def collect(self, pending: Iterable[Future[FacesTally]]) -> None:
        """Wait for writes and add them up; what went wrong in one is raised here."""
        for future in pending:
            self.tally += future.result()

    def note_failures(self, chunk: Iterable[tuple[Photo, _Read]]) -> None:
        for photo, image in chunk:
            if isinstance(image, Exception):
                self.workspace.store.failures.record(STAGE, photo.sha256, str(image))
                self.tally += FacesTally(failed=1)

    def _new_face(self, image: Image, detection: Detection) -> NewFace:
        cut = cut_face(image, detection, self.rule)
        return NewFace(
            xyxy=detection.xyxy,
            score=detection.score,
            crop_sha256=self.workspace.blobs.put(encode_jpeg(cut), CROP_SUFFIX),
            crop_size_wh=size_wh(cut),
            sharpness=sharpness(cut),
            landmarks=detection.landmarks,
        )


def cut_face(image: Image, detection: Detection, rule: CropRule) -> Image:
    """The crop of one face, (h, w, 3) uint8 RGB, as the rule says; the same for photos and live frames."""
    if rule.align and detection.landmarks is not None:
        return upright_crop(image, detection.xyxy, detection.landmarks, rule.margin)
    return crop(image, detection.xyxy, rule.margin)


def usable_faces(
    detections: Iterable[Detection], photo_size_wh: tuple[int, int], min_size: int
) -> tuple[list[Detection], int]:
    """(faces to keep, how many were too small): clipped to the photo, best first, then left to right."""
    clipped = [
        replace(detection, xyxy=xyxy)
        for detection in detections
        if (xyxy := clip_xyxy(detection.xyxy, photo_size_wh)) is not None
    ]
    large = [d for d in clipped if min(d.xyxy[2] - d.xyxy[0], d.xyxy[3] - d.xyxy[1]) >= min_size]
    return sorted(large, key=lambda d: (-d.score, d.xyxy)), len(clipped) - len(large)


def _read(workspace: Workspace, photo: Photo) -> _Read:
    try:
        return decode(workspace.blobs.read(photo.sha256, photo.suffix))
    except (InputError, NotFoundError, OSError) as error:
        return error


def _chunks(stream: Iterator[tuple[Photo, _Read]], size: int) -> Iterator[list[tuple[Photo, _Read]]]:
    chunk: list[tuple[Photo, _Read]] = []
    for item in stream:
        chunk.append(item)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
