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
            SnapshotLine(s.hash, ":".join(f"{r:g}" for r in s.ratios), s.seed) for s in store.snapshots.all()
        ),
    )
