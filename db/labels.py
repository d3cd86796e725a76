"""What was decided about faces, and the immutable snapshots made from it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, case, delete, func, insert, select, update

from db.engine import Database
from db.errors import NotFoundError
from db.queue_rows import chunks
from db.records.labels import SENT_BACK, Label, LabelBatch
from db.records.snapshots import Snapshot, SnapshotMember
from db.tables import face, holding, label, snapshot, snapshot_member, vote
from db.upsert import insert_once

_withdrawal = label.alias("withdrawal")
_NOT_UNDONE = (
    label.c.undoes_id.is_(None),
    ~select(_withdrawal.c.id).where(_withdrawal.c.undoes_id == label.c.id).exists(),
)


class LabelLedger:
    """``store.labels``: append-only; what holds of a face is a curator's newest decision that was not undone,
    or without one the newest decision of a rule. Earlier ones are kept. A curator's row with the method
    ``SENT_BACK`` lets go of the face: a rule's decision holds again.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def decide(self, labels: Sequence[Label], *, confirm: Collection[int] = ()) -> int:
        """Append the decisions that differ from what holds now; gives how many were new.

        On the faces of ``confirm`` also those that say the same, so that what holds is as new as they are. A rule's
        decision (``by_id`` None) about a face that a curator decided is left out.
        """
        with self._db.write() as connection:
            held = held_labels(connection, [new.face_id for new in labels])
            rows = [
                label_values(new)
                for new in labels
                if _changes(held.get(new.face_id), new, confirm=new.face_id in confirm)
            ]
            for chunk in chunks(rows):
                connection.execute(insert(label), chunk)
            settle_labels(connection, [int(str(row["face_id"])) for row in rows])
        return len(rows)

    def undo(self, batch: str, *, by_id: int | None = None) -> tuple[int, ...]:
        """Withdraw all decisions of a batch that were not withdrawn yet; gives their face ids.

        What held before them holds again; a decision made after them stays. ``by_id`` is who undoes. An unknown
        batch, or one undone already, gives none.
        """
        with self._db.write() as connection:
            statement = select(label).where(label.c.batch == batch, *_NOT_UNDONE).order_by(label.c.id)
            targets = connection.execute(statement.with_for_update()).all()
            now = datetime.now(UTC)
            rows = [_undo_row(target, by_id, now) for target in targets]
            for chunk in chunks(rows):
                connection.execute(insert(label), chunk)
            faces = tuple(dict.fromkeys(target.face_id for target in targets))
            settle_labels(connection, faces)
            return faces

    def current(self) -> tuple[Label, ...]:
        """The decision that holds for each face, in order of face id."""
        with self._db.read() as connection:
            rows = connection.execute(_HOLDS.order_by(label.c.face_id))
            return tuple(label_of(row) for row in rows)

    def of_batch(self, batch: str) -> tuple[Label, ...]:
        """The decisions of a batch that were not withdrawn, oldest first."""
        statement = select(label).where(label.c.batch == batch, *_NOT_UNDONE).order_by(label.c.id)
        with self._db.read() as connection:
            return tuple(label_of(row) for row in connection.execute(statement))

    def sent_back(self, face_ids: Sequence[int]) -> tuple[Label, ...]:
        """The rows that sent these faces back to the vote and were not withdrawn, oldest first by their time."""
        standing = (label.c.method == SENT_BACK, *_NOT_UNDONE)
        with self._db.read() as connection:
            return tuple(
                label_of(row)
                for chunk in chunks(face_ids)
                for row in connection.execute(
                    select(label)
                    .where(label.c.face_id.in_(chunk), *standing)
                    .order_by(label.c.at, label.c.id)
                )
            )

    def of_faces(self, face_ids: Sequence[int]) -> dict[int, Label]:
        """The decision that holds for each of these faces that has one."""
        with self._db.read() as connection:
            return held_labels(connection, face_ids)

    def classes(self, *, reviewed: bool = False) -> dict[int, str]:
        """The class that holds for each face that has one, by face id: a curator's, or else rules' only."""
        statement = select(holding.c.face_id, holding.c.label).where(
            holding.c.label.is_not(None), holding.c.reviewed == reviewed
        )
        with self._db.read() as connection:
            return {row.face_id: row.label for row in connection.execute(statement)}

    def batches(
        self, limit: int = 20, *, by_id: int | None = None, of_rules: bool = False
    ) -> tuple[LabelBatch, ...]:
        """The actions that are not undone, the newest first; of one curator, of all, or instead a rule's."""
        mine: ColumnElement[bool] = label.c.by_id.is_(None)
        if not of_rules:
            mine = label.c.by_id.is_not(None) if by_id is None else label.c.by_id == by_id
        statement = (
            select(
                label.c.batch,
                func.max(label.c.method).label("method"),
                func.max(label.c.label).label("label"),
                func.max(label.c.reason).label("reason"),
                func.count().label("faces"),
                func.max(label.c.by_id).label("by_id"),
                func.max(label.c.at).label("at"),
            )
            .where(label.c.batch.is_not(None), *_NOT_UNDONE, mine)
            .group_by(label.c.batch)
            .order_by(func.max(label.c.id).desc())
            .limit(limit)
        )
        with self._db.read() as connection:
            return tuple(
                LabelBatch(row.batch, row.method, row.label, row.reason, row.faces, row.by_id, row.at)
                for row in connection.execute(statement)
            )

    def tally(self) -> dict[tuple[str, str | None], int]:
        """How many faces hold a label now, by state and class: ``{("decided", "happy"): 7, ("tie", None): 2}``."""
        statement = select(holding.c.state, holding.c.label, func.count().label("faces"))
        with self._db.read() as connection:
            rows = connection.execute(statement.group_by(holding.c.state, holding.c.label))
            return {(row.state, row.label): row.faces for row in rows}

    def awaited(self) -> int:
        """How many faces have votes that no decision has seen: none at all holds, or a rule's that is outdated."""
        held = select(holding.c.face_id).where(holding.c.face_id == face.c.id)
        statement = select(func.count()).select_from(face).where(face.c.votes > 0, ~held.exists())
        with self._db.read() as connection:
            return int(connection.scalar(statement) or 0) + len(self._outdated(connection))

    def outdated(self, face_ids: Sequence[int] | None = None) -> frozenset[int]:
        """Those of these faces, or of all, that people voted on, or took a vote back, after a rule decided them."""
        with self._db.read() as connection:
            if face_ids is None:
                return self._outdated(connection)
            found = (self._outdated(connection, holding.c.face_id.in_(chunk)) for chunk in chunks(face_ids))
            return frozenset(i for ids in found for i in ids)

    @staticmethod
    def _outdated(connection: Connection, *only: ColumnElement[bool]) -> frozenset[int]:
        since = select(vote.c.id).where(
            vote.c.face_id == holding.c.face_id, vote.c.at > label.c.at, vote.c.action != "skip"
        )
        statement = select(holding.c.face_id).join(label, label.c.id == holding.c.label_id)
        rows = statement.where(holding.c.reviewed.is_(False), since.exists(), *only)
        return frozenset(connection.scalars(rows))

    def history(self, face_id: int) -> tuple[Label, ...]:
        """Every decision about one face, oldest first, and what was withdrawn (rows with ``undoes_id``)."""
        with self._db.read() as connection:
            rows = connection.execute(select(label).where(label.c.face_id == face_id).order_by(label.c.id))
            return tuple(label_of(row) for row in rows)


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

        A detector's data set (photos with boxes: one class, no members) is had by its hash only.
        Errors: NotFoundError when none or several match.
        """
        found = [s for s in self.all() if s.hash.startswith(name) and (name or s.classes != ("face",))]
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


_HOLDS = select(label).join(holding, holding.c.label_id == label.c.id)


def held_labels(connection: Connection, face_ids: Sequence[int]) -> dict[int, Label]:
    """The decision that holds for each of these faces that has one, within a transaction."""
    found: dict[int, Label] = {}
    for chunk in chunks(face_ids):
        rows = connection.execute(_HOLDS.where(holding.c.face_id.in_(chunk)))
        found.update((row.face_id, label_of(row)) for row in rows)
    return found


def _changes(old: Label | None, new: Label, *, confirm: bool) -> bool:
    if old is None:
        return True
    if old.by_id is not None and new.by_id is None:
        return False
    return confirm or _told(old) != _told(new)


def _told(one: Label) -> tuple[object, ...]:
    return one.label, one.method, one.votes, dict(one.distribution), one.by_id, one.reason


def settle_labels(connection: Connection, face_ids: Sequence[int]) -> None:
    """Write down what holds for these faces after rows were added, within a transaction.

    Of curators' rows the newest by its time: one from a file may be older than what was decided here.
    """
    told_at = case((label.c.by_id.is_not(None), label.c.at))
    for chunk in chunks(face_ids):
        standing = select(label).where(label.c.face_id.in_(chunk), *_NOT_UNDONE)
        rows = connection.execute(standing.order_by(label.c.by_id.is_not(None), told_at, label.c.id))
        newest = _newest(label_of(row) for row in rows)
        connection.execute(delete(holding).where(holding.c.face_id.in_(chunk)))
        if newest:
            connection.execute(insert(holding), [_holding(one) for one in newest.values()])


def _newest(rows: Iterable[Label]) -> dict[int, Label]:
    """What holds for each face, of rows that stand: rules' first, then curators', the newest last."""
    of_rules: dict[int, Label] = {}
    held: dict[int, Label] = {}
    for one in rows:
        if one.by_id is None:
            of_rules[one.face_id] = one
        elif one.method == SENT_BACK:
            held.pop(one.face_id, None)
        else:
            held[one.face_id] = one
    return of_rules | held


def _holding(one: Label) -> dict[str, object]:
    return {
        "face_id": one.face_id,
        "label_id": one.id,
        "state": one.state,
        "label": one.label,
        "confidence": one.confidence,
        "reviewed": one.by_id is not None,
    }


def _undo_row(target: Row[Any], by_id: int | None, now: datetime) -> dict[str, object]:
    withdrawal = Label(target.face_id, None, {}, 0.0, 0, "undo", now, by_id)
    return label_values(withdrawal) | {"undoes_id": target.id}


def label_values(new: Label) -> dict[str, object]:
    """A decision as a row of the table."""
    return {
        "face_id": new.face_id,
        "label": new.label,
        "distribution": dict(new.distribution),
        "confidence": new.confidence,
        "votes": new.votes,
        "method": new.method,
        "at": new.at or datetime.now(UTC),
        "by_id": new.by_id,
        "reason": new.reason,
        "batch": new.batch,
    }


def label_of(row: Row[Any]) -> Label:
    """A row of the table as a decision."""
    return Label(
        face_id=row.face_id,
        label=row.label,
        distribution=row.distribution,
        confidence=row.confidence,
        votes=row.votes,
        method=row.method,
        at=row.at,
        by_id=row.by_id,
        reason=row.reason,
        batch=row.batch,
        id=row.id,
        undoes_id=row.undoes_id,
    )


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
