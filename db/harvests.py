"""Collecting jobs that go on where they stopped, and the ledger of what failed and why."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import delete, exists, select, update

from db.engine import Database
from db.records.photos import Failure, Harvest
from db.tables import failure, harvest, origin
from db.upsert import insert_for, insert_once


class HarvestLedger:
    """``store.harvests``: one row a (source, query, class); its cursor survives a kill."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def start(self, source: str, query: str, candidate_class: str = "") -> Harvest:
        """The harvest with this source, query and class, made if it is new."""
        key = {"source": source, "query": query, "candidate_class": candidate_class}
        with self._db.write() as connection:
            insert_once(connection, harvest, **key, cursor="", tally={}, started_at=datetime.now(UTC))
            row = connection.execute(select(harvest).filter_by(**key)).one()
            return Harvest(
                row.id, row.source, row.query, row.candidate_class, row.cursor, row.tally, row.started_at
            )

    def save(self, harvest_id: int, *, cursor: str, tally: Mapping[str, int]) -> None:
        """Remember where to go on and what was counted so far."""
        with self._db.write() as connection:
            connection.execute(
                update(harvest).where(harvest.c.id == harvest_id).values(cursor=cursor, tally=dict(tally))
            )

    def all(self, *, with_photos: bool = False) -> tuple[Harvest, ...]:
        """Every harvest, the oldest first; ``with_photos`` leaves out those that brought none."""
        chosen = select(harvest).order_by(harvest.c.id)
        if with_photos:
            chosen = chosen.where(exists().where(origin.c.harvest_id == harvest.c.id))
        with self._db.read() as connection:
            rows = connection.execute(chosen)
            return tuple(
                Harvest(r.id, r.source, r.query, r.candidate_class, r.cursor, r.tally, r.started_at)
                for r in rows
            )


class FailureLedger:
    """``store.failures``: what a stage could not handle; trying again raises ``tries``, success clears."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def record(self, stage: str, item: str, reason: str) -> None:
        with self._db.write() as connection:
            statement = insert_for(connection, failure).values(
                stage=stage, item=item, reason=reason, tries=1, at=datetime.now(UTC)
            )
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=["stage", "item"],
                    set_={"reason": reason, "tries": failure.c.tries + 1, "at": datetime.now(UTC)},
                )
            )

    def clear(self, stage: str, item: str) -> None:
        with self._db.write() as connection:
            connection.execute(delete(failure).where(failure.c.stage == stage, failure.c.item == item))

    def all(self, stage: str | None = None) -> tuple[Failure, ...]:
        statement = select(failure).order_by(failure.c.id)
        if stage is not None:
            statement = statement.where(failure.c.stage == stage)
        with self._db.read() as connection:
            return tuple(
                Failure(r.stage, r.item, r.reason, r.tries, r.at) for r in connection.execute(statement)
            )
