"""What holds of faces, written down in the transaction of the decision, and decisions as rows.

A curator's newest decision that was not undone holds, or without one the newest of a rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, case, delete, insert, select

from db.queue_rows import chunks
from db.records.labels import SENT_BACK, Label
from db.tables import holding, label

_withdrawal = label.alias("withdrawal")
NOT_UNDONE = (
    label.c.undoes_id.is_(None),
    ~select(_withdrawal.c.id).where(_withdrawal.c.undoes_id == label.c.id).exists(),
)
HOLDS = select(label).join(holding, holding.c.label_id == label.c.id)


def held_labels(connection: Connection, face_ids: Sequence[int]) -> dict[int, Label]:
    """The decision that holds for each of these faces that has one, within a transaction."""
    found: dict[int, Label] = {}
    for chunk in chunks(face_ids):
        rows = connection.execute(HOLDS.where(holding.c.face_id.in_(chunk)))
        found.update((row.face_id, label_of(row)) for row in rows)
    return found


def settle_labels(connection: Connection, face_ids: Sequence[int]) -> None:
    """Write down what holds for these faces after rows were added, within a transaction.

    Of curators' rows the newest by its time: one from a file may be older than what was decided here.
    """
    told_at = case((label.c.by_id.is_not(None), label.c.at))
    for chunk in chunks(face_ids):
        standing = select(label).where(label.c.face_id.in_(chunk), *NOT_UNDONE)
        rows = connection.execute(standing.order_by(label.c.by_id.is_not(None), told_at, label.c.id))
        newest = _newest(label_of(row) for row in rows)
        connection.execute(delete(holding).where(holding.c.face_id.in_(chunk)))
        if newest:
            connection.execute(insert(holding), [_holding(one) for one in newest.values()])


def _newest(rows: Iterable[Label]) -> dict[int, Label]:
    """What holds for each face, of rows that stand: rules' first, then curators', the newest last."""
    of_rules: dict[int, Label] = {}
    held: dict[int, Label] = {}
    for one in rows:
        if one.by_id is None:
            of_rules[one.face_id] = one
        elif one.method == SENT_BACK:
            held.pop(one.face_id, None)
        else:
            held[one.face_id] = one
    return of_rules | held


def _holding(one: Label) -> dict[str, object]:
    return {
        "face_id": one.face_id,
        "label_id": one.id,
        "state": one.state,
        "label": one.label,
        "confidence": one.confidence,
        "reviewed": one.by_id is not None,
    }


def label_values(new: Label) -> dict[str, object]:
    """A decision as a row of the table."""
    return {
        "face_id": new.face_id,
        "label": new.label,
        "distribution": dict(new.distribution),
        "confidence": new.confidence,
        "votes": new.votes,
        "method": new.method,
        "at": new.at or datetime.now(UTC),
        "by_id": new.by_id,
        "reason": new.reason,
        "batch": new.batch,
    }


def label_of(row: Row[Any]) -> Label:
    """A row of the table as a decision."""
    return Label(
        face_id=row.face_id,
        label=row.label,
        distribution=row.distribution,
        confidence=row.confidence,
        votes=row.votes,
        method=row.method,
        at=row.at,
        by_id=row.by_id,
        reason=row.reason,
        batch=row.batch,
        id=row.id,
        undoes_id=row.undoes_id,
    )
