"""The migrations and the tables say the same, and a newer store is refused."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

import db.schema
from db.engine import engine_for
from db.errors import StoreError
from db.store import Store
from db.tables import metadata


def test_migrations_equal_the_tables(database_url: str) -> None:
    Store.open(database_url).close()
    engine = engine_for(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_the_code_expects_the_newest_migration() -> None:
    scripts = ScriptDirectory(str(Path(db.schema.__file__).parent / "migrations"))
    assert scripts.get_current_head() == db.schema.HEAD


def test_a_store_written_by_a_newer_version_is_refused_with_the_remedy(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mimique.db'}"
    Store.open(url).close()
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError, match="newer Mimique") as refused:
        Store.open(url)
    assert "upgrade" in refused.value.hint
