"""The main job: `mimique demo` runs the whole loop, and running it again changes nothing."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from db.workspace import Workspace, open_workspace
from mimique.cli import main
from mimique.simulated import TEAM, true_faces


def _demo(folder: Path) -> tuple[str, str]:
    result = CliRunner().invoke(main, ["demo", "--workspace", str(folder), "--count", "80"])
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip(), result.stderr


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Path]:
    """A demo that has run once, on few photos."""
    folder = tmp_path_factory.mktemp("demo") / "tour"
    report, progress = _demo(folder)
    assert [f"[{n}/9]" in progress for n in range(1, 10)] == [True] * 9
    return open_workspace(folder), Path(report)


def test_every_stage_left_its_mark(demo: tuple[Workspace, Path]) -> None:
    store = demo[0].store
    assert store.photos.count() > 70
    assert store.faces.count() > 60
    assert len(store.snapshots.all()) == 1
    assert [run.status for run in store.runs.all()] == ["done", "done"]
    assert (demo[0].path / "clip-annotated.mp4").stat().st_size > 10_000


def test_votes_are_stored_as_simulated(demo: tuple[Workspace, Path]) -> None:
    annotators = demo[0].store.annotators.all()
    assert [a.simulated for a in annotators] == [True] * len(TEAM)
    assert all("simulated" in a.name and "wrong" in a.note for a in annotators)
    assert len(demo[0].store.votes.current()) == len(TEAM) * demo[0].store.faces.count()


def test_the_majority_of_imperfect_voters_is_mostly_right(demo: tuple[Workspace, Path]) -> None:
    truths = true_faces(demo[0])
    agreed = [label for label in demo[0].store.labels.current() if label.label]
    right = [
        (truth := truths[label.face_id]) is not None and truth.expression == label.label for label in agreed
    ]
    assert sum(right) / len(right) > 0.9


def test_the_report_holds_everything_and_fetches_nothing(demo: tuple[Workspace, Path]) -> None:
    html = demo[1].read_text(encoding="utf-8")
    for stage in (
        "Collect",
        "Find faces",
        "Group duplicates",
        "Vote",
        "Decide",
        "Split",
        "Train YOLO",
        "Live",
    ):
        assert f">{stage}</a>" in html
    assert "data:video/mp4;base64," in html
    assert "Train YOLO: confusion" in html
    assert "Train ResNet: confusion" in html
    assert re.findall(r'(?:src|href)="(?!data:|#)', html) == []
    assert "<script" not in html


def test_running_again_keeps_the_store_and_the_runs(demo: tuple[Workspace, Path]) -> None:
    store = demo[0].store

    def kept() -> tuple[object, ...]:
        labels, runs = store.labels.current(), store.runs.all()
        return store.photos.count(), store.faces.all(), store.votes.history(), labels, runs

    before = kept()
    _demo(demo[0].path)
    assert kept() == before


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    result = CliRunner().invoke(main, ["demo", "--workspace", str(tmp_path)])
    assert result.exit_code == 1
    assert "holds other files" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]
