"""The drawn sample photos: the same for ever, truthful, and good enough for a detector that knows only real people."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collect.sample_clip import compose_clip
from collect.sample_expression import EXPRESSIONS, canonical_expression, perform
from collect.sample_identity import PEOPLE, sample_identity
from collect.sample_photo import render
from collect.sample_scene import Scene, SceneFace, compose
from collect.sample_source import write_sample_clip

CLASSES = ("happy", "angry", "surprised", "neutral")


def first(wanted: str, seed: int = 0) -> Scene:
    """The first photo of the sample world that is of a certain kind."""

    def matches(scene: Scene) -> bool:
        if wanted == "copy":
            return scene.duplicate_of is not None and bool(scene.faces)
        if wanted == "empty":
            return not scene.faces
        return any(face.blurred if wanted == "blurred" else not face.real for face in scene.faces)

    return next(scene for scene in (compose(seed, k, CLASSES) for k in range(400)) if matches(scene))


def truth_table(scene: Scene) -> list[tuple[object, ...]]:
    return [(f.xyxy, f.landmarks.tolist(), f.person, f.expression, f.real) for f in scene.faces]


def test_the_same_seed_and_index_give_the_same_photo_byte_for_byte() -> None:
    one, other = compose(5, 3, CLASSES), compose(5, 3, CLASSES)
    assert truth_table(one) == truth_table(other)
    assert render(one).tobytes() == render(other).tobytes()
    assert truth_table(compose(6, 3, CLASSES)) != truth_table(one)


def test_a_photo_has_the_size_and_type_it_says() -> None:
    scene = compose(0, 0, CLASSES)
    image = render(scene)
    assert image.dtype == np.uint8
    assert image.shape == (scene.size_wh[1], scene.size_wh[0], 3)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 5000), st.sets(st.sampled_from(list(EXPRESSIONS)), min_size=1))
def test_truth_is_inside_the_photo_and_shows_only_the_classes(
    seed: int, index: int, chosen: set[str]
) -> None:
    classes = sorted(chosen)
    scene = compose(seed, index, classes)
    width, height = scene.size_wh
    assert scene.expression == classes[index % len(classes)]
    for face in scene.faces:
        x0, y0, x1, y1 = face.xyxy
        assert -0.01 <= x0 < x1 <= width + 0.01
        assert -0.01 <= y0 < y1 <= height + 0.01
        assert face.expression in chosen
        assert (face.landmarks >= (x0, y0)).all()
        assert (face.landmarks <= (x1, y1)).all()
        assert face.landmarks[0, 0] < face.landmarks[1, 0]
    assert scene.duplicate_of is None or scene.duplicate_of < index


def test_most_main_people_show_the_candidate_class_but_not_all() -> None:
    scenes = [s for s in (compose(1, k, CLASSES) for k in range(150)) if s.faces and s.duplicate_of is None]
    agree = np.mean([s.faces[0].expression == s.expression for s in scenes])
    assert 0.8 < agree < 0.97


def test_people_come_back_in_other_photos() -> None:
    scenes = [compose(2, k, CLASSES) for k in range(150)]
    people = [f.person for s in scenes if s.duplicate_of is None for f in s.faces if f.real]
    assert PEOPLE / 2 < len(set(people)) <= PEOPLE
    assert sample_identity(2, 17) == sample_identity(2, 17)


def test_there_are_copies_empty_photos_blurred_photos_and_faces_of_things() -> None:
    scenes = [compose(3, k, CLASSES) for k in range(250)]
    assert 2 <= sum(s.duplicate_of is not None for s in scenes) <= 25
    assert 2 <= sum(not s.faces for s in scenes) <= 25
    assert 4 <= sum(any(f.blurred for f in s.faces) for s in scenes) <= 40
    assert 4 <= sum(any(not f.real for f in s.faces) for s in scenes) <= 60


def test_a_near_copy_looks_like_its_original_once_it_is_cut_the_same_way() -> None:
    scene = first("copy")
    assert scene.copy is not None
    x0, y0, x1, y1 = scene.copy.crop_xyxy
    original = render(compose(0, scene.copy.original.index, CLASSES))[y0:y1, x0:x1]
    again = cv2.resize(render(scene), original.shape[1::-1]).astype(float)
    assert np.corrcoef(original.ravel().astype(float), again.ravel())[0, 1] > 0.97


def test_a_near_copys_truth_moves_with_its_picture() -> None:
    scene = first("copy")
    assert scene.copy is not None
    x0, y0, x1, _ = scene.copy.crop_xyxy
    zoom = scene.size_wh[0] / (x1 - x0)
    before, after = scene.copy.original.faces[0], scene.faces[0]
    assert after.xyxy[0] == pytest.approx((before.xyxy[0] - x0) * zoom, abs=0.01)
    assert after.landmarks[2] == pytest.approx((before.landmarks[2] - (x0, y0)) * zoom, abs=2)


@pytest.mark.parametrize("kind", ["empty", "unreal", "blurred"])
def test_every_kind_of_photo_can_be_drawn(kind: str) -> None:
    assert render(first(kind)).std() > 3


@pytest.mark.parametrize(
    ("name", "meant"),
    [("happy", "happy"), ("Happiness", "happy"), (" joy ", "happy"), ("anger", "angry"), ("SURPRISE", "surprised"),
     ("sadness", "sad"), ("fear", "fearful"), ("disgust", "disgusted"), ("contempt", "contemptuous")],
)  # fmt: skip
def test_synonyms_name_the_same_expression(name: str, meant: str) -> None:
    assert canonical_expression(name) == meant


def test_a_synonym_stays_as_it_was_given() -> None:
    assert {f.expression for k in range(20) for f in compose(0, k, ("joy", "anger")).faces} == {
        "joy",
        "anger",
    }


def test_an_unknown_class_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'hungry'.*happy.*contemptuous"):
        compose(0, 0, ("happy", "hungry"))
    with pytest.raises(ValueError, match="no classes"):
        compose(0, 0, ())


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_stronger_intensity_moves_the_face_more(expression: str) -> None:
    weak, strong = (perform(expression, share, np.random.default_rng(1)) for share in (0.2, 1.0))
    for name, mean in EXPRESSIONS[expression].items():
        assert mean == 0 or getattr(strong, name) >= getattr(weak, name)


def test_a_clip_has_a_truth_for_every_frame_and_a_second_without_anybody() -> None:
    clip = compose_clip(3, CLASSES, seconds=8.0, fps=10, size_wh=(320, 240))
    truths = [clip.truth(frame) for frame in range(clip.frame_count)]
    assert clip.frame_count == 80
    assert 10 <= sum(not faces for faces in truths) <= 25
    assert {face.expression for faces in truths for face in faces} == set(CLASSES)
    with pytest.raises(IndexError, match="80"):
        clip.truth(80)


def test_a_clips_people_are_in_no_photo_and_move_smoothly() -> None:
    clip = compose_clip(3, CLASSES, seconds=3.0, fps=25)
    photographed = {sample_identity(3, number).name for number in range(PEOPLE)}
    centres = np.array([clip.truth(frame)[0].landmarks[2] for frame in range(clip.frame_count)])
    assert clip.truth(0)[0].person not in photographed
    assert np.abs(np.diff(centres, axis=0)).max() < 6


def test_a_written_clip_has_all_its_frames(tmp_path: Path) -> None:
    frames = write_sample_clip(tmp_path / "clip.mp4", CLASSES, seconds=0.24, seed=1)
    video = cv2.VideoCapture(str(tmp_path / "clip.mp4"))
    count = 0
    while video.read()[0]:
        count += 1
    assert count == frames == 6


def test_a_detector_trained_on_real_photos_finds_the_drawn_faces(shared: Path) -> None:
    model = shared / "models" / "yunet_n_dynamic.onnx"
    detector = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.6)
    outcomes = []
    for index in range(12):
        scene = compose(11, index, CLASSES)
        image = render(scene)
        detector.setInputSize(image.shape[1::-1])
        _, rows = detector.detect(np.ascontiguousarray(image[..., ::-1]))
        boxes = [] if rows is None else [(x, y, x + w, y + h) for x, y, w, h in rows[:, :4]]
        outcomes += [
            found(face, boxes) for face in scene.faces if face.real and not face.blurred and face.height >= 40
        ]
    assert len(outcomes) >= 10
    assert np.mean(outcomes) >= 0.9


def found(face: SceneFace, boxes: list[tuple[float, float, float, float]]) -> bool:
    """Whether a box overlaps a face by an IoU of .4."""
    ax0, ay0, ax1, ay1 = face.xyxy
    for x0, y0, x1, y1 in boxes:
        shared = max(0.0, min(ax1, x1) - max(ax0, x0)) * max(0.0, min(ay1, y1) - max(ay0, y0))
        if shared >= 0.4 * ((ax1 - ax0) * (ay1 - ay0) + (x1 - x0) * (y1 - y0) - shared):
            return True
    return False
