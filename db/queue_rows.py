"""The rows of the queue: what a campaign still wants to know about each face, a pure function of its votes.

Whoever changes a vote, a face or a campaign calls these functions in the same transaction, so the queue never
disagrees with the votes; the order in which the votes came never matters.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select, update

from db.records.campaigns import Campaign
from db.tables import face, origin, prediction, queue, standing, vote
from db.upsert import insert_for

AT_ONCE = 5000  # rows of one statement
_LAST = float(2**48)
_UPDATE = update(queue).where(
    queue.c.campaign_id == bindparam("the_campaign"), queue.c.face_id == bindparam("the_face")
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many people voted on a face, how many more are wanted at the least, and whether it goes first."""

    voters: int
    needs: int
    urgent: bool


def wanted(campaign: Campaign, answers: Counter[str], *, asked: int, doubted: bool) -> Wanted:
    """What a campaign wants of a face with these answers. ``asked`` votes were asked for by a curator.

    Urgent is an open face that a curator asked about, or, where the order is to teach, one whose votes conflict
    or that a run doubts.
    """
    voters = answers.total()
    needs = max(campaign.overlap.least_more(list(answers.values()), voters), asked - voters, 0)
    teaches = campaign.ordering == "teach" and (len(answers) > 1 or doubted)
    return Wanted(voters, needs, needs > 0 and (asked > voters or teaches))


def settle(connection: Connection, campaign: Campaign, row: Row[Any], answers: Counter[str]) -> bool:
    """Write down what the campaign wants of a face that has these answers now, ``row`` being what it wanted
    before; True when it wants more than that.
    """
    new = wanted(campaign, answers, asked=row.asked, doubted=row.doubted)
    if _differs(row, new):
        keys = {"the_campaign": row.campaign_id, "the_face": row.face_id}
        connection.execute(_UPDATE, keys | _values(row, new, datetime.now(UTC)))
    return bool(new.needs > row.needs)


def settle_many(connection: Connection, campaign: Campaign, face_ids: Sequence[int] | None = None) -> None:
    """The same for many faces of the queue, or for all of them."""
    for chunk in [None] if face_ids is None else chunks(sorted(set(face_ids))):
        rows = select(queue).where(queue.c.campaign_id == campaign.id).order_by(queue.c.face_id)
        if chunk is not None:
            rows = rows.where(queue.c.face_id.in_(chunk))
        found = connection.execute(rows.with_for_update()).all()
        answers = _answers(connection, campaign.id, chunk)
        now = datetime.now(UTC)
        changed = []
        for row in found:
            said = answers.get(row.face_id, Counter())
            new = wanted(campaign, said, asked=row.asked, doubted=row.doubted)
            if _differs(row, new):
                changed.append({"the_face": row.face_id, **_values(row, new, now)})
        _update_rows(connection, campaign.id, changed)


def fill(connection: Connection, campaign: Campaign, face_ids: Sequence[int] | None = None) -> int:
    """Put the faces that fit the campaign's picks in its queue, all or some; gives how many are new."""
    new = 0
    for chunk in [None] if face_ids is None else chunks(face_ids):
        for faces in chunks(_missing(connection, campaign, chunk)):
            _insert(connection, campaign, faces)
            new += len(faces)
    return new


def add(connection: Connection, campaign: Campaign, face_ids: Sequence[int]) -> None:
    """Put faces that can be asked about in the queue whether they fit the picks or not; those that are there
    stay as they are.
    """
    there = select(queue.c.face_id).where(queue.c.campaign_id == campaign.id, queue.c.face_id == face.c.id)
    missing = (face.c.id.in_(face_ids), ~there.exists(), *askable(campaign))
    rows = connection.execute(_faces().where(*missing)).all()
    if rows:
        _insert(connection, campaign, rows)


def set_asked(connection: Connection, campaign: Campaign, votes: Mapping[int, int]) -> None:
    """Write down how many votes curators want at the least of each face; ``settle_many`` says what follows."""
    _update_rows(connection, campaign.id, [{"the_face": i, "asked": asked} for i, asked in votes.items()])


def rank_anew(connection: Connection, campaign: Campaign) -> None:
    """Give every face in the queue its place in the line again, by the campaign's order and seed."""
    rows = connection.execute(
        _faces().join(queue, queue.c.face_id == face.c.id).where(queue.c.campaign_id == campaign.id)
    ).all()
    _update_rows(
        connection, campaign.id, [{"the_face": row.id, "rank": _rank(campaign, row)} for row in rows]
    )


def rank_by_doubt(connection: Connection, campaign: Campaign, run_id: str, most_margin: float) -> int:
    """Mark the faces that a run doubts, the most doubted first; gives how many. A run's earlier marks go.

    The margin is how far the two strongest classes lie apart, 0 to 1; a face is doubted up to ``most_margin``.
    """
    rank_anew(connection, campaign)
    connection.execute(update(queue).where(queue.c.campaign_id == campaign.id).values(doubted=False))
    doubted = {i: m for i, m in _margins(connection, run_id).items() if m <= most_margin}
    rows = [{"the_face": i, "rank": margin - 1.0, "doubted": True} for i, margin in doubted.items()]
    _update_rows(connection, campaign.id, rows)
    settle_many(connection, campaign)
    return len(doubted)


def chunks(values: Iterable[Any]) -> Iterator[list[Any]]:
    """The values in lists short enough for one statement."""
    source = iter(values)
    while chunk := list(islice(source, AT_ONCE)):
        yield chunk


def answer_of(row: Any) -> str:
    """One vote's answer as the overlap counts it: its flag, or what it denies, or its classes, or unsure."""
    if row.flag is not None:
        return f"flag {row.flag}"
    return f"not {row.denies}" if row.denies is not None else "class " + "/".join(row.choices)


def _answers(
    connection: Connection, campaign_id: int, face_ids: Sequence[int] | None
) -> dict[int, Counter[str]]:
    statement = (
        select(standing.c.face_id, vote.c.choices, vote.c.denies, vote.c.flag)
        .join(vote, vote.c.id == standing.c.vote_id)
        .where(vote.c.action == "vote")
    )
    if face_ids is None:
        statement = statement.where(standing.c.campaign_id == campaign_id)
    else:  # by the index of the face: SQLite would walk all votes of the campaign if it had an index for it
        statement = statement.where(
            standing.c.face_id.in_(face_ids), standing.c.campaign_id + 0 == campaign_id
        )
    answers: dict[int, Counter[str]] = {}
    for row in connection.execute(statement):
        answers.setdefault(row.face_id, Counter())[answer_of(row)] += 1
    return answers


def _differs(row: Row[Any], new: Wanted) -> bool:
    return (row.voters, row.needs, row.urgent) != (new.voters, new.needs, new.urgent)


def _values(row: Row[Any], new: Wanted, now: datetime) -> dict[str, object]:
    done_at = None if new.needs else (row.done_at or now)
    return {"voters": new.voters, "needs": new.needs, "urgent": new.urgent, "done_at": done_at}


def _update_rows(connection: Connection, campaign_id: int, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        connection.execute(_UPDATE, [{"the_campaign": campaign_id, **row} for row in rows])


def _missing(connection: Connection, campaign: Campaign, face_ids: Sequence[int] | None) -> list[Row[Any]]:
    """The faces that fit the picks and are not in the queue yet."""
    there = select(queue.c.face_id).where(queue.c.campaign_id == campaign.id, queue.c.face_id == face.c.id)
    statement = _faces().where(~there.exists(), *_fits(campaign)).order_by(face.c.id)
    if face_ids is not None:
        statement = statement.where(face.c.id.in_(face_ids))
    rows = connection.execute(statement).all()
    picks = campaign.picks
    if picks.face_ids is not None:
        chosen = frozenset(picks.face_ids)
        rows = [row for row in rows if row.id in chosen]
    if picks.run_id is not None:
        margins = _margins(connection, picks.run_id)
        rows = [row for row in rows if margins.get(row.id, 2.0) <= picks.most_margin]
    return list(rows)


def _faces() -> Select[Any]:
    return select(face.c.id, face.c.crop_sha256, face.c.candidate_class)


def askable(campaign: Campaign) -> tuple[Any, ...]:
    """What a face must have for the campaign's question to make sense."""
    if campaign.question == "verify" and not campaign.about:
        return (face.c.candidate_class != "",)
    return ()


def _fits(campaign: Campaign) -> Iterator[Any]:
    yield from askable(campaign)
    picks = campaign.picks
    if picks.candidate_class is not None:
        yield face.c.candidate_class == picks.candidate_class
    if picks.harvest_id is not None:
        found = select(origin.c.photo_id).where(origin.c.harvest_id == picks.harvest_id)
        yield face.c.photo_id.in_(found)


def _margins(connection: Connection, run_id: str) -> dict[int, float]:
    """How far apart the two strongest classes lie for every face a run predicted, 0 to 1."""
    statement = select(prediction.c.face_id, prediction.c.probabilities).where(prediction.c.run_id == run_id)
    margins = {}
    for row in connection.execute(statement):
        top, second, *_ = (*sorted(row.probabilities.values(), reverse=True), 0.0, 0.0)
        margins[row.face_id] = top - second
    return margins


def _insert(connection: Connection, campaign: Campaign, faces: Sequence[Row[Any]]) -> None:
    now = datetime.now(UTC)
    new = wanted(campaign, Counter(), asked=0, doubted=False)
    rows = [
        {
            "campaign_id": campaign.id,
            "face_id": row.id,
            "candidate_class": row.candidate_class,
            "voters": 0,
            "needs": new.needs,
            "urgent": False,
            "doubted": False,
            "asked": 0,
            "rank": _rank(campaign, row),
            "added_at": now,
            "done_at": None,
        }
        for row in faces
    ]
    connection.execute(insert_for(connection, queue).on_conflict_do_nothing(), rows)
    settle_many(connection, campaign, [row.id for row in faces])


def _rank(campaign: Campaign, row: Row[Any]) -> float:
    """A face's place in the line, lowest first; faces of one place stand by their id."""
    if campaign.ordering == "age":
        return float(row.id)
    if campaign.ordering == "class":  # by the name's first letters; faces of no class last
        name = row.candidate_class.encode()[:6]
        return float(int.from_bytes(name.ljust(6, b"\0"), "big")) if name else _LAST
    return share(f"{campaign.seed} {row.crop_sha256}")


def share(text: str) -> float:
    """A number from 0 up to 1 that depends on the text alone, as if drawn at random."""
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=6).digest(), "big") / _LAST
