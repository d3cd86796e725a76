"""How far a workspace's curation is, in figures."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from db.workspace import Workspace


@dataclass(frozen=True, slots=True)
class SnapshotLine:
    """A snapshot in one line: the first digits of its hash, its ratios and seed."""

    hash: str
    ratios: str
    seed: int


@dataclass(frozen=True, slots=True)
class Status:
    """Counts of everything between photos and snapshots.

    ``agreed`` faces by class; ``undecided`` have votes and a decision without a class.
    """

    photos: int
    photos_seen: int
    photos_without_face: int
    faces: int
    duplicate_groups: int
    faces_voted: int
    votes: int
    agreed: dict[str, int]
    undecided: int
    failures: dict[str, int]
    snapshots: tuple[SnapshotLine, ...]

    def rows(self) -> list[tuple[str, str]]:
        """(what, how many) for people, in the order of the work."""
        return [
            ("photos", f"{self.photos:,}"),
            ("  looked at", f"{self.photos_seen:,}"),
            ("  without a face", f"{self.photos_without_face:,}"),
            ("faces", f"{self.faces:,}"),
            ("  near-duplicate groups", f"{self.duplicate_groups:,}"),
            ("  voted on", f"{self.faces_voted:,}"),
            ("votes", f"{self.votes:,}"),
            ("agreed", f"{sum(self.agreed.values()):,}"),
            *((f"  {name}", f"{count:,}") for name, count in self.agreed.items()),
            ("no class agreed", f"{self.undecided:,}"),
            *((f"failed in {stage}", f"{count:,}") for stage, count in self.failures.items()),
            ("snapshots", f"{len(self.snapshots):,}"),
            *((f"  {line.hash[:12]}", f"{line.ratios} seed {line.seed}") for line in self.snapshots),
        ]


def status_of(workspace: Workspace) -> Status:
    """Count what is in the store; changes nothing."""
    store = workspace.store
    seen, bare = store.faces.photos_seen()
    faces = store.faces.all()
    votes = store.votes.current()
    labels = Counter(label.label for label in store.labels.current())
    return Status(
        photos=store.photos.count(),
        photos_seen=seen,
        photos_without_face=bare,
        faces=len(faces),
        duplicate_groups=len({face.duplicate_group for face in faces} - {None}),
        faces_voted=len({vote.face_id for vote in votes}),
        votes=len(votes),
        agreed={name: labels[name] for name in workspace.settings.classes},
        undecided=labels[None],
        failures=dict(sorted(Counter(failure.stage for failure in store.failures.all()).items())),
        snapshots=tuple(
            SnapshotLine(s.hash, ":".join(f"{r:g}" for r in s.ratios), s.seed)
            for s in store.snapshots.all()
            if not s.is_of_photos
        ),
    )


@dataclass(frozen=True, slots=True)
class FailureLine:
    """One thing that a stage could not handle: which (a photo's or crop's sha256, or a collector's name for it),
    where that photo came from as far as it is stored, why, and how often it was tried."""

    stage: str
    item: str
    origin: str
    reason: str
    tries: int
    at: str

    def __str__(self) -> str:
        which = f"{self.origin} (photo {self.item[:12]})" if self.origin else self.item
        tries = f" · tried {self.tries} times" if self.tries > 1 else ""
        return f"{self.stage}: {which}: {self.reason}{tries}"


def failures_of(workspace: Workspace) -> tuple[FailureLine, ...]:
    """Every failure that is still open, in the order in which they were first seen."""
    store = workspace.store
    sha256_of = {photo.id: photo.sha256 for photo in store.photos.all()}
    origins = {sha256_of[photo_id]: origin for photo_id, origin in store.photos.origins()}
    lines = []
    for failure in store.failures.all():
        origin = origins.get(failure.item)
        named = f"{origin.source} {origin.title or origin.native_id}" if origin else ""
        at = failure.at.isoformat(timespec="seconds")
        lines.append(FailureLine(failure.stage, failure.item, named, failure.reason, failure.tries, at))
    return tuple(lines)
