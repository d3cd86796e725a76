"""Frames of a video file, each at its exact time and the right way up (PyAV)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from db.errors import InputError
from live.camera import Frame, Image

DAMAGED = "the video may be damaged: play it, or make a clean copy with: ffmpeg -i {} copy.mp4"
MOST_DAMAGE = 1000
"""Damaged packets after which a file is given up."""


@dataclass(frozen=True, slots=True)
class ClipInfo:
    """What the file says of itself: the tick its times count in, frames and seconds (0 when unknown)."""

    time_base: Fraction
    frames: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class VideoCamera:
    """A video file as a camera.

    Times are the file's own, also at a variable frame rate, counted from its start; phone videos are turned
    upright. A truncated or damaged file gives every frame that can be read, then one line to ``say``.
    """

    path: Path
    say: Callable[[str], None] = lambda _line: None

    def info(self) -> ClipInfo:
        """Errors: InputError when the file is missing, empty, no video, or has sound only."""
        with self._open() as container:
            return _info(container)

    def frames(self) -> Iterator[Frame]:
        """Every frame in the order of presentation. Errors: InputError, also when no frame can be read."""
        with self._open() as container:
            info, clock, damage = _info(container), _Clock(container.streams.video[0]), _Damage()
            count = 0
            for picture in _pictures(container, damage):
                yield Frame(_upright(picture), clock.time_s(picture.pts), count)
                count += 1
            self._judge_end(count, clock.last_s, info, damage)

    def _open(self) -> Any:
        import av

        if not self.path.is_file():
            raise InputError(f"there is no video file {self.path}", hint="check the path")
        if self.path.stat().st_size == 0:
            raise InputError(f"{self.path} is empty (0 bytes)", hint="copy or record it again")
        try:
            container = av.open(str(self.path))
        except (av.FFmpegError, OSError) as error:
            raise InputError(
                f"{self.path} cannot be read as a video: {error.strerror}",
                hint=DAMAGED.format(self.path),
            ) from error
        if not container.streams.video:
            kinds = " and ".join(sorted({stream.type for stream in container.streams})) or "no streams"
            container.close()
            raise InputError(f"{self.path} has no pictures, only {kinds}", hint="choose a video file")
        container.streams.video[0].thread_type = "AUTO"
        return container

    def _judge_end(self, count: int, last_s: float, info: ClipInfo, damage: _Damage) -> None:
        if count == 0:
            why = f": {damage.why}" if damage.why else ""
            raise InputError(f"no frame of {self.path} can be read{why}", hint=DAMAGED.format(self.path))
        missing_s = info.duration_s - last_s
        if missing_s > 0.5 and count < info.frames - 2 if info.frames else missing_s > 2:
            self.say(
                f"{self.path} ends early, at {last_s:.1f} s of {info.duration_s:.1f} s: "
                f"it is truncated or damaged; {count:,} frames could be read"
            )
        elif damage.packets:
            self.say(
                f"{self.path} is damaged in {damage.packets:,} places, which were left out: {damage.why}"
            )


@dataclass(slots=True)
class _Damage:
    """What of a file could not be decoded, and why."""

    packets: int = 0
    why: str = ""


def _pictures(container: Any, damage: _Damage) -> Iterator[Any]:
    """Every frame that can be decoded, in order of presentation; damaged parts are counted and left out."""
    import av

    packets = container.demux(video=0)
    while True:
        try:
            pictures = next(packets).decode()
        except StopIteration:
            return
        except av.EOFError:
            return
        except (av.FFmpegError, OSError) as error:
            damage.packets, damage.why = damage.packets + 1, error.strerror or type(error).__name__
            if damage.packets > MOST_DAMAGE:
                return
            continue
        yield from pictures


class _Clock:
    """Seconds since the stream's start; a frame without a time, or back in time, follows its predecessor."""

    def __init__(self, stream: Any) -> None:
        self._base = Fraction(stream.time_base or Fraction(1, 90_000))
        self._start: int | None = stream.start_time
        self._step_s = float(1 / stream.average_rate) if stream.average_rate else 1 / 25
        self._seen = False
        self.last_s = 0.0

    def time_s(self, pts: int | None) -> float:
        if pts is not None and self._start is None:
            self._start = pts
        wanted = None if pts is None else float((pts - (self._start or 0)) * self._base)
        if wanted is None or (self._seen and wanted <= self.last_s):
            wanted = self.last_s + self._step_s if self._seen else 0.0
        self._seen, self.last_s = True, max(0.0, wanted)
        return self.last_s


def _info(container: Any) -> ClipInfo:
    stream = container.streams.video[0]
    base = Fraction(stream.time_base or Fraction(1, 90_000))
    if stream.duration:
        return ClipInfo(base, stream.frames or 0, float(stream.duration * base))
    alone = len(container.streams) == 1  # else the length may be that of the sound
    return ClipInfo(base, stream.frames or 0, (container.duration or 0) / 1e6 if alone else 0.0)


def _upright(picture: Any) -> Image:
    """The decoded frame as RGB, turned as its display matrix says (counterclockwise degrees)."""
    image: Image = picture.to_ndarray(format="rgb24")
    quarter_turns = round(picture.rotation / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image
