"""The detector's trainer: boxes read and checked, patches with the right faces, resumable steps, honest scores."""

import zipfile
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collect.sample_photo import render
from collect.sample_scene import compose
from curate.detect import Detection, load_detector
from curate.engine import load_engine
from db.errors import InputError, ModelError
from train.detector import DetectorRecipe, load_photos, train_detector
from train.detector_boxes import held_out, photo_reader, read_boxes
from train.detector_export import export_detector
from train.detector_landmarks import LANDMARK_RECIPE, taught, train_landmarks
from train.detector_patches import Aim, Patch, PatchSampler, cut, flip, quarters
from train.detector_score import ScoredPhoto, average_precision

HEAD = "image,width,height,x1,y1,x2,y2\n"
TINY = DetectorRecipe(steps=2, pixels=1, warmup=1)


def _boxes(*rows):
    return np.array(rows, np.float32).reshape(-1, 4)


def _photo(width=200, height=100, *boxes):
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)
    return Patch(image, _boxes(*boxes))


# Boxes and photos.


def test_bad_rows_are_reported_and_the_rest_is_read(tmp_path):
    path = tmp_path / "boxes.csv"
    rows = ["a.jpg,100,80,10,10,30,40", "a.jpg,100,80,30,10,10,40", "a.jpg,100,80,120,10,140,40"]
    path.write_text(HEAD + "\n".join([*rows, "b.jpg,100,80,90,70,130,99"]) + "\n")
    table = read_boxes(path)
    assert table.boxes["a.jpg"].tolist() == [[10, 10, 30, 40]]
    assert table.boxes["b.jpg"].tolist() == [[90, 70, 100, 80]]
    assert [problem.split(":")[0] for problem in table.problems] == ["line 3", "line 4"]


def test_a_photo_whose_rows_are_all_bad_stays_as_one_without_faces(tmp_path):
    path = tmp_path / "boxes.csv"
    path.write_text(HEAD + "a.jpg,100,80,30,10,10,40\n")
    assert read_boxes(path).boxes["a.jpg"].shape == (0, 4)


def test_wider_faces_own_annotation_is_read_without_its_invalid_faces(tmp_path):
    path = tmp_path / "wider_face_val_bbx_gt.txt"
    path.write_text(
        "0--P/a.jpg\n2\n10 20 30 40 0 0 0 0 0 0\n1 2 3 4 0 0 0 1 0 0\n0--P/b.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
    )
    table = read_boxes(path)
    assert table.boxes["0--P/a.jpg"].tolist() == [[10, 20, 40, 60]]
    assert len(table.boxes["0--P/b.jpg"]) == 0


@pytest.mark.parametrize("text", ["hello\n", HEAD + "a.jpg,100,80,x,1,2,3\n", "image,x1\na.jpg,3\n"])
def test_a_file_of_another_layout_is_a_clear_error(tmp_path, text):
    path = tmp_path / "boxes.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=r"boxes\.csv"):
        read_boxes(path)


def test_a_fifth_of_the_names_is_held_out_and_it_never_changes():
    names = [f"{n}.jpg" for n in range(1000)]
    assert 160 < sum(held_out(name) for name in names) < 240
    assert [name for name in names[:12] if held_out(name)] == ["9.jpg", "11.jpg"]


def test_photos_are_read_from_a_folder_or_a_zip_and_broken_ones_are_none(tmp_path):
    good = cv2.imencode(".png", np.full((4, 6, 3), (0, 0, 255), np.uint8))[1].tobytes()
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(good)
    (tmp_path / "photos" / "b.png").write_bytes(b"no picture")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photos/a.png", good)
        archive.writestr("photos/b.png", b"")
    for data in (tmp_path / "photos", tmp_path / "photos.zip"):
        read = photo_reader(data)
        image = read("a.png")
        assert image is not None
        assert image[0, 0].tolist() == [255, 0, 0]
        assert read("b.png") is None
        assert read("c.png") is None
    with pytest.raises(InputError, match="neither a folder nor a zip"):
        photo_reader(tmp_path / "nothing")


def test_training_photos_leave_the_held_out_fold_alone(tmp_path):
    names = [f"{n}.png" for n in range(12)]
    for name in names:
        cv2.imwrite(str(tmp_path / name), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "boxes.csv").write_text(HEAD + "".join(f"{name},8,8,1,1,5,5\n" for name in names))
    photos, _ = load_photos(tmp_path, tmp_path / "boxes.csv")
    assert len(photos) == sum(not held_out(name) for name in names)


# Patches.


def test_a_cut_moves_scales_and_trims_boxes_and_drops_what_is_hardly_seen():
    photo = _photo(200, 100, (20, 20, 40, 40), (70, 20, 90, 40), (95, 20, 115, 40))
    patch = cut(Aim(photo, 2.0, np.array([10.0, 10.0])), 160)
    assert patch.image.shape == (160, 160, 3)
    assert patch.xyxy.tolist() == [[20, 20, 60, 60], [120, 20, 160, 60]]


def test_a_photo_smaller_than_its_patch_is_surrounded_by_grey():
    patch = cut(Aim(_photo(50, 40, (5, 5, 25, 25)), 1.0, np.array([-10.0, -20.0])), 100)
    assert patch.xyxy.tolist() == [[15, 25, 35, 45]]
    assert (patch.image[:20] == 114).all()
    assert (patch.image[:, 60:] == 114).all()


def test_flipping_twice_gives_the_same_patch_and_once_changes_the_eyes():
    points = np.arange(15, dtype=np.float32).reshape(1, 5, 3)
    patch = replace(_photo(50, 40, (5, 5, 25, 25)), points=points)
    once = flip(patch)
    assert once.xyxy.tolist() == [[25, 5, 45, 25]]
    assert once.known_points()[0, 0, 0] == 50 - points[0, 1, 0]
    again = flip(once)
    assert (again.image == patch.image).all()
    assert (again.known_points() == points).all()


def test_quarters_lay_four_patches_side_by_side():
    four = [_photo(10, 10, (1, 1, 5, 5)) for _ in range(4)]
    patch = quarters(four)
    assert patch.image.shape == (20, 20, 3)
    assert patch.xyxy.tolist() == [[1, 1, 5, 5], [11, 1, 15, 5], [1, 11, 5, 15], [11, 11, 15, 15]]


@given(st.integers(0, 1000), st.sampled_from([64, 160, 320]), st.booleans())
def test_boxes_of_drawn_patches_lie_inside_and_are_high_enough(seed, size, whole):
    photos = [
        _photo(300, 200, (10, 10, 60, 80), (250, 150, 299, 199)),
        _photo(40, 500),
        _photo(1, 1, (0, 0, 1, 1)),
    ]
    patch = PatchSampler(photos, seed).patch(size, whole)
    assert patch.image.shape == (size, size, 3)
    assert ((patch.xyxy >= 0) & (patch.xyxy <= size)).all()
    assert (patch.xyxy[:, 3] - patch.xyxy[:, 1] >= 3.5).all()


def test_the_same_seed_draws_the_same_patches():
    one, other = (PatchSampler([_photo(300, 200, (10, 10, 60, 80))], 7).patch(64, False) for _ in range(2))
    assert (one.image == other.image).all()


def test_no_photos_are_a_clear_error():
    with pytest.raises(InputError, match="no photo to train on"):
        PatchSampler([], 0)


# Training.


def test_the_learning_rate_rises_stays_and_falls():
    rates = [
        DetectorRecipe(steps=100, lr=1.0, warmup=10, cooldown=0.2).learning_rate(step) for step in range(100)
    ]
    assert rates[0] == pytest.approx(0.1)
    assert rates[10:80] == [1.0] * 70
    assert rates[80:] == sorted(rates[80:], reverse=True)
    assert rates[-1] < 0.05


@pytest.mark.parametrize("change", [{"steps": 0}, {"cooldown": 0.0}, {"cooldown": 1.5}])
def test_a_recipe_that_makes_no_sense_is_refused(change):
    with pytest.raises(InputError, match="expected"):
        DetectorRecipe(**change)


@pytest.fixture(scope="module")
def start_weights(tmp_path_factory):
    """A network of our kind with random weights, as Ultralytics saves one."""
    import torch
    from ultralytics.nn.tasks import DetectionModel

    path = tmp_path_factory.mktemp("start") / "start.pt"
    torch.save({"model": DetectionModel("yolo11n.yaml", nc=1, verbose=False).half()}, path)
    return path


@pytest.fixture(scope="module")
def drawn():
    """Two drawn photos with exact boxes and points."""
    photos = []
    for scene in (compose(1, 0, ["happy"]), compose(1, 1, ["happy"])):
        xyxy = _boxes(*[face.xyxy for face in scene.faces])
        points = [np.column_stack([face.landmarks, np.ones(5)]) for face in scene.faces]
        photos.append(Patch(render(scene), xyxy, np.array(points, np.float32).reshape(-1, 5, 3)))
    return photos


def test_training_resumes_and_its_result_exports_to_a_detector_that_loads(tmp_path, start_weights, drawn):
    steps = []
    train_detector(drawn, start_weights, tmp_path, TINY, progress=lambda step, _: steps.append(step))
    best = train_detector(drawn, start_weights, tmp_path, TINY, progress=lambda step, _: steps.append(step))
    assert steps == [1, 2]
    onnx = export_detector(best, tmp_path / "ours.onnx", {"license": "test"})
    assert onnx.stat().st_size < 6_000_000
    answer = _answer(onnx)
    np.testing.assert_allclose(answer, _torch_answer(best), rtol=0.02, atol=0.2)

    recipe = replace(LANDMARK_RECIPE, steps=1, pixels=1)
    with_points = train_landmarks(drawn, load_detector(best), best, tmp_path / "points", recipe)
    onnx = export_detector(with_points, tmp_path / "points.onnx", {"license": "test"})
    assert _answer(onnx).shape == (1, 20, answer.shape[2])
    np.testing.assert_allclose(_answer(onnx)[:, :5], answer, rtol=1e-3, atol=1e-3)
    faces = load_detector(onnx, score=0.0001, tiles=False).detect([drawn[0].image])[0]
    assert all(face.landmarks is not None for face in faces)


def _picture():
    return np.random.default_rng(0).random((1, 3, 96, 64), np.float32)


def _answer(path):
    return load_engine(path, threads=1).run(_picture())[0]


def _torch_answer(path):
    import torch
    from ultralytics import YOLO

    model = YOLO(str(path)).model.float().eval()
    with torch.no_grad():
        return model(torch.from_numpy(_picture()))[0].numpy()


def test_going_on_with_another_recipe_is_refused(tmp_path, start_weights, drawn):
    (tmp_path / "recipe.json").write_text('{"steps": 7}')
    with pytest.raises(InputError, match="another recipe"):
        train_detector(drawn, start_weights, tmp_path, TINY)


def test_weights_that_are_no_checkpoint_are_a_clear_error(tmp_path, drawn):
    (tmp_path / "bad.pt").write_bytes(b"nothing")
    with pytest.raises(ModelError, match=r"bad\.pt is no Ultralytics checkpoint"):
        train_detector(drawn, tmp_path / "bad.pt", tmp_path / "out", TINY)


def test_a_teachers_points_are_taken_where_its_box_agrees_and_the_face_is_high_enough():
    points = ((20.0, 20.0), (30.0, 20.0), (25.0, 28.0), (20.0, 34.0), (30.0, 34.0))
    photo = _photo(200, 100, (10, 10, 40, 45), (100, 10, 130, 45), (50, 10, 60, 20))
    found = [Detection((11, 10, 41, 45), 0.9, points), Detection((50, 10, 60, 20), 0.9, points)]
    known = taught(photo, found).known_points()
    assert known[0, :, :2].tolist() == [list(point) for point in points]
    assert known[:, :, 2].any(axis=1).tolist() == [True, False, False]
    assert not taught(photo, []).known_points().any()


# Scores.


def _scored(truth, *found):
    return ScoredPhoto([Detection(box, score) for box, score in found], _boxes(*truth))


FACE, LOW = (0, 0, 100, 100), (200, 0, 210, 10)


@pytest.mark.parametrize(
    ("photos", "least_px", "expected"),
    [
        ([_scored([FACE], (FACE, 0.9))], 0, 1.0),
        ([_scored([FACE])], 0, 0.0),
        ([_scored([FACE], (FACE, 0.9), (FACE, 0.8))], 0, 1.0),  # a double after the last face costs nothing
        ([_scored([FACE, LOW], (FACE, 0.8), ((400, 0, 500, 90), 0.9))], 0, 0.25),
        ([_scored([FACE, LOW], (FACE, 0.8), (LOW, 0.9))], 50, 1.0),  # a low face is ignored
        ([_scored([FACE], (FACE, 0.8), ((300, 0, 310, 10), 0.9))], 50, 1.0),  # and so is a low false alarm
        ([_scored([FACE], ((0, 0, 100, 49), 0.9))], 0, 0.0),
    ],
)
def test_average_precision_of_known_cases(photos, least_px, expected):
    assert average_precision(photos, least_height_px=least_px) == pytest.approx(expected)


@pytest.mark.parametrize("photos", [[], [_scored([])], [_scored([LOW])]])
def test_average_precision_without_faces_is_nan(photos):
    assert np.isnan(average_precision(photos, least_height_px=50))
