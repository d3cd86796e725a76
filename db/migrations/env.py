"""Alembic's entry: runs the migrations inside the transaction that ``db.schema`` opened."""

from alembic import context

from db.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
