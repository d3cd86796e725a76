"""Who votes: people, and simulated annotators that are always marked as such."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, select

from db.engine import Database
from db.records import Annotator
from db.tables import annotator
from db.upsert import insert_for

LONGEST_NAME = 64


class AnnotatorLedger:
    """``store.annotators``: who votes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def join(self, name: str, *, simulated: bool = False, note: str = "") -> Annotator:
        """The annotator of this name, made if new; "ana " is the same person as "Ana".

        An empty name, or one of more than 64 characters, is a ValueError.
        """
        name = _tidy(name)
        if not name:
            raise ValueError("an annotator needs a name")
        if len(name) > LONGEST_NAME:
            raise ValueError(f"a name has at most {LONGEST_NAME} characters, got {len(name)}")
        with self._db.write() as connection:
            statement = insert_for(connection, annotator).values(
                name=name, key=_key(name), simulated=simulated, note=note, created_at=datetime.now(UTC)
            )
            connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))
            return _annotator(
                connection.execute(select(annotator).where(annotator.c.key == _key(name))).one()
            )

    def find(self, name: str) -> Annotator | None:
        """The annotator of this name, if one has joined."""
        with self._db.read() as connection:
            row = connection.execute(select(annotator).where(annotator.c.key == _key(_tidy(name)))).first()
            return None if row is None else _annotator(row)

    def all(self) -> tuple[Annotator, ...]:
        """Everyone who joined, in the order they did."""
        with self._db.read() as connection:
            return tuple(
                _annotator(row) for row in connection.execute(select(annotator).order_by(annotator.c.id))
            )


def _tidy(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).split())


def _key(tidy_name: str) -> str:
    return unicodedata.normalize("NFC", tidy_name.casefold())


def _annotator(row: Row[Any]) -> Annotator:
    return Annotator(row.id, row.name, row.simulated, row.note, row.created_at)
