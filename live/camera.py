"""Where frames come from: the camera protocol, and a webcam that survives a pulled plug.

    for frame in WebcamCamera(0).frames():
        ...

A camera is an iterator of frames: it ends when there is nothing more, and raises a ``MimiqueError`` for what
the user can mend. Video files are in ``live.clip``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from db.errors import InputError, ServiceError

Image = NDArray[np.uint8]

INDICES_TO_TRY = range(6)
WAITS_S = (0.2, 0.5, 1.0, 2.0, 4.0)
"""How long to wait before each try to get a lost camera back: about 8 s in all."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a stream: (H, W, 3) uint8 RGB, seconds since the stream's start, number from 0."""

    image_rgb: Image
    time_s: float
    index: int


class Camera(Protocol):
    """A stream of frames; the size may change from one frame to the next."""

    def frames(self) -> Iterator[Frame]:
        """The frames in the order of their times. Errors: InputError, ServiceError."""
        ...


class Device(Protocol):
    """What ``cv2.VideoCapture`` offers and a test's fake must."""

    def isOpened(self) -> bool: ...  # noqa: N802 (OpenCV's name)

    def read(self) -> tuple[bool, Any]: ...

    def release(self) -> None: ...


@dataclass(frozen=True, slots=True)
class WebcamCamera:
    """A camera of this machine, by OpenCV's index (0 is the first).

    When it stops answering in mid-stream (a pulled plug, a hub that resets) it is opened again after each of
    ``waits_s``; ``say`` is told once when it is lost and once when it is back. ``open_device``, ``now`` and
    ``wait`` stand for the hardware and the clock, so that tests need neither.
    """

    index: int = 0
    say: Callable[[str], None] = lambda _line: None
    open_device: Callable[[int], Device] | None = None
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep
    waits_s: tuple[float, ...] = WAITS_S

    def frames(self) -> Iterator[Frame]:
        """Frames as they are shot, until the reader stops.

        Errors: InputError when no camera answers at the start (names those that do), ServiceError when it is
        lost and does not come back.
        """
        device = self._first()
        started_at, count = self.now(), 0
        try:
            while True:
                picture = _read(device)
                if picture is None:
                    device.release()
                    device, picture = self._again()
                yield Frame(_rgb(picture), self.now() - started_at, count)
                count += 1
        finally:
            device.release()

    def _open(self) -> Device:
        return (self.open_device or open_device)(self.index)

    def _first(self) -> Device:
        device = self._open()
        if device.isOpened():
            return device
        device.release()
        answering = [i for i in INDICES_TO_TRY if i != self.index and _answers(i, self.open_device)]
        if answering:
            others = ", ".join(str(i) for i in answering)
            raise InputError(
                f"camera {self.index} does not answer; these do: {others}",
                hint=f"live --camera {answering[0]}",
            )
        raise InputError(
            f"no camera answers (tried 0 to {max(*INDICES_TO_TRY, self.index)})",
            hint="plug one in and close other programs that use it; "
            "or use your browser's: live --web; or a file: live --video in.mp4 --out out.mp4",
        )

    def _again(self) -> tuple[Device, Any]:
        self.say(f"camera {self.index} went away; waiting for it to come back")
        for wait_s in self.waits_s:
            self.wait(wait_s)
            device = self._open()
            picture = _read(device) if device.isOpened() else None
            if picture is not None:
                self.say(f"camera {self.index} is back")
                return device, picture
            device.release()
        raise ServiceError(
            f"camera {self.index} went away and did not come back in {sum(self.waits_s):.0f} s",
            hint="check the plug, then start live again",
        )


def answering_cameras() -> tuple[int, ...]:
    """The indices below 6 at which a camera opens now; each camera is opened and closed once."""
    return tuple(i for i in INDICES_TO_TRY if _answers(i, None))


def open_device(index: int) -> Device:
    """Open a camera with OpenCV, its buffer kept short so that pictures are fresh; may be closed."""
    import cv2

    # OpenCV reports every index that does not open on stderr; we say it ourselves, once.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    device = cv2.VideoCapture(index)
    device.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return _Quiet(device)


@dataclass(frozen=True, slots=True)
class _Quiet:
    """A ``cv2.VideoCapture`` whose ``read`` says False where OpenCV would raise."""

    capture: Any

    def isOpened(self) -> bool:  # noqa: N802
        return bool(self.capture.isOpened())

    def read(self) -> tuple[bool, Any]:
        import cv2

        try:
            ok, picture = self.capture.read()
        except cv2.error:
            return False, None
        return bool(ok), picture

    def release(self) -> None:
        self.capture.release()


def _answers(index: int, opener: Callable[[int], Device] | None) -> bool:
    if opener is None and sys.platform == "linux" and not Path(f"/dev/video{index}").exists():
        return False
    device = (opener or open_device)(index)
    try:
        return device.isOpened() and _read(device) is not None
    finally:
        device.release()


def _read(device: Device) -> Any | None:
    ok, picture = device.read()
    return picture if ok and picture is not None and picture.size else None


def _rgb(bgr: Any) -> Image:
    """RGB of what the driver gave: BGR, or one grey channel (infrared cameras)."""
    if bgr.ndim == 2 or bgr.shape[2] == 1:
        return np.repeat(bgr.reshape(*bgr.shape[:2], 1), 3, axis=2)
    return np.ascontiguousarray(bgr[:, :, 2::-1])
