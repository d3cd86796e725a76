"""The live command line, with the bundled detector and a tiny run."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from cv2 import videoio_registry as registry

from db.errors import ConfigError
from db.records.runs import Run
from db.records.snapshots import Snapshot
from db.workspace import Workspace
from live.cli import main
from live.clip import VideoCamera
from live.session import load_models
from live.sink import VideoSink
from train.card import ONNX, ModelCard, write_card

LABELS = ("happy", "angry", "surprised", "neutral")


def add_run(workspace: Workspace, name: str = "tiny-1") -> None:
    """A finished run whose ONNX model looks at the mean colour."""
    import onnx
    from onnx import TensorProto, helper

    folder = workspace.runs / name
    folder.mkdir(parents=True)
    weights = np.eye(3, 4, dtype=np.float32) / 64
    nodes = [
        helper.make_node("Cast", ["faces"], ["pixels"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["pixels", "axes"], ["colour"], keepdims=0),
        helper.make_node("MatMul", ["colour", "weights"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("faces", TensorProto.UINT8, ["N", 32, 32, 3])],
        [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 4])],
        [
            helper.make_tensor("axes", TensorProto.INT64, [2], [1, 2]),
            helper.make_tensor("weights", TensorProto.FLOAT, [3, 4], weights.ravel()),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(folder / ONNX))
    write_card(ModelCard("torchvision", "tiny", LABELS, 32, (0, 0, 0), (1, 1, 1)), folder)
    now = datetime.now(UTC)
    workspace.store.snapshots.add(Snapshot("0" * 64, LABELS, (20, 4, 1), 0, now))
    workspace.store.runs.start(Run(name, {}, "0" * 64, "done", {}, {}, now, now))


def write_clip(path: Path, frames: int = 6) -> Path:
    with VideoSink(path) as sink:
        for number in range(frames):
            sink.write(np.full((96, 128, 3), 40 + number % 100, np.uint8), number / 25)
    return path


def live(workspace: Workspace, *words: str | Path) -> Result:
    return CliRunner().invoke(main, ["--workspace", str(workspace.path), *map(str, words)])


def test_help_carries_examples() -> None:
    said = CliRunner().invoke(main, ["--help"]).output
    assert "live --video in.mp4 --out out.mp4" in said and "live --web" in said


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--camera", "0", "--web"), "choose one of"),
        (("--camera", "0", "--video", "a.mp4", "--json"), "choose one of"),
        (("--video", "a.mp4"), "needs --out"),
        (("--out", "a.mp4"), "--out goes with --video"),
        (("--port", "8000"), "--port goes with --web"),
        (("--web", "--json"), "--json goes with"),
        (("--smooth", "-1"), "--smooth"),
    ],
)
def test_options_that_contradict_each_other_are_a_wrong_command_line(
    workspace: Workspace, words: tuple[str, ...], line: str
) -> None:
    done = live(workspace, *words)
    assert done.exit_code == 2 and line in done.output


def test_without_a_workspace_the_line_says_how_to_make_one(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["-w", str(tmp_path / "none"), "--json"])
    assert done.exit_code == 1 and "mimique init" in done.output


def test_without_a_run_the_line_says_which_command_makes_one(workspace: Workspace, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "in.mp4")
    for words in (("--video", clip, "--out", tmp_path / "out.mp4"), ("--web",), ("--json",)):
        done = live(workspace, *words)
        assert done.exit_code == 1 and "no finished run yet" in done.output
        assert "train yolo" in done.output
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "workspace"]


def test_a_video_is_annotated_and_told_frame_by_frame(workspace: Workspace, tmp_path: Path) -> None:
    add_run(workspace)
    clip = write_clip(tmp_path / "in.mp4")
    done = live(workspace, "--video", clip, "--out", tmp_path / "out.mp4", "--json")
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["frame"] for line in lines] == [0, 1, 2, 3, 4, 5]
    assert lines[1] == {"frame": 1, "time": 0.04, "faces": []}
    assert "6 frames, 0 faces" in done.stderr
    assert len(list(VideoCamera(tmp_path / "out.mp4").frames())) == 6


def test_a_video_can_be_cut_and_told_without_an_output(workspace: Workspace, tmp_path: Path) -> None:
    add_run(workspace)
    done = live(
        workspace,
        "--video",
        write_clip(tmp_path / "in.mp4"),
        "--json",
        "--max-seconds",
        "0.1",
        "--run",
        "tiny",
    )
    assert done.exit_code == 0 and len(done.stdout.splitlines()) == 3


def test_input_errors_are_one_line(workspace: Workspace, tmp_path: Path) -> None:
    add_run(workspace)
    clip = write_clip(tmp_path / "in.mp4")
    (tmp_path / "empty.mp4").touch()
    for words, line in [
        (("--video", clip, "--out", clip), "would be overwritten"),
        (("--video", tmp_path / "empty.mp4", "--out", tmp_path / "o.mp4"), "0 bytes"),
        (("--video", tmp_path / "no.mp4", "--json"), "there is no video file"),
        (("--video", clip, "--json", "--run", "unknown"), "no runs match"),
        (("--video", clip, "--json", "--detector", "unknown"), "unknown"),
    ]:
        done = live(workspace, *words)
        assert done.exit_code == 1 and line in done.output
        assert "Traceback" not in done.output


def without_cameras() -> dict[str, str]:
    """An environment in which OpenCV opens no camera, whatever is plugged into this machine."""
    kinds = [registry.getBackendName(kind) for kind in registry.getCameraBackends()]
    return {**os.environ, **{f"OPENCV_VIDEOIO_PRIORITY_{kind}": "0" for kind in kinds}}


def test_without_a_camera_the_line_offers_the_browser(workspace: Workspace) -> None:
    add_run(workspace)
    command = [sys.executable, "-m", "live.cli", "--workspace", str(workspace.path), "--json"]
    done = subprocess.run(command, env=without_cameras(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stdout == ""
    assert "no camera answers" in done.stderr and "live --web" in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only X and Wayland desktops can be absent")
def test_without_a_display_the_line_offers_the_browser(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    for display, line in (("", "there is no display"), (":987", "does not answer")):
        monkeypatch.setenv("DISPLAY", display)
        done = live(workspace, "--camera", "0")
        assert done.exit_code == 1 and line in done.output and "live --web" in done.output


def test_ctrl_c_leaves_a_playable_part(workspace: Workspace, tmp_path: Path) -> None:
    add_run(workspace)
    clip, out = write_clip(tmp_path / "in.mp4", frames=2000), tmp_path / "out.mp4"
    words = ["--workspace", workspace.path, "--video", clip, "--out", out, "--json"]
    command = [sys.executable, "-m", "live.cli", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for _ in range(5):
            process.stdout.readline()
        os.kill(process.pid, signal.SIGINT)
        _rest, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "holds the part up to" in said and "Traceback" not in said
    assert 5 <= len(list(VideoCamera(out).frames())) < 2000


def test_a_real_face_is_followed_through_a_real_video(
    shared: Path, workspace: Workspace, tmp_path: Path
) -> None:
    add_run(workspace)
    source = shared / "data" / "video" / "single_face.mp4"
    done = live(workspace, "--video", source, "--out", tmp_path / "out.mp4", "--json", "--max-seconds", "1")
    assert done.exit_code == 0, done.output
    seen = [json.loads(line)["faces"] for line in done.stdout.splitlines()]
    assert sum(len(faces) == 1 for faces in seen) > 0.9 * len(seen)
    assert len({face["track"] for faces in seen for face in faces}) == 1


def test_a_margin_written_as_text_is_read_as_a_number(workspace: Workspace) -> None:
    add_run(workspace)
    workspace.settings.options["curate"] = {"faces": {"margin": "0.3"}}
    assert load_models(workspace).rule.margin == 0.3


@pytest.mark.parametrize("margin", ["wide", "nan", -0.1, 3, [0.2]])
def test_a_margin_that_makes_no_sense_is_named(workspace: Workspace, margin: object) -> None:
    add_run(workspace)
    workspace.settings.options["curate"] = {"faces": {"margin": margin}}
    with pytest.raises(ConfigError, match=r"\[curate.faces\] margin"):
        load_models(workspace)
