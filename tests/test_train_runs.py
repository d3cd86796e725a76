"""Both recipes, really trained on forty drawn faces in a real workspace."""

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from killed_run import killed_run
from new_workspace import new_workspace

from db.errors import ConfigError, InputError, ModelError, NotFoundError
from db.records.faces import NewFace
from db.records.photos import NewPhoto, Origin
from db.records.runs import Run
from db.records.snapshots import Snapshot, SnapshotMember
from db.workspace import Workspace
from train.classifier import load_classifier, predict_faces
from train.cli import main
from train.dataset import check_trainable, pack_part, read_crop
from train.finish import main_scores
from train.history import best_epoch, read_history
from train.recipes import ResnetRecipe, YoloRecipe, recipe_from_record
from train.runs import find_run, run_folder, run_state, training_run

pytestmark = pytest.mark.usefixtures("one_thread")
TINY_YOLO = YoloRecipe(imgsz=32, epochs=2, batch=16, weights="none", device="cpu")
TINY_RESNET = ResnetRecipe(
    network="resnet18", imgsz=32, head_epochs=1, epochs=1, batch=16, weights="none", device="cpu"
)
RUN_FILES = {
    *("recipe.json", "history.csv", "metrics.json", "predictions.csv", "confusion.csv", "confusion.png"),
    *("curves.png", "errors.png", "weights.pt", "model.onnx", "model.json"),
}


def drawn_face(label: int, seed: int, size: int = 48) -> np.ndarray:
    """A disc with a mouth: up, down, round or straight. (size, size, 3) uint8 RGB."""
    random = np.random.default_rng(seed)
    face = np.full((size, size, 3), random.integers(60, 120, 3), np.uint8)
    cv2.circle(face, (size // 2, size // 2), size // 2 - 3, random.integers(150, 230, 3).tolist(), -1)
    x, y = size // 2 + int(random.integers(-2, 3)), size * 2 // 3
    if label == 0:
        cv2.ellipse(face, (x, y - 4), (9, 7), 0, 10, 170, (40, 0, 0), 3)
    elif label == 1:
        cv2.ellipse(face, (x, y + 5), (9, 7), 0, 190, 350, (40, 0, 0), 3)
    elif label == 2:
        cv2.circle(face, (x, y), 6, (40, 0, 0), -1)
    else:
        cv2.line(face, (x - 9, y), (x + 9, y), (40, 0, 0), 3)
    return face


def add_faces(workspace: Workspace, count: int) -> list[SnapshotMember]:
    """Draw and store ``count`` faces, every fifth for val and every tenth for test."""
    classes, members = workspace.settings.classes, []
    for i in range(count):
        label = i % len(classes)
        encoded = cv2.imencode(".jpg", drawn_face(label, i)[..., ::-1])[1].tobytes()
        sha256 = workspace.blobs.put(encoded, ".jpg")
        workspace.store.photos.add(
            NewPhoto(sha256, ".jpg", 48, 48, "0" * 16, len(encoded)), Origin("drawn", str(i))
        )
        photo = next(p for p in workspace.store.photos.all() if p.sha256 == sha256)
        face = NewFace((0, 0, 48, 48), 0.9, sha256, (48, 48), 1.0)
        workspace.store.faces.record_detection(photo.id, "drawn", [face])
        part = "val" if i // 4 % 5 == 1 else "test" if i // 4 % 10 == 2 else "train"
        members.append(SnapshotMember(0, sha256, classes[label], part, sha256, {classes[label]: 1.0}))
    ids = {face.crop_sha256: face.id for face in workspace.store.faces.all()}
    return [
        SnapshotMember(ids[m.crop_sha256], m.crop_sha256, m.label, m.part, m.group_key, m.distribution)
        for m in sorted(members, key=lambda m: m.crop_sha256)
    ]


def snapshot_of(workspace: Workspace, members: list[SnapshotMember]) -> Snapshot:
    name = hashlib.sha256(repr(members).encode()).hexdigest()
    snapshot = Snapshot(name, workspace.settings.classes, (16, 4, 2), 0, datetime.now(UTC), tuple(members))
    workspace.store.snapshots.add(snapshot)
    return workspace.store.snapshots.load(name)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    folder = tmp_path_factory.mktemp("train") / "workspace"
    with new_workspace(folder) as opened:
        snapshot_of(opened, add_faces(opened, 40))
        yield opened


@pytest.fixture(scope="module")
def snapshot(workspace):
    return workspace.store.snapshots.load()


@pytest.fixture(scope="module")
def yolo_run(workspace, snapshot):
    from train.yolo import train_yolo

    return train_yolo(workspace, snapshot, TINY_YOLO)


@pytest.fixture(scope="module")
def resnet_run(workspace, snapshot):
    from train.resnet import train_resnet

    return train_resnet(workspace, snapshot, TINY_RESNET)


@pytest.fixture
def no_fetched_models(tmp_path, monkeypatch):
    """Only the bundled models are here, in this process and in those it starts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("MIMIQUE_MODELS", raising=False)


@pytest.fixture(params=["yolo_run", "resnet_run"])
def run(request):
    return request.getfixturevalue(request.param)


def test_a_finished_run_leaves_its_files_figures_and_predictions(workspace, snapshot, run):
    folder = run_folder(workspace, run)
    assert {path.name for path in folder.iterdir()} >= RUN_FILES
    assert not (folder / "work").exists()
    assert run.status == "done" and run_state(workspace, run) == "done"
    part, figures = main_scores(run.metrics)
    assert part == "test" and figures["faces"] == len(snapshot.part("test"))
    assert sum(map(sum, run.metrics["val"]["confusion"])) == len(snapshot.part("val"))
    assert run.metrics["start"] == "scratch"
    assert {"torch", "ultralytics", "python", "mimique"} <= run.environment.keys()
    predictions = workspace.store.predictions.of_run(run.id)
    held_out = {m.face_id for m in (*snapshot.part("val"), *snapshot.part("test"))}
    assert {p.face_id for p in predictions} == held_out
    assert all(p.out_of_fold for p in predictions)
    assert all(sum(p.probabilities.values()) == pytest.approx(1, abs=1e-4) for p in predictions)


def test_the_kept_epoch_is_the_one_of_best_macro_f1(workspace, run):
    rows = read_history(run_folder(workspace, run) / "history.csv")
    best = best_epoch(rows)
    assert best is not None
    assert len(rows) == 2 and run.metrics["best_epoch"] == best.epoch
    assert run.metrics["val"]["macro_f1"] == pytest.approx(best.macro_f1, abs=0.15)


def test_a_loaded_classifier_gives_probabilities_and_onnx_agrees_with_torch(workspace, snapshot, run):
    faces = np.stack([drawn_face(i % 4, 100 + i) for i in range(7)])
    onnx = load_classifier(workspace, run.id, backend="onnx")
    torch = load_classifier(workspace, run.id, backend="torch")
    assert onnx.labels == torch.labels == snapshot.classes
    probabilities = onnx.predict(faces)
    assert probabilities.shape == (7, 4) and probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(probabilities, torch.predict(faces), atol=1e-4)


def test_faces_of_different_sizes_and_no_face_at_all(workspace, run):
    classifier = load_classifier(workspace, run.id)
    mixed = [drawn_face(0, 1, 40), drawn_face(1, 2, 90)[:70], drawn_face(2, 3, 32)]
    assert predict_faces(classifier, mixed).shape == (3, 4)
    np.testing.assert_allclose(
        predict_faces(classifier, mixed)[2], classifier.predict(mixed[2][None])[0], atol=1e-5
    )
    assert predict_faces(classifier, []).shape == (0, 4)
    with pytest.raises(ValueError, match="uint8 RGB"):
        classifier.predict(np.zeros((2, 8, 8), np.uint8))


def test_a_done_run_is_found_by_its_recipe_and_can_be_rebuilt_from_it(workspace, snapshot, resnet_run):
    assert find_run(workspace, snapshot, TINY_RESNET.as_record(), "done") == resnet_run
    assert find_run(workspace, snapshot, TINY_RESNET.as_record(), "interrupted") is None
    assert recipe_from_record(resnet_run.recipe) == TINY_RESNET


def killed_training(workspace: Workspace, recipe: str, train: str) -> Run:
    """A run of the recipe that was killed."""
    code = (
        "from pathlib import Path; from db.workspace import open_workspace; from train.recipes import *\n"
        f"from train.{train} import train_{train} as train\n"
        f"w = open_workspace(Path({str(workspace.path)!r})); train(w, w.store.snapshots.load(), {recipe}, fresh=True)"
    )
    return killed_run(workspace, code)


def test_a_killed_resnet_run_goes_on_as_if_nothing_had_happened(workspace, snapshot, resnet_run):
    from train.resnet import train_resnet

    recipe = ResnetRecipe(
        network="resnet18", imgsz=32, head_epochs=2, epochs=4, batch=16, weights="none", device="cpu"
    )
    killed = killed_training(workspace, repr(recipe), "resnet")
    assert run_state(workspace, killed) == "interrupted"
    with pytest.raises(ModelError, match="not finished"):
        load_classifier(workspace, killed.id)
    resumed = train_resnet(workspace, snapshot, recipe)
    undisturbed = train_resnet(workspace, snapshot, recipe, fresh=True)
    assert resumed.id == killed.id != undisturbed.id
    histories = [read_history(run_folder(workspace, each) / "history.csv") for each in (resumed, undisturbed)]
    losses = [[(row.epoch, row.phase, row.train_loss, row.val_loss) for row in rows] for rows in histories]
    assert [row[:2] for row in losses[0]] == [row[:2] for row in losses[1]]
    assert len(losses[0]) == 6
    np.testing.assert_allclose([row[2:] for row in losses[0]], [row[2:] for row in losses[1]], rtol=1e-3)


def test_a_killed_yolo_run_goes_on_from_its_last_epoch(workspace, yolo_run, no_fetched_models):
    from train.resume import resume_run

    recipe = YoloRecipe(imgsz=32, epochs=6, batch=16, device="cpu")
    killed = killed_training(workspace, repr(recipe), "yolo")
    before = read_history(run_folder(workspace, killed) / "history.csv")
    resumed = resume_run(workspace, killed.id)
    after = read_history(run_folder(workspace, resumed) / "history.csv")
    assert resumed.status == "done" and [row.epoch for row in after] == [1, 2, 3, 4, 5, 6]
    assert after[: len(before) - 1] == before[:-1]
    assert resumed.metrics["start"] == "mimique-face"
    with pytest.raises(ConfigError, match="nothing to resume"):
        resume_run(workspace, killed.id)


def test_an_error_while_training_is_kept_as_the_reason(workspace, snapshot, no_fetched_models):
    from train.yolo import train_yolo

    with pytest.raises(ModelError):
        train_yolo(workspace, snapshot, YoloRecipe(imgsz=32, epochs=1, weights="yolov8n-cls"), fresh=True)
    failed = workspace.store.runs.all()[-1]
    assert run_state(workspace, failed) == "failed"
    assert "yolov8n-cls" in failed.metrics["reason"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_while_saving_leaves_the_run_resumable(workspace, snapshot, tmp_path):
    import torch

    from train.network import save_tensors

    (tmp_path / "last.pt.part").symlink_to("/dev/full")
    with (
        pytest.raises(OSError, match="No space left"),
        training_run(workspace, snapshot, TINY_YOLO, fresh=True),
    ):
        save_tensors({"weight": torch.zeros(9)}, tmp_path / "last.pt")
    stopped = workspace.store.runs.all()[-1]
    assert run_state(workspace, stopped) == "interrupted"
    workspace.store.runs.finish(stopped.id, "failed", {})


def test_what_is_being_trained_is_not_trained_beside_it_unasked(workspace, snapshot):
    recipe = replace(TINY_RESNET, seed=77)
    with training_run(workspace, snapshot, recipe, fresh=True) as run:
        with (
            pytest.raises(ConfigError, match=f"run {run.id} trains just this at the moment"),
            training_run(workspace, snapshot, recipe, name="mine"),
        ):
            raise AssertionError("unreachable")
        with training_run(workspace, snapshot, replace(recipe, seed=78), name="other") as other:
            assert other.id != run.id
    for stopped in (run, other):
        workspace.store.runs.finish(stopped.id, "failed", {})


def test_what_was_trained_already_is_said(workspace, snapshot, resnet_run, capsys):
    with training_run(workspace, snapshot, TINY_RESNET) as run:
        assert f"run {resnet_run.id} was trained with just this recipe" in capsys.readouterr().err
        assert run.id != resnet_run.id
    workspace.store.runs.finish(run.id, "failed", {})


def test_a_long_name_is_cut_to_what_a_folder_can_bear(workspace, snapshot):
    with pytest.raises(KeyError), training_run(workspace, snapshot, TINY_YOLO, name="mine " * 80) as run:
        raise KeyError
    assert "-mine-mine-" in run.id and len(run.id) < 80


@pytest.mark.parametrize("command", [["yolo"], ["resnet18"], ["detector", "--data=.", "--boxes=."]])
def test_a_seed_no_generator_takes_is_a_usage_error(command):
    for seed in ("99999999999999999999", "-1"):
        result = CliRunner().invoke(main, [*command, "--seed", seed])
        assert result.exit_code == 2 and "--seed" in result.stderr


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"lr00": 0.1}, "no argument 'lr00'"),
        ({"epochs": 3}, "cannot be set with --set"),
        ({"lr0": "fast"}, "--set: "),
    ],
)
def test_a_wrong_ultralytics_argument_is_named(settings, message):
    from train.yolo import check_settings

    with pytest.raises(ConfigError, match=message):
        check_settings(settings)


def test_settings_are_read_as_values():
    from train.yolo import parse_settings

    pairs = ["lr0=0.01", "cos_lr=True", "auto_augment=None", "optimizer=AdamW", "freeze=[0, 1]"]
    assert list(parse_settings(pairs).values()) == [0.01, True, None, "AdamW", [0, 1]]
    with pytest.raises(ConfigError, match="key=value"):
        parse_settings(["lr0"])


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (lambda m: False, "no face to train on"),
        (lambda m: m.label == "happy", "one class only"),
        (lambda m: m.part != "val", "no face in its val part"),
    ],
)
def test_a_snapshot_nothing_can_be_learnt_from_is_refused(workspace, snapshot, kept, message):
    members = tuple(m for m in snapshot.members if kept(m))
    thinned = Snapshot(snapshot.hash, snapshot.classes, snapshot.ratios, 0, snapshot.created_at, members)
    with pytest.raises(InputError, match=message):
        check_trainable(thinned)


def test_shaky_parts_are_said_aloud(snapshot, capsys):
    val = snapshot.part("val")[:1]
    members = tuple(m for m in snapshot.members if m.part == "train" and m.label != "happy") + val
    check_trainable(
        Snapshot(snapshot.hash, snapshot.classes, snapshot.ratios, 0, snapshot.created_at, members)
    )
    said = capsys.readouterr().err
    assert "the train part has no happy face: cannot be learnt" in said
    assert "only 1 faces in the val part" in said
    assert "the test part is empty" in said


def test_a_damaged_or_missing_crop_is_skipped_and_named(workspace, snapshot, tmp_path, capsys):
    good = snapshot.part("train")[:2]
    broken = workspace.blobs.put(b"\xff\xd8 no picture", ".jpg")
    bad = [SnapshotMember(1, sha, "happy", "train", sha, {}) for sha in (broken, "f" * 64)]
    mixed = Snapshot(snapshot.hash, snapshot.classes, snapshot.ratios, 0, snapshot.created_at, (*good, *bad))
    packed = pack_part(workspace.blobs, mixed, "train", 32, tmp_path / "train.npy")
    assert packed.members == good and packed.skipped == 2
    assert packed.images.shape == (2, 32, 32, 3)
    assert capsys.readouterr().err.count("missing or damaged") == 2


def test_a_large_crop_is_decoded_at_a_fraction_that_is_still_large_enough(workspace):
    noise = np.random.default_rng(0).integers(0, 255, (400, 640, 3), np.uint8)
    sha256 = workspace.blobs.put(cv2.imencode(".jpg", noise)[1].tobytes(), ".jpg")
    sizes = [read_crop(workspace.blobs, sha256, smallest).shape[:2] for smallest in (0, 48, 100, 101, 300)]
    assert sizes == [(400, 640), (50, 80), (100, 160), (200, 320), (400, 640)]


def test_list_show_and_compare_print_figures_and_plot(workspace, yolo_run, resnet_run):
    def call(*arguments: str) -> str:
        result = CliRunner().invoke(main, [*arguments, "-w", str(workspace.path)])
        assert result.exit_code == 0, result.output
        return result.stdout

    assert yolo_run.id in call("list") and "done" in call("list")
    assert {run["state"] for run in json.loads(call("list", "--json"))} >= {"done"}
    assert "precision" in call("show", resnet_run.id)
    assert json.loads(call("show", yolo_run.id, "--json"))["metrics"]["start"] == "scratch"
    assert "comparison.png" in call("compare", yolo_run.id, resnet_run.id)
    picture = cv2.imread(str(workspace.runs / "comparison.png"))
    assert picture is not None and picture.std() > 5


def test_a_run_that_does_not_exist_is_one_clear_line(workspace):
    with pytest.raises(NotFoundError, match="no runs match"):
        load_classifier(workspace, "nothing")
    result = CliRunner().invoke(main, ["show", "nothing", "-w", str(workspace.path)])
    assert result.exit_code == 1 and "Traceback" not in result.output


def test_pretrained_weights_start_the_frozen_phase(workspace, snapshot, shared, monkeypatch):
    from train.resnet import train_resnet

    monkeypatch.setenv("MIMIQUE_MODELS", str(Path(shared) / "models"))
    recipe = ResnetRecipe(network="mobilenet_v2", imgsz=32, head_epochs=1, epochs=0, batch=16, device="cpu")
    run = train_resnet(workspace, snapshot, recipe)
    assert run.metrics["start"] == "mobilenet_v2"
    assert read_history(run_folder(workspace, run) / "history.csv")[0].phase == "head"
