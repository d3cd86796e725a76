"""Roles: every call of every desk, by every way in, against every role. A new call cannot be forgotten."""

from __future__ import annotations

import importlib
import pkgutil
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from label_server import Guest, Server, served
from new_workspace import new_workspace

import label_ui
from db.records.people import ROLES
from db.workspace import Workspace
from label_ui.desks import desks_of
from label_ui.people import People
from label_ui.roles import NotAllowedError, allows, calls_of, check_role, needs, role_needed
from label_ui.switchboard import Call, Switchboard

NOBODY = "nobody"


class PatientGuest(Guest):
    """One who waits when told that these are too many requests at once: here they come faster than people ask."""

    def post(self, path: str, values: Any, **headers: str) -> httpx.Response:
        while (response := super().post(path, values, **headers)).status_code == 429:
            time.sleep(float(response.headers["retry-after"]))
        return response

    def get(self, path: str) -> httpx.Response:
        while (response := self.http.get(path)).status_code == 429:
            time.sleep(float(response.headers["retry-after"]))
        return response


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with new_workspace(tmp_path_factory.mktemp("roles") / "faces") as workspace:
        yield workspace


@pytest.fixture(scope="module")
def server(workspace: Workspace) -> Iterator[Server]:
    with served(workspace, password="the owner's password") as server:
        yield server


@pytest.fixture(scope="module")
def guests(workspace: Workspace, server: Server) -> Iterator[dict[str, PatientGuest]]:
    """A logged-in browser of each role, and one of nobody."""
    people = {role: PatientGuest(server.url) for role in (*ROLES, NOBODY)}
    assert people["owner"].log_in("Olga", "the owner's password").status_code == 200
    olga = workspace.store.annotators.find("Olga")
    assert olga is not None
    for role in ("voter", "curator"):
        made = People(workspace.store).invite(olga, role=role)
        assert people[role].accept(made.token, role.title()).status_code == 200
    yield people
    for guest in people.values():
        guest.http.close()


def every_call() -> list[Call]:
    path_less: Any = None  # the names and roles of the calls are known without a workspace
    return list(Switchboard(desks_of(path_less)).calls.values())


CALLS = every_call()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
@pytest.mark.parametrize("role", [*ROLES, NOBODY])
def test_a_call_over_http_is_refused_to_lower_roles_and_to_nobody(
    guests: dict[str, PatientGuest], call: Call, role: str
) -> None:
    response = guests[role].call(call.name, no_such_value=1)  # refused for the role first; else for the value
    expected = 401 if role == NOBODY else 400 if allows(role, call.needs) else 403
    assert response.status_code == expected, response.text
    assert "error" in response.json()


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_a_call_as_gradio_api_is_refused_to_lower_roles_and_to_nobody(
    guests: dict[str, PatientGuest], call: Call
) -> None:
    data = {"data": ["", *(None for _ in call.values)]}
    assert guests[NOBODY].post(f"/gradio_api/call/{call.name}", data).status_code == 401
    for role in ROLES:
        if not allows(role, call.needs):
            told = told_by_gradio(guests[role], call.name, data["data"])
            assert f"this needs the role {call.needs}; yours is {role}" in told


def told_by_gradio(guest: PatientGuest, name: str, values: list[Any]) -> str:
    event = guest.post(f"/gradio_api/call/{name}", {"data": values}).json()["event_id"]
    return guest.get(f"/gradio_api/call/{name}/{event}").text


def test_a_call_as_gradio_api_is_answered_to_who_may_ask(guests: dict[str, PatientGuest]) -> None:
    assert '"name": "main"' in told_by_gradio(guests["curator"], "campaigns", [""])
    assert told_by_gradio(guests["owner"], "invitations", [""]).startswith("event: complete")


@pytest.mark.parametrize("role", ["voter", "curator"])
def test_gradios_other_ways_to_run_a_function_check_the_role_too(
    guests: dict[str, PatientGuest], role: str
) -> None:
    guest = guests[role]
    config = guest.http.get("/config").json()
    for dependency in config["dependencies"]:
        call = next(call for call in CALLS if call.name == dependency["api_name"])
        if allows(role, call.needs):
            continue
        body = {
            "data": ["Olga", *(None for _ in call.values)],
            "session_hash": "s",
            "fn_index": dependency["id"],
        }
        for path in (f"/gradio_api/run/{call.name}", f"/gradio_api/api/{call.name}"):
            assert guest.post(path, body).status_code >= 400
    assert {d["api_name"] for d in config["dependencies"]} == {call.name for call in CALLS}


@pytest.mark.parametrize("role", ["voter", "curator"])
def test_nobody_speaks_in_anothers_name(guests: dict[str, PatientGuest], role: str) -> None:
    response = guests[role].call("team", annotator="Olga")
    assert response.status_code == 403 and "you are" in response.json()["error"]
    assert f"you are {role.title()}, not Olga" in told_by_gradio(guests[role], "team", ["Olga", 1])


def test_every_public_method_of_every_desk_says_which_role_it_needs() -> None:
    found = {}
    for module in pkgutil.iter_modules(label_ui.__path__):
        if not module.name.endswith("desk") and module.name != "campaigns":
            continue
        loaded = importlib.import_module(f"label_ui.{module.name}")
        for kind in vars(loaded).values():
            if (
                isinstance(kind, type)
                and kind.__name__.endswith("Desk")
                and kind.__module__ == loaded.__name__
            ):
                names = [name for name, value in vars(kind).items() if callable(value) and name[0] != "_"]
                found[kind.__name__] = {name: role_needed(getattr(kind, name)) for name in names}
    assert {"Desk", "TeamDesk"} <= set(found)
    assert [
        f"{desk}.{name}" for desk, names in found.items() for name, role in names.items() if not role
    ] == []
    assert {call.name for call in CALLS} == {name for names in found.values() for name in names}


def test_the_team_is_managed_by_owners_only() -> None:
    owners = {call.name for call in CALLS if call.needs == "owner"}
    assert {
        "invite",
        "invitations",
        "invite_revoke",
        "person_role",
        "person_disable",
        "person_enable",
    } <= owners


class _Desk:
    @needs("curator")
    def decide(self) -> None: ...

    def not_marked(self) -> None: ...

    @needs("owner")
    def _hidden(self) -> None: ...


def test_only_marked_public_methods_can_be_called() -> None:
    assert set(calls_of(_Desk())) == {"decide"}
    assert role_needed(_Desk.not_marked) is None


def test_two_desks_may_not_answer_to_one_name() -> None:
    with pytest.raises(ValueError, match="two desks answer to 'decide'"):
        Switchboard([_Desk(), _Desk()])


@pytest.mark.parametrize("role", ["", "root", "Owner", "visitor"])
def test_an_unknown_role_may_do_nothing(role: str) -> None:
    assert not any(allows(role, needed) for needed in ROLES)
    with pytest.raises(NotAllowedError, match="needs the role voter"):
        check_role(role, "voter")


def test_an_unknown_role_cannot_be_needed() -> None:
    with pytest.raises(ValueError, match="is no role"):
        needs("boss")  # type: ignore[arg-type]
