"""Roles, invitations and web sessions: who may enter, and until when."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from at_once import at_once
from sqlalchemy import delete

from db.engine import engine_for
from db.errors import InputError, NotFoundError
from db.store import Store
from db.tables import annotator

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
DAY = timedelta(days=1)
TOKEN = "a" * 64


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url)
    yield opened
    opened.close()


def test_the_first_person_is_owner_and_the_others_are_what_they_are_made(store: Store) -> None:
    assert store.annotators.join("Robot", simulated=True).role == "voter"
    assert store.annotators.join("Ann").role == "owner"
    assert store.annotators.join("Bob").role == "voter"
    assert store.annotators.join("Cem", role="curator").role == "curator"
    assert store.annotators.join("Cem", role="owner").role == "curator"


def test_of_people_who_come_first_at_once_one_is_owner(database_url: str) -> None:
    for turn in range(4):
        store = Store.open(database_url)
        ready = threading.Barrier(5)

        def come(name: str, store: Store = store, ready: threading.Barrier = ready) -> None:
            store.annotators.find(name)  # so that everybody has a connection
            ready.wait()
            (store.annotators.add if name.endswith("1") else store.annotators.join)(name)

        at_once(*(partial(come, f"{turn} {i}") for i in range(5)))
        people = store.annotators.all()
        assert (len(people), [person.role for person in people].count("owner")) == (5, 1)
        engine = engine_for(database_url)
        with engine.begin() as connection:
            connection.execute(delete(annotator))
        engine.dispose()
        store.close()


def test_somebody_stays_owner(store: Store) -> None:
    ann, bob = store.annotators.join("Ann").id, store.annotators.join("Bob").id
    for refused in (lambda: store.annotators.set_role(ann, "voter"), lambda: store.annotators.disable(ann)):
        with pytest.raises(InputError, match="stay owner"):
            refused()
    assert store.annotators.get(ann).role == "owner"
    assert store.annotators.disable(bob).disabled_at is not None
    assert store.annotators.enable(bob).disabled_at is None
    assert store.annotators.set_role(bob, "owner").role == "owner"
    assert store.annotators.set_role(ann, "voter").role == "voter"


def test_people_are_renamed_and_keep_their_password(store: Store) -> None:
    ann, bob = store.annotators.join("Ann").id, store.annotators.join("Bob").id
    assert store.annotators.password_hash(ann) is None
    store.annotators.set_password_hash(ann, "scrypt$1")
    assert store.annotators.rename(ann, " Anna  Lea ").name == "Anna Lea"
    assert store.annotators.rename(ann, "ANNA LEA").id == ann
    assert store.annotators.password_hash(ann) == "scrypt$1"
    with pytest.raises(InputError, match="somebody else"):
        store.annotators.rename(bob, "anna lea")
    with pytest.raises(NotFoundError, match="annotator 99"):
        store.annotators.rename(99, "Zoe")
    assert store.annotators.find("Ann") is None


def test_an_invitation_is_used_up_runs_out_and_is_revoked(store: Store) -> None:
    ann = store.annotators.join("Ann").id
    made = store.invites.create(TOKEN, created_by=ann, expires_at=NOON + DAY, role="curator", uses=2)
    assert store.invites.find(TOKEN, now=NOON) == made
    used = store.invites.use(TOKEN, now=NOON)
    assert used is not None
    assert (used.role, used.uses_left) == ("curator", 1)
    assert store.invites.use(TOKEN, now=NOON + DAY) is None
    assert store.invites.use("b" * 64, now=NOON) is None
    store.invites.revoke(TOKEN)
    assert store.invites.use(TOKEN, now=NOON) is store.invites.find(TOKEN, now=NOON) is None
    assert [invite.token_hash for invite in store.invites.all()] == [TOKEN]


def test_two_people_at_once_cannot_both_use_the_last_of_an_invitation(store: Store) -> None:
    ann = store.annotators.join("Ann").id
    store.invites.create(TOKEN, created_by=ann, expires_at=NOON + DAY, uses=1)
    got = at_once(*[lambda: store.invites.use(TOKEN, now=NOON)] * 4)
    assert sorted(invite is not None for invite in got) == [False, False, False, True]


def test_a_session_ends_by_its_time_by_leaving_and_with_its_person(store: Store) -> None:
    store.annotators.join("Ann")
    bob = store.annotators.join("Bob").id
    store.logins.begin(TOKEN, bob, expires_at=NOON + DAY, now=NOON)
    found = store.logins.find(TOKEN, now=NOON)
    assert found is not None
    assert found.annotator_id == bob
    assert store.logins.find(TOKEN, now=NOON + DAY) is None
    store.annotators.disable(bob)
    assert store.logins.find(TOKEN, now=NOON) is None
    store.annotators.enable(bob)
    store.logins.end(TOKEN)
    assert store.logins.find(TOKEN, now=NOON) is None
    store.logins.begin("b" * 64, bob, expires_at=NOON + DAY, now=NOON)
    store.logins.end_all(bob)
    assert store.logins.find("b" * 64, now=NOON) is None
    assert all(login.ended_at for login in store.logins.of(bob))


def test_a_session_in_use_lasts_longer_and_is_noted_once_a_minute(store: Store) -> None:
    ann = store.annotators.join("Ann").id
    store.logins.begin(TOKEN, ann, expires_at=NOON + DAY, now=NOON)
    for seconds, seen in ((30, 0), (60, 60), (90, 60)):
        now = NOON + timedelta(seconds=seconds)
        store.logins.seen(TOKEN, expires_at=now + DAY, now=now)
        [login] = store.logins.of(ann)
        assert login.seen_at == NOON + timedelta(seconds=seen)
        assert login.expires_at == login.seen_at + DAY
