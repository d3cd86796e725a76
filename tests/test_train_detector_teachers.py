"""Labels from teachers: what several detectors agree on, what is learnt from that, and pictures they alone label."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from curate.detect import Detection, load_detector
from db.errors import ConfigError, InputError
from train.detector import distilled, to_batch, train_detector
from train.detector_network import start_network
from train.detector_patches import Patch, PatchSampler
from train.detector_photos import drawn_photos
from train.detector_recipe import DetectorRecipe, FaceDetectorRecipe
from train.detector_strange import paste, strange
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
    ("change", "expected"),
    [
        ({"distil": 1.5}, "expected 0 to 1"),
        ({"distil": 0.5}, "needs a teacher"),
        ({"distil": 0.5, "teacher": " ,"}, "needs a teacher"),
        ({"teacher": "yunet,centerface"}, "with --distil"),
    ],
)
def test_an_order_that_makes_no_sense_is_refused(change, expected):
    with pytest.raises(ConfigError, match=expected):
        FaceDetectorRecipe("", "", **change)


def test_several_teachers_are_named_with_commas():
    recipe = FaceDetectorRecipe("", "", teacher="yunet, /a/b.onnx", distil=0.5)
    assert recipe.teachers == ["yunet", "/a/b.onnx"]
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


def targets_of(patches):
    """The assigned scores (B, A, 1) of a batch, and which anchors have a face."""
    torch.manual_seed(0)
    model = start_network(None, TINY, "cpu").eval()
    model.criterion = model.init_criterion()
    plain, seen = model.criterion.bbox_loss, []
    model.criterion.bbox_loss = lambda *args: seen.append((args[4], args[6])) or plain(*args)
    loss_of_sure_labels(model, to_batch(patches))
    return seen[0]


def test_each_faces_target_is_as_high_as_its_own_label_is_sure():
    """Pictures with two faces, none, and one of its own labels: targets are the plain ones times that face's share."""
    grey = np.full((SIZE, SIZE, 3), 90, np.uint8)
    two, one = (
        np.array([[10, 10, 60, 60], [90, 90, 150, 150]], np.float32),
        np.array([[20, 80, 90, 150]], np.float32),
    )
    nobody = np.zeros((0, 4), np.float32)

    def batch(first, second):
        return [
            Patch(grey, two, sure=np.array([first, second], np.float32)),
            Patch(grey, nobody, sure=np.zeros(0, np.float32)),
            Patch(grey, one),
        ]

    (plain, found), (weighed, _) = targets_of(batch(1, 1)), targets_of(batch(0.2, 0.8))
    upper = torch.cat([(torch.arange((SIZE // s) ** 2) // (SIZE // s)) * s < SIZE / 2 for s in (8, 16, 32)])
    assert found[0][upper].any() and found[0][~upper].any() and not found[1].any() and found[2].any()
    torch.testing.assert_close(weighed[0][upper], plain[0][upper] * 0.2)
    torch.testing.assert_close(weighed[0][~upper], plain[0][~upper] * 0.8)
    torch.testing.assert_close(weighed[2], plain[2])


def test_a_batch_without_a_face_is_learnt_as_background():
    empty = Patch(
        np.full((SIZE, SIZE, 3), 90, np.uint8), np.zeros((0, 4), np.float32), sure=np.zeros(0, np.float32)
    )
    box, classes, dfl = losses(start_network(None, TINY, "cpu").eval(), [empty])
    assert (box, dfl) == (0, 0) and classes > 0


@pytest.mark.parametrize(("share", "taught"), [(0.5, 2), (1.0, 4)])
def test_the_share_that_teachers_label(photos, teachers, share, taught):
    recipe = replace(TINY, pixels=4 * SIZE**2, distil=share)
    pictures = distilled(PatchSampler(photos, 1), recipe, teachers)
    assert [picture.sure is None for picture in pictures] == [True] * (4 - taught) + [False] * taught
    assert to_batch(pictures)["sure"].shape == (sum(len(picture.xyxy) for picture in pictures),)


def test_a_share_of_less_than_one_picture_a_step_is_kept_on_average(photos, teachers):
    recipe = replace(TINY, pixels=SIZE**2, distil=0.3)
    taught = [
        distilled(PatchSampler(photos, seed), recipe, teachers)[0].sure is not None for seed in range(40)
    ]
    assert 4 <= sum(taught) <= 20


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_teachers_and_their_share_come_together(tmp_path, photos, teachers, share):
    with pytest.raises(InputError, match="both or neither"):
        train_detector(
            photos, None, tmp_path, replace(TINY, distil=share), teachers=None if share else teachers
        )


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

    pictures, again = (drawn(lambda s: strange(s, SIZE)) for _ in range(2))
    canvases = drawn(lambda s: s.canvas(SIZE).image)
    assert all(p.shape == (SIZE, SIZE, 3) and p.dtype == np.uint8 for p in pictures)
    assert all((p == q).all() for p, q in zip(pictures, again, strict=True))
    assert 8 < sum((p != q).any() for p, q in zip(pictures, canvases, strict=True)) < 16


def test_photos_without_faces_and_slivers_of_boxes_give_strange_pictures_too():
    grey = np.full((200, 300, 3), 90, np.uint8)
    for boxes in ([], [[0, 10, 0.3, 60]]):
        sampler = PatchSampler([Patch(grey, np.array(boxes, np.float32).reshape(-1, 4))], 0)
        for _ in range(12):
            assert strange(sampler, SIZE).shape == (SIZE, SIZE, 3)


def test_a_pasted_face_is_another_photos_and_fades_into_the_picture():
    white = Patch(np.full((100, 100, 3), 255, np.uint8), np.array([[30, 30, 70, 70]], np.float32))
    for seed in range(10):
        image = np.zeros((400, 400, 3), np.uint8)
        paste(image, PatchSampler([white], seed))
        rows, columns = np.flatnonzero(image.any(axis=(1, 2))), np.flatnonzero(image.any(axis=(0, 2)))
        assert 8 <= np.ptp(rows) + 1 <= 180 and np.ptp(columns) == np.ptp(rows)
        middle = image[int(rows.mean()), int(columns.mean())]
        assert (middle > 200).all() and (image[rows[0], columns[0]] < 128).all()
