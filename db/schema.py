"""Bring a database to the schema this version needs, through Alembic migrations; safe to race."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from db.engine import Database
from db.errors import StoreError

HEAD = "0002"
_MIGRATION_LOCK = 0x6D696D  # "mim": PostgreSQL's advisory lock while migrating


def bring_up_to_date(database: Database) -> None:
    """Make or migrate the tables; when they are current this costs one query.

    Errors: StoreError when the database was written by a newer Mimique.
    """
    with database.read() as connection:
        found = _revision(connection)
    if found == HEAD:
        return
    with database.write() as connection:  # holds the write lock: a second process waits here
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        if _revision(connection) != HEAD:
            _migrate(connection)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return revision


def _migrate(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreError(
            f"this workspace was written by a newer Mimique: {error}", hint="pip install --upgrade mimique"
        ) from error
