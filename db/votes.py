"""Annotators and their votes: append-only, so that no vote is ever lost or rewritten."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, insert, select

from db.engine import Database
from db.errors import NotFoundError
from db.records import Annotator, NewVote, Vote, VoteAction
from db.tables import annotator, face, vote
from db.upsert import insert_for


class AnnotatorLedger:
    """``store.annotators``: who votes."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def join(self, name: str, *, simulated: bool = False, note: str = "") -> Annotator:
        """The annotator of this name, made if new. Names are trimmed; an empty one is a ValueError."""
        name = name.strip()
        if not name:
            raise ValueError("an annotator needs a name")
        with self._db.write() as connection:
            statement = insert_for(connection, annotator).values(
                name=name, simulated=simulated, note=note, created_at=datetime.now(UTC)
            )
            connection.execute(statement.on_conflict_do_nothing(index_elements=["name"]))
            return _annotator(connection.execute(select(annotator).where(annotator.c.name == name)).one())

    def all(self) -> tuple[Annotator, ...]:
        with self._db.read() as connection:
            return tuple(
                _annotator(row) for row in connection.execute(select(annotator).order_by(annotator.c.id))
            )


class VoteLedger:
    """``store.votes``: cast, skip, undo, and what holds now.

    What holds for (face, annotator) is the newest row; an ``undo`` row withdraws everything before it.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    def cast(self, new: NewVote) -> int:
        """Add a vote and give its id. Voting again on a face replaces the earlier vote, which is kept."""
        return self._append("vote", new)

    def skip(self, new: NewVote) -> int:
        """Note that the annotator passed over the face; it is not shown to them again."""
        return self._append("skip", new)

    def undo(self, annotator_id: int) -> int | None:
        """Withdraw the latest standing vote or skip and give its face id; None if there is none."""
        with self._db.write() as connection:
            face_id: int | None = connection.scalar(
                _standing()
                .where(vote.c.annotator_id == annotator_id)
                .with_only_columns(vote.c.face_id)
                .order_by(vote.c.id.desc())
                .limit(1)
            )
            if face_id is not None:
                row = NewVote(face_id=face_id, annotator_id=annotator_id, choice=None)
                connection.execute(insert(vote).values(_row("undo", row)))
            return face_id

    def current(self) -> tuple[Vote, ...]:
        """The votes that hold now, one a (face, annotator), oldest first; skips and undos left out."""
        with self._db.read() as connection:
            rows = connection.execute(_standing().where(vote.c.action == "vote").order_by(vote.c.id))
            return tuple(_vote(row) for row in rows)

    def of_face(self, face_id: int) -> tuple[Vote, ...]:
        """The votes that hold now on one face."""
        with self._db.read() as connection:
            rows = connection.execute(
                _standing().where(vote.c.action == "vote", vote.c.face_id == face_id).order_by(vote.c.id)
            )
            return tuple(_vote(row) for row in rows)

    def history(self) -> tuple[Vote, ...]:
        """Every row ever written, oldest first."""
        with self._db.read() as connection:
            return tuple(_vote(row) for row in connection.execute(select(vote).order_by(vote.c.id)))

    def counts(self) -> dict[int, int]:
        """Standing votes by annotator id."""
        standing = _standing().where(vote.c.action == "vote").subquery()
        with self._db.read() as connection:
            rows = connection.execute(
                select(standing.c.annotator_id, func.count()).group_by(standing.c.annotator_id)
            )
            return {row[0]: row[1] for row in rows}

    def next_face(self, annotator_id: int, *, exclude: tuple[int, ...] = ()) -> int | None:
        """The id of a face this annotator has not judged: fewest votes first, then oldest; None when done."""
        votes_so_far = (
            select(func.count()).where(vote.c.face_id == face.c.id, vote.c.action == "vote").scalar_subquery()
        )
        judged = _standing().where(vote.c.annotator_id == annotator_id).with_only_columns(vote.c.face_id)
        statement = (
            select(face.c.id)
            .where(face.c.id.not_in(judged), face.c.id.not_in(exclude))
            .order_by(votes_so_far, face.c.id)
            .limit(1)
        )
        with self._db.read() as connection:
            return connection.scalar(statement)

    def _append(self, action: VoteAction, new: NewVote) -> int:
        with self._db.write() as connection:
            _require(connection, new)
            result = connection.execute(insert(vote).values(_row(action, new)).returning(vote.c.id))
            return int(result.scalar_one())


def _standing() -> Any:
    """SELECT of the newest row of each (face, annotator) that is not an undo."""
    newest = select(func.max(vote.c.id)).group_by(vote.c.annotator_id, vote.c.face_id)
    return select(vote).where(and_(vote.c.id.in_(newest), vote.c.action != "undo"))


def _require(connection: Connection, new: NewVote) -> None:
    if connection.scalar(select(face.c.id).where(face.c.id == new.face_id)) is None:
        raise NotFoundError(
            f"there is no face {new.face_id} to vote on", hint="reload the page for the next face"
        )
    if connection.scalar(select(annotator.c.id).where(annotator.c.id == new.annotator_id)) is None:
        raise NotFoundError(f"there is no annotator {new.annotator_id}", hint="name yourself first")


def _row(action: VoteAction, new: NewVote) -> dict[str, object]:
    return {
        "face_id": new.face_id,
        "annotator_id": new.annotator_id,
        "action": action,
        "choice": new.choice,
        "flag": new.flag,
        "seconds": new.seconds,
        "shown": dict(new.shown),
        "at": datetime.now(UTC),
    }


def _vote(row: Row[Any]) -> Vote:
    return Vote(row.id, row.face_id, row.annotator_id, row.action, row.choice, row.flag, row.seconds, row.at)


def _annotator(row: Row[Any]) -> Annotator:
    return Annotator(row.id, row.name, row.simulated, row.note, row.created_at)
