"""Pages of a gallery: filters and orders of faces as statements that indices answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, select

from db.errors import InputError
from db.holdings import held_labels
from db.records.faces import Face
from db.records.gallery import FaceFilter, FaceOrder, FaceRow
from db.tables import campaign, face, gold, holding, origin, queue, standing, vote

EVERY_FACE = FaceFilter()
_ORDERS: Mapping[FaceOrder, tuple[Any, ...]] = {
    "oldest": (face.c.id,),
    "newest": (face.c.id.desc(),),
    "least sure": (holding.c.confidence.asc().nulls_last(), face.c.id),
    "most sure": (holding.c.confidence.desc().nulls_last(), face.c.id),
    "fewest votes": (face.c.votes, face.c.id),
    "most votes": (face.c.votes.desc(), face.c.id.desc()),
}
_FLAGGED = select(vote.c.face_id, vote.c.flag).join(standing, standing.c.vote_id == vote.c.id)


def count(connection: Connection, only: FaceFilter) -> int:
    """How many faces fit."""
    statement = select(func.count()).select_from(face).where(*_conditions(only))
    return connection.scalar(statement) or 0


def page(
    connection: Connection, only: FaceFilter, order: FaceOrder, offset: int, limit: int | None
) -> tuple[int, ...]:
    """The ids of the faces that fit, in an order. Errors: InputError for an unknown order."""
    if order not in _ORDERS:
        raise InputError(f"faces have no order {order!r}", hint=f"choose one of {', '.join(_ORDERS)}")
    statement = select(face.c.id).where(*_conditions(only))
    if order in ("least sure", "most sure"):
        statement = statement.outerjoin(holding, holding.c.face_id == face.c.id)
    return tuple(connection.scalars(statement.order_by(*_ORDERS[order]).offset(offset).limit(limit)))


def rows(connection: Connection, faces: Sequence[tuple[Face, int]]) -> tuple[FaceRow, ...]:
    """The faces, each with its number of votes, with what holds of them."""
    ids = [one.id for one, _ in faces]
    labels = held_labels(connection, ids)
    known = frozenset(connection.scalars(select(gold.c.face_id).where(gold.c.face_id.in_(ids))))
    flags: dict[int, set[str]] = {}
    for face_id, flag in connection.execute(
        _FLAGGED.where(vote.c.face_id.in_(ids), vote.c.flag.is_not(None))
    ):
        flags.setdefault(face_id, set()).add(flag)
    return tuple(
        FaceRow(one, labels.get(one.id), votes, tuple(sorted(flags.get(one.id, ()))), one.id in known)
        for one, votes in faces
    )


def _conditions(only: FaceFilter) -> Iterator[ColumnElement[bool]]:
    yield from _of_face(only)
    yield from _of_photo(only)
    yield from _of_decision(only)
    yield from _of_votes(only)


def _of_face(only: FaceFilter) -> Iterator[ColumnElement[bool]]:
    if only.face_ids is not None:
        yield face.c.id.in_(only.face_ids)
    if only.candidate_class is not None:
        yield face.c.candidate_class == only.candidate_class
    if only.least_votes is not None:
        yield face.c.votes >= only.least_votes
    if only.most_votes is not None:
        yield face.c.votes <= only.most_votes


def _of_photo(only: FaceFilter) -> Iterator[ColumnElement[bool]]:
    wanted = {"harvest_id": only.harvest_id, "owner": only.owner, "source": only.source}
    same = [origin.c[name] == value for name, value in wanted.items() if value is not None]
    if not same:
        return
    found = select(origin.c.photo_id).where(*same)
    if only.harvest_id is None and only.owner is None:  # no index finds a source: look at the photos in turn
        yield found.where(origin.c.photo_id == face.c.photo_id).exists()
    else:
        yield face.c.photo_id.in_(found)


def _of_decision(only: FaceFilter) -> Iterator[ColumnElement[bool]]:
    held = []
    if only.label is not None:
        held.append(holding.c.label == only.label)
    if only.least_confidence is not None:
        held.append(holding.c.confidence >= only.least_confidence)
    if only.most_confidence is not None:
        held.append(holding.c.confidence <= only.most_confidence)
    if only.state not in (None, "undecided"):
        held.append(holding.c.state == only.state)
    if only.reviewed:
        held.append(holding.c.reviewed)
    if held:
        yield face.c.id.in_(select(holding.c.face_id).where(*held))
    if only.reviewed is False:
        yield face.c.id.not_in(select(holding.c.face_id).where(holding.c.reviewed))
    if only.state == "undecided":
        decided = select(holding.c.face_id).where(holding.c.state != "undecided")
        yield face.c.id.not_in(decided)


def _of_votes(only: FaceFilter) -> Iterator[ColumnElement[bool]]:
    if only.flag is not None:
        flagged = select(vote.c.face_id).join(standing, standing.c.vote_id == vote.c.id)
        same = vote.c.flag.is_not(None) if only.flag == "any" else vote.c.flag == only.flag
        yield face.c.id.in_(flagged.where(same))
    if only.voted_by is not None:
        yield face.c.id.in_(_judged_by(only.voted_by))
    if only.campaign_id is not None:
        asked = select(queue.c.face_id).where(queue.c.campaign_id == only.campaign_id)
        yield asked.where(queue.c.face_id == face.c.id).exists()
    if only.gold is not None:
        known = select(gold.c.face_id)
        yield face.c.id.in_(known) if only.gold else face.c.id.not_in(known)


def _judged_by(annotator_id: int) -> Select[tuple[int]]:
    """The faces on which a person's vote holds, in any campaign: what stands of theirs, but skips. Indices answer."""
    campaigns = select(campaign.c.id)
    skips = select(vote.c.id).where(
        vote.c.campaign_id.in_(campaigns),
        vote.c.annotator_id == annotator_id,
        vote.c.action == literal_column("'skip'"),  # as the partial index says it
    )
    return select(standing.c.face_id).where(
        standing.c.campaign_id.in_(campaigns),
        standing.c.annotator_id == annotator_id,
        standing.c.vote_id.not_in(skips),
    )
