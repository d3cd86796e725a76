"""Snapshots: data sets that never change, stored under the hash of their content."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, insert, select, update

from db.engine import Database
from db.errors import NotFoundError
from db.records.snapshots import Snapshot, SnapshotMember
from db.tables import snapshot, snapshot_member
from db.upsert import insert_once


class SnapshotLedger:
    """``store.snapshots``: stored once under their content hash, never changed; the newest was added last."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, new: Snapshot) -> bool:
        """Store a snapshot; False when one with the same content is there: that one is the newest now."""
        now = datetime.now(UTC)
        times = {"created_at": new.created_at, "used_at": now}
        content = {"classes": list(new.classes), "ratios": list(new.ratios), "seed": new.seed}
        with self._db.write() as connection:
            if not insert_once(connection, snapshot, hash=new.hash, **times, **content):
                connection.execute(update(snapshot).where(snapshot.c.hash == new.hash).values(used_at=now))
                return False
            if new.members:
                connection.execute(insert(snapshot_member), [_member_row(new.hash, m) for m in new.members])
            return True

    def all(self) -> tuple[Snapshot, ...]:
        """Every snapshot without its members, the one added last at the end."""
        with self._db.read() as connection:
            rows = connection.execute(select(snapshot).order_by(snapshot.c.used_at, snapshot.c.hash))
            return tuple(_snapshot(row) for row in rows)

    def load(self, name: str = "") -> Snapshot:
        """The snapshot whose hash begins with ``name``, with members; the one added last when empty.

        A detector's data set is had by its hash only.
        Errors: NotFoundError when none or several match.
        """
        found = [s for s in self.all() if s.hash.startswith(name) and (name or not s.is_of_photos)]
        if not found or (name and len(found) > 1):
            what = (
                f"{len(found) or 'no'} snapshots begin with {name!r}" if name else "there is no snapshot yet"
            )
            raise NotFoundError(what, hint="make one: curate split --ratios 20:4:1")
        chosen = found[-1]
        statement = (
            select(snapshot_member)
            .where(snapshot_member.c.snapshot_hash == chosen.hash)
            .order_by(snapshot_member.c.crop_sha256, snapshot_member.c.face_id)
        )
        with self._db.read() as connection:
            members = tuple(_member(row) for row in connection.execute(statement))
        return Snapshot(chosen.hash, chosen.classes, chosen.ratios, chosen.seed, chosen.created_at, members)


def _member_row(snapshot_hash: str, member: SnapshotMember) -> dict[str, object]:
    return {
        "snapshot_hash": snapshot_hash,
        "face_id": member.face_id,
        "crop_sha256": member.crop_sha256,
        "label": member.label,
        "part": member.part,
        "group_key": member.group_key,
        "distribution": dict(member.distribution),
    }


def _member(row: Row[Any]) -> SnapshotMember:
    return SnapshotMember(row.face_id, row.crop_sha256, row.label, row.part, row.group_key, row.distribution)


def _snapshot(row: Row[Any]) -> Snapshot:
    r = row.ratios
    return Snapshot(row.hash, tuple(row.classes), (r[0], r[1], r[2]), row.seed, row.created_at)
