"""Invitations: links that let people in until a day, so many times. Only a token's hash is kept."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from db.annotators import add_annotator
from db.engine import Database
from db.records.people import Annotator, Invite, Role
from db.tables import invite


class InviteLedger:
    """``store.invites``: made, used up, revoked; times are the caller's clock or now."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def create(
        self,
        token_hash: str,
        *,
        created_by: int,
        expires_at: datetime,
        role: Role = "voter",
        name: str = "",
        uses: int = 1,
    ) -> Invite:
        """Store an invitation under the SHA-256 of its token. With a ``name`` it is for that person alone."""
        with self._db.write() as connection:
            connection.execute(
                insert(invite).values(
                    token_hash=token_hash,
                    role=role,
                    name=name,
                    created_by=created_by,
                    created_at=datetime.now(UTC),
                    expires_at=expires_at,
                    uses_left=uses,
                )
            )
            return _invite(_row(connection, token_hash))

    def find(self, token_hash: str, *, now: datetime | None = None) -> Invite | None:
        """The invitation, if it can still be used; looking does not use it up."""
        with self._db.read() as connection:
            row = connection.execute(select(invite).where(*_usable(token_hash, now))).first()
            return None if row is None else _invite(row)

    def use(self, token_hash: str, *, now: datetime | None = None) -> Invite | None:
        """Use it up once and give it, or None when it is unknown, too old, revoked or used up.

        Two people at once cannot use the last one both.
        """
        with self._db.write() as connection:
            return _used(connection, token_hash, now)

    def admit(self, token_hash: str, name: str, *, now: datetime | None = None) -> Annotator | None:
        """Use it up once for a new annotator of this name and the invitation's role; None as ``use``.

        Errors: as ``store.annotators.add``; the invitation is not used up then.
        """
        with self._db.write() as connection:
            used = _used(connection, token_hash, now)
            return None if used is None else add_annotator(connection, name, used.role)

    def revoke(self, token_hash: str) -> None:
        """Let nobody in by this link any more; those who came stay."""
        with self._db.write() as connection:
            still = (invite.c.token_hash == token_hash) & invite.c.revoked_at.is_(None)
            connection.execute(update(invite).where(still).values(revoked_at=datetime.now(UTC)))

    def all(self) -> tuple[Invite, ...]:
        """Every invitation, the newest first."""
        statement = select(invite).order_by(invite.c.created_at.desc(), invite.c.token_hash)
        with self._db.read() as connection:
            return tuple(_invite(row) for row in connection.execute(statement))


def _used(connection: Connection, token_hash: str, now: datetime | None) -> Invite | None:
    statement = update(invite).where(*_usable(token_hash, now))
    used = connection.execute(statement.values(uses_left=invite.c.uses_left - 1))
    return _invite(_row(connection, token_hash)) if used.rowcount else None


def _usable(token_hash: str, now: datetime | None) -> tuple[Any, ...]:
    return (
        invite.c.token_hash == token_hash,
        invite.c.uses_left > 0,
        invite.c.revoked_at.is_(None),
        invite.c.expires_at > (now or datetime.now(UTC)),
    )


def _row(connection: Connection, token_hash: str) -> Row[Any]:
    return connection.execute(select(invite).where(invite.c.token_hash == token_hash)).one()


def _invite(row: Row[Any]) -> Invite:
    return Invite(
        row.token_hash,
        row.role,
        row.name,
        row.created_by,
        row.created_at,
        row.expires_at,
        row.uses_left,
        row.revoked_at,
    )
