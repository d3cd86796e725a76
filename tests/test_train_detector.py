"""The detector's training loop: recipes that make sense, steps that resume as if nothing had happened."""

import json
from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

from curate.detect import Detection, load_detector
from db.errors import ConfigError, InputError, ModelError
from train.detector import train_detector
from train.detector_landmarks import taught, train_landmarks
from train.detector_patches import Patch
from train.detector_photos import drawn_photos
from train.detector_recipe import LANDMARK_RECIPE, DetectorRecipe, FaceDetectorRecipe

pytestmark = pytest.mark.usefixtures("one_thread")
TINY = DetectorRecipe(steps=2, pixels=1, warmup=1, imgsz=96, width=0.25)


@pytest.fixture(scope="module")
def drawn():
    """Eight drawn photos with exact boxes and points, shrunk to a fifth."""
    photos = []
    for photo in drawn_photos(8, 1):
        image = cv2.resize(photo.image, None, fx=0.2, fy=0.2, interpolation=cv2.INTER_AREA)
        points = photo.known_points() * np.array([0.2, 0.2, 1], np.float32)
        photos.append(Patch(np.asarray(image, np.uint8), photo.xyxy * np.float32(0.2), points))
    return photos


# Recipes.


def test_the_learning_rate_rises_stays_and_falls():
    rates = [
        DetectorRecipe(steps=100, lr=1.0, warmup=10, cooldown=0.2).learning_rate(step) for step in range(100)
    ]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:80] == [1.0] * 70
    assert rates[80:] == sorted(rates[80:], reverse=True)
    assert rates[-1] < 0.05


def test_an_epoch_shows_as_many_patches_as_there_are_photos():
    recipe = DetectorRecipe(whole_share=0.25)
    assert recipe.sizes_px == (320, 448, 640)
    assert [recipe.patches(size) for size in recipe.sizes_px] == [16, 8, 4]
    assert sum(recipe.size_shares) == pytest.approx(1)
    a_step = 0.75 * (0.7 * 16 + 0.3 * 8) + 0.25 * 4
    assert recipe.steps_an_epoch(2000) == pytest.approx(2000 / a_step, abs=1)
    assert FaceDetectorRecipe("", "", epochs=3).box_loop(2000).steps == 3 * recipe.steps_an_epoch(2000)


def test_drawn_pictures_stay_a_small_part_unless_told_otherwise():
    assert FaceDetectorRecipe("", "").drawn_for(60) == (10, 3)
    assert FaceDetectorRecipe("", "").drawn_for(12_880) == (300, 100)
    assert FaceDetectorRecipe("", "", drawn=0, places=7).drawn_for(12_880) == (0, 7)


@pytest.mark.parametrize("change", [{"steps": 0}, {"cooldown": 0.0}, {"cooldown": 1.5}])
def test_a_loop_that_makes_no_sense_is_refused(change):
    with pytest.raises(InputError, match="expected"):
        DetectorRecipe(**change)


@pytest.mark.parametrize(
    "change",
    [{"imgsz": 100}, {"imgsz": 32}, {"epochs": 0}, {"width": 0}, {"lr": -1}, {"drawn": -1}, {"network": "x"}],
)
def test_an_order_that_makes_no_sense_is_refused(change):
    with pytest.raises(ConfigError, match=r"expected|count from 0"):
        FaceDetectorRecipe("", "", **change)


# Steps.


def weights_of(path):
    import torch

    return torch.load(path, map_location="cpu", weights_only=False)["model"].state_dict()


def test_a_stopped_training_goes_on_as_if_nothing_had_happened(tmp_path, drawn):
    class StoppedError(Exception):
        pass

    def stop(step, _losses):
        steps.append(step)
        if step == 5 and len(steps) == 5:
            raise StoppedError

    recipe, steps = replace(TINY, steps=6, pixels=2 * 96**2), []
    with pytest.raises(StoppedError):
        train_detector(drawn, None, tmp_path / "a", recipe, progress=stop, checkpoint_steps=4)
    resumed = train_detector(drawn, None, tmp_path / "a", recipe, progress=stop, checkpoint_steps=4)
    assert steps == [1, 2, 3, 4, 5, 5, 6]
    undisturbed = weights_of(train_detector(drawn, None, tmp_path / "b", recipe))
    for name, tensor in weights_of(resumed).items():
        np.testing.assert_allclose(
            tensor.numpy(), undisturbed[name].numpy(), rtol=2e-3, atol=2e-4, err_msg=name
        )


def test_going_on_with_another_recipe_is_refused_and_an_older_file_is_read(tmp_path, drawn):
    older = {key: value for key, value in asdict(TINY).items() if key not in ("imgsz", "width")}
    (tmp_path / "recipe.json").write_text(json.dumps(older))
    with pytest.raises(InputError, match="another recipe"):
        train_detector(drawn, None, tmp_path, TINY)
    (tmp_path / "recipe.json").write_text(json.dumps(asdict(TINY) | {"lr": 1e-3}))
    assert train_detector(drawn, None, tmp_path, TINY).is_file()


def test_layers_are_frozen_only_where_their_weights_came_from_a_file(tmp_path, drawn):
    best = train_detector(drawn, None, tmp_path / "start", replace(TINY, steps=1))
    scratch = weights_of(best)
    tuned = weights_of(train_detector(drawn, best, tmp_path / "tuned", replace(TINY, lr=0.1)))
    first, last = "model.0.conv.weight", "model.22.cv1.conv.weight"
    assert (tuned[first] == scratch[first]).all()
    assert (tuned[last] != scratch[last]).any()


@pytest.mark.parametrize("content", [b"", b"nothing", b"PK\x03\x04 half a zip"])
def test_weights_that_are_no_checkpoint_are_a_clear_error(tmp_path, drawn, content):
    (tmp_path / "bad.pt").write_bytes(content)
    with pytest.raises(ModelError, match=r"bad\.pt is no Ultralytics checkpoint"):
        train_detector(drawn, tmp_path / "bad.pt", tmp_path / "out", TINY)


def test_learning_points_leaves_every_box_as_it_was(tmp_path, drawn):
    best = train_detector(drawn, None, tmp_path, TINY)
    recipe = replace(LANDMARK_RECIPE, steps=1, pixels=1, imgsz=96, width=0.25)
    with_points = train_landmarks(drawn, load_detector(best), best, tmp_path / "points", recipe)
    assert answer(with_points).shape[1] == 20
    np.testing.assert_allclose(answer(with_points)[:, :5], answer(best), rtol=1e-3, atol=1e-3)


def test_a_teacher_that_gives_no_points_leaves_a_detector_of_boxes(tmp_path, drawn, capsys):
    best = train_detector(drawn, None, tmp_path, TINY)
    bare = [replace(photo, points=None) for photo in drawn]
    recipe = replace(LANDMARK_RECIPE, steps=1, pixels=1, imgsz=96, width=0.25)
    assert train_landmarks(bare, load_detector(best), best, tmp_path / "points", recipe) == best
    assert "gives boxes alone" in capsys.readouterr().err


def answer(path):
    """What the checkpoint says of one random picture, (1, 5 or 20, A)."""
    import torch
    from ultralytics import YOLO

    picture = np.random.default_rng(0).random((1, 3, 96, 64), np.float32)
    with torch.no_grad():
        return YOLO(str(path)).model.float().eval()(torch.from_numpy(picture))[0].numpy()


def test_a_teachers_points_are_taken_where_its_box_agrees_and_the_face_is_high_enough():
    points = ((20.0, 20.0), (30.0, 20.0), (25.0, 28.0), (20.0, 34.0), (30.0, 34.0))
    boxes = np.array([(10, 10, 40, 45), (100, 10, 130, 45), (50, 10, 60, 20)], np.float32)
    photo = Patch(np.zeros((100, 200, 3), np.uint8), boxes)
    found = [Detection((11, 10, 41, 45), 0.9, points), Detection((50, 10, 60, 20), 0.9, points)]
    known = taught(photo, found).known_points()
    assert known[0, :, :2].tolist() == [list(point) for point in points]
    assert known[:, :, 2].any(axis=1).tolist() == [True, False, False]
    assert not taught(photo, []).known_points().any()
