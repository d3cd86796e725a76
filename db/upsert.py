"""INSERT … ON CONFLICT for both databases, so that repeating a write is safe."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table
from sqlalchemy.dialects import postgresql, sqlite


def insert_for(connection: Connection, table: Table) -> Any:
    """The dialect's INSERT, which knows ``on_conflict_do_nothing`` and ``on_conflict_do_update``."""
    return _insert(connection.dialect, table)


def insert_or_replace(connection: Connection, table: Table) -> Any:
    """An INSERT of whole rows, each in place of the row of the same primary key; made once and kept."""
    return _insert_or_replace(connection.dialect, table)


@cache
def _insert_or_replace(dialect: Dialect, table: Table) -> Any:
    statement = _insert(dialect, table)
    values = {column.name: statement.excluded[column.name] for column in table.c if not column.primary_key}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key), set_=values)


def _insert(dialect: Dialect, table: Table) -> Any:
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def insert_once(connection: Connection, table: Table, **values: object) -> bool:
    """Insert a row unless one with the same key is there; True when it is new."""
    key = next(iter(table.primary_key))
    statement = insert_for(connection, table).values(**values).on_conflict_do_nothing().returning(key)
    return connection.execute(statement).first() is not None
