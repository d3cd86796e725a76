"""From agreed labels to an immutable snapshot: who ties to whom, which part, and the hash of it all."""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from curate.duplicates import mark_duplicates
from curate.split import Ratios, SplitItem, Tie, leaks, split
from db.errors import InputError
from db.records.faces import Face
from db.records.labels import Label
from db.records.photos import Origin
from db.records.snapshots import PARTS, Part, Snapshot, SnapshotMember
from db.workspace import Workspace

DECIMALS = 6


@dataclass(frozen=True, slots=True)
class SplitResult:
    """A snapshot and what to say about it.

    ``new`` is False when the store had it already. ``copies`` are labelled faces left out because their crop
    is, to the byte, another's. ``leaks`` are the ties that straddle two parts, looked for afresh: always
    none, and a snapshot that had one would not be stored.
    """

    snapshot: Snapshot
    new: bool
    copies: int
    leaks: tuple[Tie, ...]
    notes: tuple[str, ...]


def make_snapshot(
    workspace: Workspace, ratios: Ratios = (20, 4, 1), seed: int = 0, *, use_hints: bool = False
) -> SplitResult:
    """Split the faces whose current label is a class, and store the result.

    With ``use_hints`` faces from a data set that came in parts stay in them. The same labels, ratios and
    seed give the same snapshot on any machine. Errors: InputError when no face has a label.
    """
    mark_duplicates(workspace)  # faces found since the last time would have no group to keep them together
    classes = workspace.settings.classes
    labelled = _labelled(workspace, classes)
    if not labelled:
        raise InputError(
            "no face has an agreed label yet, so there is nothing to split",
            hint="vote with `label`, then run `curate consensus`",
        )
    origins = _origins_by_photo(workspace)
    items = _items(labelled, origins, use_hints)
    assignment = split(items, ratios, seed)
    straddling = tuple(leaks(items, assignment.parts))
    members = [
        SnapshotMember(
            face.id,
            face.crop_sha256,
            label.label or "",
            assignment.parts[face.crop_sha256],
            assignment.groups[face.crop_sha256],
            {name: round(share, DECIMALS) for name, share in label.distribution.items()},
        )
        for face, label in _one_a_crop(labelled)
    ]
    snapshot = _snapshot(classes, ratios, seed, members)
    return SplitResult(
        snapshot=snapshot,
        new=not straddling and workspace.store.snapshots.add(snapshot),
        copies=len(labelled) - len(members),
        leaks=straddling,
        notes=assignment.notes,
    )


def snapshot_hash(
    classes: Sequence[str], ratios: Ratios, seed: int, members: Iterable[SnapshotMember]
) -> str:
    """The name of a snapshot: SHA-256 of its content as canonical JSON; ids of the store are no part of it."""
    content = {
        "classes": list(classes),
        "ratios": [float(r) for r in ratios],
        "seed": seed,
        "members": sorted(
            [m.crop_sha256, m.label, m.part, m.group_key, dict(m.distribution)] for m in members
        ),
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def part_counts(snapshot: Snapshot) -> dict[Part, dict[str, int]]:
    """How many faces of each class every part holds."""
    counts = Counter((member.part, member.label) for member in snapshot.members)
    return {part: {name: counts[part, name] for name in snapshot.classes} for part in PARTS}


_Labelled = tuple[Face, Label]


def _labelled(workspace: Workspace, classes: Sequence[str]) -> list[_Labelled]:
    labels = {label.face_id: label for label in workspace.store.labels.current() if label.label in classes}
    return [(face, labels[face.id]) for face in workspace.store.faces.all() if face.id in labels]


def _origins_by_photo(workspace: Workspace) -> dict[int, list[Origin]]:
    found: dict[int, list[Origin]] = defaultdict(list)
    for photo_id, origin in workspace.store.photos.origins():
        found[photo_id].append(origin)
    return found


def _one_a_crop(labelled: Sequence[_Labelled]) -> list[_Labelled]:
    """One face for each distinct crop, sorted by crop: the one with most votes, then the surest label."""
    best: dict[str, _Labelled] = {}
    for face, label in labelled:
        held = best.get(face.crop_sha256)
        if held is None or _rank(face, label) < _rank(*held):
            best[face.crop_sha256] = (face, label)
    return [best[crop] for crop in sorted(best)]


def _rank(face: Face, label: Label) -> tuple[int, float, str, str, int]:
    return -label.votes, -label.confidence, label.label or "", face.photo_sha256, face.ordinal


def _items(
    labelled: Sequence[_Labelled], origins: Mapping[int, Sequence[Origin]], use_hints: bool
) -> list[SplitItem]:
    """One item a crop; it carries the ties of all faces that have this very crop."""
    ties: dict[str, set[Tie]] = defaultdict(set)
    hints: dict[str, Counter[Part]] = defaultdict(Counter)
    for face, _ in labelled:
        own = origins.get(face.photo_id, ())
        ties[face.crop_sha256] |= _ties(face, own)
        hints[face.crop_sha256].update(part for part in PARTS for o in own if o.split_hint == part)
    return [
        SplitItem(
            key=face.crop_sha256,
            label=label.label or "",
            ties=frozenset(ties[face.crop_sha256]),
            hint=_most_named(hints[face.crop_sha256]) if use_hints else None,
        )
        for face, label in _one_a_crop(labelled)
    ]


def _ties(face: Face, origins: Iterable[Origin]) -> set[Tie]:
    ties = {("photo", face.photo_sha256)}
    if face.duplicate_group:
        ties.add(("near-duplicate group", face.duplicate_group))
    for origin in origins:
        if origin.owner:
            ties.add(("photographer", f"{origin.source}: {origin.owner}"))
        if origin.video:
            ties.add(("video", origin.video))
    return ties


def _most_named(hints: Mapping[Part, int]) -> Part | None:
    """The part named most often, the earlier of train, val, test when equal; None without any."""
    if not hints:
        return None
    most = max(hints.values())
    return next(part for part in PARTS if hints.get(part) == most)


def _snapshot(
    classes: tuple[str, ...], ratios: Ratios, seed: int, members: Sequence[SnapshotMember]
) -> Snapshot:
    floats = (float(ratios[0]), float(ratios[1]), float(ratios[2]))
    name = snapshot_hash(classes, floats, seed, members)
    return Snapshot(name, classes, floats, seed, datetime.now(UTC), tuple(members))
