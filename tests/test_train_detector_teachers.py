"""Labels from teachers: what several detectors agree on, what is learnt from that, and pictures they alone label."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from curate.detect import Detection, load_detector
from db.errors import ConfigError
from train.detector import distilled, to_batch, train_detector
from train.detector_network import start_network
from train.detector_patches import Patch, PatchSampler
from train.detector_photos import drawn_photos
from train.detector_recipe import CANVAS_SHARES, DetectorRecipe, FaceDetectorRecipe
from train.detector_strange import strange
from train.detector_teachers import LEAST_SCORE, Teachers, agreed, loss_of_sure_labels

pytestmark = pytest.mark.usefixtures("one_thread")
SIZE = 160
TINY = DetectorRecipe(steps=4, pixels=2 * SIZE**2, warmup=1, imgsz=SIZE, width=0.25, distil=0.5)


@pytest.fixture(scope="module")
def photos():
    """Drawn photos shrunk to 0.4, with faces of 20 px and more."""
    shrunk = []
    for photo in drawn_photos(6, 3):
        image = cv2.resize(photo.image, None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
        shrunk.append(Patch(np.asarray(image, np.uint8), photo.xyxy * np.float32(0.4)))
    return shrunk


@pytest.fixture(scope="module")
def teachers():
    return Teachers([load_detector("mimique-face", score=LEAST_SCORE, tiles=False, threads=1)])


# What they agree on.

LEFT, LEFT_TOO, RIGHT = (10, 10, 50, 50), (14, 10, 54, 50), (100, 10, 140, 50)


def test_a_face_that_all_see_is_as_sure_as_they_are_on_average_and_their_boxes_are_weighed():
    (face,) = agreed([[Detection(LEFT, 0.9)], [Detection(LEFT_TOO, 0.3)]])
    assert face.score == pytest.approx(0.6)
    assert face.xyxy == pytest.approx((11, 10, 51, 50))


def test_silence_counts_as_nothing_and_everybody_is_heard_once_a_face():
    faces = agreed([[Detection(LEFT, 0.8), Detection(LEFT_TOO, 0.6)], [Detection(RIGHT, 0.9)], []])
    assert [(face.xyxy, pytest.approx(face.score)) for face in faces] == [
        (pytest.approx(RIGHT), 0.3),
        (pytest.approx(LEFT), 0.8 / 3),
    ]


def test_where_nobody_sees_a_face_there_is_none():
    assert agreed([[], []]) == []


def test_a_label_is_the_detectors_own_face_and_score(photos, teachers):
    canvas = PatchSampler(photos, 5).patch(SIZE, whole=True).image
    labelled = teachers.label(canvas)
    found = load_detector("mimique-face", tiles=False).detect([canvas])[0]
    assert found, "the drawn face of this seed is found"
    assert labelled.sure is not None and labelled.sure[0] == pytest.approx(found[0].score, abs=1e-3)
    np.testing.assert_allclose(labelled.xyxy[0], found[0].xyxy, atol=0.5)


@pytest.mark.parametrize(
    ("change", "expected"), [({"distil": 1.5}, "expected 0 to 1"), ({"distil": 0.5}, "needs a teacher")]
)
def test_an_order_that_makes_no_sense_is_refused(change, expected):
    with pytest.raises(ConfigError, match=expected):
        FaceDetectorRecipe("", "", **change)


def test_several_teachers_are_named_with_commas():
    assert FaceDetectorRecipe("", "", teacher="yunet,/a/b.onnx").teachers == ["yunet", "/a/b.onnx"]
    assert FaceDetectorRecipe("", "").teachers == []


# What is learnt.


def losses(model, patches):
    return [float(part) for part in loss_of_sure_labels(model, to_batch(patches))[1].values()]


def test_sure_labels_weigh_as_ultralytics_weighs_its_own_and_no_label_as_none(photos):
    model = start_network(None, TINY, "cpu").eval()
    patch = PatchSampler(photos, 5).patch(SIZE, whole=True)
    assert len(patch.xyxy)
    plain = [float(part) for part in model.loss(to_batch([patch]))[1].values()]
    sure = replace(patch, sure=np.ones(len(patch.xyxy), np.float32))
    assert losses(model, [sure]) == pytest.approx(plain, rel=1e-5)
    box, _, dfl = losses(model, [replace(sure, sure=sure.sure * 0)])
    assert (box, dfl) == (0, 0)


def test_the_target_of_a_half_sure_face_is_half_as_high(photos):
    """The slope of the class loss is the score less its target, over the sum of all targets."""
    patch = PatchSampler(photos, 5).patch(SIZE, whole=True)
    targets = []
    for share in (1.0, 0.5):
        model = start_network(None, TINY, "cpu").eval()
        batch = to_batch([replace(patch, sure=np.full(len(patch.xyxy), share, np.float32))])
        seen = []
        model.criterion = model.init_criterion()
        plain = model.criterion.bbox_loss
        model.criterion.bbox_loss = lambda *args, plain=plain, seen=seen: seen.append(args[4]) or plain(*args)
        loss_of_sure_labels(model, batch)
        targets.append(seen[0])
    assert targets[0].max() > 0
    torch.testing.assert_close(targets[1], targets[0] / 2)


def test_half_of_a_steps_pictures_are_labelled_by_the_teachers(photos, teachers):
    pictures = distilled(PatchSampler(photos, 1), replace(TINY, pixels=4 * SIZE**2), teachers)
    assert [picture.sure is None for picture in pictures] == [True, True, False, False]
    assert to_batch(pictures)["sure"].shape == (sum(len(picture.xyxy) for picture in pictures),)


def test_a_batch_that_nobody_taught_says_nothing_of_it(photos):
    assert "sure" not in to_batch([PatchSampler(photos, 1).patch(SIZE, whole=False)])


def test_a_stopped_distillation_goes_on_as_if_nothing_had_happened(tmp_path, photos, teachers):
    class StoppedError(Exception):
        pass

    def stop(step, _losses):
        if step == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        train_detector(
            photos, None, tmp_path / "a", TINY, progress=stop, checkpoint_steps=2, teachers=teachers
        )
    resumed = train_detector(photos, None, tmp_path / "a", TINY, teachers=teachers)
    undisturbed = train_detector(photos, None, tmp_path / "b", TINY, teachers=teachers)
    ours, theirs = (
        torch.load(path, map_location="cpu", weights_only=False)["model"].state_dict()
        for path in (resumed, undisturbed)
    )
    for name, tensor in ours.items():
        np.testing.assert_allclose(tensor.numpy(), theirs[name].numpy(), rtol=2e-3, atol=2e-4, err_msg=name)


# Pictures that only teachers label.


def test_strange_pictures_are_drawn_anew_alike_and_most_are_no_plain_canvas(photos):
    def drawn(make):
        return [make(PatchSampler(photos, (2, seed))) for seed in range(16)]

    pictures, again = (drawn(lambda s: strange(s, SIZE, CANVAS_SHARES)) for _ in range(2))
    canvases = drawn(lambda s: s.canvas(SIZE, CANVAS_SHARES).image)
    assert all(p.shape == (SIZE, SIZE, 3) and p.dtype == np.uint8 for p in pictures)
    assert all((p == q).all() for p, q in zip(pictures, again, strict=True))
    assert 8 < sum((p != q).any() for p, q in zip(pictures, canvases, strict=True)) < 16


def test_photos_without_faces_give_strange_pictures_too():
    empty = Patch(np.full((200, 300, 3), 90, np.uint8), np.zeros((0, 4), np.float32))
    sampler = PatchSampler([empty], 0)
    assert all(strange(sampler, SIZE, CANVAS_SHARES).any() for _ in range(8))
