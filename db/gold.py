"""Gold: faces whose answer a curator knows, mixed into everyone's queue."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, delete, func, select

from db.engine import Database
from db.errors import InputError, NotFoundError
from db.queue_rows import chunks
from db.records.votes import FLAGS, Gold
from db.tables import face, gold, label
from db.upsert import insert_for, insert_or_replace

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class GoldLedger:
    """``store.gold``: one known answer a face."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def set(
        self, face_ids: Sequence[int], *, set_by: int, answer: str | None = None, flag: str | None = None
    ) -> None:
        """Mark faces as known to show a class, or to deserve a flag; an earlier mark is replaced.

        Errors: InputError unless there is one answer or one flag, NotFoundError for an unknown face.
        """
        if (answer is None) == (flag is None) or (flag is not None and flag not in FLAGS):
            raise InputError(
                "a known face has either a class or a flag", hint=f"the flags are {', '.join(FLAGS)}"
            )
        now = datetime.now(UTC)
        with self._db.write() as connection:
            for chunk in chunks(dict.fromkeys(face_ids)):
                known = frozenset(connection.scalars(select(face.c.id).where(face.c.id.in_(chunk))))
                if strangers := [i for i in chunk if i not in known]:
                    raise NotFoundError(f"there is no face {strangers[0]}", hint="reload the page")
                values = {"answer": answer, "flag": flag, "set_by": set_by, "at": now}
                rows = [{"face_id": i, **values} for i in chunk]
                connection.execute(insert_or_replace(connection, gold), rows)

    def add_past(self, marks: Sequence[Gold]) -> int:
        """Add marks as another store had them; gives how many were new. A mark that is there already stays, and
        one that a curator took back here after it was made does not return.
        """
        with self._db.write() as connection:
            taken_back = _taken_back(connection, [mark.face_id for mark in marks])
            new = {m.face_id: asdict(m) for m in marks if m.at > taken_back.get(m.face_id, _LONG_AGO)}
            return sum(
                len(
                    connection.execute(
                        insert_for(connection, gold).on_conflict_do_nothing().returning(gold.c.face_id), chunk
                    ).all()
                )
                for chunk in chunks(new.values())
            )

    def remove(self, face_ids: Sequence[int]) -> int:
        """Take marks away; gives how many there were."""
        with self._db.write() as connection:
            return sum(
                connection.execute(delete(gold).where(gold.c.face_id.in_(chunk))).rowcount
                for chunk in chunks(face_ids)
            )

    def all(self) -> tuple[Gold, ...]:
        """Every known face, in order of face id."""
        with self._db.read() as connection:
            return tuple(_gold(row) for row in connection.execute(select(gold).order_by(gold.c.face_id)))

    def of(self, face_ids: Sequence[int]) -> dict[int, Gold]:
        """Those of the faces that are known, by face id."""
        with self._db.read() as connection:
            return {
                row.face_id: _gold(row)
                for chunk in chunks(face_ids)
                for row in connection.execute(select(gold).where(gold.c.face_id.in_(chunk)))
            }


def _taken_back(connection: Connection, face_ids: Sequence[int]) -> dict[int, datetime]:
    """When a curator last undid the mark of each of these faces."""
    marked, undone = label.alias("marked"), label.alias("undone")
    statement = (
        select(marked.c.face_id, func.max(undone.c.at).label("at"))
        .join(undone, undone.c.undoes_id == marked.c.id)
        .where(marked.c.method == "gold")
        .group_by(marked.c.face_id)
    )
    return {
        row.face_id: row.at
        for chunk in chunks(face_ids)
        for row in connection.execute(statement.where(marked.c.face_id.in_(chunk)))
    }


def _gold(row: Row[Any]) -> Gold:
    return Gold(row.face_id, row.answer, row.flag, row.set_by, row.at)
