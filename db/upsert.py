"""INSERT … ON CONFLICT for both databases, so that repeating a write is safe."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT, which knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return insert_with(connection.dialect, table)


def insert_with(dialect: Dialect, table: Table) -> Any:
    """``insert_for``, for a statement that is made once and kept."""
    if dialect.name == "postgresql":
        return postgresql.insert(table)
    return sqlite.insert(table)


def insert_once(connection: Connection, table: Table, **values: object) -> bool:
    """Insert a row unless one with the same key is there; True when it is new."""
    key = next(iter(table.primary_key))
    statement = insert_for(connection, table).values(**values).on_conflict_do_nothing().returning(key)
    return connection.execute(statement).first() is not None
