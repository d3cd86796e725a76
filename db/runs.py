"""Training runs and what they predicted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from db.engine import Database
from db.errors import NotFoundError
from db.records.runs import Prediction, Run, RunStatus
from db.tables import prediction, run


class RunLedger:
    """``store.runs``: started, then finished with metrics; the files lie in the workspace."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def start(self, new: Run) -> None:
        with self._db.write() as connection:
            connection.execute(
                insert(run).values(
                    id=new.id,
                    recipe=dict(new.recipe),
                    snapshot_hash=new.snapshot_hash,
                    status=new.status,
                    metrics=dict(new.metrics),
                    environment=dict(new.environment),
                    started_at=new.started_at,
                    ended_at=new.ended_at,
                )
            )

    def finish(self, run_id: str, status: RunStatus, metrics: Mapping[str, object]) -> None:
        with self._db.write() as connection:
            connection.execute(
                update(run)
                .where(run.c.id == run_id)
                .values(status=status, metrics=dict(metrics), ended_at=datetime.now(UTC))
            )

    def all(self) -> tuple[Run, ...]:
        """Every run, oldest first."""
        with self._db.read() as connection:
            return tuple(
                _run(row) for row in connection.execute(select(run).order_by(run.c.started_at, run.c.id))
            )

    def load(self, name: str = "") -> Run:
        """The run whose id is, begins with or contains ``name``; the newest finished classifier when empty.

        A detector's run is had by its name only. Errors: NotFoundError when none or several match.
        """
        runs = self.all()
        found = [r for r in runs if r.id == name] or [r for r in runs if name and name in r.id]
        if not name:
            found = [r for r in runs if r.status == "done" and r.recipe.get("recipe") != "detector"][-1:]
        if len(found) != 1:
            what = f"{len(found) or 'no'} runs match {name!r}" if name else "there is no finished run yet"
            raise NotFoundError(
                what, hint="list them: train list" if name else "make one: train yolo --size n"
            )
        return found[0]

    def newest_with_view(self) -> Run | None:
        """The newest finished run with predictions for faces it was not trained on; None without one."""
        view = select(prediction.c.face_id).where(prediction.c.run_id == run.c.id, prediction.c.out_of_fold)
        newest = select(run).where(run.c.status == "done", view.exists())
        with self._db.read() as connection:
            row = connection.execute(newest.order_by(run.c.started_at.desc(), run.c.id.desc())).first()
            return None if row is None else _run(row)


class PredictionLedger:
    """``store.predictions``: one row a (run, face); writing a run's again replaces them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def replace(self, run_id: str, predictions: Sequence[Prediction]) -> None:
        with self._db.write() as connection:
            connection.execute(delete(prediction).where(prediction.c.run_id == run_id))
            if predictions:
                connection.execute(
                    insert(prediction),
                    [
                        {
                            "run_id": run_id,
                            "face_id": p.face_id,
                            "probabilities": dict(p.probabilities),
                            "part": p.part,
                            "out_of_fold": p.out_of_fold,
                        }
                        for p in predictions
                    ],
                )

    def of_faces(self, run_id: str, face_ids: Sequence[int]) -> tuple[Prediction, ...]:
        """What a run predicted for these faces; those it did not see are left out."""
        statement = select(prediction).where(
            prediction.c.run_id == run_id, prediction.c.face_id.in_(face_ids)
        )
        with self._db.read() as connection:
            return tuple(map(_prediction, connection.execute(statement)))

    def of_run(self, run_id: str) -> tuple[Prediction, ...]:
        statement = select(prediction).where(prediction.c.run_id == run_id).order_by(prediction.c.face_id)
        with self._db.read() as connection:
            return tuple(map(_prediction, connection.execute(statement)))


def _run(row: Row[Any]) -> Run:
    return Run(
        row.id,
        row.recipe,
        row.snapshot_hash,
        row.status,
        row.metrics,
        row.environment,
        row.started_at,
        row.ended_at,
    )


def _prediction(row: Row[Any]) -> Prediction:
    return Prediction(row.run_id, row.face_id, row.probabilities, row.part, row.out_of_fold)
