"""Curators' rows of the label ledger by the thousand, on their way to a file or from one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from db.engine import Database
from db.holdings import label_of, label_values, settle_labels
from db.queue_rows import chunks
from db.records import check
from db.records.labels import Label
from db.tables import label

AT_ONCE = 5000  # rows of one transaction
_Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class PastLabel:
    """A curator's decision (``by_id`` and ``at`` given), and when and by whom it was taken back, if it was."""

    label: Label
    undone_at: datetime | None = None
    undone_by: int | None = None

    def __post_init__(self) -> None:
        check(self.label.by_id is not None and self.label.at is not None, "a curator's row says who and when")

    @property
    def key(self) -> _Key:
        """What names the row in every store: the face, who, when and what."""
        one = self.label
        return (one.face_id, one.by_id, one.at, one.method, one.label, one.reason)


class LabelRowLedger:
    """``store.label_rows``: what exports read and imports add; rules' decisions are not among them."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def all(self) -> Iterator[PastLabel]:
        """Every decision of a curator, as they were made; read some thousand at a time."""
        withdrawal = label.alias("withdrawal")
        statement = (
            select(label, withdrawal.c.at.label("undone_at"), withdrawal.c.by_id.label("undone_by"))
            .outerjoin(withdrawal, withdrawal.c.undoes_id == label.c.id)
            .where(label.c.by_id.is_not(None), label.c.undoes_id.is_(None))
            .order_by(label.c.id)
            .limit(AT_ONCE)
        )
        last = 0
        while True:
            with self._db.read() as connection:
                rows = connection.execute(statement.where(label.c.id > last)).all()
            yield from (PastLabel(label_of(row), row.undone_at, row.undone_by) for row in rows)
            if len(rows) < AT_ONCE:
                return
            last = rows[-1].id

    def add(self, rows: Sequence[PastLabel]) -> int:
        """Add those rows (5000 at most), and withdrawals, that are not there yet, in one transaction.

        Gives how many were new. What holds follows: of a face the newest by its time. Errors: StoreError.
        """
        check(len(rows) <= AT_ONCE, f"at most {AT_ONCE} rows at once, got {len(rows)}")
        with self._db.write() as connection:
            ids, undone = _stored(connection, sorted({row.label.face_id for row in rows}))
            new = {row.key: row for row in rows if row.key not in ids}
            if new:
                statement = insert(label).returning(label.c.id, sort_by_parameter_order=True)
                values = [label_values(row.label) for row in new.values()]
                ids.update(zip(new, connection.execute(statement, values).scalars(), strict=True))
            taken_back = {ids[row.key]: row for row in rows if row.undone_at is not None}
            withdrawals = [_withdrawal(row, i) for i, row in taken_back.items() if i not in undone]
            if withdrawals:
                connection.execute(insert(label), withdrawals)
            settle_labels(connection, sorted({row.label.face_id for row in rows}))
            return len(new)


def _stored(connection: Connection, face_ids: Sequence[int]) -> tuple[dict[_Key, int], set[int]]:
    """The ids of curators' rows on these faces by key, and of all rows that were withdrawn."""
    ids: dict[_Key, int] = {}
    undone: set[int] = set()
    for chunk in chunks(face_ids):
        for row in connection.execute(select(label).where(label.c.face_id.in_(chunk))):
            if row.undoes_id is not None:
                undone.add(row.undoes_id)
            elif row.by_id is not None:
                ids[PastLabel(label_of(row)).key] = row.id
    return ids, undone


def _withdrawal(row: PastLabel, label_id: int) -> dict[str, object]:
    undo = Label(row.label.face_id, None, {}, 0.0, 0, "undo", row.undone_at, row.undone_by)
    return label_values(undo) | {"undoes_id": label_id}
