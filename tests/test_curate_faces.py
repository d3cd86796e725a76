"""Finding faces: crops, resuming after kills, and photos that are damaged."""

import json
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from collect.image import decode
from curate.cli import main
from curate.crops import clip_xyxy, crop, crop_xyxy, roll_deg, sharpness, upright_crop
from curate.detect import Detection, Landmarks
from curate.faces import CropRule, FacesTally, find_faces, usable_faces
from db.blobs import FolderBlobs
from db.records.photos import NewPhoto, Origin
from db.workspace import Workspace, create_workspace, open_workspace

Image = NDArray[np.uint8]


class RedBoxes:
    """A detector for drawn photos: every red rectangle is a face, its score its share of the photo."""

    def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
        return [self._boxes(image) for image in images]

    def _boxes(self, image: Image) -> list[Detection]:
        red = ((image[..., 0] > 150) & (image[..., 1] < 110)).astype(np.uint8)
        count, _, stats, _ = cv2.connectedComponentsWithStats(red)
        found = [tuple(float(v) for v in stats[i, :4]) for i in range(1, count) if stats[i, 4] > 30]
        return [Detection((x, y, x + w, y + h), w * h / red.size) for x, y, w, h in found]


def drawing(seed: int, faces: int) -> Image:
    """A 320×240 photo of noise with that many red faces of different sizes."""
    image = np.random.default_rng(seed).integers(90, 150, (240, 320, 3)).astype(np.uint8)
    image[..., 0] //= 2
    for i in range(faces):
        side = 40 + 10 * i
        cv2.rectangle(
            image, (10 + 100 * i, 20), (10 + 100 * i + side, 20 + side), (220, 40, 40 + seed % 60), -1
        )
    return image


def png(image: Image) -> bytes:
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    assert done
    return bytes(data)


def add_photo(workspace: Workspace, data: bytes, name: str) -> str:
    sha256 = workspace.blobs.put(data, ".png")
    workspace.store.photos.add(NewPhoto(sha256, ".png", 320, 240, "0" * 16, len(data)), Origin("test", name))
    return sha256


def contents(workspace: Workspace) -> tuple[object, ...]:
    faces = [
        (f.photo_sha256, f.ordinal, f.xyxy, f.crop_sha256, f.sharpness) for f in workspace.store.faces.all()
    ]
    return faces, workspace.store.faces.photos_seen(), len(workspace.store.photos.without_detection())


def test_a_workspace_without_photos_gives_an_empty_tally(workspace: Workspace) -> None:
    assert find_faces(workspace, RedBoxes()) == FacesTally()


def test_faces_are_stored_best_first_with_their_crops(workspace: Workspace) -> None:
    add_photo(workspace, png(drawing(1, 2)), "two")
    done = find_faces(workspace, RedBoxes(), name="red")
    assert (done.photos, done.faces) == (1, 2)
    large, small = workspace.store.faces.all()
    assert (large.ordinal, small.ordinal) == (0, 1)
    assert large.xyxy == (110, 20, 161, 71)
    assert large.score > small.score
    cut = decode(workspace.blobs.read(large.crop_sha256, ".jpg"))
    assert (cut.shape[1], cut.shape[0]) == large.crop_size_wh == (71, 71)
    assert large.sharpness > 0


def test_a_photo_without_a_face_is_marked_and_not_tried_again(workspace: Workspace) -> None:
    add_photo(workspace, png(drawing(1, 0)), "none")
    assert find_faces(workspace, RedBoxes()).without_face == 1
    assert workspace.store.faces.photos_seen() == (1, 1)
    assert find_faces(workspace, RedBoxes()) == FacesTally()
    again = CliRunner().invoke(main, ["faces", "--workspace", str(workspace.path), "--detector=mimique-face"])
    assert again.exit_code == 0 and "no new photo: 1 photo had been searched before" in again.stderr


def test_faces_that_are_too_small_are_counted_and_not_stored(workspace: Workspace) -> None:
    add_photo(workspace, png(drawing(1, 2)), "two")
    done = find_faces(workspace, RedBoxes(), rule=CropRule(min_size=45))
    assert (done.faces, done.too_small, done.without_face) == (1, 1, 0)


def test_a_truncated_and_a_missing_photo_are_noted_and_the_rest_goes_on(workspace: Workspace) -> None:
    good = add_photo(workspace, png(drawing(1, 1)), "good")
    cut = add_photo(workspace, png(drawing(2, 1))[:-2_000], "cut")
    gone = add_photo(workspace, png(drawing(3, 1)), "gone")
    add_photo(workspace, b"", "empty")
    assert isinstance(workspace.blobs, FolderBlobs)
    whole = workspace.blobs.path(gone, ".png").read_bytes()
    workspace.blobs.path(gone, ".png").unlink()
    done = find_faces(workspace, RedBoxes(), batch=2)
    assert (done.photos, done.faces, done.failed) == (1, 1, 3)
    assert [face.photo_sha256 for face in workspace.store.faces.all()] == [good]
    reasons = {failure.item: failure.reason for failure in workspace.store.failures.all("faces")}
    assert "damaged" in reasons[cut]
    assert "missing" in reasons[gone]
    workspace.blobs.put(whole, ".png")
    again = find_faces(workspace, RedBoxes())
    assert (again.faces, again.failed) == (1, 2)
    assert gone not in {failure.item for failure in workspace.store.failures.all("faces")}


def test_batches_change_nothing(tmp_path: Path) -> None:
    results = []
    for batch in (1, 3, 50):
        create_workspace(tmp_path / str(batch))
        workspace = open_workspace(tmp_path / str(batch))
        for i in range(7):
            add_photo(workspace, png(drawing(i, i % 3)), str(i))
        find_faces(workspace, RedBoxes(), batch=batch)
        results.append(contents(workspace))
        workspace.store.close()
    assert results[0] == results[1] == results[2]


FORKS = """
import json, os, signal, sys, threading, time
from pathlib import Path
from curate.detect import Detection, Landmarks
from curate.faces import find_faces
from db.workspace import open_workspace

class Slow:
    def __init__(self, batches, seconds):
        self.batches, self.seconds = batches, seconds
    def detect(self, images):
        self.batches -= 1
        if self.batches == 0:
            threading.Timer(self.seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
        time.sleep(0.003 * len(images))
        return [self.boxes(int(image[0, 0, 1])) for image in images]
    def boxes(self, count):
        return [Detection((60 * i, 20, 60 * i + 40, 70), 0.9 - i / 10) for i in range(count % 4)]

open_workspace(Path(sys.argv[1])).store.close()  # imports everything before the forks
for batches, seconds in json.loads(sys.argv[2]):
    child = os.fork()
    if child == 0:
        find_faces(open_workspace(Path(sys.argv[1])), Slow(batches, seconds), batch=2)
        os._exit(0)
    print(os.WIFSIGNALED(os.waitpid(child, 0)[1]))
"""


def run_forked(folder: Path, kills: Sequence[tuple[int, float]]) -> list[bool]:
    """Runs `find_faces` in a new process for each kill (after so many batches and seconds), and once to the end.

    Gives for each process whether it was killed.
    """
    command = [sys.executable, "-c", FORKS, str(folder), json.dumps([*kills, (0, 0)])]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    return [line == "True" for line in run.stdout.split()]


def test_ten_kills_at_random_points_leave_the_store_of_an_undisturbed_run(tmp_path: Path) -> None:
    rng = random.Random(11)
    stores = []
    for name in ("killed", "calm"):
        create_workspace(tmp_path / name)
        stores.append(open_workspace(tmp_path / name))
        for i in range(200):
            add_photo(stores[-1], png(drawing(i, 0)), str(i))
    killed, calm = stores
    kills = [(rng.randint(1, 4), rng.uniform(0.0, 0.02)) for _ in range(10)]
    assert run_forked(tmp_path / "killed", kills) == [True] * 10 + [False]
    assert run_forked(tmp_path / "calm", []) == [False]
    assert calm.store.faces.photos_seen()[0] == 200
    assert contents(killed) == contents(calm)
    assert all(killed.blobs.exists(face.crop_sha256, ".jpg") for face in killed.store.faces.all())
    for workspace in stores:
        workspace.store.close()


boxes = st.tuples(st.floats(-50, 300), st.floats(-50, 300), st.floats(1, 300), st.floats(1, 300)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)


@settings(deadline=None)
@given(boxes, st.floats(0, 1), st.tuples(st.integers(1, 400), st.integers(1, 400)))
def test_a_crop_lies_in_the_photo_and_is_square_where_the_photo_allows(
    xyxy: tuple[float, float, float, float], margin: float, size_wh: tuple[int, int]
) -> None:
    clipped = clip_xyxy(xyxy, size_wh)
    if clipped is None:
        return
    left, top, right, bottom = crop_xyxy(clipped, margin, size_wh)
    assert 0 <= left < right <= size_wh[0]
    assert 0 <= top < bottom <= size_wh[1]
    longest = max(clipped[2] - clipped[0], clipped[3] - clipped[1])
    side = max(1, round(longest * (1 + 2 * margin)))
    assert (right - left, bottom - top) == (min(side, size_wh[0]), min(side, size_wh[1]))
    assert left <= clipped[0] + 1
    assert right >= clipped[2] - 1


def test_a_face_at_the_edge_keeps_a_square_crop() -> None:
    image = drawing(0, 1)
    assert crop(image, (0, 0, 40, 60), 0.2).shape == (84, 84, 3)
    assert crop(image, (0, 0, 320, 240), 0.2).shape == (240, 320, 3)


FRONT = ((80.0, 80.0), (120.0, 80.0), (100.0, 100.0), (85.0, 120.0), (115.0, 120.0))
PROFILE = ((110.0, 80.0), (112.0, 80.0), (85.0, 100.0), (100.0, 120.0), (102.0, 120.0))


def turned(points: Landmarks, degrees: float) -> Landmarks:
    """The points turned clockwise, as seen, about (100, 100)."""
    turn = cv2.getRotationMatrix2D((100, 100), -degrees, 1.0)
    a, b, c, d, e = ((float(x), float(y)) for x, y in cv2.transform(np.array([points]), turn)[0])
    return a, b, c, d, e


@given(st.floats(-179, 179), st.sampled_from([FRONT, PROFILE]))
def test_the_roll_of_a_turned_face_is_its_turn(degrees: float, face: Landmarks) -> None:
    lean = roll_deg(face)
    assert abs(lean) < 15
    difference = roll_deg(turned(face, degrees)) - lean - degrees
    assert (difference + 180) % 360 - 180 == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("degrees", [-120, -35, 0, 20, 90, 180])
def test_an_upright_crop_has_eyes_level_and_above_the_mouth(degrees: float) -> None:
    points = turned(FRONT, degrees)
    image = np.zeros((200, 200, 3), np.uint8)
    for (x, y), colour in zip(
        points, ((255, 0, 0), (0, 255, 0), (0, 0, 0), (0, 0, 255), (0, 0, 255)), strict=True
    ):
        cv2.circle(image, (round(x), round(y)), 4, colour, -1)
    cut = upright_crop(image, (60, 60, 140, 140), points, 0.2)
    assert cut.shape == (112, 112, 3)
    left, right, mouth = (np.argwhere(cut[..., channel] > 128).mean(axis=0) for channel in range(3))
    assert left[0] == pytest.approx(right[0], abs=1)
    assert left[1] < right[1]
    assert mouth[0] - left[0] == pytest.approx(40, abs=1.5)
    assert mouth[1] == pytest.approx((left[1] + right[1]) / 2, abs=1.5)


@pytest.mark.parametrize(
    "xyxy", [(0, 0, 60, 60), (270, 190, 320, 240), (0, 0, 320, 240), (100, 100, 101, 101)]
)
def test_an_upright_face_is_cut_as_without_turning_also_at_the_edge(
    xyxy: tuple[float, float, float, float],
) -> None:
    image = drawing(3, 2)
    upright = ((80.0, 80.0), (120.0, 80.0), (100.0, 100.0), (80.0, 120.0), (120.0, 120.0))
    np.testing.assert_array_equal(upright_crop(image, xyxy, upright, 0.2), crop(image, xyxy, 0.2))


def test_aligned_faces_are_stored_upright(workspace: Workspace) -> None:
    class Leaning:
        def detect(self, images: Sequence[Image]) -> list[list[Detection]]:
            return [[Detection((60, 60, 140, 140), 0.9, turned(FRONT, 90))] for _ in images]

    photo = np.zeros((240, 320, 3), np.uint8)
    photo[:, 100:] = 200  # the top of the face, which leans to the right
    add_photo(workspace, png(photo), "one")
    find_faces(workspace, Leaning(), rule=CropRule(align=True))
    (face,) = workspace.store.faces.all()
    cut = decode(workspace.blobs.read(face.crop_sha256, ".jpg"))
    assert cut[:50].min() > 190
    assert cut[62:].max() < 10


def test_sharpness_tells_a_blurred_face_from_a_sharp_one() -> None:
    image = drawing(5, 3)
    assert sharpness(np.full((50, 60, 3), 90, np.uint8)) == 0
    assert sharpness(image) > 3 * sharpness(np.asarray(cv2.GaussianBlur(image, (0, 0), 3), np.uint8))


def test_boxes_outside_the_photo_are_dropped_and_ties_go_from_left_to_right() -> None:
    found = [
        Detection((60, 0, 100, 40), 0.5),
        Detection((-90, 0, -10, 40), 0.9),
        Detection((-5, 0, 40, 40), 0.5),
    ]
    kept, too_small = usable_faces(found, (320, 240), 24)
    assert [d.xyxy for d in kept] == [(0, 0, 40, 40), (60, 0, 100, 40)]
    assert too_small == 0
