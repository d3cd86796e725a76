"""What holds of a face for one person, and what follows from it, written down in the transaction of the vote.

A vote changes what holds (``standing``), how many votes a face has, what its campaign still wants to know of it
(``queue``), and ends the lease of the person who cast it. The statements are made once: they run with every vote.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection, Integer, and_, bindparam, delete, select, update

from db import queue_rows
from db.records.campaigns import Campaign
from db.tables import face, lease, queue, standing, vote
from db.upsert import insert_or_replace

_CAMPAIGN = bindparam("the_campaign", type_=Integer)
_WHO = bindparam("who", type_=Integer)
_FACE = bindparam("the_face", type_=Integer)
_withdrawal = vote.alias("withdrawal")
NOT_UNDONE = and_(
    vote.c.action != "undo",
    ~select(_withdrawal.c.id).where(_withdrawal.c.undoes_id == vote.c.id).exists(),
)
NEWEST_FIRST = (vote.c.at.desc(), vote.c.id.desc())  # not by id alone: old rows come from files
_ANSWER = (vote.c.annotator_id, vote.c.id, vote.c.action, vote.c.choices, vote.c.denies, vote.c.flag)
_STANDINGS = (
    select(*_ANSWER)
    .join(standing, standing.c.vote_id == vote.c.id)
    .where(standing.c.face_id == _FACE, vote.c.campaign_id == _CAMPAIGN)  # by the index of the face
)
_NEWEST = (
    select(*_ANSWER)
    .where(vote.c.campaign_id == _CAMPAIGN, vote.c.annotator_id == _WHO, vote.c.face_id == _FACE, NOT_UNDONE)
    .order_by(*NEWEST_FIRST)
    .limit(1)
)
_QUEUE_ROW = select(queue).where(queue.c.campaign_id == _CAMPAIGN, queue.c.face_id == _FACE).with_for_update()
_END_LEASE = delete(lease).where(
    lease.c.campaign_id == _CAMPAIGN, lease.c.face_id == _FACE, lease.c.annotator_id == _WHO
)
_NOTHING_STANDS = delete(standing).where(
    standing.c.campaign_id == _CAMPAIGN, standing.c.annotator_id == _WHO, standing.c.face_id == _FACE
)
_COUNT = update(face).where(face.c.id == _FACE).values(votes=face.c.votes + bindparam("change"))


class Standing(NamedTuple):
    """A row that holds, as far as the queue asks."""

    annotator_id: int
    id: int
    action: str
    choices: Sequence[str]
    denies: str | None
    flag: str | None


def newest_row(connection: Connection, campaign_id: int, annotator_id: int, face_id: int) -> Standing | None:
    """The newest row of (campaign, person, face) that was not undone."""
    keys = {"the_campaign": campaign_id, "who": annotator_id, "the_face": face_id}
    row = connection.execute(_NEWEST, keys).first()
    return None if row is None else Standing._make(row)


def stand(
    connection: Connection, campaign: Campaign, annotator_id: int, face_id: int, now: Standing | None
) -> bool:
    """Write down that this row holds now, or none, and all that follows; True when more votes are wanted then."""
    keys = {"the_campaign": campaign.id, "who": annotator_id, "the_face": face_id}
    row = connection.execute(_QUEUE_ROW, keys).first()  # locked first: one change of a face at a time
    held = {s.annotator_id: s for s in map(Standing._make, connection.execute(_STANDINGS, keys))}
    before = held.pop(annotator_id, None)
    if now is None:
        connection.execute(_NOTHING_STANDS, keys)
    else:
        held[annotator_id] = now
        mine = {"campaign_id": campaign.id, "annotator_id": annotator_id, "face_id": face_id}
        connection.execute(insert_or_replace(connection, standing), mine | {"vote_id": now.id})
    if change := _is_vote(now) - _is_vote(before):
        connection.execute(_COUNT, {"the_face": face_id, "change": change})
    connection.execute(_END_LEASE, keys)
    if row is None:
        return False  # a known face that is mixed in
    answers = Counter(queue_rows.answer_of(one) for one in held.values() if _is_vote(one))
    return queue_rows.settle(connection, campaign, row, answers)


def _is_vote(one: Standing | None) -> bool:
    return one is not None and one.action == "vote"
