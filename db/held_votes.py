"""The votes that hold, as queries, and a row of the ledger as a record."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from sqlalchemy import Connection, String, cast, func, select

from db.records.votes import BareVote, Vote
from db.standings import NEWEST_FIRST
from db.tables import standing, vote

HOLDS = select(vote).join(standing, standing.c.vote_id == vote.c.id).where(vote.c.action == "vote")


def newest_anywhere() -> Any:
    """The ids of the newest vote that each person cast on each face in any campaign."""
    place = func.row_number().over(
        partition_by=(standing.c.face_id, standing.c.annotator_id), order_by=NEWEST_FIRST
    )
    held = (
        select(vote.c.id, place.label("place"))
        .join(standing, standing.c.vote_id == vote.c.id)
        .where(vote.c.action == "vote")
        .subquery()
    )
    return select(held.c.id).where(held.c.place == 1)


def bare_votes(connection: Connection, campaign_id: int | None) -> Iterator[BareVote]:
    """The votes that hold in one campaign, or each person's newest anywhere, oldest first; read at once."""
    columns = [vote.c[name] for name in BareVote._fields if name != "choices"]
    if campaign_id is None:
        holds = vote.c.id.in_(newest_anywhere())
    else:
        holds = vote.c.id.in_(select(standing.c.vote_id).where(standing.c.campaign_id == campaign_id))
    statement = select(*columns, cast(vote.c.choices, String)).where(holds, vote.c.action == "vote")
    choices = cache(json.loads)  # a few texts, over and over
    rows = connection.execute(statement.order_by(vote.c.id)).all()
    return (BareVote._make((*values, tuple(choices(text)))) for *values, text in rows)


def vote_of(row: Any) -> Vote:
    """A whole row of the table as a record; by place, since exports make a million."""
    number, campaign, face_id, who, action, choices, denies, flag, seconds, shown, at, request, undoes = row
    return Vote(
        id=number,
        campaign_id=campaign,
        face_id=face_id,
        annotator_id=who,
        action=action,
        choices=tuple(choices),
        denies=denies,
        flag=flag,
        seconds=seconds,
        shown=shown,
        at=at,
        request_id=request,
        undoes_id=undoes,
    )
