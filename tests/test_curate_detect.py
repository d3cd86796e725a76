"""Detectors find the faces of drawn and real photos, whatever the file, and never fall over a picture."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper

from collect.sample_photo import render
from collect.sample_scene import compose
from curate.detect import Detection, load_detector
from curate.nms import overlaps
from curate.registry import entry, resolve
from curate.tiled import TiledDetector
from curate.yolo_layout import Layout, decode, face_classes, read_layout
from db.errors import ModelError, NotFoundError

CLASSES = ("happy", "angry", "surprised", "neutral")


def _grey(width: int, height: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), 127, np.uint8)


@pytest.fixture(scope="module")
def bundled():
    return load_detector(threads=2)


# The bundled detector on drawn photos.


def test_nine_of_ten_drawn_faces_of_40_px_or_more_are_found(bundled):
    scenes = [compose(99, index, CLASSES) for index in range(40)]
    found = bundled.detect([render(scene) for scene in scenes])
    hits = []
    for scene, faces in zip(scenes, found, strict=True):
        truth = np.array([f.xyxy for f in scene.faces if f.real and f.height >= 40], np.float32).reshape(
            -1, 4
        )
        boxes = np.array([face.xyxy for face in faces], np.float32).reshape(-1, 4)
        hits += [bool((column >= 0.5).any()) for column in overlaps(boxes, truth).T]
    assert len(hits) >= 40
    assert sum(hits) >= 0.9 * len(hits)


def test_a_batch_gives_what_each_picture_gives_alone(bundled):
    images = [render(compose(3, index, CLASSES)) for index in range(3)] + [_grey(70, 40)]
    together = bundled.detect(images)
    for image, faces in zip(images, together, strict=True):
        alone = bundled.detect([image])[0]
        assert [face.xyxy for face in faces] == [pytest.approx(face.xyxy, abs=0.5) for face in alone]


def test_boxes_stay_inside_the_photo_and_come_by_falling_score(bundled):
    image = render(compose(3, 1, CLASSES))
    height, width = image.shape[:2]
    faces = load_detector(score=0.01).detect([image])[0]
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    for face in faces:
        x1, y1, x2, y2 = face.xyxy
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


def test_a_higher_score_limit_reports_a_part_of_the_faces(bundled):
    image = render(compose(3, 2, CLASSES))
    sure = load_detector(score=0.7).detect([image])[0]
    assert {face.xyxy for face in sure} <= {face.xyxy for face in bundled.detect([image])[0]}
    assert all(face.score >= 0.7 for face in sure)


def test_the_same_faces_are_found_by_openvino(bundled):
    image = render(compose(3, 1, CLASSES))
    ours, theirs = (d.detect([image])[0] for d in (bundled, load_detector(threads=1, engine="openvino")))
    assert ours
    np.testing.assert_allclose([face.xyxy for face in ours], [face.xyxy for face in theirs], atol=2)


def test_a_smaller_look_finds_large_faces_in_the_same_place(bundled):
    scene = next(s for s in (compose(3, index, CLASSES) for index in range(20)) if s.faces[0].height > 150)
    image, truth = render(scene), np.array([scene.faces[0].xyxy], np.float32)
    for detector in (load_detector(size_px=320), bundled):
        boxes = np.array([face.xyxy for face in detector.detect([image])[0]], np.float32)
        assert overlaps(boxes, truth).max() > 0.6


def test_the_bundled_file_is_the_one_the_registry_names_small_and_licensed():
    path = resolve("mimique-face")
    assert path.stat().st_size == entry("mimique-face").size <= 6_000_000
    assert hashlib.sha256(path.read_bytes()).hexdigest() == entry("mimique-face").sha256
    metadata = {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    assert metadata["license"] == "AGPL-3.0-or-later"
    assert "WIDER FACE" in metadata["data"]


# Pictures that are odd, and things that are no pictures.


@pytest.mark.parametrize("size_wh", [(1, 1), (2, 3), (31, 33), (20_000, 20), (20, 20_000), (641, 17)])
def test_a_picture_of_any_size_is_looked_at(bundled, size_wh):
    assert bundled.detect([_grey(*size_wh)]) == [[]]


def test_no_pictures_give_no_faces(bundled):
    assert bundled.detect([]) == []


@pytest.mark.parametrize(
    "thing",
    [
        np.zeros((40, 40), np.uint8),
        np.zeros((40, 40, 4), np.uint8),
        np.zeros((40, 40, 3), np.float32),
        np.zeros((0, 40, 3), np.uint8),
        np.zeros((1, 40, 40, 3), np.uint8),
        "photo.jpg",
        None,
    ],
)
@pytest.mark.parametrize("tiles", [False, True])
def test_what_is_no_rgb_picture_is_refused(thing, tiles):
    with pytest.raises(ValueError, match=r"expected an RGB picture, \(H, W, 3\) uint8"):
        load_detector(tiles=tiles).detect([thing])


@pytest.mark.parametrize(
    ("xyxy", "score"),
    [((5, 0, 5, 9), 0.5), ((0, 9, 5, 0), 0.5), ((0, 0, 5, 9), 1.2), ((0, 0, float("nan"), 9), 0.5)],
)
def test_a_detection_without_area_or_score_cannot_be_made(xyxy, score):
    with pytest.raises(ValueError, match="expected x1 < x2"):
        Detection(xyxy, score)


# Files that are models, and files that are not.


def _model_file(
    folder: Path, output: NDArray[np.float32], shape: list[int | str], told: dict[str, str] | None = None
) -> Path:
    """An ONNX file that answers every picture with ``output`` (1, …), whatever it shows."""
    nodes = [
        helper.make_node("ReduceSum", ["images", "axes"], ["sum"], keepdims=1),
        helper.make_node("Mul", ["sum", "zero"], ["nothing"]),
        helper.make_node("Squeeze", ["nothing", "last"], ["flat"]),
        helper.make_node("Add", ["flat", "answer"], ["output0"]),
    ]
    constants = [
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("last", TensorProto.INT64, [1], [3]),
        helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("answer", TensorProto.FLOAT, output.shape, output.ravel()),
    ]
    graph = helper.make_graph(
        nodes,
        "answers",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, output.shape)],
        constants,
    )
    path = folder / "answers.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, told or {})
    onnx.save(model, path)
    return path


def _anchors(*rows: tuple[float, ...], channels: int) -> NDArray[np.float32]:
    """(1, channels, 30) of one picture: the rows as anchors, then nothing."""
    output = np.zeros((1, channels, 30), np.float32)
    for index, row in enumerate(rows):
        output[0, : len(row), index] = row
    return output


POINTS = (90.0, 190.0, 1.0, 110.0, 190.0, 1.0, 100.0, 200.0, 1.0, 92.0, 212.0, 1.0, 108.0, 212.0, 1.0)


@pytest.mark.parametrize("shape", [["n", 3, "h", "w"], [1, 3, 640, 640]])
def test_the_detect_layout_comes_back_in_photo_pixels_without_doubles(tmp_path, shape):
    rows = ((100, 200, 40, 60, 0.9), (102, 201, 40, 60, 0.8), (500, 200, 20, 20, 0.3))
    path = _model_file(tmp_path, _anchors(*rows, channels=5), shape)
    faces = load_detector(path, tiles=False).detect([_grey(1280, 1280)])[0]  # shown at half size
    assert [face.xyxy for face in faces] == [pytest.approx((160, 340, 240, 460))]
    assert faces[0].score == pytest.approx(0.9)
    assert faces[0].landmarks is None


def test_the_pose_layout_gives_five_landmarks_in_photo_pixels(tmp_path):
    path = _model_file(tmp_path, _anchors((100, 200, 40, 60, 0.9, *POINTS), channels=20), ["n", 3, "h", "w"])
    face = load_detector(path, tiles=False).detect([_grey(1280, 1280)])[0][0]
    assert face.landmarks == ((180, 380), (220, 380), (200, 400), (184, 424), (216, 424))


def test_the_end_to_end_layout_is_corners_score_class_and_points():
    row = np.array([[80, 170, 120, 230, 0.9, 0, *POINTS], [0] * 21], np.float32)
    found = decode(row, 0.5, Layout(True, 1, 3))
    assert found.xyxy.tolist() == [[80, 170, 120, 230]]
    assert found.scores.tolist() == pytest.approx([0.9])
    assert found.points is not None
    assert found.points[0, 2].tolist() == [100, 200]
    assert decode(row[:, :6], 0.5, Layout(True, 1)).points is None


def test_of_several_classes_without_names_the_surest_counts():
    output = _anchors((100, 200, 40, 60, 0.2, 0.7, 0.1), channels=7)[0]
    layout = read_layout({}, [(None, 7, None)])
    assert decode(output, 0.5, layout).scores.tolist() == pytest.approx([0.7])


def test_of_several_classes_with_names_only_faces_count(tmp_path):
    rows = ((100, 200, 40, 60, 0.9, 0.2), (300, 200, 40, 60, 0.1, 0.8))
    told = {"names": "{0: 'person', 1: 'Face'}", "task": "detect", "imgsz": "[640, 640]"}
    path = _model_file(tmp_path, _anchors(*rows, channels=6), ["n", 3, "h", "w"], told)
    faces = load_detector(path, tiles=False).detect([_grey(640, 640)])[0]
    assert [face.xyxy for face in faces] == [(280, 170, 320, 230)]


def test_of_a_suppressed_output_only_face_classes_count():
    rows = np.array([[0, 0, 9, 9, 0.9, 0], [20, 0, 29, 9, 0.8, 1]], np.float32)
    assert decode(rows, 0.5, Layout(True, 2, 0, (1,))).scores.tolist() == pytest.approx([0.8])


def test_a_model_of_other_things_than_faces_is_refused(tmp_path):
    told = {"names": "{0: 'person', 1: 'bicycle', 2: 'car'}", "task": "detect"}
    path = _model_file(tmp_path, _anchors(channels=7), ["n", 3, "h", "w"], told)
    with pytest.raises(
        ModelError, match=r"answers\.onnx .*3 classes \(person, bicycle, car, …\), none called face"
    ):
        load_detector(path)


@pytest.mark.parametrize(("names", "faces"), [({}, ()), ({0: "x"}, ()), (["head", "my_face"], (1,))])
def test_face_classes_by_name(names, faces):
    assert face_classes(names) == faces


@pytest.mark.parametrize(
    ("told", "shape", "layout"),
    [
        ({}, (None, 5, None), Layout(False, 1)),
        ({}, (1, 20, 8400), Layout(False, 1, 3)),
        ({}, (1, 300, 6), Layout(True, 1)),
        ({}, (1, 300, 21), Layout(True, 1, 3)),
        ({}, (1, 7, 8400), Layout(False, 3)),
        ({"names": "['face']"}, (1, 20, 8400), Layout(False, 1, 3)),
        ({"names": "['face']"}, (1, 15, 8400), Layout(False, 1, 2)),
        ({"task": "detect", "names": "{0: 'face'}"}, (None, 5, None), Layout(False, 1)),
        ({"task": "pose", "names": "{0: 'face'}", "kpt_shape": "[5, 3]"}, (1, 20, 8400), Layout(False, 1, 3)),
        ({"task": "pose", "names": "{0: 'face'}", "kpt_shape": "[5, 2]"}, (), Layout(False, 1, 2)),
        ({"task": "pose", "names": "{0: 'face'}", "kpt_shape": "[68, 3]"}, (1, 209, 84), Layout(False, 1)),
        ({"task": "detect", "end2end": "True", "names": "{0: 'face'}"}, (1, 20, 6), Layout(True, 1)),
        ({"task": "detect", "args": "{'nms': True}", "names": "{0: 'face'}"}, (1, 300, 6), Layout(True, 1)),
        ({"task": "pose", "args": "{'nms': True}", "kpt_shape": "[5, 3]"}, (1, 20, 21), Layout(True, 1, 3)),
    ],
)
def test_the_metadata_or_else_the_shape_tells_the_layout(told, shape, layout):
    assert read_layout(told, [shape]) == layout


@pytest.mark.parametrize(
    ("told", "shapes", "says"),
    [
        ({"task": "segment"}, [(1, 37, 8400)], "task segment"),
        ({"task": "classify"}, [(1, 4)], "task classify"),
        ({}, [(1, 1000)], r"expected an Ultralytics detect or pose model.*1000"),
        ({}, [(1, 3, 30)], "got"),
        ({}, [(1, 25_200, 6)], "got"),
        ({"names": "['face']"}, [(1, 25_200, 16)], "got"),
        ({}, [(1, 5, 30), (1, 32, 160, 160)], "got outputs"),
        ({"task": "detect", "names": "{0: 'face'}"}, [(1, 7, 30)], "with 1 classes"),
    ],
)
def test_a_network_of_another_kind_is_refused_when_it_is_loaded(told, shapes, says):
    with pytest.raises(ModelError, match=says):
        read_layout(told, shapes)


def test_a_box_over_the_edge_is_cut_at_it(tmp_path):
    path = _model_file(tmp_path, _anchors((10, 10, 60, 60, 0.9), channels=5), [1, 3, 640, 640])
    assert load_detector(path, tiles=False).detect([_grey(640, 640)])[0][0].xyxy == (0, 0, 40, 40)


def test_an_output_of_another_kind_is_a_clear_error(tmp_path):
    path = _model_file(tmp_path, np.zeros((1, 3, 30), np.float32), ["n", 3, "h", "w"])
    with pytest.raises(ModelError, match=r"answers\.onnx is no face detector known here"):
        load_detector(path)


def test_a_model_that_takes_one_batch_size_only_works(tmp_path):
    output = np.repeat(_anchors((100, 200, 40, 60, 0.9), channels=5), 2, axis=0)
    path = _model_file(tmp_path, output, [2, 3, 640, 640])
    faces = load_detector(path, tiles=False).detect([_grey(640, 640)] * 3)
    assert [len(found) for found in faces] == [1, 1, 1]


def test_a_model_of_one_size_refuses_another(tmp_path):
    path = _model_file(tmp_path, _anchors(channels=5), [1, 3, 640, 640])
    assert load_detector(path, size_px=640)
    with pytest.raises(ModelError, match=r"answers\.onnx.*takes 640×640 pixels, not 320"):
        load_detector(path, size_px=320)


def test_a_half_precision_model_works(tmp_path):
    path = _model_file(tmp_path, _anchors((100, 200, 40, 60, 0.9), channels=5), ["n", 3, "h", "w"])
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.FLOAT16
    model.graph.node[0].input[0] = "wide"
    model.graph.node.insert(0, helper.make_node("Cast", ["images"], ["wide"], to=TensorProto.FLOAT))
    onnx.save(model, path)
    assert len(load_detector(path, tiles=False).detect([_grey(640, 640)])[0]) == 1


@pytest.mark.parametrize("name", ["broken.onnx", "broken.pt", "broken.txt"])
def test_a_file_that_is_no_model_is_a_clear_error(tmp_path, name):
    (tmp_path / name).write_bytes(b"not a model")
    with pytest.raises(ModelError, match="broken"):
        load_detector(tmp_path / name)


def test_an_unknown_name_is_a_clear_error():
    with pytest.raises(NotFoundError, match="no model is called nosuch"):
        load_detector("nosuch")


def test_a_model_for_something_else_is_named_so_and_detectors_are_listed():
    with pytest.raises(NotFoundError, match="resnet18 is no model for face detection") as caught:
        load_detector("resnet18")
    assert "yunet" in caught.value.hint and "resnet" not in caught.value.hint


# Tiles.


class _LargeFacesOnly:
    """A fake that sees bright squares of at least 20 px on a canvas of 640, as a detector of its size would."""

    def __init__(self) -> None:
        self.looks = 0

    def detect(self, images):
        self.looks += len(images)
        return [self._one(image) for image in images]

    def _one(self, image):
        scale = min(1.0, 640 / max(image.shape[:2]))
        bright = (image[..., 0] > 200).astype(np.uint8)
        rows = cv2.connectedComponentsWithStats(bright)[2][1:]
        boxes = [(float(x), float(y), float(x + w), float(y + h)) for x, y, w, h, _ in rows]
        return [Detection(box, 0.9) for box in boxes if (box[3] - box[1]) * scale >= 20]


def _squares(width: int, height: int, side: int, *corners: tuple[int, int]) -> NDArray[np.uint8]:
    image = _grey(width, height)
    for x, y in corners:
        image[y : y + side, x : x + side] = 255
    return image


def test_small_faces_of_a_large_photo_are_found_in_tiles_once_each():
    corners = [(10, 10), (500, 480), (1100, 700), (1900, 900), (1330, 40)]
    faces = TiledDetector(_LargeFacesOnly()).detect([_squares(2000, 1000, 40, *corners)])[0]
    assert sorted(face.xyxy for face in faces) == sorted((x, y, x + 40, y + 40) for x, y in corners)


def test_a_large_face_needs_one_look():
    inner = _LargeFacesOnly()
    assert len(TiledDetector(inner).detect([_squares(2000, 1000, 400, (300, 200))])[0]) == 1
    assert inner.looks == 1


@pytest.mark.parametrize(
    "image",
    [_grey(640, 480), _grey(20_000, 20), _grey(1024, 683), _squares(1024, 683, 34, (100, 100), (500, 300))],
)
def test_ordinary_photos_and_those_that_tiles_cannot_help_get_one_look(image):
    inner = _LargeFacesOnly()
    TiledDetector(inner).detect([image])
    assert inner.looks == 1


def test_a_large_photo_without_a_face_gets_four_looks_more():
    inner = _LargeFacesOnly()
    TiledDetector(inner).detect([_grey(4000, 4000)])
    assert inner.looks == 5


def test_faces_that_stay_small_are_looked_at_closer_twice_and_no_more():
    inner = _LargeFacesOnly()
    corners = [(200 * i, 300 * i) for i in range(1, 9)]
    faces = TiledDetector(inner).detect([_squares(4000, 3000, 80, *corners)])[0]
    assert inner.looks == 5 + 16
    assert len(faces) == len(corners)


def test_unsure_faces_do_not_ask_for_a_closer_look():
    class Unsure(_LargeFacesOnly):
        def detect(self, images):
            return [
                [*faces, *(Detection((x, 0, x + 20, 20), 0.1) for x in range(0, 200, 30))]
                for faces in super().detect(images)
            ]

    inner = Unsure()
    TiledDetector(inner).detect([_squares(2000, 1000, 400, (300, 200))])
    assert inner.looks == 1


def test_tiles_on_look_closer_at_any_photo_that_has_more_pixels_than_were_shown():
    for width, looks in ((640, 1), (1024, 5), (2000, 21)):
        inner = _LargeFacesOnly()
        TiledDetector(inner, always=True).detect([_squares(width, width * 2 // 3, 400, (10, 10))])
        assert inner.looks == looks


# Real photos and the peers.


def _photo(path: Path) -> NDArray[np.uint8]:
    return np.ascontiguousarray(cv2.imread(str(path))[..., ::-1])


@pytest.mark.parametrize(
    ("file", "count"),
    [("astronaut.jpg", 1), ("single_face.jpg", 1), ("multi_face.jpg", 5), ("solvay_conference_1927.jpg", 29)],
)
def test_all_faces_of_a_real_photo_are_found(bundled, shared, file, count):
    assert len(bundled.detect([_photo(shared / "data" / "photos" / file)])[0]) == count


@pytest.mark.parametrize(("file", "faces"), [("single_face.mp4", 1), ("no_face.mp4", 0)])
def test_real_video_frames_have_a_face_or_none(bundled, shared, file, faces):
    video = cv2.VideoCapture(str(shared / "data" / "video" / file))
    frames = []
    while (grabbed := video.read())[0]:
        frames.append(np.ascontiguousarray(grabbed[1][..., ::-1]))
    video.release()
    assert {len(found) for found in bundled.detect(frames[::12])} == {faces}


@pytest.mark.parametrize("name", ["mimique-face", "yolov8-lite-t-face", "yunet", "centerface"])
def test_our_own_and_its_peers_find_the_five_faces_with_their_landmarks(shared, monkeypatch, name):
    monkeypatch.setenv("MIMIQUE_MODELS", str(shared / "models"))
    faces = load_detector(name, threads=2).detect([_photo(shared / "data" / "photos" / "multi_face.jpg")])[0]
    assert len(faces) == 5
    for face in faces:
        assert face.landmarks is not None
        (left_eye_x, eye_y), (right_eye_x, _), _, (_, mouth_y), _ = face.landmarks
        assert face.xyxy[0] < left_eye_x < right_eye_x < face.xyxy[2]
        assert face.xyxy[1] < eye_y < mouth_y < face.xyxy[3]
