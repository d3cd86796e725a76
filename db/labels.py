"""What was decided about faces, by rules and by curators."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, func, insert, select

from db.engine import Database
from db.holdings import HOLDS, NOT_UNDONE, held_labels, label_of, label_values, settle_labels
from db.queue_rows import chunks
from db.records.labels import SENT_BACK, Label, LabelBatch
from db.tables import face, holding, label, vote


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

    def undo(self, batch: str, *, by_id: int | None = None, at_once: int = 0) -> tuple[int, ...]:
        """Withdraw all decisions of a batch that were not withdrawn yet; gives their face ids.

        What held before them holds again; a decision made after them stays. ``by_id`` is who undoes. An unknown
        batch, or one undone already, gives none. With ``at_once`` so many rows are withdrawn in a transaction, and
        others write between two; else all in one.
        """
        standing = select(label).where(label.c.batch == batch, *NOT_UNDONE).order_by(label.c.id)
        if not at_once:
            with self._db.write() as connection:
                return _withdraw(connection, standing, by_id)
        with self._db.read() as connection:
            ids = list(connection.scalars(standing.with_only_columns(label.c.id)))
        found: dict[int, None] = {}
        for start in range(0, len(ids), at_once):
            some = standing.where(label.c.id.in_(ids[start : start + at_once]))
            with self._db.write() as connection:
                found |= dict.fromkeys(_withdraw(connection, some, by_id))
        return tuple(found)

    def current(self) -> tuple[Label, ...]:
        """The decision that holds for each face, in order of face id."""
        with self._db.read() as connection:
            rows = connection.execute(HOLDS.order_by(label.c.face_id))
            return tuple(label_of(row) for row in rows)

    def of_batch(self, batch: str) -> tuple[Label, ...]:
        """The decisions of a batch that were not withdrawn, oldest first."""
        statement = select(label).where(label.c.batch == batch, *NOT_UNDONE).order_by(label.c.id)
        with self._db.read() as connection:
            return tuple(label_of(row) for row in connection.execute(statement))

    def sent_back(self, face_ids: Sequence[int]) -> tuple[Label, ...]:
        """The rows that sent these faces back to the vote and were not withdrawn, oldest first by their time."""
        standing = (label.c.method == SENT_BACK, *NOT_UNDONE)
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
            .where(label.c.batch.is_not(None), *NOT_UNDONE, mine)
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


def _changes(old: Label | None, new: Label, *, confirm: bool) -> bool:
    if old is None:
        return True
    if old.by_id is not None and new.by_id is None:
        return False
    return confirm or _told(old) != _told(new)


def _told(one: Label) -> tuple[object, ...]:
    return one.label, one.method, one.votes, dict(one.distribution), one.by_id, one.reason


def _withdraw(
    connection: Connection, standing: Select[tuple[Any, ...]], by_id: int | None
) -> tuple[int, ...]:
    targets = connection.execute(standing.with_for_update()).all()
    now = datetime.now(UTC)
    for chunk in chunks(_undo_row(target, by_id, now) for target in targets):
        connection.execute(insert(label), chunk)
    faces = tuple(dict.fromkeys(target.face_id for target in targets))
    settle_labels(connection, faces)
    return faces


def _undo_row(target: Row[Any], by_id: int | None, now: datetime) -> dict[str, object]:
    withdrawal = Label(target.face_id, None, {}, 0.0, 0, "undo", now, by_id)
    return label_values(withdrawal) | {"undoes_id": target.id}
