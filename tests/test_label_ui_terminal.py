"""What the commands ``label invite``, ``label people`` and ``label campaign`` tell somebody new to them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from db.workspace import CONFIG_NAME, create_workspace
from label_ui.cli import main
from label_ui.door import own_address


@pytest.fixture
def label(tmp_path: Path) -> Callable[..., Result]:
    create_workspace(tmp_path / "faces")
    return lambda *words: CliRunner().invoke(main, ["-w", str(tmp_path / "faces"), *map(str, words)])


def test_a_link_to_an_address_where_nothing_answers_comes_with_a_note(
    label: Callable[..., Result],
) -> None:
    with socket.socket() as taken:  # so that nobody else takes the port; it does not listen
        taken.bind((own_address(), 0))
        port = taken.getsockname()[1]
        made = label("invite", "--name", "Olga", "--port", port)
    assert "nothing answers at http://" in made.stderr and f":{port}/join/" in made.stdout
    assert f"label --listen 0.0.0.0 --port {port} does" in made.stderr
    named = label("invite", "--name", "Olga", "--url", "http://192.0.2.7:7871")
    assert named.stdout.startswith("http://192.0.2.7:7871/join/") and "answers" not in named.stderr


def test_a_link_leads_to_the_port_that_is_set_for_the_workbench_and_answers_there(
    label: Callable[..., Result], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ":7860/join/" in label("invite", "--name", "Olga").stdout
    with socket.create_server((own_address(), 0)) as answering:
        port = answering.getsockname()[1]
        with (tmp_path / "faces" / CONFIG_NAME).open("a") as config:
            config.write(f"\n[label]\nport = {port}\n")
        made = label("invite", "--name", "Olga")
        assert f":{port}/join/" in made.stdout and "answers" not in made.stderr
    monkeypatch.setenv("MIMIQUE_LABEL_PORT", "7861")
    assert ":7861/join/" in label("invite", "--name", "Olga").stdout
    assert ":7862/join/" in label("invite", "--name", "Olga", "--port", "7862").stdout


def test_a_link_for_somebody_of_the_team_is_a_login_link(label: Callable[..., Result]) -> None:
    assert "in the team already" not in label("invite", "--name", "Olga", "--url", "http://x").stderr
    again = label("invite", "--name", "olga", "--role", "voter", "--url", "http://x")
    assert "a login link: Olga is in the team already and stays owner" in again.stderr


def test_an_empty_team_says_how_to_be_its_owner(label: Callable[..., Result]) -> None:
    listed = label("people", "list")
    assert listed.stdout == "" and "label invite --name YOU --workspace " in listed.stderr
    assert label("people", "list", "--json").stdout == "[]\n"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--most", "1", "--least", "3"), "--least 3 is more than --most 1"),
        (("--most", "1"), "--least 2 is more than --most 1"),
        (("--overlap", "majority"), "--overlap majority needs the team's size"),
        (("--gold", "0.9"), "0.9 is not in the range 0<=x<=0.5"),
        (("--least", "0"), "0 is not in the range x>=1"),
    ],
)
def test_numbers_that_make_no_campaign_are_told_by_their_options(
    label: Callable[..., Result], options: tuple[str, ...], said: str
) -> None:
    for command in ("create", "change"):
        told = label("campaign", command, "main" if command == "change" else "x", *options)
        assert told.exit_code and said in told.stderr and "form" not in told.stderr
