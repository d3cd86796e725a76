"""Webcams that are missing, change their size or lose their plug."""

from collections.abc import Callable, Iterator
from itertools import count, islice

import numpy as np
import pytest

from db.errors import InputError, ServiceError
from live.camera import Frame, WebcamCamera
from live.fakes import BrightBoxDetector, ColourClassifier
from live.loop import LiveLoop
from live.smooth import Smoother

SHOT = np.full((48, 64, 3), (10, 20, 200), np.uint8)  # BGR, as a driver gives it


class FakeDevice:
    """Gives the pictures of its script; None stands for a read that fails."""

    def __init__(self, script: list[np.ndarray | None], opened: bool = True) -> None:
        self.script, self.opened, self.released = list(script), opened, False

    def isOpened(self) -> bool:  # noqa: N802
        return self.opened

    def read(self) -> tuple[bool, np.ndarray | None]:
        picture = self.script.pop(0) if self.script else None
        return picture is not None, picture

    def release(self) -> None:
        self.released = True


def opener(devices: list[FakeDevice]) -> Callable[[int], FakeDevice]:
    waiting = iter(devices)
    return lambda _index: next(waiting, FakeDevice([], opened=False))


def camera(devices: list[FakeDevice], said: list[str] | None = None) -> WebcamCamera:
    ticks: Iterator[int] = count()
    lines = said if said is not None else []
    return WebcamCamera(
        0, lines.append, opener(devices), lambda: next(ticks) / 10, lambda _s: None, waits_s=(0.1, 0.2)
    )


def test_frames_are_rgb_with_rising_times() -> None:
    frames = list(islice(camera([FakeDevice([SHOT] * 3)]).frames(), 3))
    assert frames[0].image_rgb[0, 0].tolist() == [200, 20, 10]
    assert [f.index for f in frames] == [0, 1, 2]
    assert frames[0].time_s < frames[1].time_s < frames[2].time_s


def test_a_grey_camera_gives_rgb_too() -> None:
    (frame,) = islice(camera([FakeDevice([SHOT[:, :, 0]])]).frames(), 1)
    assert frame.image_rgb.shape == (48, 64, 3)


def test_without_any_camera_one_line_says_so_and_what_else_there_is() -> None:
    with pytest.raises(InputError, match="no camera answers") as caught:
        next(camera([]).frames())
    assert "--web" in caught.value.hint


def test_a_wrong_index_names_the_cameras_that_answer() -> None:
    def only_two(index: int) -> FakeDevice:
        return FakeDevice([SHOT], opened=index == 2)

    with pytest.raises(InputError, match="camera 0 does not answer; these do: 2") as caught:
        next(WebcamCamera(0, open_device=only_two).frames())
    assert caught.value.hint == "live --camera 2"


def test_a_pulled_plug_is_waited_out() -> None:
    said: list[str] = []
    first, dead, back = FakeDevice([SHOT, None]), FakeDevice([], opened=False), FakeDevice([SHOT, SHOT])
    frames = list(islice(camera([first, dead, back], said).frames(), 3))
    assert [f.index for f in frames] == [0, 1, 2]
    assert first.released and dead.released
    assert said == ["camera 0 went away; waiting for it to come back", "camera 0 is back"]


def test_a_camera_that_stays_away_ends_with_one_line() -> None:
    frames = camera([FakeDevice([SHOT])]).frames()
    next(frames)
    with pytest.raises(ServiceError, match="did not come back"):
        next(frames)


def test_the_device_is_let_go_when_the_reader_stops() -> None:
    device = FakeDevice([SHOT] * 5)
    frames = camera([device]).frames()
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert device.released


def test_a_new_resolution_in_mid_stream_is_fine() -> None:
    loop = LiveLoop(BrightBoxDetector(), ColourClassifier(), Smoother())
    sizes = [(48, 64), (120, 90), (1, 1)]
    for number, size in enumerate(sizes):
        seen = loop.process(Frame(np.zeros((*size, 3), np.uint8), number / 10, number))
        assert seen.image_rgb.shape == (*size, 3) and seen.faces == ()


def test_all_faces_of_a_frame_are_classified() -> None:
    image = np.zeros((200, 300, 3), np.uint8)
    image[20:80, 20:80] = (255, 200, 200)
    image[100:180, 150:230] = (200, 200, 255)
    loop = LiveLoop(BrightBoxDetector(), ColourClassifier(), Smoother())
    faces = loop.process(Frame(image, 0.0, 0)).faces
    assert [face.label for face in faces] == ["surprised", "happy"]
    assert faces[1].xyxy == (20, 20, 80, 80)
    assert sum(faces[0].probabilities) == pytest.approx(1)
