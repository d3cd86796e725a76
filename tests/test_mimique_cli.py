"""The six commands: instant help with an example, a true README, no telemetry, doctor, init, models."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.privacy import SWITCHES
from mimique.cli import main
from mimique.help_page import PROGRAMS, commands

ROOT = Path(__file__).parent.parent
HEAVY = ("torch", "ultralytics", "gradio", "torchvision", "cv2", "numpy", "sqlalchemy", "matplotlib", "av")


@pytest.mark.parametrize(
    ("line", "text"), list(commands()), ids=lambda value: value if len(value) < 40 else "help"
)
def test_every_help_carries_an_example(line: str, text: str) -> None:
    if line != "mimique":  # its help is a list of first steps
        assert "Example" in text, line
    assert line.split()[0] in text


@pytest.mark.parametrize("module", list(PROGRAMS.values()))
def test_help_imports_nothing_heavy(module: str) -> None:
    code = f"import sys, {module}; print([m for m in {HEAVY!r} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_the_readme_holds_the_help_that_the_commands_print() -> None:
    check = [sys.executable, "-m", "cogapp", "--check", "README.md"]
    run = subprocess.run(check, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, "README.md is out of date: make docs"


def test_dependencies_are_quiet_before_they_are_imported() -> None:
    code = (
        "from db.privacy import keep_dependencies_quiet; keep_dependencies_quiet()\n"
        "import ultralytics.utils as u, gradio.analytics as g\n"
        "from ultralytics.utils.events import Events\n"
        "print(u.ONLINE, u.AUTOINSTALL, Events().enabled, g.analytics_enabled())"
    )
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False"] * 4


def test_every_command_switches_dependencies_quiet(tmp_path: Path) -> None:
    code = (
        f"import json, os, mimique.cli as c; c.main(['init', '-w', {str(tmp_path)!r}], standalone_mode=False)"
    )
    probe = f"{code}\nprint(json.dumps({{k: os.environ.get(k) for k in {list(SWITCHES)!r}}}))"
    clean = {name: value for name, value in os.environ.items() if name not in SWITCHES}
    run = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True, env=clean)
    assert json.loads(run.stdout) == SWITCHES


@pytest.mark.parametrize(("preset", "classes"), [("4", 4), ("7", 7), ("8", 8)])
def test_init_makes_a_workspace_with_a_preset(tmp_path: Path, preset: str, classes: int) -> None:
    from db.workspace import read_settings

    result = CliRunner().invoke(main, ["init", "--workspace", str(tmp_path / "w"), "--preset", preset])
    assert result.exit_code == 0, result.stderr
    assert len(read_settings(tmp_path / "w").classes) == classes
    assert "collect" in result.stderr


def test_doctor_finds_the_bundled_detector_and_says_how_to_get_the_rest(tmp_path: Path) -> None:
    CliRunner().invoke(main, ["init", "--workspace", str(tmp_path / "w")])
    result = CliRunner().invoke(main, ["doctor", "--json", "--workspace", str(tmp_path / "w")])
    findings = {(f["topic"], f["name"]): f for f in json.loads(result.stdout)["findings"]}
    assert result.exit_code == 0, result.stdout
    assert findings[("models", "mimique-face")]["state"] == "ok"
    assert findings[("workspace", "sqlite")]["detail"] == "0 photos, 0 faces"
    assert all(f["remedy"] for f in findings.values() if f["state"] == "missing")


def test_doctor_tells_when_torchvision_does_not_start_beside_torch(tmp_path: Path) -> None:
    (tmp_path / "torchvision.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    command = [sys.executable, "-c", "from mimique.cli import main; main()", "doctor", "--json"]
    done = subprocess.run(
        command, env=os.environ | {"PYTHONPATH": str(tmp_path)}, cwd=tmp_path, capture_output=True, text=True
    )
    broken = [f for f in json.loads(done.stdout)["findings"] if f["state"] == "broken"]
    assert done.returncode == 1 and [f["name"] for f in broken] == ["PyTorch"]
    assert "operator torchvision::nms" in broken[0]["detail"] and "install both" in broken[0]["remedy"]


def test_doctor_without_a_workspace_names_the_command_that_makes_one(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["doctor", "--workspace", str(tmp_path / "none")])
    assert result.exit_code == 0
    assert "mimique init" in result.stdout


def test_models_path_prints_a_file_that_exists() -> None:
    result = CliRunner().invoke(main, ["models", "path", "mimique-face"])
    assert Path(result.stdout.strip()).is_file()


def test_models_of_an_unknown_name_is_one_line() -> None:
    result = CliRunner().invoke(main, ["models", "path", "no-such-model"])
    assert result.exit_code == 1
    assert result.stderr.startswith("error: ")
    assert "mimique-face" in result.stderr
