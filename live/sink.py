"""An annotated video file: H.264, the source's own frame times, whole or not there at all."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from db.errors import FULL_DISK, InputError, StoreError
from live.camera import Image

FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
FINEST_TICK = Fraction(1, 90_000)
BT709 = 1  # the colour matrix, primaries and transfer of HD video, as FFmpeg numbers them
NO_ROOM = (*FULL_DISK, errno.EFBIG)


@dataclass(slots=True)
class VideoSink:
    """Writes frames to ``path`` (.mp4, .m4v, .mov, .mkv); use it in a ``with`` block.

    The file is written under a temporary name beside it and renamed by ``close``, so an older file stays
    until the new one is whole; when an error leaves the block, the temporary file is removed. ``time_base``
    is the tick that times are rounded to: give the source's own and they are kept exactly. The first frame
    sets the size (odd sizes get one more column or row: yuv420p needs even ones); later frames of another
    size are fitted into it, with black bars.

    Errors: InputError for a name that is no video's or a folder that cannot be written to; StoreError for a
    full disk.
    """

    path: Path
    time_base: Fraction = FINEST_TICK
    frames: int = 0
    _container: Any = None
    _stream: Any = None
    _last_tick: int = -1
    _temporary: Path = field(init=False)

    def __post_init__(self) -> None:
        self._temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}.part")
        if self.path.suffix.lower() not in FORMATS:
            raise InputError(
                f"{self.path} must end in one of {', '.join(FORMATS)}", hint=f"--out {self.path.stem}.mp4"
            )
        if self.path.is_dir():
            raise InputError(f"{self.path} is a folder", hint="give a file name that ends in .mp4")

    def __enter__(self) -> VideoSink:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._temporary.touch()
        except OSError as error:
            raise InputError(
                f"cannot write into {self.path.parent}: {error.strerror}",
                hint="choose another place with --out",
            ) from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, image_rgb: Image, time_s: float) -> None:
        """Append a frame shown from ``time_s`` on; a time that does not rise is moved one tick on."""
        import av

        try:
            if self._stream is None:
                self._start(image_rgb)
            wanted_hw = (self._stream.height, self._stream.width)
            picture = av.VideoFrame.from_ndarray(fitted(image_rgb, wanted_hw), format="rgb24")
            picture = picture.reformat(format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG")
            self._last_tick = max(self._last_tick + 1, round(Fraction(time_s) / self.time_base))
            picture.pts, picture.time_base = self._last_tick, self.time_base
            self._container.mux(self._stream.encode(picture))
        except (av.FFmpegError, OSError) as error:
            raise self._failed(error) from error
        self.frames += 1

    def close(self) -> None:
        """Finish the file and give it its name; without a frame nothing is left behind."""
        import av

        if self._container is None:
            self.discard()
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            self._container = None
            self._temporary.replace(self.path)
        except (av.FFmpegError, OSError) as error:
            self.discard()
            raise self._failed(error) from error

    def discard(self) -> None:
        """Remove the unfinished file; calling it again does nothing."""
        import av

        container, self._container = self._container, None
        try:
            if container is not None:
                container.close()
        except (av.FFmpegError, OSError):
            pass  # what made us give up, a full disk say, shows again here: the file goes away anyhow
        finally:
            self._temporary.unlink(missing_ok=True)

    def _start(self, image_rgb: Image) -> None:
        import av

        height, width = (side + side % 2 for side in image_rgb.shape[:2])
        container_format = FORMATS[self.path.suffix.lower()]
        self._container = av.open(str(self._temporary), mode="w", format=container_format)
        stream: Any = self._container.add_stream("libx264", options={"preset": "veryfast", "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.time_base = stream.codec_context.time_base = self.time_base
        context = stream.codec_context
        context.colorspace = context.color_primaries = context.color_trc = context.color_range = BT709
        self._stream = stream

    def _failed(self, error: Exception) -> StoreError:
        if getattr(error, "errno", None) in NO_ROOM:
            return StoreError(
                f"the disk is full: {self.path} could not be written",
                hint="free some space, or choose another place with --out, and run it again",
            )
        return StoreError(f"{self.path} could not be written: {getattr(error, 'strerror', None) or error}")


def fitted(image_rgb: Image, size_hw: tuple[int, int]) -> Image:
    """The picture in a frame of ``size_hw``: unchanged, its last row and column doubled when that is all
    that lacks, else scaled to fit and centred on black."""
    height, width = size_hw
    lack_h, lack_w = height - image_rgb.shape[0], width - image_rgb.shape[1]
    if (lack_h, lack_w) == (0, 0):
        return image_rgb
    if lack_h in (0, 1) and lack_w in (0, 1):
        return np.pad(image_rgb, ((0, lack_h), (0, lack_w), (0, 0)), mode="edge")
    import cv2

    scale = min(height / image_rgb.shape[0], width / image_rgb.shape[1])
    small_h, small_w = (max(1, round(side * scale)) for side in image_rgb.shape[:2])
    small = cv2.resize(image_rgb, (small_w, small_h), interpolation=cv2.INTER_AREA)
    framed = np.zeros((height, width, 3), np.uint8)
    top, left = (height - small_h) // 2, (width - small_w) // 2
    framed[top : top + small_h, left : left + small_w] = small
    return framed
