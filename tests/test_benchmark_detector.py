"""What the detectors' benchmark writes: its table between the marks, its plot, and rows kept from call to call."""

import importlib
import json

import cv2
import pytest

from curate.registry import entry
from db.errors import InputError


@pytest.fixture
def report(monkeypatch, request):
    monkeypatch.syspath_prepend(str(request.config.rootpath / "benchmarks"))
    return importlib.import_module("detector_report")


def row(fold="abc", ap50=0.9):
    score = {"ap50": ap50, "low": 0.8, "high": 0.95, "faces": 7}
    return {
        "fold": fold,
        "photos": 3,
        "faces": 7,
        "threads": 2,
        "ms": 12.3,
        "load": 0.5,
        "ap": dict.fromkeys(("0", "20", "50"), score) | {"100": dict.fromkeys(score) | {"faces": 0}},
        "curves": {px: [[0.0, 1.0], [0.9, 0.8]] for px in ("0", "20", "50")} | {"100": []},
        "drawn_found": 5,
        "drawn_faces": 6,
        "alarms": {"drawn place": [1, 4]},
    }


def test_the_table_replaces_what_is_between_the_marks_and_later_rows_join(report, tmp_path):
    page = tmp_path / "detector.md"
    page.write_text(f"before\n{report.BEGIN}\nstale\n{report.END}\nafter\n")
    report.write(tmp_path, {"one": row()})
    report.write(tmp_path, {"two": row(ap50=1.0), "one": row(ap50=0.7)})
    text = page.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "stale" not in text
    assert "| one | .700 (.800–.950) |" in text and "| two | 1.000" in text and "| – | 12 | 0.5 |" in text
    assert "| one | 5 of 6 | 0.25 (1 in 4) |" in text
    assert cv2.imread(str(tmp_path / "detector.png")).std() > 5


def test_rows_of_other_photos_are_not_mixed_in(report, tmp_path):
    report.write(tmp_path, {"one": row()})
    with pytest.raises(InputError, match="one was measured on fold abc"):
        report.write(tmp_path, {"two": row(fold="xyz")})


def test_a_page_without_the_marks_is_left_alone(report, tmp_path):
    (tmp_path / "detector.md").write_text("mine\n")
    with pytest.raises(InputError, match="no place for the table"):
        report.write(tmp_path, {"one": row()})
    assert (tmp_path / "detector.md").read_text() == "mine\n"
    assert not (tmp_path / "detector.json").exists()


def test_the_published_figures_are_those_of_the_bundled_file(request):
    bundled = entry("mimique-face")
    rows = json.loads((request.config.rootpath / "docs" / "detector.json").read_text(encoding="utf-8"))
    card = (request.config.rootpath / "docs" / "detector.md").read_text(encoding="utf-8")
    assert bundled.sha256.startswith(rows["mimique-face"]["sha256"])
    assert f"{bundled.size:,} bytes, `{bundled.sha256}`" in card and bundled.file in card
