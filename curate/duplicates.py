"""Near-duplicate groups of faces: crops, and faces of photos, whose perceptual hashes differ in few bits."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from curate.components import components
from curate.near_pairs import near_pairs
from db.errors import MimiqueError
from db.progress import progress
from db.records.faces import Face
from db.workspace import Workspace

DEFAULT_DISTANCE = 6
# Faces of two near-copies of a photo are the same face re-encoded: their crops may differ by more bits.
SLACK = 2


@dataclass(frozen=True, slots=True)
class DuplicateTally:
    """``groups`` of two faces or more hold ``grouped`` of all ``faces``; ``missing`` crops were unreadable."""

    faces: int
    groups: int
    grouped: int
    largest: int
    missing: int


def mark_duplicates(workspace: Workspace, distance: int = DEFAULT_DISTANCE) -> DuplicateTally:
    """Find the near-duplicate groups of all faces and write them to the store, replacing earlier ones.

    A crop that cannot be read leaves its face ungrouped and is noted in the failure ledger.
    """
    faces = workspace.store.faces.all()
    hashes = _crop_hashes(workspace, faces)
    known = [face for face in faces if face.crop_sha256 in hashes]
    photo_hashes = {photo.id: int(photo.phash, 16) for photo in workspace.store.photos.all()}
    groups = duplicate_groups(known, hashes, photo_hashes, distance)
    changed = {f.id: groups.get(f.id) for f in faces if f.duplicate_group != groups.get(f.id)}
    if changed:
        workspace.store.faces.set_duplicate_groups(changed)
    sizes = Counter(group for group in groups.values() if group is not None)
    return DuplicateTally(
        faces=len(faces),
        groups=len(sizes),
        grouped=sum(sizes.values()),
        largest=max(sizes.values(), default=0),
        missing=len(faces) - len(known),
    )


def duplicate_groups(
    faces: Sequence[Face], crop_hashes: Mapping[str, int], photo_hashes: Mapping[int, int], distance: int
) -> dict[int, str | None]:
    """The group of each face by id: the smallest crop SHA-256 in the group, or None for a face of its own.

    Two faces belong together when their crops differ in at most `distance` of 64 bits, or when their photos
    do and the crops differ in at most twice that; groups are closed under both. ``crop_hashes`` are by crop
    SHA-256, ``photo_hashes`` by photo id. The result does not depend on ids or order, only on content.
    """
    crops = sorted({face.crop_sha256 for face in faces})
    place = {crop: i for i, crop in enumerate(crops)}
    pairs = [*_near_by_hash([crop_hashes[crop] for crop in crops], distance)]
    pairs += _near_by_photo(faces, place, crop_hashes, photo_hashes, distance)
    roots = components(len(crops), pairs)  # the smallest index is the smallest hash
    rows = np.array([roots[place[face.crop_sha256]] for face in faces], np.int64)
    sizes = np.bincount(rows, minlength=len(crops)) if len(rows) else rows
    return {face.id: crops[root] if sizes[root] > 1 else None for face, root in zip(faces, rows, strict=True)}


def _near_by_hash(hashes: Sequence[int], distance: int) -> Iterator[tuple[int, int]]:
    """Index pairs within the distance; of equal hashes each is paired with the first only."""
    values, first, inverse = np.unique(np.array(hashes, np.uint64), return_index=True, return_inverse=True)
    yield from ((int(first[group]), i) for i, group in enumerate(inverse))
    for a, b in near_pairs(values, distance):
        yield int(first[a]), int(first[b])


def _near_by_photo(
    faces: Sequence[Face],
    place: Mapping[str, int],
    crop_hashes: Mapping[str, int],
    photo_hashes: Mapping[int, int],
    distance: int,
) -> Iterator[tuple[int, int]]:
    """Crop index pairs of faces in different photos that are near-copies of each other."""
    seen: dict[int, dict[int, _Seen]] = defaultdict(dict)  # by photo hash, then by crop hash
    for face in faces:
        crop = crop_hashes[face.crop_sha256]
        entry = seen[photo_hashes[face.photo_id]].setdefault(crop, _Seen(place[face.crop_sha256], set()))
        entry.photos.add(face.photo_id)
    values = np.array(sorted(seen), np.uint64)
    near = [(i, i) for i in range(len(values))] + [(int(a), int(b)) for a, b in near_pairs(values, distance)]
    for a, b in near:
        for crop, here in seen[int(values[a])].items():
            for other, there in seen[int(values[b])].items():
                apart = len(here.photos | there.photos) > 1
                if apart and (crop ^ other).bit_count() <= SLACK * distance:
                    yield here.crop, there.crop


@dataclass(frozen=True, slots=True)
class _Seen:
    """A crop hash within photos of one hash: the place of a crop that has it, and in which photos."""

    crop: int
    photos: set[int]


def _crop_hashes(workspace: Workspace, faces: Sequence[Face]) -> dict[str, int]:
    """The perceptual hash of every crop that can be read, by its SHA-256."""
    crops = sorted({face.crop_sha256 for face in faces})
    hashes: dict[str, int] = {}
    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda crop: _crop_hash(workspace, crop), crops)
        for crop, result in zip(crops, progress(results, "hashing crops", len(crops)), strict=True):
            if isinstance(result, MimiqueError):
                workspace.store.failures.record("duplicates", crop, str(result))
            else:
                hashes[crop] = result
    return hashes


def _crop_hash(workspace: Workspace, crop: str) -> int | MimiqueError:
    from collect.image import decode, phash

    try:
        return int(phash(decode(workspace.blobs.read(crop, ".jpg"))), 16)
    except MimiqueError as error:
        return error
