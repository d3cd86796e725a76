"""A window on the desktop that shows frames until q or Esc is pressed or it is closed."""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass
from types import TracebackType

from db.errors import InputError
from live.camera import Image

TITLE = "Mimique live (q or Esc quits)"
QUIT_KEYS = (ord("q"), ord("Q"), 27)
ELSEWHERE = "use the browser: live --web; or a file: live --video in.mp4 --out out.mp4; or --json"


@dataclass(slots=True)
class Window:
    """Use it in a ``with`` block. Errors: InputError where there is no desktop to show a window on."""

    _open: bool = False

    def __enter__(self) -> Window:
        require_display()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import cv2

        if self._open:
            cv2.destroyAllWindows()

    def show(self, image_rgb: Image) -> bool:
        """Show a frame; False once the person wants to stop."""
        import cv2

        try:
            if not self._open:
                cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
                cv2.resizeWindow(TITLE, image_rgb.shape[1], image_rgb.shape[0])
                self._open = True
            cv2.imshow(TITLE, image_rgb[:, :, ::-1])
            key = cv2.waitKey(1) & 0xFF
            closed = cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1
        except cv2.error as error:  # an OpenCV built without windows (opencv-python-headless)
            raise InputError("this OpenCV cannot open windows", hint=ELSEWHERE) from error
        return key not in QUIT_KEYS and not closed


def require_display() -> None:
    """Errors: InputError when no desktop answers: Qt would end the whole process instead of failing."""
    if sys.platform != "linux" or os.environ.get("WAYLAND_DISPLAY"):
        return
    display = os.environ.get("DISPLAY", "")
    if not display:
        raise InputError("there is no display here to open a window on", hint=ELSEWHERE)
    if not _x_server_answers(display):
        raise InputError(f"the display DISPLAY={display} does not answer", hint=ELSEWHERE)


def _x_server_answers(display: str) -> bool:
    host, _, number = display.rpartition(":")
    number = number.split(".")[0]
    if not number.isdigit():
        return False
    if host not in ("", "unix"):
        return _connects(socket.AF_INET, (host, 6000 + int(number)))
    unix = f"/tmp/.X11-unix/X{number}"
    return _connects(socket.AF_UNIX, unix) or _connects(socket.AF_UNIX, "\0" + unix)


def _connects(family: int, address: str | tuple[str, int]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as door:
            door.settimeout(2)
            door.connect(address)
    except OSError:
        return False
    return True
