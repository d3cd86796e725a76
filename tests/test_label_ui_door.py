"""Who may come in, and the command line of the workbench."""

from __future__ import annotations

import json
import re
import socket
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.errors import ConfigError, InputError
from label_ui.cli import main
from label_ui.door import PASSWORD_VARIABLE, check_door, is_loopback


@pytest.fixture
def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "127.0.0.5"])
def test_this_machine_alone_needs_no_password(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.7", "myhost.example"])
def test_others_come_in_with_a_password_only(address: str, free_port: int) -> None:
    with pytest.raises(ConfigError, match=PASSWORD_VARIABLE):
        check_door(address, free_port, {})


def test_the_password_is_read_from_the_environment(free_port: int) -> None:
    assert check_door("0.0.0.0", free_port, {PASSWORD_VARIABLE: "a long phrase"}) == "a long phrase"
    assert check_door("127.0.0.1", free_port, {}) == ""


def test_a_taken_port_names_another_that_is_free() -> None:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        with pytest.raises(InputError, match="is taken") as caught:
            check_door("127.0.0.1", door.getsockname()[1], {})
    found = re.fullmatch(r"label --port (\d+)", caught.value.hint)
    assert found and check_door("127.0.0.1", int(found[1]), {}) == ""


def test_an_address_of_another_machine_is_named(free_port: int) -> None:
    with pytest.raises(InputError, match=r"cannot listen on 203\.0\.113\.1"):
        check_door("203.0.113.1", free_port, {PASSWORD_VARIABLE: "secret"})


def test_label_without_a_workspace_says_how_to_make_one(tmp_path: Path, free_port: int) -> None:
    result = CliRunner().invoke(main, ["-w", str(tmp_path / "none"), "--port", str(free_port)])
    assert result.exit_code == 1
    assert "no workspace" in result.stderr and "mimique init" in result.stderr


def test_label_refuses_the_network_without_a_password(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["-w", str(tmp_path), "--listen", "0.0.0.0"])
    assert result.exit_code == 1
    assert result.stderr.count("\n") == 2 and PASSWORD_VARIABLE in result.stderr


def test_both_languages_say_the_same_things() -> None:
    strings = json.loads(files("label_ui").joinpath("page", "strings.json").read_text("utf-8"))
    places = {
        lang: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in table.items()}
        for lang, table in strings.items()
    }
    assert set(strings) == {"en", "fr"}
    assert places["en"] == places["fr"]


def test_every_text_of_the_page_is_in_the_table() -> None:
    page = files("label_ui").joinpath("page")
    strings = json.loads(page.joinpath("strings.json").read_text("utf-8"))["en"]
    html = page.joinpath("page.html").read_text("utf-8")
    scripts = "".join(
        page.joinpath(f"{name}.js").read_text("utf-8") for name in ("workbench", "screen", "progress")
    )
    used = set(re.findall(r'data-(?:t|title)="(\w+)"', html)) | set(re.findall(r'say\("(\w+)"', scripts))
    assert used <= set(strings)
