"""Votes: append-only rows, so that no vote is ever lost or rewritten, and what holds because of them.

A row votes, skips, or undoes one earlier row. What holds for (face, annotator) is the newest row that
was not undone: undoing a second vote brings the first one back. ``standing`` keeps that answer, and
``face.votes`` how many votes hold on a face; both change in the transaction that adds the row.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, func, insert, select, update

from db.engine import Database
from db.errors import InputError, NotFoundError
from db.records import NewVote, Vote, VoteAction
from db.tables import annotator, face, standing, vote
from db.upsert import insert_for

_withdrawal = vote.alias("withdrawal")
_NOT_UNDONE = and_(
    vote.c.action != "undo",
    ~select(_withdrawal.c.id).where(_withdrawal.c.undoes_id == vote.c.id).exists(),
)
_HOLDS = select(vote).join(standing, standing.c.vote_id == vote.c.id).where(vote.c.action == "vote")


class VoteLedger:
    """``store.votes``: cast, skip, undo, what holds now, and whom to show what next."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def cast(self, new: NewVote, *, request_id: str | None = None) -> int:
        """Add a vote and give its id. Voting again on a face replaces the earlier vote, which is kept.

        The same ``request_id`` again adds nothing and gives the first row's id: safe to resend.
        Errors: NotFoundError for an unknown face or annotator, InputError when the ``request_id``
        belongs to another face or annotator.
        """
        return self._append("vote", new, request_id)

    def skip(self, new: NewVote, *, request_id: str | None = None) -> int:
        """Note that the annotator passed over the face; it is not shown to them again. Errors as ``cast``."""
        return self._append("skip", new, request_id)

    def undo(self, annotator_id: int, *, request_id: str | None = None, of: str | None = None) -> int | None:
        """Withdraw the annotator's latest vote or skip that still counts and give its face id.

        ``of`` withdraws the row sent under that request id instead. None, and nothing written, when
        there is nothing to withdraw. What held on the face before that row holds again.
        """
        with self._db.write() as connection:
            _lock(connection, annotator_id)
            known = _sent_before(connection, request_id)
            if known is not None:
                return int(known.face_id)
            target = _latest(connection, annotator_id, of)
            if target is None:
                return None
            new = NewVote(face_id=target.face_id, annotator_id=annotator_id, choice=None)
            row = _row("undo", new, request_id) | {"undoes_id": target.id}
            connection.execute(insert(vote).values(row))
            _settle(connection, annotator_id, target.face_id)
            return int(target.face_id)

    def current(self) -> tuple[Vote, ...]:
        """The votes that hold now, one a (face, annotator), oldest first; skips and undos left out."""
        return self._votes(_HOLDS)

    def of_face(self, face_id: int) -> tuple[Vote, ...]:
        """The votes that hold now on one face, oldest first."""
        return self._votes(_HOLDS.where(standing.c.face_id == face_id))

    def held(self, annotator_id: int, face_id: int) -> Vote | None:
        """What this annotator's vote on this face is now; None without one, or after a skip."""
        found = self._votes(
            _HOLDS.where(standing.c.annotator_id == annotator_id, standing.c.face_id == face_id)
        )
        return found[0] if found else None

    def history(self) -> tuple[Vote, ...]:
        """Every row ever written, oldest first."""
        return self._votes(select(vote))

    def counts(self) -> dict[int, int]:
        """Votes that hold now, by annotator id."""
        return self._count_by_annotator("vote")

    def skips(self) -> dict[int, int]:
        """Skips that hold now, by annotator id."""
        return self._count_by_annotator("skip")

    def next_face(self, annotator_id: int, *, exclude: Sequence[int] = ()) -> int | None:
        """The id of a face this annotator has not judged: fewest votes first, then oldest; None when done."""
        found = self.next_faces(annotator_id, 1, exclude=exclude)
        return found[0] if found else None

    def next_faces(self, annotator_id: int, count: int, *, exclude: Sequence[int] = ()) -> tuple[int, ...]:
        """Up to ``count`` faces this annotator has not judged, in the order of ``next_face``.

        Walks an index from the least judged face on, so it costs a few steps, or, for someone who has
        judged nearly all, one walk over what they judged: ask for many at once, as the session does.
        """
        judged = (
            select(standing.c.face_id)
            .where(standing.c.annotator_id == annotator_id, standing.c.face_id == face.c.id)
            .exists()
        )
        statement = (
            select(face.c.id)
            .where(~judged, face.c.id.not_in(exclude))
            .order_by(face.c.votes, face.c.id)
            .limit(count)
        )
        with self._db.read() as connection:
            return tuple(connection.scalars(statement))

    def unjudged(self, annotator_id: int, face_ids: Sequence[int]) -> tuple[int, ...]:
        """Those of the faces that this annotator has neither voted on nor skipped, in the order given."""
        statement = select(standing.c.face_id).where(
            standing.c.annotator_id == annotator_id, standing.c.face_id.in_(face_ids)
        )
        with self._db.read() as connection:
            judged = frozenset(connection.scalars(statement))
        return tuple(face_id for face_id in face_ids if face_id not in judged)

    def _append(self, action: VoteAction, new: NewVote, request_id: str | None) -> int:
        with self._db.write() as connection:
            _lock(connection, new.annotator_id)
            known = _sent_before(connection, request_id)
            if known is not None:
                return _same_request(known, new)
            if connection.scalar(select(face.c.id).where(face.c.id == new.face_id)) is None:
                raise NotFoundError(
                    f"there is no face {new.face_id} to vote on", hint="reload the page for the next face"
                )
            statement = insert(vote).values(_row(action, new, request_id)).returning(vote.c.id)
            vote_id = int(connection.execute(statement).scalar_one())
            _settle(connection, new.annotator_id, new.face_id)
            return vote_id

    def _votes(self, statement: Any) -> tuple[Vote, ...]:
        with self._db.read() as connection:
            return tuple(_vote(row) for row in connection.execute(statement.order_by(vote.c.id)))

    def _count_by_annotator(self, action: VoteAction) -> dict[int, int]:
        statement = (
            select(standing.c.annotator_id, func.count())
            .join(vote, vote.c.id == standing.c.vote_id)
            .where(vote.c.action == action)
            .group_by(standing.c.annotator_id)
        )
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}


def _lock(connection: Connection, annotator_id: int) -> None:
    """One change of one annotator at a time (SQLite's BEGIN IMMEDIATE already sees to that)."""
    statement = select(annotator.c.id).where(annotator.c.id == annotator_id).with_for_update()
    if connection.scalar(statement) is None:
        raise NotFoundError(f"there is no annotator {annotator_id}", hint="name yourself first")


def _sent_before(connection: Connection, request_id: str | None) -> Row[Any] | None:
    if request_id is None:
        return None
    return connection.execute(select(vote).where(vote.c.request_id == request_id)).first()


def _same_request(known: Row[Any], new: NewVote) -> int:
    if (known.face_id, known.annotator_id) != (new.face_id, new.annotator_id):
        raise InputError(
            f"request {known.request_id} was for face {known.face_id}, not {new.face_id}",
            hint="make a new request id for every vote",
        )
    return int(known.id)


def _latest(connection: Connection, annotator_id: int, of: str | None) -> Row[Any] | None:
    statement = select(vote).where(vote.c.annotator_id == annotator_id, _NOT_UNDONE)
    if of is not None:
        statement = statement.where(vote.c.request_id == of)
    return connection.execute(statement.order_by(vote.c.id.desc()).limit(1)).first()


def _settle(connection: Connection, annotator_id: int, face_id: int) -> None:
    """Write down what holds for (face, annotator) after a row was added."""
    mine = and_(standing.c.annotator_id == annotator_id, standing.c.face_id == face_id)
    before = connection.scalar(
        select(vote.c.action).join(standing, standing.c.vote_id == vote.c.id).where(mine)
    )
    newest = connection.execute(
        select(vote.c.id, vote.c.action)
        .where(vote.c.annotator_id == annotator_id, vote.c.face_id == face_id, _NOT_UNDONE)
        .order_by(vote.c.id.desc())
        .limit(1)
    ).first()
    if newest is None:
        connection.execute(delete(standing).where(mine))
    else:
        statement = insert_for(connection, standing).values(
            annotator_id=annotator_id, face_id=face_id, vote_id=newest.id
        )
        connection.execute(
            statement.on_conflict_do_update(
                index_elements=["annotator_id", "face_id"], set_={"vote_id": newest.id}
            )
        )
    change = (newest is not None and newest.action == "vote") - (before == "vote")
    if change:
        connection.execute(update(face).where(face.c.id == face_id).values(votes=face.c.votes + change))


def _row(action: VoteAction, new: NewVote, request_id: str | None) -> dict[str, object]:
    return {
        "face_id": new.face_id,
        "annotator_id": new.annotator_id,
        "action": action,
        "choice": new.choice,
        "flag": new.flag,
        "seconds": new.seconds,
        "shown": dict(new.shown),
        "at": datetime.now(UTC),
        "request_id": request_id,
    }


def _vote(row: Row[Any]) -> Vote:
    return Vote(
        row.id,
        row.face_id,
        row.annotator_id,
        row.action,
        row.choice,
        row.flag,
        row.seconds,
        row.at,
        row.undoes_id,
    )
