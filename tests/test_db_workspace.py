"""Workspaces: made, read, and refused in one line when they make no sense."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from db.blobs import FolderBlobs, RemoteBlobs, sha256_of
from db.command import command_group, workspace_option
from db.errors import ConfigError, InputError, MimiqueError, NotFoundError
from db.presets import PRESETS
from db.workspace import create_workspace, open_workspace, read_settings


@pytest.mark.parametrize("preset", list(PRESETS))
def test_every_preset_makes_a_file_that_reads_back(tmp_path: Path, preset: str) -> None:
    create_workspace(tmp_path / "w", preset)
    settings = read_settings(tmp_path / "w")
    assert len(settings.classes) == int(preset)
    assert set(settings.keywords) == set(settings.classes)


def test_an_existing_file_is_left_as_it_is(tmp_path: Path) -> None:
    config = create_workspace(tmp_path)
    config.write_text('classes = ["a", "b"]')
    create_workspace(tmp_path, "8")
    assert read_settings(tmp_path).classes == ("a", "b")


def test_a_folder_without_a_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError) as refused:
        open_workspace(tmp_path)
    assert "mimique init" in refused.value.hint


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "two or more names"),
        ('classes = "happy"', "two or more names"),
        ('classes = ["happy"]', "two or more names"),
        ('classes = ["a", "b", "a"]', "named twice"),
        ('classes = ["a", "../b"]', "folder's name"),
        ('classes = ["a", "b"]\n[keywords]\nc = ["x"]', "no class"),
        ("classes = [", "not valid TOML"),
        ('clases = ["a", "b"]', "'clases' is not known there"),
        ('classes = ["a", "b"]\n[colect.flickr]\nlimit = 3', "'colect' is not known there"),
        ('classes = ["a", "b"]\n[keywords]\na = "wedding"', "lists of words"),
        ('classes = ["a", "b"]\nkeywords = 5', "lists of words"),
        ('classes = ["a", "b"]\ncollect = 5', "'collect' is not known there"),
    ],
)
def test_a_file_that_makes_no_sense_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "mimique.toml").write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        read_settings(tmp_path)


def test_a_workspace_where_a_file_lies_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(InputError, match="cannot make a workspace"):
        create_workspace(tmp_path / "file" / "w")


def test_blobs_are_named_by_content_and_stored_once(tmp_path: Path) -> None:
    for blobs in (FolderBlobs(tmp_path / "blobs"), RemoteBlobs("memory://bucket/blobs")):
        sha256 = blobs.put(b"picture", ".jpg")
        assert sha256 == blobs.put(b"picture", ".jpg") == sha256_of(b"picture")
        assert blobs.read(sha256, ".jpg") == b"picture"
        assert blobs.exists(sha256, ".jpg")
        assert not blobs.exists("0" * 64, ".jpg")
        with pytest.raises(NotFoundError, match="missing"):
            blobs.read("0" * 64, ".jpg")
    assert [p.name for p in (tmp_path / "blobs").rglob("*.*")] == [f"{sha256}.jpg"]


def _group() -> click.Group:
    group = command_group("collect", "help")

    @group.command()
    @workspace_option
    @click.option("--class", "limit", type=int, default=500)
    @click.option("--fail", is_flag=True)
    def flickr(workspace: Path, limit: int, fail: bool) -> None:
        if fail:
            raise MimiqueError("it broke here", hint="type this")
        click.echo(f"{workspace.name} {limit}")

    return group


def test_options_resolve_default_then_file_then_environment_then_flag(tmp_path: Path) -> None:
    create_workspace(tmp_path / "w")
    args = ["flickr", "--workspace", str(tmp_path / "w")]
    runner = CliRunner()
    assert runner.invoke(_group(), args).output == "w 500\n"
    with (tmp_path / "w" / "mimique.toml").open("a") as file:
        file.write("\n[collect.flickr]\nclass = 10\n")
    assert runner.invoke(_group(), args).output == "w 10\n"
    environment = {"MIMIQUE_COLLECT_FLICKR_CLASS": "20"}
    assert runner.invoke(_group(), args, env=environment).output == "w 20\n"
    assert runner.invoke(_group(), [*args, "--class", "30"], env=environment).output == "w 30\n"


def test_an_error_is_one_line_with_its_remedy_and_exit_code_1() -> None:
    result = CliRunner().invoke(_group(), ["flickr", "--fail"])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == ["error: it broke here", " next: type this"]


def test_debug_shows_the_whole_error() -> None:
    result = CliRunner().invoke(_group(), ["flickr", "--fail"], env={"MIMIQUE_DEBUG": "1"})
    assert isinstance(result.exception, MimiqueError)


def test_a_misspelt_option_in_the_file_is_named(tmp_path: Path) -> None:
    with create_workspace(tmp_path / "w").open("a") as file:
        file.write("\n[collect.flickr]\nclas = 10\n")
    result = CliRunner().invoke(_group(), ["flickr", "--workspace", str(tmp_path / "w")])
    assert result.exit_code == 1
    assert "no option 'clas'" in result.stderr
