"""A database to try something on: all that is written into it is gone afterwards.

SQLite has one writer, whom nobody should wait for: it is copied into a temporary folder, 1 s for 200 MB. PostgreSQL
keeps its writers apart: there the rehearsal is one transaction that is never committed.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection

from db.engine import Database, engine_for, one_line_errors, sqlite_url
from db.errors import StoreError


@contextlib.contextmanager
def rehearsal(database: Database) -> Iterator[Database]:
    """A database that begins as this one is now. Errors: StoreError when there is no room for a copy."""
    with _copy(database) if database.engine.dialect.name == "sqlite" else _uncommitted(database) as tried:
        yield tried


@contextlib.contextmanager
def _copy(database: Database) -> Iterator[Database]:
    with TemporaryDirectory(prefix="mimique-") as folder:
        path = Path(folder) / "rehearsal.db"
        try:
            with (
                contextlib.closing(database.engine.raw_connection()) as source,
                contextlib.closing(sqlite3.connect(path)) as target,
            ):
                source.driver_connection.backup(target)  # type: ignore[union-attr]  # sqlite3's own
        except sqlite3.Error as error:
            raise StoreError(
                f"the database cannot be copied to try this on: {error}",
                hint=f"free some disk space in {folder}",
            ) from error
        engine = engine_for(sqlite_url(path))
        try:
            yield Database(engine)
        finally:
            engine.dispose()


class _OneTransaction(Database):
    """Everything within one transaction of somebody else's."""

    def __init__(self, database: Database, connection: Connection) -> None:
        super().__init__(database.engine)
        self._connection = connection

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with one_line_errors():
            yield self._connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        with one_line_errors(), self._connection.begin_nested():
            yield self._connection


@contextlib.contextmanager
def _uncommitted(database: Database) -> Iterator[Database]:
    with database.engine.connect() as connection, connection.begin() as all_of_it:
        try:
            yield _OneTransaction(database, connection)
        finally:
            all_of_it.rollback()
