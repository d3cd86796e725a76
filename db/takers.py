"""One person asking a campaign for faces, within a transaction: leases, and which faces are free for them.

The statements are made once: they run with every face that is shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import (
    Boolean,
    Connection,
    Float,
    Integer,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    tuple_,
)

from db.records.campaigns import Campaign
from db.tables import UtcDateTime, gold, lease, queue, standing
from db.upsert import insert_or_replace
from db.walks import Lane

LOOK_UP = 64  # faces at once
OPEN = queue.c.needs > literal_column("0")  # as the index says it, or SQLite would not use it

_CAMPAIGN = bindparam("the_campaign", type_=Integer)
_WHO = bindparam("who", type_=Integer)
_NOW = bindparam("now", type_=UtcDateTime)
_FACES = bindparam("faces", expanding=True, type_=Integer)
_UNJUDGED = ~(
    select(standing.c.vote_id)
    .where(
        standing.c.campaign_id == _CAMPAIGN,
        standing.c.annotator_id == _WHO,
        standing.c.face_id == queue.c.face_id,
    )
    .exists()
)
_MY_LEASES = select(lease.c.face_id, lease.c.expires_at).where(
    lease.c.campaign_id == _CAMPAIGN, lease.c.annotator_id == _WHO
)
_END_LEASES = delete(lease).where(
    lease.c.campaign_id == _CAMPAIGN, lease.c.annotator_id == _WHO, lease.c.face_id.in_(_FACES)
)
_WANTED = (
    select(queue.c.face_id, queue.c.needs, queue.c.urgent, gold.c.face_id.is_not(None))
    .outerjoin(gold, gold.c.face_id == queue.c.face_id)
    .where(queue.c.campaign_id == _CAMPAIGN, queue.c.face_id.in_(_FACES), OPEN, _UNJUDGED)
    .order_by(queue.c.face_id)
    .with_for_update(of=queue, skip_locked=True)
)
_LEASED = (
    select(lease.c.face_id, lease.c.campaign_id, func.count())
    .where(lease.c.face_id.in_(_FACES), lease.c.annotator_id != _WHO, lease.c.expires_at > _NOW)
    .group_by(
        lease.c.face_id, lease.c.campaign_id
    )  # the campaign is looked at later: by the index of the face
)
_AHEAD = (
    select(queue.c.rank, queue.c.face_id)
    .where(
        queue.c.campaign_id == _CAMPAIGN,
        queue.c.urgent == bindparam("in_lane", type_=Boolean),
        OPEN,
        _UNJUDGED,
    )
    .order_by(queue.c.rank, queue.c.face_id)
    .limit(LOOK_UP)
)
_AFTER = tuple_(bindparam("rank", type_=Float), bindparam("face", type_=Integer))
_FURTHER = _AHEAD.where(tuple_(queue.c.rank, queue.c.face_id) > _AFTER)
_JUDGED = select(func.count()).where(standing.c.campaign_id == _CAMPAIGN, standing.c.annotator_id == _WHO)


class Offer(NamedTuple):
    """A face that a person may be shown: whether it is urgent, and whether its answer is known."""

    urgent: bool
    gold: bool


@dataclass(frozen=True, slots=True)
class Taker:
    """Who asks which campaign for faces, and when."""

    connection: Connection
    campaign: Campaign
    annotator_id: int
    now: datetime

    @property
    def _keys(self) -> dict[str, object]:
        return {"the_campaign": self.campaign.id, "who": self.annotator_id}

    def leases(self) -> dict[int, datetime]:
        """The faces on this person's screens, and until when; those past their time are let go."""
        rows = self.connection.execute(_MY_LEASES, self._keys).all()
        if past := [row.face_id for row in rows if row.expires_at <= self.now]:
            self.connection.execute(_END_LEASES, self._keys | {"faces": past})
        return {row.face_id: row.expires_at for row in rows if row.expires_at > self.now}

    def lease(self, face_ids: Sequence[int], lease_s: float) -> None:
        """Lease faces to this person, or longer than they were."""
        if face_ids:
            until = self.now + timedelta(seconds=lease_s)
            mine = {"campaign_id": self.campaign.id, "annotator_id": self.annotator_id, "expires_at": until}
            statement = insert_or_replace(self.connection, lease)
            self.connection.execute(statement, [{"face_id": face_id, **mine} for face_id in face_ids])

    def offers(self, face_ids: Collection[int]) -> dict[int, Offer]:
        """Those of the faces that this person may be shown now: open, unjudged, and not all in others' hands.

        Locks them first and looks at the leases after that, so that two people do not get the last vote both;
        a face that somebody else is being given at this moment is passed over.
        """
        if not face_ids:
            return {}
        wanted = self.connection.execute(_WANTED, self._keys | {"faces": list(face_ids)}).all()
        found = {"faces": [row.face_id for row in wanted], "now": self.now}
        rows = self.connection.execute(_LEASED, {"who": self.annotator_id, **found})
        leased = {face_id: count for face_id, campaign_id, count in rows if campaign_id == self.campaign.id}
        return {
            face_id: Offer(urgent, known)
            for face_id, needs, urgent, known in wanted
            if needs > leased.get(face_id, 0)
        }

    def look(self, lane: Lane, *, urgent: bool) -> None:
        """Look up the next faces of a lane that this person has not judged."""
        keys = self._keys | {"in_lane": urgent}
        if lane.at is None:
            rows = self.connection.execute(_AHEAD, keys).all()
        else:
            rows = self.connection.execute(_FURTHER, keys | {"rank": lane.at[0], "face": lane.at[1]}).all()
        lane.ahead.extend(row.face_id for row in rows)
        lane.at = (rows[-1].rank, rows[-1].face_id) if len(rows) == LOOK_UP else None

    def judged(self) -> int:
        """How many faces this person has judged in the campaign."""
        return self.connection.scalar(_JUDGED, self._keys) or 0
