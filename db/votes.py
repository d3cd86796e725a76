"""Votes: append-only rows, so that no vote is ever lost or rewritten, and what holds because of them.

A row votes, skips, or undoes one earlier row. What holds for (campaign, face, annotator) is the newest row
that was not undone: undoing a second vote brings the first one back. Newest is by time, then by id: old rows come
from files, and a row cast here is never dated before its person's earlier ones, though the clock may jump back.
``standing`` keeps that answer, ``face.votes`` how many votes hold on a face, and the queue what a campaign still
wants to know of it; all of them change in the transaction that adds the row, which also ends the annotator's lease
of the face.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, literal_column, select

from db.annotators import lock_annotator
from db.campaigns import load
from db.casting import add_row, check_same, latest, sent_before
from db.engine import Database
from db.held_votes import HOLDS, bare_votes, newest_anywhere, vote_of
from db.queue_rows import chunks
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.votes import BareVote, NewVote, Vote, VoteAction
from db.standings import NEWEST_FIRST, Standing, newest_row, stand
from db.tables import standing, vote
from db.walks import Walks

AT_ONCE = 5000  # rows read at once by ``iterate``


class VoteLedger:
    """``store.votes``: cast, skip, undo, and what holds now."""

    def __init__(self, database: Database, walks: Walks) -> None:
        self._db, self._walks = database, walks

    def cast(self, new: NewVote, *, request_id: str | None = None) -> int:
        """Add a vote and give its id. Voting again on a face replaces the earlier vote, which is kept.

        The same ``request_id`` again adds nothing and gives the first row's id: safe to resend. A vote counts
        whenever it comes: without a lease, on a finished face, in a closed campaign.
        Errors: NotFoundError for an unknown face, annotator or campaign, InputError when the ``request_id``
        belongs to another campaign, face or annotator, or to a skip or an undo.
        """
        return self._append("vote", new, request_id)

    def skip(self, new: NewVote, *, request_id: str | None = None) -> int:
        """Note that the annotator passed over the face; the campaign does not show it to them again.

        Errors as ``cast``.
        """
        return self._append("skip", new, request_id)

    def undo(
        self,
        annotator_id: int,
        *,
        request_id: str | None = None,
        of: str | None = None,
        campaign_id: int | None = None,
    ) -> int | None:
        """Withdraw the annotator's latest vote or skip that still counts and give its face id.

        ``of`` withdraws the row sent under that request id instead; with ``campaign_id`` only rows of that
        campaign are looked at. None, and nothing written, when there is nothing to withdraw. What held on the
        face before that row holds again. Errors: NotFoundError for an unknown annotator, InputError when the
        ``request_id`` belongs to another person, campaign or action.
        """
        with self._db.write() as connection:
            lock_annotator(connection, annotator_id)
            known = sent_before(connection, request_id)
            if known is not None:
                check_same(known, "undo", annotator_id, campaign_id)
                return int(known.face_id)
            target = latest(connection, annotator_id, of, campaign_id)
            if target is None:
                return None
            new = NewVote(target.face_id, annotator_id, campaign_id=target.campaign_id)
            add_row(connection, "undo", new, request_id, undoes_id=target.id)
            campaign = load(connection, target.campaign_id, lock="use")
            before = newest_row(connection, target.campaign_id, annotator_id, target.face_id)
            stand(connection, campaign, annotator_id, target.face_id, before)
            self._walks.stir(target.campaign_id)
            return int(target.face_id)

    def taken_back(self, request_id: str) -> Vote | None:
        """The vote or skip that the undo sent under this request id withdrew; None for no such undo."""
        undo = vote.alias("undo")
        withdrew = select(vote).join(undo, undo.c.undoes_id == vote.c.id)
        found = self._votes(withdrew.where(undo.c.request_id == request_id))
        return found[0] if found else None

    def current(self, campaign_id: int | None = None) -> tuple[Vote, ...]:
        """The votes that hold now, oldest first; skips and undos left out.

        Of one campaign, or of all: then one a (face, annotator), the newest that person cast anywhere.
        """
        if campaign_id is not None:
            return self._votes(HOLDS.where(standing.c.campaign_id == campaign_id))
        return self._votes(select(vote).where(vote.c.id.in_(newest_anywhere())))

    def of_face(self, face_id: int, campaign_id: int | None = None) -> tuple[Vote, ...]:
        """The votes that hold now on one face, oldest first, in one campaign or in all."""
        statement = HOLDS.where(standing.c.face_id == face_id)
        if campaign_id is not None:
            statement = statement.where(vote.c.campaign_id == campaign_id)
        return self._votes(statement)

    def held(self, annotator_id: int, face_id: int, campaign_id: int = MAIN_CAMPAIGN) -> Vote | None:
        """What this annotator's vote on this face is now; None without one, or after a skip."""
        found = self._votes(
            HOLDS.where(
                standing.c.campaign_id == campaign_id,
                standing.c.annotator_id == annotator_id,
                standing.c.face_id == face_id,
            )
        )
        return found[0] if found else None

    def history(self, campaign_id: int | None = None) -> tuple[Vote, ...]:
        """Every row ever written, oldest first, of one campaign or of all."""
        statement = select(vote)
        if campaign_id is not None:
            statement = statement.where(vote.c.campaign_id == campaign_id)
        return self._votes(statement)

    def of_annotator(self, annotator_id: int, count: int, campaign_id: int | None = None) -> tuple[Vote, ...]:
        """This person's newest ``count`` votes that hold, the newest first."""
        statement = HOLDS.where(vote.c.annotator_id == annotator_id)
        if campaign_id is not None:
            statement = statement.where(vote.c.campaign_id == campaign_id)
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(*NEWEST_FIRST).limit(count))
            return tuple(vote_of(row) for row in rows)

    def first_of(
        self, annotator_id: int | None, face_ids: Sequence[int], campaign_id: int | None
    ) -> tuple[Vote, ...]:
        """This person's first vote on each of these faces, undone or not, in a campaign; in no order.

        Without an annotator everybody's, without a campaign the first in each.
        """
        first: dict[tuple[int, int, int], Vote] = {}
        with self._db.read() as connection:
            for chunk in chunks(face_ids):
                statement = select(vote).where(vote.c.face_id.in_(chunk), vote.c.action == "vote")
                if annotator_id is not None:
                    statement = statement.where(vote.c.annotator_id == annotator_id)
                if campaign_id is not None:
                    statement = statement.where(vote.c.campaign_id == campaign_id)
                for row in connection.execute(statement.order_by(vote.c.at, vote.c.id)):
                    first.setdefault((row.campaign_id, row.annotator_id, row.face_id), vote_of(row))
        return tuple(first.values())

    def iterate(self, campaign_id: int | None = None, *, everything: bool = False) -> Iterator[Vote]:
        """The votes that hold now in each campaign, oldest first; with ``everything`` each row ever written.

        For exports: reads some thousand rows at a time, and gives rows that come meanwhile, too.
        """
        statement = select(vote) if everything else HOLDS
        if campaign_id is not None:
            statement = statement.where(vote.c.campaign_id == campaign_id)
        last = 0
        while True:
            page = statement.where(vote.c.id > last).order_by(vote.c.id).limit(AT_ONCE)
            with self._db.read() as connection:
                rows = connection.execute(page).all()
            yield from (vote_of(row) for row in rows)
            if len(rows) < AT_ONCE:
                return
            last = rows[-1].id

    def bare(self, campaign_id: int | None = None) -> Iterator[BareVote]:
        """The votes of ``current`` without what a statistic does not need: many times faster to read."""
        with self._db.read() as connection:
            return bare_votes(connection, campaign_id)

    def newest(self) -> tuple[int, int]:
        """(how many rows there are, the newest row's id): changes with every vote, skip, undo and deletion."""
        with self._db.read() as connection:
            rows, last = connection.execute(select(func.count(), func.max(vote.c.id)).select_from(vote)).one()
            return int(rows), int(last or 0)

    def counts(self, campaign_id: int | None = None) -> dict[int, int]:
        """Votes that hold now, by annotator id, in one campaign or in all."""
        return self._count_by_annotator("vote", campaign_id)

    def since(self, campaign_id: int, moment: datetime) -> dict[int, int]:
        """Votes cast in a campaign after a moment, by annotator id, as far as they hold.

        Walks back from the newest vote to the first that is older, so it costs what it counts; after an import
        of old votes it counts from there on.
        """
        older = select(vote.c.id).where(vote.c.at <= moment).order_by(vote.c.id.desc()).limit(1)
        with self._db.read() as connection:
            last = connection.scalar(older) or 0
            recent = (vote.c.id > last, vote.c.campaign_id == campaign_id, vote.c.action == "vote")
            counted = select(vote.c.annotator_id, func.count().label("votes"))
            statement = counted.join(standing, standing.c.vote_id == vote.c.id).where(*recent)
            rows = connection.execute(statement.group_by(vote.c.annotator_id))
            return {row.annotator_id: row.votes for row in rows}

    def tally(self, campaign_id: int, annotator_id: int) -> tuple[int, int]:
        """(votes, skips) of one person that hold now in a campaign. Reads indices only."""
        judged = select(func.count()).where(
            standing.c.campaign_id == campaign_id, standing.c.annotator_id == annotator_id
        )
        skipped = (
            select(func.count())
            .select_from(vote.join(standing, standing.c.vote_id == vote.c.id))
            .where(
                vote.c.action == literal_column("'skip'"),  # as the index says it, or SQLite would not use it
                vote.c.campaign_id == campaign_id,
                vote.c.annotator_id == annotator_id,
            )
        )
        with self._db.read() as connection:
            skips = connection.scalar(skipped) or 0
            return (connection.scalar(judged) or 0) - skips, skips

    def skips(self, campaign_id: int | None = None) -> dict[int, int]:
        """Skips that hold now, by annotator id, in one campaign or in all."""
        return self._count_by_annotator("skip", campaign_id)

    def _append(self, action: VoteAction, new: NewVote, request_id: str | None) -> int:
        with self._db.write() as connection:
            lock_annotator(connection, new.annotator_id)
            known = sent_before(connection, request_id)
            if known is not None:
                check_same(known, action, new.annotator_id, new.campaign_id, new.face_id)
                return int(known.id)
            campaign = load(connection, new.campaign_id, lock="use")
            vote_id = add_row(connection, action, new, request_id)
            now = Standing(new.annotator_id, vote_id, action, sorted(new.choices), new.denies, new.flag)
            if stand(connection, campaign, new.annotator_id, new.face_id, now):
                self._walks.stir(new.campaign_id)
            return vote_id

    def _votes(self, statement: Any) -> tuple[Vote, ...]:
        with self._db.read() as connection:
            return tuple(vote_of(row) for row in connection.execute(statement.order_by(vote.c.id)))

    def _count_by_annotator(self, action: VoteAction, campaign_id: int | None) -> dict[int, int]:
        statement = (
            select(standing.c.annotator_id, func.count())
            .join(vote, vote.c.id == standing.c.vote_id)
            .where(vote.c.action == action)
            .group_by(standing.c.annotator_id)
        )
        if campaign_id is not None:
            statement = statement.where(standing.c.campaign_id == campaign_id)
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}
