"""Logins: web sessions that end. Only a token's hash is kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Row, insert, select, update

from db.engine import Database
from db.records.people import Login
from db.tables import annotator, login

_SEEN_EVERY = timedelta(minutes=1)


class LoginLedger:
    """``store.logins``: begun, looked up with every request, ended; times are the caller's clock or now."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def begin(
        self, token_hash: str, annotator_id: int, *, expires_at: datetime, now: datetime | None = None
    ) -> Login:
        """Store a session under the SHA-256 of its token."""
        now = now or datetime.now(UTC)
        new = Login(token_hash, annotator_id, now, expires_at, now, None)
        with self._db.write() as connection:
            connection.execute(
                insert(login).values(
                    token_hash=token_hash,
                    annotator_id=annotator_id,
                    created_at=now,
                    expires_at=expires_at,
                    seen_at=now,
                )
            )
        return new

    def find(self, token_hash: str, *, now: datetime | None = None) -> Login | None:
        """The session, if it is neither ended nor too old and its person may still enter. Writes nothing."""
        statement = (
            select(login)
            .join(annotator, annotator.c.id == login.c.annotator_id)
            .where(
                login.c.token_hash == token_hash,
                login.c.ended_at.is_(None),
                login.c.expires_at > (now or datetime.now(UTC)),
                annotator.c.disabled_at.is_(None),
            )
        )
        with self._db.read() as connection:
            row = connection.execute(statement).first()
            return None if row is None else _login(row)

    def seen(
        self, token_hash: str, *, expires_at: datetime | None = None, now: datetime | None = None
    ) -> None:
        """Note that the session is in use, at most once a minute; ``expires_at`` makes it last longer."""
        now = now or datetime.now(UTC)
        values = {"seen_at": now} | ({"expires_at": expires_at} if expires_at else {})
        due = (
            login.c.token_hash == token_hash,
            login.c.ended_at.is_(None),
            login.c.seen_at <= now - _SEEN_EVERY,
        )
        with self._db.read() as connection:  # a read first: no writer waits for what is not due
            if connection.scalar(select(login.c.token_hash).where(*due)) is None:
                return
        with self._db.write() as connection:
            connection.execute(update(login).where(*due).values(values))

    def end(self, token_hash: str) -> None:
        """End one session; ending it again changes nothing."""
        self._end(login.c.token_hash == token_hash)

    def end_all(self, annotator_id: int) -> None:
        """End every session of one person, as after a new password."""
        self._end(login.c.annotator_id == annotator_id)

    def of(self, annotator_id: int) -> tuple[Login, ...]:
        """Every session of one person, the newest first, ended ones too."""
        statement = select(login).where(login.c.annotator_id == annotator_id)
        with self._db.read() as connection:
            rows = connection.execute(statement.order_by(login.c.created_at.desc(), login.c.token_hash))
            return tuple(_login(row) for row in rows)

    def _end(self, which: Any) -> None:
        with self._db.write() as connection:
            connection.execute(
                update(login).where(which, login.c.ended_at.is_(None)).values(ended_at=datetime.now(UTC))
            )


def _login(row: Row[Any]) -> Login:
    return Login(row.token_hash, row.annotator_id, row.created_at, row.expires_at, row.seen_at, row.ended_at)
