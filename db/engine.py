"""Connections that several people can use at once: SQLite tuned for writers, or PostgreSQL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from db.errors import StoreError

try:
    import fcntl
except ImportError:  # Windows: SQLite's own waiting must do
    fcntl = None  # type: ignore[assignment]

BUSY_TIMEOUT_MS = 30_000


def engine_for(url: str) -> Engine:
    """An engine for ``sqlite:///…`` or ``postgresql://…``; nothing is opened yet.

    Errors: StoreError when the address names a database whose driver is not installed.
    """
    if url.startswith(("postgresql://", "postgres://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    try:
        engine = create_engine(url, pool_pre_ping=not url.startswith("sqlite"))
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise StoreError(
            f"the database address is not usable: {error}",
            hint="for PostgreSQL: pip install 'mimique[postgres]'; or unset MIMIQUE_DATABASE_URL for SQLite",
        ) from error
    if engine.dialect.name == "sqlite":
        _tune_sqlite(engine)
    return engine


def sqlite_url(path: Path) -> str:
    """The address of a SQLite file."""
    return f"sqlite:///{path}"


def _tune_sqlite(engine: Engine) -> None:
    """WAL, NORMAL sync, a busy timeout and BEGIN IMMEDIATE: measured to give no locked error with 20 writers.

    A transaction that begins deferred and then writes fails at once when another one wrote meanwhile;
    taking the write lock at BEGIN makes it wait instead. Readers stay deferred and never wait.
    """

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=NORMAL")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        write = connection.get_execution_options().get("mimique_write", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")


class Database:
    """Transactions on an engine: ``read()`` never waits for writers, ``write()`` commits or undoes all."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._turns = _turns_of(engine)
        self._writer = engine.execution_options(mimique_write=True)

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        with one_line_errors(), self.engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        with one_line_errors(), _turn(self._turns), self._writer.begin() as connection:
            yield connection


def _turns_of(engine: Engine) -> Path | None:
    """The file beside a SQLite database at which its writers queue; None for any other database."""
    path = engine.url.database
    on_disk = engine.dialect.name == "sqlite" and path and path != ":memory:"
    return Path(f"{path}-turns") if on_disk and path and fcntl is not None else None


@contextlib.contextmanager
def _turn(turns: Path | None) -> Iterator[None]:
    """Wait in line to write. SQLite's own waiting polls, so that with 20 writers on a busy machine one of
    them can lose every time; the system wakes those who wait for a file lock in the order they came.
    """
    if turns is None:
        yield
        return
    try:
        queue = turns.open("a")
    except OSError:
        yield  # a folder that cannot be written: the write itself says so better
        return
    with queue:
        fcntl.flock(queue, fcntl.LOCK_EX)  # given back when the file closes, also when the process dies
        yield


@contextlib.contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn what the disk or the server did into a StoreError; mistakes of ours pass unchanged."""
    try:
        yield
    except OperationalError as error:
        raise StoreError(f"the database failed: {_first_line(error)}", hint=_remedy(error)) from error
    except DBAPIError as error:
        if "not a database" in str(error) or "malformed" in str(error):
            raise StoreError(
                f"the database file is damaged: {_first_line(error)}", hint=_remedy(error)
            ) from error
        raise


def _first_line(error: DBAPIError) -> str:
    return str(error.orig).splitlines()[0] if str(error.orig) else type(error.orig).__name__


def _remedy(error: DBAPIError) -> str:
    text = str(error.orig)
    if "full" in text:
        return "free some disk space, then run the same command again: nothing acknowledged is lost"
    if "locked" in text:
        return "another program holds the database for long; close it and run the same command again"
    if "readonly" in text:
        return "make the workspace folder writable for you"
    return "see `mimique doctor`; MIMIQUE_DEBUG=1 shows the whole error"
