"""Gold: faces whose answer a curator knows, mixed into everyone's queue."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, select

from db.engine import Database
from db.errors import InputError, NotFoundError
from db.queue_rows import chunks
from db.records import FLAGS, Gold
from db.tables import face, gold
from db.upsert import insert_for


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
                statement = insert_for(connection, gold)
                connection.execute(
                    statement.on_conflict_do_update(index_elements=["face_id"], set_=values),
                    [{"face_id": i, **values} for i in chunk],
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


def _gold(row: Row[Any]) -> Gold:
    return Gold(row.face_id, row.answer, row.flag, row.set_by, row.at)
