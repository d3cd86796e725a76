"""Boxes learnt from a teacher: what it answers, what is learnt from that, and pictures that it alone judges."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from curate.detect import load_detector
from curate.registry import resolve
from db.errors import ConfigError, ModelError
from train.detector import distilled_batch, train_detector
from train.detector_distil import STRIDES, Answer, Teacher, blended_loss, distillation_loss, taught_batch
from train.detector_network import start_network
from train.detector_patches import Patch, PatchSampler
from train.detector_photos import drawn_photos
from train.detector_recipe import CANVAS_SHARES, DetectorRecipe, FaceDetectorRecipe
from train.detector_strange import strange

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 160
TINY = DetectorRecipe(steps=2, pixels=4 * SIZE**2, warmup=1, imgsz=SIZE, width=0.25, distil=0.5)


@pytest.fixture(scope="module")
def photos():
    """Drawn photos of 160 px and more with faces of 20 px and more."""
    shrunk = []
    for photo in drawn_photos(6, 3):
        image = cv2.resize(photo.image, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        shrunk.append(Patch(np.asarray(image, np.uint8), photo.xyxy * np.float32(0.4)))
    return shrunk


@pytest.fixture(scope="module")
def teacher():
    return Teacher(resolve("mimique-face"), SIZE)


# The teacher.


def test_a_teacher_answers_at_every_anchor_what_the_detector_finds(photos, teacher):
    canvas = PatchSampler(photos, 5).patch(SIZE, whole=True).image
    answer = teacher.answer(canvas)
    assert answer.xyxy.shape == (sum((SIZE // stride) ** 2 for stride in STRIDES), 4)
    found = load_detector("mimique-face", tiles=False, size_px=SIZE).detect([canvas])[0]
    assert found, "the drawn face of this seed is found"
    surest = int(answer.scores.argmax())
    assert answer.scores[surest] == pytest.approx(found[0].score, abs=1e-3)
    np.testing.assert_allclose(answer.xyxy[surest], found[0].xyxy, atol=0.5)


def test_who_cannot_teach_is_told_why(tmp_path: Path):
    with pytest.raises(ModelError, match="expected an Ultralytics face network that takes"):
        Teacher(_fixed_size(tmp_path), 320)
    (tmp_path / "broken.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="no ONNX model"):
        Teacher(tmp_path / "broken.onnx", SIZE)


def _fixed_size(folder: Path) -> Path:
    """The bundled network, told to take 160 px only."""
    import onnx

    model = onnx.load(str(resolve("mimique-face")))
    for side, pixels in zip(model.graph.input[0].type.tensor_type.shape.dim, (1, 3, SIZE, SIZE), strict=True):
        side.Clear()
        side.dim_value = pixels
    onnx.save(model, str(folder / "fixed.onnx"))
    return folder / "fixed.onnx"


@pytest.mark.parametrize(
    ("change", "expected"),
    [({"distil": 1.5}, "expected 0 to 1"), ({"distil": 0.5}, "name one, --teacher")],
)
def test_an_order_that_makes_no_sense_is_refused(change, expected):
    with pytest.raises(ConfigError, match=expected):
        FaceDetectorRecipe("", "", **change)


def test_an_epoch_counts_labelled_patches_only():
    recipe = DetectorRecipe(distil=0.5)
    assert (recipe.patches(640), recipe.unlabelled()) == (4, 1)
    assert recipe.steps_an_epoch(2000) == pytest.approx(2000 / (3 * 2.5), abs=1)
    assert DetectorRecipe(distil=0.5, pixels=1).unlabelled() == 0


# What is learnt.


def test_only_the_teachers_share_counts_pictures_without_labels(photos, teacher):
    model = start_network(None, TINY, "cpu").train()
    batch = distilled_batch(PatchSampler(photos, 1), TINY, teacher, "cpu")
    assert len(batch["img"]) == 4 and int(batch["unlabelled"]) == 1
    assert batch["batch_idx"].max() < 3
    labels_only, parts = blended_loss(model, batch, 0.0)
    blended, _ = blended_loss(model, batch, 0.5)
    teacher_only, _ = blended_loss(model, batch, 1.0)
    torch.testing.assert_close(blended, (labels_only + teacher_only) / 2, rtol=1e-3, atol=1e-2)
    torch.testing.assert_close(teacher_only.sum() / 4, parts["told"], rtol=1e-3, atol=1e-2)


def test_a_pupil_that_answers_as_its_teacher_has_nothing_left_to_learn(photos):
    model = start_network(None, TINY, "cpu").eval()
    batch = distilled_batch(PatchSampler(photos, 1), TINY, _Itself(model), "cpu")
    preds = model(batch["img"])[1]
    scores = preds["scores"].detach().requires_grad_()

    def slope(wanted):
        loss = distillation_loss(
            model.init_criterion(), preds | {"scores": scores}, batch | {"taught_scores": wanted}
        )
        return float(torch.autograd.grad(loss[1], scores)[0].abs().max())

    same = batch["taught_scores"]
    assert slope(same) < 1e-3 * slope((same + 0.5).clamp(0, 1))


class _Itself:
    """A teacher that answers what the network itself does."""

    def __init__(self, model):
        self.model = model

    def answer(self, image):
        canvas = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255
        with torch.no_grad():
            output = self.model(canvas)[0][0].numpy()
        half = output[2:4] / 2
        return Answer(output[4], np.concatenate([output[:2] - half, output[:2] + half]).T.copy())


def test_a_stopped_distillation_goes_on_as_if_nothing_had_happened(tmp_path, photos, teacher):
    class StoppedError(Exception):
        pass

    def stop(step, _losses):
        if step == 3:
            raise StoppedError

    recipe = replace(TINY, steps=4, pixels=2 * SIZE**2)
    with pytest.raises(StoppedError):
        train_detector(
            photos, None, tmp_path / "a", recipe, progress=stop, checkpoint_steps=2, teacher=teacher
        )
    resumed = train_detector(photos, None, tmp_path / "a", recipe, teacher=teacher)
    undisturbed = train_detector(photos, None, tmp_path / "b", recipe, teacher=teacher)
    ours, theirs = (
        torch.load(path, map_location="cpu", weights_only=False)["model"].state_dict()
        for path in (resumed, undisturbed)
    )
    for name, tensor in ours.items():
        np.testing.assert_allclose(tensor.numpy(), theirs[name].numpy(), rtol=2e-3, atol=2e-4, err_msg=name)


# Pictures that only a teacher judges.


def test_strange_pictures_have_no_labels_and_differ_from_any_photo(photos):
    sampler = PatchSampler(photos, 2)
    pictures = [strange(sampler, SIZE, CANVAS_SHARES) for _ in range(12)]
    assert all(p.image.shape == (SIZE, SIZE, 3) and p.image.dtype == np.uint8 for p in pictures)
    assert all(len(p.xyxy) == 0 for p in pictures)
    again = PatchSampler(photos, 2)
    assert all((strange(again, SIZE, CANVAS_SHARES).image == p.image).all() for p in pictures)


def test_photos_without_faces_give_strange_pictures_too():
    empty = Patch(np.full((200, 300, 3), 90, np.uint8), np.zeros((0, 4), np.float32))
    sampler = PatchSampler([empty], 0)
    assert all(strange(sampler, SIZE, CANVAS_SHARES).image.any() for _ in range(8))


def test_taught_batches_stack_what_the_teacher_said():
    answers = [Answer(np.full(5, n, np.float32), np.full((5, 4), n, np.float32)) for n in (0.0, 1.0)]
    batch = taught_batch(answers, 1)
    assert batch["taught_scores"].shape == (2, 5, 1) and batch["taught_boxes"].shape == (2, 5, 4)
    assert float(batch["taught_scores"][1].min()) == 1.0
