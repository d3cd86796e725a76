"""The wheel, installed apart from the source, runs from a folder that holds its own train.py and db/."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from mimique.help_page import PROGRAMS

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment's bin folder: our wheel in it, the libraries lent by this one."""
    base = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(base), str(ROOT)]
    subprocess.run([*pip, *build], check=True, capture_output=True)
    [wheel] = base.glob("*.whl")
    venv.create(base / "env", with_pip=False)
    [site] = (base / "env" / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    python = str(base / "env" / "bin" / "python")
    subprocess.run(
        [*pip, "--python", python, "install", "--no-deps", str(wheel)], check=True, capture_output=True
    )
    return base / "env" / "bin"


@pytest.fixture
def hostile_folder(tmp_path: Path) -> Path:
    """A working folder whose own files carry our packages' names."""
    (tmp_path / "train.py").write_text("raise SystemExit('the wrong train was imported')")
    (tmp_path / "db").mkdir()
    (tmp_path / "db" / "__init__.py").write_text("raise SystemExit('the wrong db was imported')")
    return tmp_path


@pytest.mark.parametrize("program", list(PROGRAMS))
def test_each_command_of_the_wheel_answers(installed: Path, hostile_folder: Path, program: str) -> None:
    run = subprocess.run(
        [installed / program, "--help"], cwd=hostile_folder, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("Usage:")


def test_the_wheel_finds_faces_with_what_it_carries(installed: Path, hostile_folder: Path) -> None:
    for line in (["mimique", "init"], ["collect", "sample", "--count", "4"], ["curate", "faces"]):
        run = subprocess.run(
            [installed / line[0], *line[1:]], cwd=hostile_folder, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stderr
    assert list((hostile_folder / "workspace" / "blobs").rglob("*.jpg"))
