"""One vote, skip or undo on its way into the ledger: sent before or new, dated, added; and what an undo withdraws.

A row is never dated before its person's earlier ones, though the clock may jump back.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, union_all
from sqlalchemy.exc import IntegrityError

from db.errors import InputError, MimiqueError, NotFoundError
from db.records.votes import NewVote, VoteAction
from db.standings import NEWEST_FIRST, NOT_UNDONE
from db.tables import vote

_ADD = insert(vote).returning(vote.c.id)
_SENT = select(vote).where(vote.c.request_id == bindparam("request"))
_LAST_OF_PERSON = (
    select(vote.c.at).where(vote.c.annotator_id == bindparam("who")).order_by(vote.c.id.desc()).limit(1)
)
_EARLIER = union_all(  # the times that a new row must not be dated before, all found by indices
    select(_LAST_OF_PERSON.subquery().c.at),
    select(vote.c.at).where(
        vote.c.campaign_id == bindparam("the_campaign"),
        vote.c.annotator_id == bindparam("who"),
        vote.c.face_id == bindparam("the_face"),
    ),
)


def sent_before(connection: Connection, request_id: str | None) -> Row[Any] | None:
    """The row that was sent under this request id; None without one."""
    return None if request_id is None else connection.execute(_SENT, {"request": request_id}).first()


def check_same(
    known: Row[Any],
    action: VoteAction,
    annotator_id: int,
    campaign_id: int | None,
    face_id: int | None = None,
) -> None:
    """Whether a request is the one sent before; a campaign or face that it leaves out is any. Errors: InputError."""
    asked = (action, annotator_id, campaign_id or known.campaign_id, face_id or known.face_id)
    if asked != (known.action, known.annotator_id, known.campaign_id, known.face_id):
        raise InputError(
            f"request {known.request_id} was for face {known.face_id} in campaign {known.campaign_id} "
            f"({known.action} of annotator {known.annotator_id}), "
            f"not face {asked[3]} in {asked[2]} ({action} of annotator {annotator_id})",
            hint="make a new request id for every vote",
        )


def add_row(
    connection: Connection,
    action: VoteAction,
    new: NewVote,
    request_id: str | None,
    undoes_id: int | None = None,
) -> int:
    """Add a row and give its id. Errors: InputError, NotFoundError."""
    keys = {"the_campaign": new.campaign_id, "who": new.annotator_id, "the_face": new.face_id}
    at = max([datetime.now(UTC), *connection.scalars(_EARLIER, keys)])
    row = _row(action, new, request_id) | {"at": at, "undoes_id": undoes_id}
    try:
        return int(connection.execute(_ADD, row).scalar_one())
    except IntegrityError as error:
        raise _refusal(error, new) from error


def _refusal(error: IntegrityError, new: NewVote) -> MimiqueError:
    """Why a row could not be added, when its person and campaign are there."""
    if "request_id" in str(error.orig):  # somebody else sent the same one at this moment
        return InputError("this request id is taken", hint="make a new request id for every vote")
    return NotFoundError(
        f"there is no face {new.face_id} to vote on", hint="reload the page for the next face"
    )


def latest(
    connection: Connection, annotator_id: int, of: str | None, campaign_id: int | None
) -> Row[Any] | None:
    """The person's newest row that was not undone, or the one sent as ``of``; of one campaign or of all."""
    statement = select(vote).where(vote.c.annotator_id == annotator_id, NOT_UNDONE)
    if of is not None:
        statement = statement.where(vote.c.request_id == of)
    if campaign_id is not None:
        statement = statement.where(vote.c.campaign_id == campaign_id)
    return connection.execute(statement.order_by(*NEWEST_FIRST).limit(1)).first()


def _row(action: VoteAction, new: NewVote, request_id: str | None) -> dict[str, object]:
    return {
        "campaign_id": new.campaign_id,
        "face_id": new.face_id,
        "annotator_id": new.annotator_id,
        "action": action,
        "choices": sorted(new.choices),
        "denies": new.denies,
        "flag": new.flag,
        "seconds": new.seconds,
        "shown": dict(new.shown),
        "request_id": request_id,
    }
