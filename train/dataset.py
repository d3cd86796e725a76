"""Faces of a snapshot, decoded once and packed into square uint8 arrays on disk for fast training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from db.blobs import Blobs
from db.command import say
from db.errors import InputError, NotFoundError
from db.progress import progress
from db.records.snapshots import Part, Snapshot, SnapshotMember

Image = NDArray[np.uint8]
SMALL_PART = 30  # below this many faces, choosing the best epoch is mostly luck


@dataclass(frozen=True, slots=True)
class PackedFaces:
    """One part of a snapshot: ``images`` (N, S, S, 3) uint8 RGB, ``targets`` (N,) int64 class indices.

    ``members`` are the N faces in the same order; ``skipped`` counts those whose crop could not be read.
    """

    images: NDArray[np.uint8]
    targets: NDArray[np.int64]
    members: tuple[SnapshotMember, ...]
    skipped: int

    def __len__(self) -> int:
        return len(self.members)


def check_trainable(snapshot: Snapshot) -> None:
    """Refuse a snapshot nothing can be learnt from, and say aloud what will make figures shaky.

    Errors: InputError for an empty train or val part, or fewer than two classes to learn.
    """
    name = snapshot.hash[:12]
    train = {member.label for member in snapshot.part("train")}
    if not train:
        raise InputError(
            f"snapshot {name} has no face to train on", hint="label more faces, then: curate split"
        )
    if len(train) < 2:
        raise InputError(
            f"snapshot {name} has one class only in its train part ({', '.join(train)}): nothing to tell apart",
            hint="label faces of another class, then: curate split",
        )
    if not snapshot.part("val"):
        raise InputError(
            f"snapshot {name} has no face in its val part, by which the best epoch is chosen",
            hint="make one with a larger share: curate split --ratios 16:4:5",
        )
    for warning in _warnings(snapshot):
        say(f"note: {warning}")


def _warnings(snapshot: Snapshot) -> Iterator[str]:
    for part in ("train", "val", "test"):
        members = snapshot.part(part)
        absent = [c for c in snapshot.classes if c not in {m.label for m in members}]
        if not members:
            yield f"the {part} part is empty: there will be no figures on it"
        elif absent:
            what = "cannot be learnt" if part == "train" else "will not be measured"
            yield f"the {part} part has no {' and no '.join(absent)} face: {what}"
        if part == "val" and len(members) < SMALL_PART:
            yield f"only {len(members)} faces in the val part: the best epoch is chosen partly by luck"


def pack_part(blobs: Blobs, snapshot: Snapshot, part: Part, size: int, path: Path) -> PackedFaces:
    """Decode one part's crops, squeeze each to size × size, and keep them in a memory map at ``path``.

    A crop that is missing or damaged is named, counted and left out. Errors: InputError when none is left of
    a part that had some.
    """
    members = snapshot.part(part)
    path.parent.mkdir(parents=True, exist_ok=True)
    index = {label: i for i, label in enumerate(snapshot.classes)}
    if not members:
        return PackedFaces(np.zeros((0, size, size, 3), np.uint8), np.zeros(0, np.int64), (), 0)
    packed = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(len(members), size, size, 3))
    kept: list[SnapshotMember] = []
    for member, crop in zip(
        members, progress(_crops(blobs, members, size), f"{part} faces", len(members)), strict=True
    ):
        if crop is None:
            say(
                f"skipped a face of the {part} part: its crop {member.crop_sha256[:12]} is missing or damaged"
            )
            continue
        packed[len(kept)] = square(crop, size)
        kept.append(member)
    if not kept:
        raise InputError(f"no crop of the {part} part can be read", hint="was the blobs folder moved?")
    packed.flush()
    targets = np.array([index[m.label] for m in kept], np.int64)
    return PackedFaces(packed[: len(kept)], targets, tuple(kept), len(members) - len(kept))


def square(face: Image, size: int) -> Image:
    """A face (H, W, 3) squeezed to (size, size, 3); shrinking averages pixels, growing interpolates."""
    height, width = face.shape[:2]
    if (height, width) == (size, size):
        return face
    how = cv2.INTER_AREA if min(height, width) > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(face, (size, size), interpolation=how), np.uint8)


def squares(faces: Iterable[Image], size: int) -> NDArray[np.uint8]:
    """Faces of any sizes as one (N, size, size, 3) array; (0, size, size, 3) for none."""
    resized = [square(face, size) for face in faces]
    return np.stack(resized) if resized else np.zeros((0, size, size, 3), np.uint8)


def read_crop(blobs: Blobs, sha256: str, smallest: int = 0) -> Image | None:
    """A crop as (H, W, 3) uint8 RGB, or None when it is missing or damaged.

    With ``smallest`` a large JPEG may come back at a half, quarter or eighth of its size, never with a side
    shorter than ``smallest``; decoding it so is several times faster.
    """
    try:
        data = np.frombuffer(blobs.read(sha256, ".jpg"), np.uint8)
    except NotFoundError:
        return None
    bgr = cv2.imdecode(data, _reduction(data, smallest)) if data.size else None
    return None if bgr is None else np.ascontiguousarray(bgr[..., ::-1], dtype=np.uint8)


def _reduction(data: NDArray[np.uint8], smallest: int) -> int:
    if smallest:
        side = min(_jpeg_size(data.tobytes()))
        for factor, flag in (
            (8, cv2.IMREAD_REDUCED_COLOR_8),
            (4, cv2.IMREAD_REDUCED_COLOR_4),
            (2, cv2.IMREAD_REDUCED_COLOR_2),
        ):
            if side >= factor * smallest:
                return int(flag)
    return int(cv2.IMREAD_COLOR)


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """(height, width) from the frame header of a JPEG (ITU T.81, B.2.2); (0, 0) when there is none."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            return int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
        at += 2 + length
    return 0, 0


def _crops(blobs: Blobs, members: Sequence[SnapshotMember], smallest: int) -> Iterator[Image | None]:
    """In order, a few hundred at a time, so that decoded crops do not pile up in memory."""
    with ThreadPoolExecutor(4) as pool:
        for start in range(0, len(members), 256):
            block = members[start : start + 256]
            yield from pool.map(lambda member: read_crop(blobs, member.crop_sha256, smallest), block)
