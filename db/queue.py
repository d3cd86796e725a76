"""Whom to ask about which face next: taken under a lease, so that no vote is wasted.

Everyone walks the same line from its front, past what they have judged: two people who vote at the same time
meet at the same faces, which are finished early, and someone alone goes on to faces that nobody has judged
rather than wait. Nobody is ever asked twice in a campaign, and a face whose last wanted vote is on somebody's
screen is handed to nobody else until that lease ends. A vote that comes after its lease still counts.

Where the order is "teach", urgent faces (votes conflict, a run doubts it) and the others take turns; in every
order, faces that a curator asked about are urgent.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection, and_, delete, func, select, update

from db import queue_rows
from db.annotators import lock_annotator
from db.campaigns import load
from db.draws import Draw, Golds
from db.engine import Database
from db.queue_rows import Wanted
from db.records.campaigns import CampaignCounts, ClassCount, QueuedFace
from db.tables import campaign, lease, queue
from db.takers import OPEN, Taker
from db.walks import Walks

LEASE_S = 180.0  # so long a face is kept for a screen that shows no sign of life


class QueueLedger:
    """``store.queue``: what a campaign still wants to know, and who gets which face next."""

    def __init__(self, database: Database, walks: Walks) -> None:
        self._db, self._walks = database, walks

    def take(
        self,
        campaign_id: int,
        annotator_id: int,
        count: int,
        *,
        lease_s: float = LEASE_S,
        exclude: Collection[int] = (),
        now: datetime | None = None,
    ) -> tuple[QueuedFace, ...]:
        """Up to ``count`` faces for one person, leased for ``lease_s`` seconds from ``now``.

        ``exclude`` are the faces the screen shows already: their leases are renewed when half over. Faces leased
        to this person before and not excluded come first, so a page that was reloaded shows them again. None
        when nothing is left for this person now, when the campaign is closed, or when it asks other people.
        Errors: NotFoundError for an unknown campaign or annotator.
        """
        with self._db.write() as connection:
            taker = _taker(connection, campaign_id, annotator_id, now)
            if not _asks(taker):
                return ()
            leases = taker.leases()
            shown = leases.keys() | set(exclude)
            draw, golds = Draw(taker, self._walks, shown), Golds(taker, shown)
            offers = taker.offers([*shown, *draw.first]) | golds.on_screen
            kept = offers.keys() & shown
            again = {i: offers[i] for i in sorted(kept.difference(exclude))[:count]}
            taken = again | draw.draw(count - len(again), offers, golds)
            soon = taker.now + timedelta(seconds=lease_s / 2)
            taker.lease([i for i in kept | taken.keys() if leases.get(i, taker.now) < soon], lease_s)
            return tuple(QueuedFace(i, offer.gold, offer.urgent) for i, offer in taken.items())

    def renew(
        self,
        campaign_id: int,
        annotator_id: int,
        face_ids: Sequence[int],
        *,
        lease_s: float = LEASE_S,
        now: datetime | None = None,
    ) -> tuple[int, ...]:
        """Lease the faces that a screen shows for another ``lease_s`` seconds from ``now``.

        Gives those that are not wanted from this person any more: finished, judged, on others' screens, or the
        campaign is closed. Errors as ``take``.
        """
        with self._db.write() as connection:
            taker = _taker(connection, campaign_id, annotator_id, now)
            kept = {*taker.offers(face_ids), *Golds(taker, face_ids).on_screen} if _asks(taker) else set()
            taker.lease(sorted(kept), lease_s)
        return tuple(face_id for face_id in face_ids if face_id not in kept)

    def release(self, campaign_id: int, annotator_id: int, face_ids: Sequence[int] | None = None) -> None:
        """Let go of these faces on this person's screens, or of all, as when they leave."""
        mine = and_(lease.c.campaign_id == campaign_id, lease.c.annotator_id == annotator_id)
        if face_ids is not None:
            mine = and_(mine, lease.c.face_id.in_(face_ids))
        with self._db.write() as connection:
            connection.execute(delete(lease).where(mine))
        self._walks.stir(campaign_id)

    def fill(self, campaign_id: int) -> int:
        """Add the faces that fit the campaign's picks and are not in its queue; gives how many.

        New faces come by themselves when they are detected; this finds those whose photo was found again by
        another search, or which a new run doubts.
        """
        with self._db.write() as connection:
            new = queue_rows.fill(connection, load(connection, campaign_id, lock="change"))
        if new:
            self._walks.stir(campaign_id)
        return new

    def rank_by_doubt(self, campaign_id: int, run_id: str, *, most_margin: float = 0.2) -> int:
        """Put faces first that a run doubts: its two strongest classes at most ``most_margin`` apart.

        Gives how many faces. Takes effect in campaigns that are ordered to teach.
        """
        with self._db.write() as connection:
            campaign = load(connection, campaign_id, lock="change")
            doubted = queue_rows.rank_by_doubt(connection, campaign, run_id, most_margin)
        self._walks.forget(campaign_id)
        return doubted

    def ask_more(self, campaign_id: int, face_ids: Sequence[int], votes: int) -> dict[int, int]:
        """Ask for so many votes on top of those that the faces have, and put them first.

        Gives by face how many votes are asked for then in all; an earlier request is replaced. Only people who
        have not judged a face are asked. Faces that are not in the queue are added.
        """
        asked: dict[int, int] = {}
        with self._db.write() as connection:
            campaign = load(connection, campaign_id, lock="change")
            for chunk in queue_rows.chunks(dict.fromkeys(face_ids)):
                queue_rows.add(connection, campaign, chunk)
                mine = and_(queue.c.campaign_id == campaign_id, queue.c.face_id.in_(chunk))
                changed = update(queue).where(mine).values(asked=queue.c.voters + votes)
                rows = connection.execute(changed.returning(queue.c.face_id, queue.c.asked))
                asked.update((row.face_id, row.asked) for row in rows)
            queue_rows.settle_many(connection, campaign, face_ids)
        self._walks.stir(campaign_id)
        return asked

    def set_asked(self, campaign_id: int, votes: Mapping[int, int]) -> None:
        """Put a request as it stood earlier back: by face how many votes are asked for in all, 0 for none.

        Faces that are not in the queue stay out of it.
        """
        with self._db.write() as connection:
            campaign = load(connection, campaign_id, lock="change")
            queue_rows.set_asked(connection, campaign, votes)
            queue_rows.settle_many(connection, campaign, tuple(votes))
        self._walks.stir(campaign_id)

    def asked(self) -> frozenset[int]:
        """The faces on which curators asked for more votes that have not come yet, in any open campaign."""
        statement = (
            select(queue.c.face_id)
            .join(campaign, campaign.c.id == queue.c.campaign_id)
            .where(campaign.c.closed_at.is_(None), OPEN, queue.c.asked > queue.c.voters)
        )
        with self._db.read() as connection:
            return frozenset(connection.scalars(statement))

    def wanted(self, campaign_id: int, face_ids: Sequence[int]) -> dict[int, Wanted]:
        """What the campaign still wants to know of these faces; those that are not in its queue are left out."""
        statement = select(queue).where(queue.c.campaign_id == campaign_id, queue.c.face_id.in_(face_ids))
        with self._db.read() as connection:
            rows = connection.execute(statement)
            return {row.face_id: Wanted(row.voters, row.needs, row.urgent) for row in rows}

    def counts(self, campaign_id: int, *, now: datetime | None = None) -> CampaignCounts:
        """How far a campaign is. Reads indices only: milliseconds at 100,000 faces."""
        an_hour_ago = (now or datetime.now(UTC)) - timedelta(hours=1)
        in_campaign = queue.c.campaign_id == campaign_id
        by_class = (
            select(queue.c.candidate_class, func.count(), func.count(queue.c.done_at))
            .where(in_campaign)
            .group_by(queue.c.candidate_class)
            .order_by(queue.c.candidate_class)
        )
        with self._db.read() as connection:
            classes = {
                name: ClassCount(open=total - done, done=done)
                for name, total, done in connection.execute(by_class)
            }
            needs = connection.scalar(select(func.sum(queue.c.needs)).where(in_campaign, OPEN)) or 0
            recent = select(func.count()).where(in_campaign, queue.c.done_at > an_hour_ago)
            return CampaignCounts(
                open=sum(one.open for one in classes.values()),
                done=sum(one.done for one in classes.values()),
                needs=int(needs),
                by_class=classes,
                done_last_hour=connection.scalar(recent) or 0,
            )


def _taker(connection: Connection, campaign_id: int, annotator_id: int, now: datetime | None) -> Taker:
    lock_annotator(connection, annotator_id)
    return Taker(connection, load(connection, campaign_id), annotator_id, now or datetime.now(UTC))


def _asks(taker: Taker) -> bool:
    """Whether the campaign asks this person anything."""
    voters = taker.campaign.voters
    return taker.campaign.closed_at is None and (not voters or taker.annotator_id in voters)
