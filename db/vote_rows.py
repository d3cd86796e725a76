"""Rows of the vote ledger by the thousand, on their way to a file or from one.

What comes from a file is added as the votes cast here are: append-only, undos with the row they withdraw, each
at most once. A row is known by its ``request_id``; one that this store cast without any is known again by who,
which face and when.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import JSON, Connection, String, bindparam, cast, delete, func, insert, select, tuple_, update

from db import queue_rows
from db.campaigns import load
from db.engine import Database
from db.held_votes import vote_of
from db.records import check
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.votes import Vote, VoteAction
from db.standings import NOT_UNDONE
from db.tables import annotator, face, standing, vote
from db.upsert import insert_or_replace

_Key = tuple[int, int, int]  # campaign, annotator, face
_NAMES = ("campaign_id", "annotator_id", "face_id")
_KEY = tuple(vote.c[name] for name in _NAMES)
_AS_TEXT = [cast(column, String) if isinstance(column.type, JSON) else column for column in vote.c]
AT_ONCE = 5000  # rows of one transaction


@dataclass(frozen=True, slots=True)
class PastVote:
    """One row to be added. ``undoes`` is the request id of the row an undo withdraws, "" for any other action."""

    face_id: int
    annotator_id: int
    request_id: str
    at: datetime
    action: VoteAction = "vote"
    choices: tuple[str, ...] = ()
    denies: str | None = None
    flag: str | None = None
    seconds: float | None = None
    shown: Mapping[str, object] = field(default_factory=dict)
    campaign_id: int = MAIN_CAMPAIGN
    undoes: str = ""

    def __post_init__(self) -> None:
        check(0 < len(self.request_id) <= 64, f"a request id has 1 to 64 characters, got {self.request_id!r}")
        check(
            (self.action == "undo") == bool(self.undoes), "an undo, and nothing else, names the row it undoes"
        )

    @property
    def key(self) -> _Key:
        return (self.campaign_id, self.annotator_id, self.face_id)


@dataclass(frozen=True, slots=True)
class AddedVotes:
    """What became of the rows: how many were ``added`` and ``known`` already; places of those refused.

    ``clashes`` have the request id of another row; ``orphans`` withdraw a row that is not there.
    """

    added: int
    known: int
    clashes: tuple[int, ...]
    orphans: tuple[int, ...]


class VoteRowLedger:
    """``store.vote_rows``: what exports read and imports add."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, rows: Sequence[PastVote]) -> AddedVotes:
        """Add those rows (5000 at most) that are not there yet, in their order, all in one transaction.

        What holds, the faces' counts and the campaigns' queues follow: of one person's rows on a face the newest
        by its time holds, so an old row displaces no newer vote. A time to come becomes now. Errors:
        NotFoundError for an unknown campaign, StoreError for an unknown face or annotator or when the disk is
        full; then nothing is added.
        """
        check(len(rows) <= AT_ONCE, f"at most {AT_ONCE} rows at once, got {len(rows)}")
        if not rows:
            return AddedVotes(0, 0, (), ())
        with self._db.write() as connection:
            _lock(connection, {row.annotator_id for row in rows})
            campaigns = [load(connection, i, lock="use") for i in sorted({row.campaign_id for row in rows})]
            batch = _Batch(connection, rows)
            for place, row in enumerate(rows):
                batch.take(place, row)
            batch.flush()
            _settle(connection, batch.touched)
            for campaign in campaigns:
                mine = sorted({key[2] for key in batch.touched if key[0] == campaign.id})
                queue_rows.settle_many(connection, campaign, mine)
            _count(connection, {key[2] for key in batch.touched})  # faces after queues, as a vote locks them
            return batch.result()

    def of_faces(self, face_ids: Sequence[int], campaign_id: int | None = None) -> tuple[Vote, ...]:
        """The votes that hold now on these faces (5000 at most), oldest first, of one campaign or in each."""
        statement = (
            select(*_AS_TEXT)
            .join(standing, standing.c.vote_id == vote.c.id)
            .where(standing.c.face_id.in_(face_ids), vote.c.action == "vote")
            .order_by(vote.c.id)
        )
        if campaign_id is not None:
            statement = statement.where(vote.c.campaign_id == campaign_id)
        with self._db.read() as connection:
            return tuple(_votes(connection.execute(statement).all()))

    def held_by(self, pairs: Collection[tuple[int, int]]) -> tuple[Vote, ...]:
        """The votes that hold now of each (annotator, face), 5000 at most, in every campaign, oldest first."""
        pair = tuple_(standing.c.annotator_id, standing.c.face_id)
        statement = (
            select(vote)
            .join(standing, standing.c.vote_id == vote.c.id)
            .where(standing.c.face_id.in_({face_id for _, face_id in pairs}), pair.in_(pairs))
            .where(vote.c.action == "vote")
            .order_by(vote.c.id)
        )
        with self._db.read() as connection:
            return tuple(vote_of(row) for row in connection.execute(statement)) if pairs else ()

    def there(self, request_ids: Collection[str]) -> frozenset[str]:
        """Those of these request ids (5000 at most) that rows here have."""
        statement = select(vote.c.request_id).where(vote.c.request_id.in_(request_ids))
        with self._db.read() as connection:
            return frozenset(connection.scalars(statement)) if request_ids else frozenset()

    def withdrawn(self) -> frozenset[int]:
        """The ids of all rows that an undo withdrew."""
        with self._db.read() as connection:
            return frozenset(
                connection.scalars(select(vote.c.undoes_id).where(vote.c.undoes_id.is_not(None)))
            )

    def counts(self, campaign_id: int | None = None) -> dict[str, int]:
        """How many rows there are of each action ("vote", "skip", "undo"), of one campaign or of all."""
        statement = select(vote.c.action, func.count()).group_by(vote.c.action)
        if campaign_id is not None:
            statement = statement.where(vote.c.campaign_id == campaign_id)
        with self._db.read() as connection:
            return {row[0]: row[1] for row in connection.execute(statement)}


@dataclass(frozen=True, slots=True)
class _Stored:
    """A row of the ledger, as far as a newcomer must agree with it."""

    id: int
    key: _Key
    action: str


class _Batch:
    """Rows on their way into the ledger."""

    def __init__(self, connection: Connection, rows: Sequence[PastVote]) -> None:
        self._connection = connection
        named = {row.request_id for row in rows} | {row.undoes for row in rows if row.undoes}
        self._stored = _by_request(connection, named)
        self._unnamed = _without_request(connection, rows, self._stored)
        self._undone = _undone(connection, [stored.id for stored in self._stored.values()])
        self._waiting: dict[str, tuple[PastVote, int | None]] = {}
        self.touched: set[_Key] = set()
        self._added = self._known = 0
        self._clashes: list[int] = []
        self._orphans: list[int] = []

    def take(self, place: int, row: PastVote) -> None:
        if row.undoes in self._waiting or row.request_id in self._waiting:
            self.flush()
        there = self._stored.get(row.request_id)
        if there is not None:
            if (there.key, there.action) == (row.key, row.action):
                self._known += 1
            else:
                self._clashes.append(place)
        elif (row.key, row.action, row.at) in self._unnamed:
            self._known += 1
        elif row.action == "undo":
            self._take_undo(place, row)
        else:
            self._waiting[row.request_id] = (row, None)

    def _take_undo(self, place: int, row: PastVote) -> None:
        target = self._stored.get(row.undoes)
        if target is None:
            self._orphans.append(place)
        elif target.key != row.key or target.action == "undo":
            self._clashes.append(place)
        elif target.id in self._undone:
            self._known += 1  # withdrawn already, by a row of another name
        else:
            self._undone.add(target.id)
            self._waiting[row.request_id] = (row, target.id)

    def flush(self) -> None:
        """Write the rows that wait; an undo of one of them can come only then."""
        if not self._waiting:
            return
        now = datetime.now(UTC)
        values = [_values(row, undoes, now) for row, undoes in self._waiting.values()]
        statement = insert(vote).returning(vote.c.id, sort_by_parameter_order=True)
        ids = self._connection.execute(statement, values).scalars()
        for (row, _), vote_id in zip(self._waiting.values(), ids, strict=True):
            self._stored[row.request_id] = _Stored(vote_id, row.key, row.action)
            self.touched.add(row.key)
        self._added += len(values)
        self._waiting.clear()

    def result(self) -> AddedVotes:
        return AddedVotes(self._added, self._known, tuple(self._clashes), tuple(self._orphans))


def _votes(rows: Iterable[Sequence[Any]]) -> Iterator[Vote]:
    """Rows of ``_AS_TEXT`` as records; what was shown is one object for all rows of the same text."""
    decoded = cache(json.loads)  # a few texts, over and over
    for *who, choices, denies, flag, seconds, shown, at, request, undoes in rows:
        yield vote_of((*who, decoded(choices), denies, flag, seconds, decoded(shown), at, request, undoes))


def _key(row: Any) -> _Key:
    return (row.campaign_id, row.annotator_id, row.face_id)


def _lock(connection: Connection, annotator_ids: set[int]) -> None:
    """One change of one annotator at a time (SQLite's BEGIN IMMEDIATE already sees to that)."""
    statement = (
        select(annotator.c.id).where(annotator.c.id.in_(sorted(annotator_ids))).order_by(annotator.c.id)
    )
    connection.execute(statement.with_for_update()).all()


def _by_request(connection: Connection, request_ids: set[str]) -> dict[str, _Stored]:
    statement = select(vote.c.id, vote.c.request_id, *_KEY, vote.c.action)
    rows = connection.execute(statement.where(vote.c.request_id.in_(request_ids)))
    return {row.request_id: _Stored(row.id, _key(row), row.action) for row in rows}


def _without_request(
    connection: Connection, rows: Sequence[PastVote], stored: Mapping[str, _Stored]
) -> frozenset[tuple[_Key, str, datetime]]:
    """Which rows stand in the ledger without a request id, on the faces of the rows not known by theirs."""
    faces = {row.face_id for row in rows if row.request_id not in stored}
    statement = select(*_KEY, vote.c.action, vote.c.at)
    found = connection.execute(statement.where(vote.c.face_id.in_(faces), vote.c.request_id.is_(None)))
    return frozenset((_key(row), row.action, row.at) for row in found)


def _undone(connection: Connection, vote_ids: Sequence[int]) -> set[int]:
    return set(connection.scalars(select(vote.c.undoes_id).where(vote.c.undoes_id.in_(vote_ids))))


def _values(row: PastVote, undoes_id: int | None, now: datetime) -> dict[str, object]:
    return {
        "campaign_id": row.campaign_id,
        "face_id": row.face_id,
        "annotator_id": row.annotator_id,
        "action": row.action,
        "choices": sorted(row.choices),
        "denies": row.denies,
        "flag": row.flag,
        "seconds": row.seconds,
        "shown": dict(row.shown),
        "at": min(row.at, now),
        "request_id": row.request_id,
        "undoes_id": undoes_id,
    }


def _settle(connection: Connection, touched: set[_Key]) -> None:
    """Write down what holds for each (campaign, annotator, face) that got a row, and each face's votes."""
    faces = {key[2] for key in touched}
    newest = _newest(connection, faces, touched)
    if gone := [dict(zip(_NAMES, key, strict=True)) for key in touched if key not in newest]:
        mine = [standing.c[name] == bindparam(f"the_{name}") for name in _NAMES]
        rows = [{f"the_{name}": value for name, value in key.items()} for key in gone]
        connection.execute(delete(standing).where(*mine), rows)
    if newest:
        _stand(connection, newest)


def _newest(connection: Connection, face_ids: set[int], touched: set[_Key]) -> dict[_Key, int]:
    """The newest row of each key touched that was not undone."""
    rows = connection.execute(
        select(*_KEY, vote.c.id)
        .where(vote.c.face_id.in_(face_ids), NOT_UNDONE)
        .order_by(vote.c.at, vote.c.id)
    )
    return {key: row.id for row in rows if (key := _key(row)) in touched}  # the last of a key stays


def _stand(connection: Connection, newest: Mapping[_Key, int]) -> None:
    rows = [dict(zip(_NAMES, key, strict=True)) | {"vote_id": vote_id} for key, vote_id in newest.items()]
    connection.execute(insert_or_replace(connection, standing), rows)


def _count(connection: Connection, face_ids: set[int]) -> None:
    held = (
        select(func.count())
        .select_from(standing.join(vote, vote.c.id == standing.c.vote_id))
        .where(standing.c.face_id == face.c.id, vote.c.action == "vote")
        .scalar_subquery()
    )
    connection.execute(update(face).where(face.c.id.in_(face_ids)).values(votes=held))
