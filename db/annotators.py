"""Who votes: people, and simulated annotators that are always marked as such."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, select, update

from db.engine import Database
from db.errors import InputError, NotFoundError
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.people import Annotator, Role
from db.tables import annotator, campaign
from db.upsert import insert_for

LONGEST_NAME = 64
_FIRST_COMES_FIRST = (  # the row that every store has (PostgreSQL; SQLite has one writer)
    select(campaign.c.id).where(campaign.c.id == MAIN_CAMPAIGN).with_for_update(key_share=True)
)
_LOCK = select(annotator.c.id).where(annotator.c.id == bindparam("who")).with_for_update()


class AnnotatorLedger:
    """``store.annotators``: who votes, and what each may do."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def join(
        self,
        name: str,
        *,
        simulated: bool = False,
        note: str = "",
        role: Role = "voter",
        elsewhere: bool = False,
    ) -> Annotator:
        """The annotator of this name, made if new; "ana " is the same person as "Ana".

        ``role`` is for a new person only; the first who is neither simulated nor known from ``elsewhere`` (a file
        of votes) is the owner whatever it says. An empty name, or one of more than 64 characters, is a ValueError.
        """
        name = _checked(name)
        with self._db.write() as connection:
            if not simulated and not elsewhere and _comes_first(connection):
                role = "owner"
            statement = insert_for(connection, annotator).values(
                name=name,
                key=name_key(name),
                simulated=simulated,
                note=note,
                created_at=datetime.now(UTC),
                role=role,
            )
            connection.execute(statement.on_conflict_do_nothing(index_elements=["key"]))
            found = select(annotator).where(annotator.c.key == name_key(name))
            return _annotator(connection.execute(found).one())

    def add(self, name: str, *, role: Role = "voter") -> Annotator:
        """A new annotator; the first who is not simulated is the owner. Of two at once, one gets the name.

        Errors: InputError when somebody has the name, ValueError as ``join``.
        """
        with self._db.write() as connection:
            return add_annotator(connection, name, role)

    def find(self, name: str) -> Annotator | None:
        """The annotator of this name, if one has joined."""
        with self._db.read() as connection:
            row = connection.execute(
                select(annotator).where(annotator.c.key == name_key(tidy_name(name)))
            ).first()
            return None if row is None else _annotator(row)

    def all(self) -> tuple[Annotator, ...]:
        """Everyone who joined, in the order they did."""
        with self._db.read() as connection:
            return tuple(
                _annotator(row) for row in connection.execute(select(annotator).order_by(annotator.c.id))
            )

    def get(self, annotator_id: int) -> Annotator:
        """The annotator of this id. Errors: NotFoundError."""
        with self._db.read() as connection:
            return _load(connection, annotator_id)

    def set_role(self, annotator_id: int, role: Role) -> Annotator:
        """Give someone a role. Errors: NotFoundError, InputError when nobody would be owner any more."""
        return self._change(annotator_id, role=role)

    def rename(self, annotator_id: int, name: str) -> Annotator:
        """Give someone another name; votes stay theirs. Errors: NotFoundError, InputError when it is taken,
        ValueError as ``join``.
        """
        name = _checked(name)
        return self._change(annotator_id, name=name, key=name_key(name))

    def disable(self, annotator_id: int) -> Annotator:
        """Let someone no longer in; their votes stay. Errors: NotFoundError, InputError for the last owner."""
        return self._change(annotator_id, disabled_at=datetime.now(UTC))

    def enable(self, annotator_id: int) -> Annotator:
        """Let someone in again. Errors: NotFoundError."""
        return self._change(annotator_id, disabled_at=None)

    def set_password_hash(self, annotator_id: int, password_hash: str | None) -> None:
        """Keep what a password was hashed to, or nothing. Errors: NotFoundError."""
        self._change(annotator_id, password_hash=password_hash)

    def password_hash(self, annotator_id: int) -> str | None:
        """What this person's password was hashed to; None without a password, or without such a person."""
        with self._db.read() as connection:
            return connection.scalar(select(annotator.c.password_hash).where(annotator.c.id == annotator_id))

    def _change(self, annotator_id: int, **values: object) -> Annotator:
        with self._db.write() as connection:
            old = _load(connection, annotator_id, lock=True)
            if "key" in values:
                _check_free(connection, annotator_id, str(values["key"]))
            connection.execute(update(annotator).where(annotator.c.id == annotator_id).values(values))
            if old.role == "owner" and not _has_owner(connection):
                raise InputError(
                    "somebody must stay owner of the workspace", hint="make another person owner first"
                )
            return _load(connection, annotator_id)


def tidy_name(name: str) -> str:
    """A name as it is shown: one space between words, none around them."""
    return " ".join(unicodedata.normalize("NFC", name).split())


def name_key(tidy: str) -> str:
    """What two spellings of one name share, blind to case."""
    return unicodedata.normalize("NFC", tidy.casefold())


def add_annotator(connection: Connection, name: str, role: Role) -> Annotator:
    """``AnnotatorLedger.add`` within a transaction."""
    name = _checked(name)
    given: Role = "owner" if _comes_first(connection) else role
    values = {"name": name, "key": name_key(name), "simulated": False, "note": "", "role": given}
    statement = insert_for(connection, annotator).values(created_at=datetime.now(UTC), **values)
    if not connection.execute(statement.on_conflict_do_nothing(index_elements=["key"])).rowcount:
        raise InputError("somebody has that name already", hint="choose another name")
    found = select(annotator).where(annotator.c.key == name_key(name))
    return _annotator(connection.execute(found).one())


def lock_annotator(connection: Connection, annotator_id: int) -> None:
    """One change of one annotator at a time (SQLite's BEGIN IMMEDIATE already sees to that).

    Errors: NotFoundError.
    """
    if connection.scalar(_LOCK, {"who": annotator_id}) is None:
        raise NotFoundError(f"there is no annotator {annotator_id}", hint="name yourself first")


def _checked(name: str) -> str:
    name = tidy_name(name)
    if not name:
        raise ValueError("an annotator needs a name")
    if len(name) > LONGEST_NAME:
        raise ValueError(f"a name has at most {LONGEST_NAME} characters, got {len(name)}")
    return name


def _load(connection: Connection, annotator_id: int, *, lock: bool = False) -> Annotator:
    statement = select(annotator).where(annotator.c.id == annotator_id)
    row = connection.execute(statement.with_for_update() if lock else statement).first()
    if row is None:
        raise NotFoundError(f"there is no annotator {annotator_id}", hint="name yourself first")
    return _annotator(row)


def _check_free(connection: Connection, annotator_id: int, key: str) -> None:
    if connection.scalar(select(annotator.c.id).where(annotator.c.key == key)) not in (None, annotator_id):
        raise InputError("somebody else has that name already", hint="choose another name")


def _comes_first(connection: Connection) -> bool:
    """Whether there is no owner yet. Of two who come at once, the second waits and sees the first."""
    if _owner_is_there(connection):
        return False
    connection.execute(_FIRST_COMES_FIRST)
    return not _owner_is_there(connection)


def _owner_is_there(connection: Connection) -> bool:
    return bool(connection.scalar(select(exists().where(annotator.c.role == "owner"))))


def _has_owner(connection: Connection) -> bool:
    """Whether somebody who may enter is owner."""
    owner = exists().where(annotator.c.role == "owner", annotator.c.disabled_at.is_(None))
    return bool(connection.scalar(select(owner)))


def _annotator(row: Row[Any]) -> Annotator:
    return Annotator(row.id, row.name, row.simulated, row.note, row.created_at, row.role, row.disabled_at)
