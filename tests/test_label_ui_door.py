"""Who may come in, and how long: passwords, invitations, logins, the first owner; and the team's commands."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, closing, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from at_once import at_once
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from label_server import free_port

from db.errors import InputError, NotFoundError
from db.records.people import Annotator
from db.store import Store
from db.workspace import Workspace, create_workspace, open_workspace
from label_ui import passwords
from label_ui.cli import main
from label_ui.door import check_door, is_loopback, open_door, own_address, password_of
from label_ui.doorkeeper import IDLE, LONGEST, Doorkeeper, Visitor, hash_of, needs_owner_key
from label_ui.people import People
from label_ui.rates import Limiter, Rate
from label_ui.roles import LoginNeededError, LoginRefusedError, NotAllowedError, TooOftenError

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
HERE = "192.0.2.7"
CHEAP = passwords.Cost(4, 8, 1)
PASSWORD = "four words that rhyme"


@pytest.fixture
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real hash at a cost that lets a test make many."""
    monkeypatch.setattr(passwords, "COST", CHEAP)
    monkeypatch.setattr(passwords.hash_password, "__defaults__", (CHEAP,))


@pytest.fixture
def keeper(workspace: Workspace, cheap_hashes: None) -> Doorkeeper:
    """The doorkeeper of a networked workbench whose owner is Olga."""
    workspace.store.annotators.add("Olga")
    return Doorkeeper(workspace.store, asks_login=True)


def olga(workspace: Workspace) -> Annotator:
    found = workspace.store.annotators.find("Olga")
    assert found is not None
    return found


def link(workspace: Workspace, **how: Any) -> str:
    return People(workspace.store).invite(olga(workspace), **how).token


def name_of(visitor: Visitor) -> str:
    assert visitor.annotator is not None
    return visitor.annotator.name


# ---- the port ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_this_machine_alone_needs_no_login(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "myhost.example"])
def test_others_must_log_in(address: str) -> None:
    assert not is_loopback(address)


def test_the_owners_first_password_comes_from_the_environment() -> None:
    assert password_of({"MIMIQUE_LABEL_PASSWORD": "a long phrase"}) == "a long phrase"
    assert password_of({}) == ""


def test_a_taken_port_names_another_that_is_free() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        port = door.getsockname()[1]
        with pytest.raises(InputError, match="is taken") as caught:
            check_door("127.0.0.1", port, "label --workspace faces")
        with pytest.raises(InputError, match="cannot listen"):
            open_door("127.0.0.1", port)
    found = re.fullmatch(r"label --workspace faces --port (\d+)", caught.value.hint)
    assert found
    check_door("127.0.0.1", int(found[1]))


def test_answers_leave_at_once() -> None:
    """asyncio ends Nagle's delay, 40 ms an answer to many browsers, only of a socket that says TCP."""
    with open_door("127.0.0.1", 0) as door:
        assert door.proto == socket.IPPROTO_TCP


def test_an_address_of_another_machine_is_named() -> None:
    with pytest.raises(InputError, match=r"cannot listen on 203\.0\.113\.1"):
        check_door("203.0.113.1", free_port())


def test_the_own_address_is_an_address() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+", own_address())


# ---- passwords ----------------------------------------------------------------------------------------------


def test_a_password_is_kept_as_a_salted_hash_at_the_cost_owasp_asks_for() -> None:
    one, other = passwords.hash_password(PASSWORD), passwords.hash_password(PASSWORD)
    assert one.startswith("scrypt$15$8$3$") and one != other and PASSWORD not in one
    assert passwords.is_password(PASSWORD, one) and not passwords.is_password(PASSWORD + " ", one)
    assert not passwords.is_outdated(one)


@given(st.text(max_size=40), st.text(max_size=40))
@settings(max_examples=60, deadline=None)
def test_only_the_same_password_opens(one: str, other: str) -> None:
    hashed = passwords.hash_password(one, CHEAP)
    assert passwords.is_password(one, hashed)
    same = passwords.unicodedata.normalize("NFKC", one) == passwords.unicodedata.normalize("NFKC", other)
    assert passwords.is_password(other, hashed) is same


def test_without_a_hash_no_password_opens() -> None:
    assert not passwords.is_password("", None) and not passwords.is_password("", "")


@pytest.mark.parametrize("password", ["", "short", "1234567", "x" * 257])
def test_a_new_password_is_neither_short_nor_endless(password: str) -> None:
    with pytest.raises(InputError, match="8 to 256 characters"):
        passwords.check_new_password(password)


def test_a_hash_of_lower_cost_is_made_anew_at_the_next_login(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    old = passwords.hash_password(PASSWORD, passwords.Cost(3, 8, 1))
    workspace.store.annotators.set_password_hash(olga(workspace).id, old)
    keeper.log_in("Olga", PASSWORD, HERE)
    new = workspace.store.annotators.password_hash(olga(workspace).id)
    assert new is not None and new != old and not passwords.is_outdated(new)
    assert name_of(keeper.log_in("Olga", PASSWORD, HERE)) == "Olga"


# ---- logging in -----------------------------------------------------------------------------------------------


def test_the_answer_to_a_wrong_login_never_says_whether_the_name_exists(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    People(workspace.store).set_password("Olga", PASSWORD)
    said = set()
    for name, password in (("Olga", "wrong"), ("Nobody", PASSWORD), ("", ""), ("Olga", "")):
        with pytest.raises(LoginRefusedError) as caught:
            keeper.log_in(name, password, HERE)
        said.add((str(caught.value), caught.value.hint))
    assert len(said) == 1


def test_tries_are_limited_by_name_and_address_and_a_right_one_clears_the_name(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    People(workspace.store).set_password("Olga", PASSWORD)
    for _ in range(9):
        with pytest.raises(LoginRefusedError):
            keeper.log_in("Olga", "wrong", HERE)
    assert name_of(keeper.log_in("olga ", PASSWORD, HERE)) == "Olga"
    with pytest.raises(TooOftenError, match="too many tries"):
        for _ in range(60):
            with pytest.raises(LoginRefusedError):
                keeper.log_in("Olga", "wrong", HERE)
    assert name_of(keeper.log_in("Olga", PASSWORD, "192.0.2.99")) == "Olga"  # others are not locked out


def test_a_thousand_tries_a_second_cost_next_to_nothing(
    keeper: Doorkeeper, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(12):
        with pytest.raises((LoginRefusedError, TooOftenError)):
            keeper.log_in("Olga", "wrong", HERE)
    monkeypatch.setattr(passwords, "COST", passwords.Cost())  # from here on every hash would take its time
    began = time.process_time()
    for _ in range(1000):
        with pytest.raises(TooOftenError):
            keeper.log_in("Olga", "wrong", HERE)
    assert time.process_time() - began < 2


def test_a_login_ends_when_nobody_uses_it_and_in_any_case_after_a_month(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    visitor = keeper.accept(link(workspace), "Ana", "")
    logins, key, now = workspace.store.logins, hash_of(visitor.token), datetime.now(UTC)
    assert name_of(keeper.visitor(visitor.token)) == "Ana"
    assert logins.find(key, now=now + IDLE - timedelta(hours=1)) is not None
    assert logins.find(key, now=now + IDLE + timedelta(hours=1)) is None
    workspace.store.logins.begin(
        hash_of("old"), olga(workspace).id, expires_at=now + IDLE, now=now - LONGEST + timedelta(days=1)
    )
    assert name_of(keeper.visitor("old")) == "Olga"  # used today: but it lasts one more day, not seven
    assert logins.find(hash_of("old"), now=now + timedelta(days=2)) is None


def test_every_login_has_a_token_of_its_own_which_is_not_kept(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    People(workspace.store).set_password("Olga", PASSWORD)
    one, other = (keeper.log_in("Olga", PASSWORD, HERE) for _ in range(2))
    assert one.token != other.token and one.page_token != other.page_token
    kept = {login.token_hash for login in workspace.store.logins.of(olga(workspace).id)}
    assert kept == {hash_of(one.token), hash_of(other.token)}
    keeper.leave(one)
    assert keeper.visitor(one.token).annotator is None
    assert name_of(keeper.visitor(other.token)) == "Olga"


@pytest.mark.parametrize("token", ["", "x", "é" * 50, "' OR 1=1 --", "a" * 10_000])
def test_a_made_up_token_is_nobody(keeper: Doorkeeper, token: str) -> None:
    assert keeper.visitor(token) == Visitor(None)


def test_a_disabled_person_is_out_at_once_and_their_votes_stay(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    visitor = keeper.accept(link(workspace), "Bob", PASSWORD)
    People(workspace.store).disable("Bob")
    assert keeper.visitor(visitor.token).annotator is None
    with pytest.raises(NotAllowedError, match="may no longer come in"):
        keeper.log_in("Bob", PASSWORD, HERE)
    People(workspace.store).enable("Bob")
    assert name_of(keeper.log_in("Bob", PASSWORD, HERE)) == "Bob"


def test_a_new_password_needs_the_old_one_and_ends_other_logins(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    here = keeper.accept(link(workspace), "Ana", PASSWORD)
    there = keeper.log_in("Ana", PASSWORD, HERE)
    assert here.annotator is not None
    with pytest.raises(LoginRefusedError, match="not your password"):
        keeper.change_password(here.annotator, "guess", "another phrase", HERE)
    changed = keeper.change_password(here.annotator, PASSWORD, "another phrase", HERE)
    assert keeper.visitor(there.token).annotator is None and keeper.visitor(here.token).annotator is None
    assert name_of(keeper.visitor(changed.token)) == "Ana"
    assert name_of(keeper.log_in("Ana", "another phrase", HERE)) == "Ana"


# ---- invitations ------------------------------------------------------------------------------------------------


def test_a_link_makes_a_new_person_in_its_role_as_often_as_it_says(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    token = link(workspace, role="curator", uses=2)
    came = [keeper.accept(token, name, "").annotator for name in ("Ana", "Bob")]
    assert [(who.name, who.role) for who in came if who] == [("Ana", "curator"), ("Bob", "curator")]
    with pytest.raises(LoginRefusedError, match="does not let anyone in"):
        keeper.accept(token, "Cem", "")
    assert workspace.store.annotators.find("Cem") is None


def test_looking_at_a_link_does_not_use_it_up(workspace: Workspace, keeper: Doorkeeper) -> None:
    token = link(workspace, name="Ana")
    for _ in range(5):
        assert keeper.welcome(token).name == "Ana"
    assert name_of(keeper.accept(token, "ignored", "")) == "Ana"


def test_nobody_becomes_an_existing_person_through_an_open_link(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    token = link(workspace)
    for name in ("Olga", " olga ", "OLGA"):
        with pytest.raises(InputError, match="has that name already"):
            keeper.accept(token, name, "")
    assert name_of(keeper.accept(token, "Ana", "")) == "Ana"  # the tries did not use it up


def test_a_link_for_a_person_lets_them_back_in_and_may_raise_but_not_lower_their_role(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    keeper.accept(link(workspace), "Ana", "")
    raised = keeper.accept(link(workspace, name="ana", role="curator"), "", PASSWORD).annotator
    assert raised is not None and (raised.name, raised.role) == ("Ana", "curator")
    kept = keeper.accept(link(workspace, name="Ana", role="voter"), "", "").annotator
    assert kept is not None and kept.role == "curator"
    assert name_of(keeper.log_in("Ana", PASSWORD, HERE)) == "Ana"


def test_a_link_that_is_called_back_or_too_old_lets_nobody_in(
    workspace: Workspace, keeper: Doorkeeper
) -> None:
    people = People(workspace.store)
    called_back = people.invite(olga(workspace))
    people.revoke(called_back.invite.token_hash[:8])
    old = hash_of("old")
    yesterday = datetime.now(UTC) - timedelta(days=1)
    workspace.store.invites.create(old, created_by=olga(workspace).id, expires_at=yesterday)
    for token in (called_back.token, "old", "made up", ""):
        with pytest.raises(LoginRefusedError):
            keeper.accept(token, "Ana", "")
    assert people.invites() == ()


@pytest.mark.parametrize("name", ["", "   ", "x" * 65])
def test_a_name_that_will_not_do_leaves_the_link_as_it_was(
    workspace: Workspace, keeper: Doorkeeper, name: str
) -> None:
    token = link(workspace)
    for password in ("", PASSWORD):
        with pytest.raises(InputError, match="name"):
            keeper.accept(token, name, password)
    with pytest.raises(InputError, match="a password has"):
        keeper.accept(token, "Good", "short")
    assert name_of(keeper.accept(token, "Good", "")) == "Good"


def test_a_name_that_will_not_do_leaves_the_owners_key_as_it_was(
    workspace: Workspace, cheap_hashes: None
) -> None:
    keeper = Doorkeeper(workspace.store, asks_login=True, owner_key="the key")
    for name in ("", "x" * 65):
        with pytest.raises(InputError, match="name"):
            keeper.accept("the key", name, "")
    came = keeper.accept("the key", "Olga", PASSWORD).annotator
    assert came is not None and (came.name, came.role) == ("Olga", "owner")


def test_a_link_for_a_disabled_person_is_not_used_up(workspace: Workspace, keeper: Doorkeeper) -> None:
    keeper.accept(link(workspace), "Ana", "")
    token = link(workspace, name="Ana")
    People(workspace.store).disable("Ana")
    with pytest.raises(NotAllowedError):
        keeper.accept(token, "", "")
    People(workspace.store).enable("Ana")
    assert name_of(keeper.accept(token, "", "")) == "Ana"


def test_a_name_lost_in_a_race_uses_up_one_link_only(workspace: Workspace, keeper: Doorkeeper) -> None:
    tokens = [link(workspace) for _ in range(6)]
    came: list[str] = []

    def guest(token: str) -> None:
        with suppress(InputError):
            came.append(name_of(keeper.accept(token, "Same", "")))

    at_once(*(partial(guest, token) for token in tokens))
    assert came == ["Same"] and len(People(workspace.store).invites()) == 5


def test_two_guests_at_once_do_not_share_the_last_use(workspace: Workspace, keeper: Doorkeeper) -> None:
    token = link(workspace)
    came: list[str] = []

    def guest(name: str) -> None:
        try:
            came.append(name_of(keeper.accept(token, name, "")))
        except (LoginRefusedError, InputError):
            came.append("")

    at_once(*(partial(guest, f"Guest {i}") for i in range(6)))
    assert sorted(bool(name) for name in came) == [False] * 5 + [True]


def test_two_guests_at_once_do_not_become_one_person(workspace: Workspace, keeper: Doorkeeper) -> None:
    token = link(workspace, uses=6)
    came: list[str] = []

    def guest() -> None:
        try:
            came.append(name_of(keeper.accept(token, "Same", "")))
        except InputError:
            came.append("")

    at_once(*[guest] * 6)
    assert sorted(came) == ["", "", "", "", "", "Same"]


@pytest.mark.parametrize(
    "how", [{"days": 0}, {"days": 91}, {"uses": 0}, {"uses": 201}, {"name": "A", "uses": 2}]
)
def test_a_link_that_makes_no_sense_is_not_made(
    workspace: Workspace, keeper: Doorkeeper, how: dict[str, Any]
) -> None:
    with pytest.raises(InputError):
        link(workspace, **how)


# ---- the first owner, and a machine of one's own ------------------------------------------------------------------


def test_the_password_of_the_start_lets_the_owner_in_and_nobody_else(
    workspace: Workspace, cheap_hashes: None
) -> None:
    keeper = Doorkeeper(workspace.store, asks_login=True, password=PASSWORD)
    first = keeper.log_in("Olga", PASSWORD, HERE).annotator
    assert first is not None and first.role == "owner"
    workspace.store.annotators.add("Ana")
    for name in ("Ana", "Someone new"):
        with pytest.raises(LoginRefusedError):
            keeper.log_in(name, PASSWORD, HERE)
    assert name_of(keeper.log_in("Olga", PASSWORD, HERE)) == "Olga"
    People(workspace.store).set_password("Olga", "a password of my own")
    with pytest.raises(LoginRefusedError):
        keeper.log_in("Olga", PASSWORD, HERE)


def test_the_password_of_the_start_makes_an_owner_where_all_names_came_with_a_file(
    workspace: Workspace, cheap_hashes: None
) -> None:
    workspace.store.annotators.join("Ivy", elsewhere=True)
    keeper = Doorkeeper(workspace.store, asks_login=True, password=PASSWORD)
    for name, password in (("Ivy", PASSWORD), ("Olga", "another password")):
        with pytest.raises(LoginRefusedError):
            keeper.log_in(name, password, HERE)
    first = keeper.log_in("Olga", PASSWORD, HERE).annotator
    assert first is not None and first.role == "owner"
    with pytest.raises(LoginRefusedError):
        keeper.log_in("Pia", PASSWORD, HERE)


def test_without_any_password_the_owner_comes_in_by_a_link_that_works_once(
    workspace: Workspace, cheap_hashes: None
) -> None:
    assert needs_owner_key(workspace.store)
    keeper = Doorkeeper(workspace.store, asks_login=True, owner_key="the key")
    assert keeper.welcome("the key").role == "owner"
    came = keeper.accept("the key", "Olga", PASSWORD).annotator
    assert came is not None and (came.name, came.role) == ("Olga", "owner")
    with pytest.raises(LoginRefusedError):
        keeper.accept("the key", "Eve", "")
    assert not needs_owner_key(workspace.store)


def test_the_owners_link_is_for_the_owner_who_is_there(workspace: Workspace, cheap_hashes: None) -> None:
    workspace.store.annotators.add("Olga")
    keeper = Doorkeeper(workspace.store, asks_login=True, owner_key="the key")
    assert name_of(keeper.accept("the key", "Eve", "")) == "Olga"
    assert workspace.store.annotators.find("Eve") is None


def test_the_owners_link_ends_when_an_owner_has_a_password(workspace: Workspace, cheap_hashes: None) -> None:
    workspace.store.annotators.add("Olga")
    workspace.store.annotators.add("Bob")
    keeper = Doorkeeper(workspace.store, asks_login=True, owner_key="the key")
    People(workspace.store).set_password("Olga", PASSWORD)
    with pytest.raises(LoginRefusedError):
        keeper.accept("the key", "Bob", "")
    assert [who.role for who in workspace.store.annotators.all()] == ["owner", "voter"]


def test_on_ones_own_machine_a_name_is_enough_and_the_first_is_the_owner(workspace: Workspace) -> None:
    keeper = Doorkeeper(workspace.store, asks_login=False)
    came = [keeper.join(name).annotator for name in ("Ana", "Bob", "ana")]
    assert [(who.name, who.role) for who in came if who] == [
        ("Ana", "owner"),
        ("Bob", "voter"),
        ("Ana", "owner"),
    ]
    assert keeper.person(Visitor(None), "bob").name == "Bob"
    with pytest.raises(NotFoundError, match="nobody called 'Eve' has joined"):
        keeper.person(Visitor(None), "Eve")


def test_a_name_with_a_password_asks_for_it_on_ones_own_machine_too(
    workspace: Workspace, cheap_hashes: None
) -> None:
    keeper = Doorkeeper(workspace.store, asks_login=False)
    keeper.join("Ana")
    People(workspace.store).set_password("Ana", PASSWORD)
    for given_password in ("", "wrong"):
        with pytest.raises(LoginRefusedError, match="Ana has a password"):
            keeper.join("Ana", given_password)
    with pytest.raises(LoginNeededError):
        keeper.person(Visitor(None), "Ana")
    assert name_of(keeper.log_in("Ana", PASSWORD, HERE)) == "Ana"
    visitor = keeper.join("Ana", PASSWORD)
    assert keeper.person(visitor, "Ana").name == "Ana"


def test_a_simulated_annotator_cannot_come_in(workspace: Workspace) -> None:
    workspace.store.annotators.join("robot", simulated=True)
    keeper = Doorkeeper(workspace.store, asks_login=False)
    with pytest.raises(InputError, match="simulated"):
        keeper.join("Robot")


# ---- rates ------------------------------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 30), min_size=1, max_size=80), st.floats(0.1, 20), st.integers(1, 10))
@settings(max_examples=80, deadline=None)
def test_no_more_pass_than_the_burst_and_the_pace_allow(steps: list[float], pace: float, burst: int) -> None:
    now = 0.0
    limiter = Limiter(Rate(pace, burst), clock=lambda: now)
    passed = 0
    for step in steps:
        now += step
        passed += limiter.wait_s("somebody") == 0
    assert passed <= burst + now * pace + 1e-6
    assert limiter.wait_s("somebody else") == 0


def test_a_bucket_fills_again_as_it_said() -> None:
    now = 0.0
    limiter = Limiter(Rate(2, 1), clock=lambda: now)
    assert limiter.wait_s("a") == 0
    assert limiter.wait_s("a") == pytest.approx(0.5)
    now = 0.51
    assert limiter.wait_s("a") == 0


# ---- the commands -------------------------------------------------------------------------------------------------


@pytest.fixture
def label(tmp_path: Path, cheap_hashes: None) -> Callable[..., Result]:
    create_workspace(tmp_path / "faces")

    def run(*words: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, ["-w", str(tmp_path / "faces"), *words], input=typed)

    return run


def people(tmp_path: Path) -> list[tuple[str, str, bool]]:
    store = open_workspace(tmp_path / "faces").store
    found = [(who.name, who.role, who.disabled_at is not None) for who in store.annotators.all()]
    store.close()
    return found


def test_who_invites_themselves_to_an_empty_team_is_its_owner(
    label: Callable[..., Result], tmp_path: Path
) -> None:
    assert "label invite --name YOU" in label("invite").stderr
    result = label("invite", "--name", "Olga", "--url", "https://faces.example/")
    assert re.fullmatch(r"https://faces\.example/join/[\w-]{32}\n", result.stdout), result.output
    assert people(tmp_path) == [("Olga", "owner", False)]
    assert label("invite", "--uses", "20", "--role", "curator").exit_code == 0
    listed = label("invite", "--list").stdout.splitlines()
    assert len(listed) == 2 and "20 more" in listed[0] and "Olga" in listed[1]
    assert label("invite", "--revoke", listed[0][:8]).exit_code == 0
    assert len(label("invite", "--list").stdout.splitlines()) == 1
    assert "no link is named" in label("invite", "--revoke", "zzzzzz").stderr


def test_the_team_is_managed_from_the_terminal(label: Callable[..., Result], tmp_path: Path) -> None:
    with _closing(tmp_path) as store:
        for name in ("Olga", "Ana", "Bob"):
            store.annotators.add(name)
    assert label("people", "role", "ana", "curator").stdout == "Ana is curator\n"
    assert label("people", "disable", "Bob").exit_code == 0
    assert people(tmp_path) == [("Olga", "owner", False), ("Ana", "curator", False), ("Bob", "voter", True)]
    assert "must stay owner" in label("people", "role", "Olga", "voter").stderr
    assert "must stay owner" in label("people", "disable", "Olga").stderr
    assert "nobody is called 'Eve'" in label("people", "role", "Eve", "voter").stderr
    rows = json.loads(label("people", "list", "--json").stdout)
    assert [(row["name"], row["role"], row["disabled"]) for row in rows][-1] == ("Bob", "voter", True)
    assert "Bob  (disabled)" in label("people", "list").stdout
    assert label("people", "enable", "Bob").exit_code == 0


def test_a_password_is_asked_for_and_never_shown(label: Callable[..., Result], tmp_path: Path) -> None:
    with _closing(tmp_path) as store:
        ana = store.annotators.add("Ana").id
    result = label("people", "password", "Ana", typed=f"{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0 and PASSWORD not in result.output
    with _closing(tmp_path) as store:
        assert passwords.is_password(PASSWORD, store.annotators.password_hash(ana))
    assert "8 to 256 characters" in label("people", "password", "Ana", typed="short\nshort\n").stderr
    assert label("people", "password", "Ana", "--remove").exit_code == 0


def test_campaigns_are_made_changed_and_closed_from_the_terminal(
    label: Callable[..., Result], tmp_path: Path, add_faces: AddFaces
) -> None:
    opened = open_workspace(tmp_path / "faces")
    add_faces(opened, 4)
    opened.store.close()
    made = label(
        "campaign", "create", "is it anger?", "--question", "verify", "--about", "angry", "--class", "angry"
    )
    assert made.stdout == "is it anger?: 4 faces to vote on\n", made.output
    assert label("campaign", "change", "is it anger?", "--overlap", "fixed", "--most", "1").exit_code == 0
    with _closing(tmp_path) as store:
        found = store.campaigns.by_name("is it anger?")
        assert found is not None
        assert (found.overlap.kind, found.overlap.most, found.about) == ("fixed", 1, "angry")
    assert label("campaign", "close", "is it anger?").stdout == "is it anger? is closed\n"
    listed = label("campaign", "list").stdout
    assert (
        listed == "main: choose, 0 faces done, 4 open\nis it anger?: verify, 0 faces done, 4 open, closed\n"
    )
    assert label("campaign", "close", "is it anger?", "--reopen").stdout == "is it anger? is open\n"
    assert json.loads(label("campaign", "list", "--json").stdout)[0]["open"] == 4
    assert "there is no campaign 'none'" in label("campaign", "close", "none").stderr
    assert "there is no consensus rule 'dice'" in label("campaign", "change", "main", "--rule", "dice").stderr
    assert "is no class" in label("campaign", "create", "x", "--classes", "happy,sleepy").stderr


def test_the_workspace_may_stand_before_or_after_the_command(
    label: Callable[..., Result], tmp_path: Path
) -> None:
    create_workspace(tmp_path / "other")
    with_both = label("people", "list", "-w", str(tmp_path / "other"))
    assert with_both.exit_code == 0 and with_both.stdout == ""
    assert CliRunner().invoke(main, ["-w", str(tmp_path / "none"), "people", "list"]).exit_code == 1


def test_options_of_label_and_of_its_commands_stand_side_by_side_in_the_file(
    label: Callable[..., Result], tmp_path: Path
) -> None:
    config = tmp_path / "faces" / "mimique.toml"
    config.write_text(
        config.read_text("utf-8") + "\n[label]\nport = 1\nlang = 'fr'\n[label.invite]\ndays = 3\n", "utf-8"
    )
    assert label("invite", "--name", "Olga").exit_code == 0
    config.write_text(config.read_text("utf-8").replace("lang =", "tongue ="), "utf-8")
    assert "has no option 'tongue'" in label("people", "list").stderr


def test_label_without_a_workspace_says_how_to_make_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["-w", str(tmp_path / "none"), "--port", str(free_port())])
    assert result.exit_code == 1
    assert "no workspace" in result.stderr and "mimique init" in result.stderr


# ---- the texts ----------------------------------------------------------------------------------------------------

TABLES = sorted(
    file.name for file in files("label_ui").joinpath("page").iterdir() if file.name.startswith("strings")
)


@pytest.mark.parametrize("name", TABLES)
def test_both_languages_say_the_same_things(name: str) -> None:
    tables = json.loads(files("label_ui").joinpath("page", name).read_text("utf-8"))
    places = {
        lang: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in table.items()}
        for lang, table in tables.items()
    }
    assert set(tables) == {"en", "fr"}
    only_french = {key for key in places["fr"].keys() - places["en"].keys() if not key.startswith("class_")}
    assert only_french == set()  # but for the names of classes, which are English already
    assert places["en"] == {key: places["fr"].get(key) for key in places["en"]}


def test_every_page_has_its_files_its_title_and_its_texts() -> None:
    from label_ui.pages import PAGES, page_file, page_html, page_script, strings

    for page in PAGES:
        texts = strings(page.name)["en"]
        assert f"page_{page.name}" in texts
        html = page_html(page)
        used = set(re.findall(r'data-t(?:-\w+)?="(\w+)"', html)) | set(
            re.findall(r'\bt\("(\w+)"[,)]', page_script(page))
        )
        assert used - set(texts) == set(), page.name
    door = set(re.findall(r'data-t="(\w+)"', page_file("door.html"))) | set(
        re.findall(r'\bt\("(\w+)"[,)]', page_file("door.js"))
    )
    assert door <= set(strings("door")["en"])


def _closing(tmp_path: Path) -> AbstractContextManager[Store]:
    return closing(open_workspace(tmp_path / "faces").store)
