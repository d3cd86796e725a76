"""Exact frames of a video file: the frame at time t is the last one whose time stamp is not after t.

Times count from the first frame, whatever stamp it bears. An index of all stamps is read first, without
decoding; then each wanted frame is decoded from the keyframe before it. On that way, frames that no other
frame builds on are skipped until half a second before the wanted one, which changes no pixel.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from db.errors import InputError

DECODE_ALL_S = Fraction(1, 2)
DECODE_ON_S = Fraction(1)
SEEK_SLACK_S = Fraction(2)


@dataclass(frozen=True, slots=True)
class FrameIndex:
    """When the frames of a video are shown: time stamps in units of ``time_base`` seconds, sorted.

    ``keys`` are those decoding can start from; ``end`` is when the last frame's time is over.
    """

    stamps: tuple[int, ...]
    keys: tuple[int, ...]
    end: int
    time_base: Fraction

    @property
    def duration_s(self) -> float:
        """From the first frame to the end of the last, in seconds."""
        return float((self.end - self.stamps[0]) * self.time_base)

    def time_s(self, stamp: int) -> float:
        """Seconds since the first frame."""
        return float((stamp - self.stamps[0]) * self.time_base)

    def at(self, time_s: Fraction) -> int:
        """The stamp of the frame shown at a time: the last one not after it; before the start, the first."""
        stamp = self.stamps[0] + time_s // self.time_base
        return self.stamps[max(bisect_right(self.stamps, stamp) - 1, 0)]

    def key_before(self, stamp: int) -> int:
        """The last keyframe not after a stamp; before the first one, the first frame."""
        before = bisect_right(self.keys, stamp)
        return self.keys[before - 1] if before else self.stamps[0]

    def ticks(self, seconds: Fraction) -> int:
        """Seconds in units of the time base, rounded down."""
        return seconds // self.time_base


def sampled(index: FrameIndex, every_s: float) -> tuple[int, ...]:
    """The stamps of the frames shown at 0, ``every_s``, 2·``every_s``, … before the end; each frame once.

    Errors: InputError unless ``every_s`` is above zero.
    """
    if not every_s > 0:
        raise InputError(f"frames are taken every so many seconds, more than 0; got {every_s}")
    step = Fraction(str(every_s))
    length = (index.end - index.stamps[0]) * index.time_base
    count = max(-(-length // step), 1)  # rounded up: the end itself shows no frame
    return tuple(dict.fromkeys(index.at(step * k) for k in range(count)))


class VideoReader:
    """Reads single frames of one file; fastest when asked in order. Use it with ``with``.

    Errors: InputError when the file is missing, empty, no video, or holds no picture.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._container = _opened(path)
        try:
            self._stream = _video_stream(self._container, path.name)
            self.index = _index(self._container, self._stream, path.name)
        except BaseException:
            self._container.close()
            raise
        self._frames: Iterator[VideoFrame] = iter(())
        self._position: int | None = None
        self._decode_all_from = 0

    def __enter__(self) -> VideoReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    def read(self, stamp: int) -> NDArray[np.uint8]:
        """The frame with exactly this stamp, upright, uint8 RGB (H, W, 3). Errors: InputError if damaged."""
        self._decode_all_from = stamp - self.index.ticks(DECODE_ALL_S)
        frame = self._run_up_to(stamp) if self._is_near(stamp) else None
        if frame is None:
            for start in self._starts(stamp):
                self._seek(start)
                frame = self._run_up_to(stamp)
                if frame is not None:
                    break
        if frame is None:
            raise InputError(f"{self._path.name}: the frame at {self.index.time_s(stamp):.3f} s is damaged")
        return _upright(frame)

    def _is_near(self, stamp: int) -> bool:
        """Whether decoding on from where we are is quicker than seeking: no keyframe lies well ahead of us."""
        if self._position is None or stamp <= self._position:
            return False
        return self.index.key_before(stamp) <= self._position or stamp - self._position <= self.index.ticks(
            DECODE_ON_S
        )

    def _starts(self, stamp: int) -> list[int]:
        """Where to decode from: the keyframe before; where seeking lands too late, an earlier one; the top."""
        key = self.index.key_before(stamp)
        earlier = self.index.key_before(key - self.index.ticks(SEEK_SLACK_S))
        return list(dict.fromkeys([key, earlier, self.index.stamps[0]]))

    def _seek(self, stamp: int) -> None:
        if stamp > self.index.stamps[0]:
            self._container.seek(stamp, stream=self._stream, backward=True, any_frame=False)
        else:  # some formats cannot seek to their very beginning
            self._container.close()
            self._container = _opened(self._path)
            self._stream = _video_stream(self._container, self._path.name)
        self._frames = self._decoded()

    def _run_up_to(self, stamp: int) -> VideoFrame | None:
        """Decode on until the frame with this stamp; None when the file goes past it or ends."""
        for frame in self._frames:
            if frame.pts is None:
                continue
            self._position = frame.pts
            if frame.pts >= stamp:
                return frame if frame.pts == stamp and not frame.is_corrupt else None
        self._position = None
        return None

    def _decoded(self) -> Iterator[VideoFrame]:
        for packet in self._container.demux(self._stream):
            skip = packet.pts is not None and packet.pts < self._decode_all_from
            self._stream.codec_context.skip_frame = "NONREF" if skip else "DEFAULT"
            try:
                yield from packet.decode()
            except av.error.InvalidDataError:
                continue  # a damaged packet: the frames around it may still be whole


def _opened(path: Path) -> InputContainer:
    if not path.is_file():
        raise InputError(f"there is no video file {path}", hint="check the spelling of the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path.name} is empty (0 bytes)", hint="fetch or copy it again")
    try:
        container = av.open(str(path), metadata_errors="replace")
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise InputError(
            f"{path.name} is no video, or its beginning is damaged",
            hint="if a player shows it: ffmpeg -i FILE -c copy FILE.mp4",
        ) from error
    if container.format.name == "tty" or container.format.name.endswith(("image2", "_pipe")):
        container.close()
        raise InputError(f"{path.name} is no video", hint="for single pictures: collect folder PATH")
    return container


def _video_stream(container: InputContainer, name: str) -> VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic and stream.codec_context is not None:
            stream.thread_type = "AUTO"
            return stream
    raise InputError(f"{name} has sound but no picture")


def _index(container: InputContainer, stream: VideoStream, name: str) -> FrameIndex:
    """All stamps, read without decoding; decoded ones where the file itself does not tell when frames show."""
    assert stream.time_base is not None
    stamps, keys, end, unknown = set[int](), set[int](), 0, False
    try:
        for packet in container.demux(stream):
            if packet.size == 0 or packet.is_discard or packet.is_corrupt:
                continue
            if packet.pts is None:
                unknown = True
                continue
            stamps.add(packet.pts)
            end = max(end, packet.pts + max(packet.duration or 1, 1))
            if packet.is_keyframe:
                keys.add(packet.pts)
    except av.error.FFmpegError:
        pass  # the file is cut off: what came before is there
    if unknown:
        raise InputError(
            f"{name} does not say when its frames are shown",
            hint=f"ffmpeg -i {name} FILE.mp4, then take that",
        )
    if not stamps:
        raise InputError(f"{name} holds no frame", hint="fetch or copy it again")
    return FrameIndex(tuple(sorted(stamps)), tuple(sorted(keys)) or (min(stamps),), end, stream.time_base)


def _upright(frame: VideoFrame) -> NDArray[np.uint8]:
    """The frame as it is meant to be seen: the display matrix turns counter-clockwise, as np.rot90 does."""
    image = np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))
