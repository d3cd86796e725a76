"""Sampling a video every 10 s: ours against reading every frame with cv2, exactness and time, in one run.

    python benchmarks/video.py                    10 minutes of 720p H.264, constant and variable rate
    python benchmarks/video.py --minutes 1

The files are made with ffmpeg in a temporary folder; every frame carries its number as black and white
blocks, so what was read is known exactly. "Exact" means: the last frame whose time is not after the wanted one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from collect.frames import VideoReader, sampled

WIDTH, HEIGHT, FPS, BITS, BLOCK = 1280, 720, 25, 16, 32


@dataclass(frozen=True, slots=True)
class Outcome:
    file: str
    how: str
    seconds: float
    exact: int
    wanted: int
    times_faster: float


def make_video(path: Path, minutes: float, variable: bool) -> None:
    """A moving test picture with its frame number on top; the variable one drops two of three frames in places."""
    numbers = np.arange(round(minutes * 60 * FPS), dtype=">u2").view(np.uint8)
    strip = np.unpackbits(numbers) * np.uint8(255)  # one row of 16 pixels a frame
    drop = "select='not(mod(floor(t/3)\\,2))+not(mod(n\\,3))'" if variable else "null"
    graph = (
        f"testsrc2=size={WIDTH}x{HEIGHT}:rate={FPS}[back];"
        f"[0]scale={BITS * BLOCK}:{BLOCK}:flags=neighbor[bits];"
        f"[back][bits]overlay=0:0:shortest=1,{drop},format=yuv420p"
    )
    source = ["-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{BITS}x1", "-r", str(FPS), "-i", "-"]
    encode = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-fps_mode", "passthrough"]
    command = ["ffmpeg", "-v", "error", "-y", *source, "-filter_complex", graph, *encode, str(path)]
    subprocess.run(command, check=True, input=strip.tobytes())


def number_in(image: NDArray[np.uint8]) -> int:
    centres = range(BLOCK // 2, BITS * BLOCK, BLOCK)
    return int("".join("1" if image[BLOCK // 2, x].mean() > 128 else "0" for x in centres), 2)


def right_numbers(path: Path, every_s: float) -> list[int]:
    """By decoding everything with PyAV: (time, number) of all frames, then the definition."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        shown = [(frame.time, number_in(_top(frame))) for frame in container.decode(stream)]
    first, last = shown[0][0], shown[-1][0]
    wanted = np.arange(0, last - first + 1e-9, every_s)
    return [max(n for t, n in shown if t - first <= w + 1e-9) for w in wanted]


def _top(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Only the luma rows that carry the number, as (BLOCK, W, 1)."""
    plane = frame.planes[0]
    rows = np.frombuffer(plane, np.uint8)[: plane.line_size * BLOCK].reshape(BLOCK, plane.line_size)
    return rows[:, :, None]


def ours(path: Path, every_s: float) -> list[int]:
    with VideoReader(path) as reader:
        return [number_in(reader.read(stamp)) for stamp in sampled(reader.index, every_s)]


def cv2_read_all(path: Path, every_s: float) -> list[int]:
    """As the usual recipe goes: read every frame, keep each (fps × every)-th."""
    capture, numbers, count = cv2.VideoCapture(str(path)), list[int](), 0
    step = max(round(capture.get(cv2.CAP_PROP_FPS) * every_s), 1)
    while True:
        whole, image = capture.read()
        if not whole:
            return numbers
        if count % step == 0:
            numbers.append(number_in(image))
        count += 1


def measure(path: Path, every_s: float) -> list[Outcome]:
    right = right_numbers(path, every_s)
    ways: dict[str, Callable[[Path, float], list[int]]] = {"cv2 read-all": cv2_read_all, "mimique": ours}
    outcomes, slowest = [], 0.0
    for how, way in ways.items():
        began = time.perf_counter()
        numbers = way(path, every_s)
        seconds = time.perf_counter() - began
        slowest = slowest or seconds
        exact = sum(one == other for one, other in zip(numbers, right, strict=False))
        outcomes.append(
            Outcome(path.stem, how, round(seconds, 2), exact, len(right), round(slowest / seconds, 2))
        )
    return outcomes


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--every", type=float, default=10, help="seconds between frames")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    outcomes = []
    with tempfile.TemporaryDirectory() as folder:
        for name, variable in (("constant rate", False), ("variable rate", True)):
            path = Path(folder) / f"{name}.mp4"
            make_video(path, arguments.minutes, variable)
            outcomes += measure(path, arguments.every)
    if arguments.json:
        print(json.dumps([asdict(outcome) for outcome in outcomes]))
        return
    for o in outcomes:
        print(
            f"{o.file:14} {o.how:13} {o.seconds:7.2f} s   exact {o.exact:3} of {o.wanted}   {o.times_faster:5.2f} ×"
        )


if __name__ == "__main__":
    main()
