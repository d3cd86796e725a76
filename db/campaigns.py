"""Campaigns: the questions put to people, and which faces, people, overlap and order each has."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from db import queue_rows
from db.annotators import name_key, tidy_name
from db.engine import Database
from db.errors import InputError, NotFoundError
from db.overlap import Overlap
from db.records.campaigns import MAIN_CAMPAIGN, Campaign, GoldMix, NewCampaign, Picks, Suggest
from db.tables import campaign
from db.walks import Walks

Lock = Literal["", "use", "change"]
_ASKED = frozenset(field.name for field in fields(NewCampaign))


class CampaignLedger:
    """``store.campaigns``: there is always one, "main"."""

    def __init__(self, database: Database, walks: Walks) -> None:
        self._db, self._walks = database, walks

    def create(self, new: NewCampaign, *, may_wait: bool = True) -> Campaign:
        """Store a campaign and fill its queue; without ``may_wait`` some face must be there that it asks about.

        Errors: InputError for an empty name, one that is taken, or no face; then nothing is stored.
        """
        with self._db.write() as connection:
            _check_name(connection, new.name)
            statement = insert(campaign).values(_values(new) | {"created_at": datetime.now(UTC)})
            made = connection.execute(statement.returning(campaign.c.id)).scalar_one()
            stored = load(connection, made)
            if not queue_rows.fill(connection, stored) and not may_wait:
                raise _no_face(new)
            return stored

    def restore(self, past: Campaign, *, instead_of: int | None = None) -> Campaign:
        """Store a campaign as another store had it, open or closed, with its times (its id is not looked at);
        ``instead_of`` is a campaign that it takes the place of. Errors: InputError for a name that is taken or
        empty, NotFoundError.
        """
        values = _values(past) | {"created_at": past.created_at, "closed_at": past.closed_at}
        with self._db.write() as connection:
            _check_name(connection, past.name, own=instead_of)
            if instead_of is None:
                made = insert(campaign).values(values).returning(campaign.c.id)
                stored = load(connection, connection.execute(made).scalar_one())
            else:
                load(connection, instead_of, lock="change")
                connection.execute(update(campaign).where(campaign.c.id == instead_of).values(values))
                stored = load(connection, instead_of)
                queue_rows.rank_anew(connection, stored)
                queue_rows.settle_many(connection, stored)
            queue_rows.fill(connection, stored)
        self._walks.forget(stored.id)
        return stored

    def all(self) -> tuple[Campaign, ...]:
        """Every campaign, the oldest first."""
        with self._db.read() as connection:
            return tuple(
                campaign_of(row) for row in connection.execute(select(campaign).order_by(campaign.c.id))
            )

    def get(self, campaign_id: int) -> Campaign:
        """The campaign of this id. Errors: NotFoundError."""
        with self._db.read() as connection:
            return load(connection, campaign_id)

    def by_name(self, name: str) -> Campaign | None:
        """The campaign of this name, blind to case and spaces, if there is one."""
        statement = select(campaign).where(campaign.c.key == name_key(tidy_name(name)))
        with self._db.read() as connection:
            row = connection.execute(statement).first()
            return None if row is None else campaign_of(row)

    def main(self) -> Campaign:
        """The campaign every store has."""
        return self.get(MAIN_CAMPAIGN)

    def change(self, campaign_id: int, **values: object) -> Campaign:
        """Change fields of ``NewCampaign``, also while people vote; no vote is lost.

        A new overlap reopens or finishes faces at once; a new order or seed lines them up anew; new picks add
        faces and never take any out. Errors: NotFoundError, InputError for an unknown field or a taken name.
        """
        if strangers := sorted(set(values) - _ASKED):
            raise InputError(
                f"a campaign has no {strangers[0]!r}", hint=f"it has {', '.join(sorted(_ASKED))}"
            )
        with self._db.write() as connection:
            old = load(connection, campaign_id, lock="change")
            changed: Campaign = replace(old, **values)  # type: ignore[arg-type]
            _check_name(connection, changed.name, own=campaign_id)
            connection.execute(update(campaign).where(campaign.c.id == campaign_id).values(_values(changed)))
            if (old.ordering, old.seed) != (changed.ordering, changed.seed):
                queue_rows.rank_anew(connection, changed)
            if old.picks != changed.picks:
                queue_rows.fill(connection, changed)
            if (old.overlap, old.ordering) != (changed.overlap, changed.ordering):
                queue_rows.settle_many(connection, changed)
        self._walks.forget(campaign_id)
        return changed

    def close(self, campaign_id: int) -> Campaign:
        """Hand out no more faces; a vote that comes late still counts. Closing again changes nothing."""
        return self._set_closed(campaign_id, datetime.now(UTC))

    def reopen(self, campaign_id: int) -> Campaign:
        """Hand out faces again, those that came meanwhile too."""
        return self._set_closed(campaign_id, None)

    def _set_closed(self, campaign_id: int, at: datetime | None) -> Campaign:
        with self._db.write() as connection:
            old = load(connection, campaign_id, lock="change")
            changed = replace(old, closed_at=(old.closed_at or at) if at else None)
            connection.execute(
                update(campaign).where(campaign.c.id == campaign_id).values(closed_at=changed.closed_at)
            )
            if at is None:
                queue_rows.fill(connection, changed)
        self._walks.forget(campaign_id)
        return changed


_LOAD = select(campaign).where(campaign.c.id == bindparam("the_campaign"))
_LOADS = {
    "": _LOAD,
    "use": _LOAD.with_for_update(read=True),
    "change": _LOAD.with_for_update(
        key_share=True
    ),  # or a lease, which refers to the campaign, would wait for it
}


def load(connection: Connection, campaign_id: int, *, lock: Lock = "") -> Campaign:
    """The campaign, within a transaction. ``lock`` "use" keeps others from changing it, "change" from using it
    too (PostgreSQL; SQLite has one writer). Errors: NotFoundError.
    """
    row = connection.execute(_LOADS[lock], {"the_campaign": campaign_id}).first()
    if row is None:
        raise NotFoundError(f"there is no campaign {campaign_id}", hint="reload the page")
    return campaign_of(row)


def open_campaigns(connection: Connection) -> tuple[Campaign, ...]:
    """The campaigns that are not closed, within a transaction."""
    rows = connection.execute(select(campaign).where(campaign.c.closed_at.is_(None)).order_by(campaign.c.id))
    return tuple(campaign_of(row) for row in rows)


def campaign_of(row: Row[Any]) -> Campaign:
    picks, suggest = dict(row.picks), row.suggest
    if picks.get("face_ids") is not None:
        picks["face_ids"] = tuple(picks["face_ids"])
    return Campaign(
        name=row.name,
        question=row.question,
        classes=tuple(row.classes),
        about=row.about,
        several=row.several,
        overlap=Overlap(**row.overlap),
        rule=row.rule,
        blind=row.blind,
        ordering=row.ordering,
        picks=Picks(**picks),
        voters=tuple(row.voters),
        suggest=None if suggest is None else Suggest(**suggest),
        gold=GoldMix(**row.gold),
        seed=row.seed,
        id=row.id,
        created_at=row.created_at,
        closed_at=row.closed_at,
    )


def _values(new: NewCampaign) -> dict[str, Any]:
    name = tidy_name(new.name)
    return {
        "name": name,
        "key": name_key(name),
        "question": new.question,
        "classes": list(new.classes),
        "about": new.about,
        "several": new.several,
        "overlap": asdict(new.overlap),
        "rule": new.rule,
        "blind": new.blind,
        "ordering": new.ordering,
        "picks": {name: value for name, value in asdict(new.picks).items() if value is not None},
        "voters": list(new.voters),
        "suggest": None if new.suggest is None else asdict(new.suggest),
        "gold": asdict(new.gold),
        "seed": new.seed,
    }


def _no_face(new: NewCampaign) -> InputError:
    """What is wrong, and what to do, when there is no face that a new campaign asks about."""
    why, hint = "none fits what it picks", "pick other faces"
    if new.question == "verify" and not new.about:
        why, hint = "none that it picks was found by a search for a class", "name the class to ask about"
    return InputError(f"campaign {new.name!r} would ask about no face: {why}", hint=hint)


def _check_name(connection: Connection, name: str, own: int | None = None) -> None:
    tidy = tidy_name(name)
    if not 1 <= len(tidy) <= 64:
        raise InputError(f"a campaign's name has 1 to 64 characters, got {len(tidy)}")
    taken = connection.scalar(select(campaign.c.id).where(campaign.c.key == name_key(tidy)))
    if taken is not None and taken != own:
        raise InputError(f"there is a campaign {tidy!r} already", hint="give this one another name")
