"""Where files of votes come from: pipes, standard input, and never the file that is written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from curate.cli import main
from curate.table_text import cannot_read
from db.errors import InputError
from db.records.campaigns import NewCampaign
from db.whole_file import check_not_read
from db.workspace import Workspace

VOTES = "question,worker,answer\nq,ann,cat\nq,bob,cat\nq,ann,dog\n"
PROGRAM = [sys.executable, "-c", "from curate.cli import main; main()"]


def curate(*arguments: object, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments)], input=given)


@pytest.fixture
def votes(tmp_path: Path) -> Path:
    path = tmp_path / "answers.csv"
    path.write_text(VOTES, encoding="utf-8")
    return path


def names_of(votes: Path) -> list[Path]:
    """The same file by its name, another spelling, a symbolic link, a hard link and a folder that is a link."""
    folder = votes.parent
    (folder / "link.csv").symlink_to(votes)
    (folder / "hard.csv").hardlink_to(votes)
    (folder / "here").symlink_to(folder)
    return [votes, folder / "here" / ".." / folder.name / votes.name, *map(folder.joinpath, _LINKS)]


_LINKS = ("link.csv", "hard.csv", "here/answers.csv")


def test_the_votes_are_never_written_over_under_any_of_their_names(votes: Path) -> None:
    names = names_of(votes)
    for out in names:
        done = curate("consensus", "--votes", votes, "--out", out)
        assert done.exit_code == 1 and f"{out} is the file of votes; it would be overwritten" in done.stderr
        assert len(done.stderr.splitlines()) == 2 and "--out" in done.stderr
    assert votes.read_text() == VOTES and all(out.samefile(votes) for out in names)


def test_nor_when_they_come_from_standard_input(votes: Path) -> None:
    command = [*PROGRAM, "consensus", "--votes", "-", "--out", str(votes)]
    with votes.open() as given:
        done = subprocess.run(command, stdin=given, capture_output=True, text=True)
    assert done.returncode == 1 and "is the file of votes" in done.stderr
    assert votes.read_text() == VOTES


def test_a_table_of_agreement_is_never_written_over_the_votes(tmp_path: Path, votes: Path) -> None:
    folder = tmp_path / "agreement"
    assert curate("agreement", "--votes", votes, "--csv", folder).exit_code == 0
    sheets = sorted(folder.iterdir())
    for sheet in sheets:
        sheet.unlink()
    os.link(votes, sheets[-1])
    done = curate("agreement", "--votes", votes, "--csv", folder)
    assert done.exit_code == 1 and f"{sheets[-1]} is the file of votes" in done.stderr
    assert votes.read_text() == VOTES and list(folder.iterdir()) == [sheets[-1]]


def test_devices_and_files_that_are_not_there_may_be_read_and_written(tmp_path: Path) -> None:
    check_not_read(Path(os.devnull), Path(os.devnull), told="read")
    check_not_read(tmp_path / "new", tmp_path / "new", Path("-"), told="read")
    (tmp_path / "one").touch()
    (tmp_path / "two").touch()
    check_not_read(tmp_path / "one", tmp_path / "two", tmp_path / "one" / "below", told="read")
    with pytest.raises(InputError, match="one is read; it would be overwritten"):
        check_not_read(tmp_path / "one", tmp_path / "two", tmp_path / "one", told="read")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_votes_come_from_a_pipe_and_from_standard_input(tmp_path: Path, encoding: str) -> None:
    data = VOTES.replace("cat", "fröhlich").encode(encoding)
    whole = tmp_path / "answers.csv"
    whole.write_bytes(data)
    expected = curate("consensus", "--votes", whole)
    by_dash = curate("consensus", "--votes", "-", given=data)
    assert by_dash.exit_code == 0 and by_dash.stdout == expected.stdout
    assert "standard input, line 4: this worker has answered" in by_dash.stderr
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    try:
        by_pipe = curate("consensus", "--votes", f"/dev/fd/{reading}")
    finally:
        os.close(reading)
    assert by_pipe.exit_code == 0 and by_pipe.stdout == expected.stdout
    table = curate("agreement", "--votes", "-", "--json", given=data)
    assert table.exit_code == 0 and table.stdout == curate("agreement", "--votes", whole, "--json").stdout


@pytest.mark.parametrize(("given", "told"), [("", "is empty"), (b"a\0b", "is no text: it has null bytes")])
def test_what_is_wrong_with_standard_input_is_said_of_it(given: str | bytes, told: str) -> None:
    done = curate("consensus", "--votes", "-", given=given)
    assert done.exit_code == 1 and f"standard input {told}" in done.stderr


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    done = curate("consensus", "--votes", tmp_path / "none.csv")
    assert "none.csv cannot be read: No such file or directory" in done.stderr


def test_a_campaign_without_votes_is_said_to_have_none(workspace: Workspace) -> None:
    workspace.store.campaigns.create(NewCampaign("second round"))
    done = curate("consensus", "-w", workspace.path, "--campaign", "second round")
    assert done.exit_code == 0 and "campaign 'second round' has no votes yet" in done.stderr
    assert "this workspace has no votes yet" in curate("consensus", "-w", workspace.path).stderr


def test_an_error_of_the_system_without_words_is_named_by_its_kind() -> None:
    assert "x cannot be read: underlying stream" in str(cannot_read(Path("x"), OSError("underlying stream")))
    assert "standard input cannot be read: OSError" in str(cannot_read(Path("-"), OSError()))
