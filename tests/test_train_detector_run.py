"""Detectors as runs: kept, listed, resumed like every other; files that load; bad input told in one line."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from killed_run import killed_run

from collect.image import encode_jpeg
from curate.detect import load_detector
from curate.engine import load_engine
from curate.status import status_of
from db.errors import ConfigError, InputError, ModelError, NotFoundError
from db.workspace import open_workspace
from train.classifier import load_classifier
from train.cli import main
from train.compare import compare_runs
from train.detector import train_detector
from train.detector_log import read_losses
from train.detector_photos import drawn_photos, read_face_photos
from train.detector_recipe import FaceDetectorRecipe
from train.detector_run import train_face_detector
from train.detector_show import use_of_detector
from train.resume import resume_run
from train.runs import find_run, run_state

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = {"width": 0.25, "imgsz": 96, "batch": 4, "drawn": 1, "places": 1, "device": "cpu"}
RUN_FILES = {
    *("recipe.json", "history.csv", "history-points.csv", "metrics.json", "problems.txt", "lock"),
    *("weights.pt", "model.onnx", "curves.png"),
}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Eight drawn photos, shrunk to a fifth, 4.jpg to 11.jpg, with their boxes file, one line of it wrong."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["image,width,height,x1,y1,x2,y2", "4.jpg,1,1,5,5,2,2"]
    for n, photo in enumerate(drawn_photos(8, 1), start=4):
        image = np.asarray(
            cv2.resize(photo.image, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA), np.uint8
        )
        (folder / f"{n}.jpg").write_bytes(encode_jpeg(image))
        height, width = image.shape[:2]
        rows += [",".join(map(str, (f"{n}.jpg", width, height, *box))) for box in (photo.xyxy / 5).tolist()]
    (folder / "boxes.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def result(data, tmp_path_factory):
    """The command, run where there is no workspace yet: a network a quarter as wide as nano, 96 px, seconds."""
    folder = tmp_path_factory.mktemp("detector") / "workspace"
    options = [f"--{name}={value}" for name, value in SMALL.items()]
    options += [f"--data={data}", f"--boxes={data / 'boxes.csv'}", "--from=none", "--epochs=2", "--name=mine"]
    options += ["--teacher=mimique-face", "--distil=1", "--point-steps=1", f"--workspace={folder}"]
    return CliRunner().invoke(main, ["detector", *options])


@pytest.fixture(scope="module")
def workspace(result):
    assert result.exit_code == 0, result.output
    opened = open_workspace(Path(result.stdout.strip()).parent.parent)
    yield opened
    opened.store.close()


@pytest.fixture(scope="module")
def run(workspace):
    return workspace.store.runs.all()[0]


def test_the_command_makes_a_workspace_says_what_it_left_out_and_what_comes_next(result):
    assert "made a new workspace" in result.stderr
    assert "left out: boxes.csv, line" in result.stderr
    assert "then five points: 1 step" in result.stderr and "pose 0" in result.stderr
    assert "AP50 on 2 held-out photos" in result.stderr and "train show" in result.stderr
    assert "-mine-" in result.stdout


def test_a_finished_run_leaves_its_files_and_figures(workspace, run):
    folder = workspace.runs / run.id
    assert {path.name for path in folder.iterdir()} == RUN_FILES
    assert run.status == "done" and {"torch", "ultralytics"} <= run.environment.keys()
    assert (run.metrics["photos"], run.metrics["held_out_photos"], run.metrics["pictures"]) == (6, 2, 8)
    assert set(run.metrics["held_out"]) == {"0", "20", "50", "100"}
    assert run.metrics["held_out"]["100"]["ap50"] is None
    assert list(run.metrics["teachers"]) == ["mimique-face"]
    losses, points = (read_losses(folder / f"history{kind}.csv") for kind in ("", "-points"))
    assert [row["epoch"] for row in losses] == ["1", "2"] and len(points) == 1
    assert float(losses[0]["box_loss"]) > 0 and float(points[0]["kobj_loss"]) >= 0
    taken = sum(float(row["seconds"]) for row in [*losses, *points])
    assert run.metrics["seconds"] == pytest.approx(taken, abs=0.1)
    assert "corners swapped" in (folder / "problems.txt").read_text()
    assert cv2.imread(str(folder / "curves.png")).std() > 5
    snapshot = workspace.store.snapshots.load(run.snapshot_hash)
    assert snapshot.is_of_photos and not snapshot.members
    assert status_of(workspace).snapshots == ()


def test_its_onnx_file_is_a_detector_with_points_that_tells_where_it_came_from(workspace, run, data):
    import onnx

    path = workspace.runs / run.id / "model.onnx"
    assert path.stat().st_size < 1_000_000
    faces = load_detector(path, score=0.0001, tiles=False).detect(
        [cv2.imread(str(data / f"{n}.jpg"))[..., ::-1] for n in (4, 5)]
    )
    assert len(faces) == 2 and all(face.landmarks is not None for found in faces for face in found)
    told = {p.key: p.value for p in onnx.load(str(path)).metadata_props}
    assert told["run"] == run.id and told["data_sha256"] == run.snapshot_hash
    assert told["teachers"] == "mimique-face"
    assert json.loads(told["imgsz"]) == [96, 96] and len(told["recipe_sha256"]) == 64


def test_the_onnx_file_answers_as_the_checkpoint_does(workspace, run):
    answers = (
        engine_answer(workspace.runs / run.id / "model.onnx"),
        torch_answer(workspace.runs / run.id / "weights.pt"),
    )
    np.testing.assert_allclose(*answers, rtol=0.02, atol=0.2)


def picture():
    return np.random.default_rng(0).random((1, 3, 96, 64), np.float32)


def engine_answer(path):
    return load_engine(path, threads=1).run(picture())[0]


def torch_answer(path):
    import torch
    from ultralytics import YOLO

    model = YOLO(str(path)).model.float().eval()
    with torch.no_grad():
        return model(torch.from_numpy(picture()))[0].numpy()


def test_a_record_from_before_an_option_was_there_is_the_same_recipe(workspace, run):
    snapshot = workspace.store.snapshots.load(run.snapshot_hash)
    older = {key: value for key, value in run.recipe.items() if key != "lr"}
    assert find_run(workspace, snapshot, older, "done") == run
    assert find_run(workspace, snapshot, older | {"lr": 0.5}, "done") is None


def test_a_run_that_is_done_is_not_resumed_and_its_photos_are_not_read_for_that(workspace, run, data):
    (data / "boxes.csv").rename(data / "hidden.csv")
    try:
        with pytest.raises(ConfigError, match="is done: there is nothing to resume"):
            resume_run(workspace, run.id)
    finally:
        (data / "hidden.csv").rename(data / "boxes.csv")


def test_teachers_that_cannot_label_are_told_before_any_photo_is_read(workspace, run, data):
    weights = str(workspace.runs / run.id / "weights.pt")
    recipe = FaceDetectorRecipe(str(data), "no boxes", start="none", teacher=weights, distil=0.5)
    with pytest.raises(ModelError, match="cannot label pictures: expected an ONNX model"):
        train_face_detector(workspace, recipe)


def test_list_and_show_print_detectors_and_classifier_commands_refuse_them(workspace, run):
    def call(*arguments):
        result = CliRunner().invoke(main, [*arguments, "-w", str(workspace.path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert run.id in call("list") and "≥ 50 px" in call("list")
    shown = call("show", run.id)
    assert "held-out photos" in shown and call("show") == shown
    assert json.loads(call("show", run.id, "--json"))["recipe"]["recipe"] == "detector"
    with pytest.raises(ModelError, match="trained a face detector"):
        load_classifier(workspace, run.id)
    with pytest.raises(InputError, match="is a face detector"):
        compare_runs(workspace, [run.id])


def test_a_detectors_data_and_run_are_never_the_newest_for_a_classifier(workspace, run):
    with pytest.raises(NotFoundError, match="no snapshot yet"):
        workspace.store.snapshots.load()
    with pytest.raises(NotFoundError, match="no finished run yet"):
        workspace.store.runs.load()


def weights_of(path):
    import torch

    return torch.load(path, map_location="cpu", weights_only=False)["model"].state_dict()


def test_a_killed_run_goes_on_to_the_weights_of_one_that_was_not(workspace, data, tmp_path):
    order = FaceDetectorRecipe(
        str(data), str(data / "boxes.csv"), start="none", epochs=3, **(SMALL | {"drawn": 0, "places": 0})
    )
    code = (
        "from pathlib import Path; from db.workspace import open_workspace; from train.detector_run import *\n"
        f"train_face_detector(open_workspace(Path({str(workspace.path)!r})), {order!r})"
    )
    killed = killed_run(workspace, code)
    assert run_state(workspace, killed) == "interrupted"
    resumed = resume_run(workspace, killed.id)
    assert resumed.status == "done" and len(workspace.store.runs.all()) == 2
    photos = read_face_photos(data, data / "boxes.csv").training
    undisturbed = weights_of(train_detector(photos, None, tmp_path, order.box_loop(len(photos))))
    for name, tensor in weights_of(workspace.runs / resumed.id / "weights.pt").items():
        np.testing.assert_allclose(
            tensor.numpy(), undisturbed[name].numpy(), rtol=5e-3, atol=5e-4, err_msg=name
        )


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        (["--boxes", "BOXES"], 2, "--data"),
        (["--data", "DATA", "--boxes", "DATA"], 1, "cannot be read"),
        (["--data", "BOXES", "--boxes", "BOXES"], 1, "neither a folder nor a zip"),
        (["--data", "DATA", "--boxes", "BOXES", "--from", "BOXES"], 1, "no Ultralytics checkpoint"),
        (["--data", "DATA", "--boxes", "BOXES", "--from", "no-such-model"], 1, "no model is called"),
        (["--data", "DATA", "--boxes", "BOXES", "--imgsz", "100"], 1, "multiple of 32"),
    ],
)
def test_what_cannot_be_trained_on_is_one_clear_line(workspace, data, options, code, message):
    places = {"DATA": str(data), "BOXES": str(data / "boxes.csv")}
    before = len(workspace.store.runs.all())
    arguments = ["detector", *(places.get(option, option) for option in options), "-w", str(workspace.path)]
    if "--from" not in options:
        arguments += ["--from", "none"]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == code and message in result.stderr, result.output
    assert "Traceback" not in result.output and len(workspace.store.runs.all()) == before


@pytest.mark.parametrize(
    ("ap50", "said"),
    [
        (0.0, "it finds next to nothing yet: train again with more --epochs than 2"),
        (0.6, "try it on pictures: curate faces --json --detector 'my model.onnx' PATH"),
        (None, "try it on pictures: curate faces --json --detector 'my model.onnx' PATH"),
    ],
)
def test_only_a_detector_that_finds_faces_is_said_to(run, ap50, said):
    metrics = {"epochs": 2, "held_out": {"0": {"ap50": ap50}}}
    assert use_of_detector(replace(run, metrics=metrics), Path("my model.onnx")) == said


def test_missing_weights_say_how_to_begin_without(workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("MIMIQUE_MODELS", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    recipe = FaceDetectorRecipe(data=str(tmp_path), boxes=str(tmp_path))
    with pytest.raises(ModelError) as caught:
        train_face_detector(workspace, recipe)
    assert caught.value.hint.endswith("; or begin without: --from none")
