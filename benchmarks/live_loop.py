"""Milliseconds a frame of the live loop: detect, cut, classify, smooth, draw; and of writing the video.

    python benchmarks/live_loop.py                                 a drawn 640×480 clip, an untrained yolo11n-cls
    python benchmarks/live_loop.py --workspace workspace --run ID  your newest run, or that one
    python benchmarks/live_loop.py --video in.mp4 --frames 100

Speed does not depend on what a network has learned, so without a workspace the classifier has random weights.
Decoding is not counted; medians over the frames after ten that warm up. The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from curate.detect import load_detector
from db.errors import MimiqueError
from db.privacy import keep_dependencies_quiet
from db.workspace import open_workspace
from live.camera import Frame
from live.clip import VideoCamera
from live.draw import draw_faces
from live.session import Models, load_models
from live.sink import VideoSink
from live.smooth import Smoother

WARM_UP = 10
LABELS = ("happy", "angry", "surprised", "neutral")


@dataclass
class Stopwatch:
    """Milliseconds of each part, a list a part."""

    parts: dict[str, list[float]] = field(default_factory=dict)

    @contextmanager
    def time(self, part: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.parts.setdefault(part, []).append(1000 * (time.perf_counter() - start))

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*given: Any) -> Any:
            with self.time(part):
                return function(*given)

        return timed

    def medians(self) -> dict[str, float]:
        return {part: round(float(np.median(ms[WARM_UP:])), 2) for part, ms in self.parts.items()}


class Timed:
    """A detector or classifier whose one method is timed."""

    def __init__(self, inner: Any, method: str, watch: Stopwatch, part: str) -> None:
        self._inner = inner
        setattr(self, method, watch.around(part, getattr(inner, method)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def untrained(folder: Path, network: str, imgsz: int) -> Any:
    """A classifier with random weights, exported and loaded as a run's is."""
    from train.card import ModelCard
    from train.classifier import open_classifier
    from train.network import build, save_network

    save_network(
        build(ModelCard("ultralytics", network, LABELS, imgsz, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))), folder
    )
    return open_classifier(folder)


def drawn_clip(folder: Path) -> Path:
    from collect.sample_source import write_sample_clip

    write_sample_clip(folder / "clip.mp4", LABELS, seconds=6, seed=0)
    return folder / "clip.mp4"


def measure(frames: list[Frame], models: Models, out: Path) -> tuple[dict[str, float], float]:
    """(median milliseconds of each part, mean number of faces a frame)."""
    watch = Stopwatch()
    timed = Models(
        Timed(models.detector, "detect", watch, "detect"),
        Timed(models.classifier, "predict", watch, "classify"),
        models.rule,
    )
    loop, faces = timed.loop(Smoother()), 0
    with VideoSink(out) as sink:
        for frame in frames:
            with watch.time("whole loop"):
                seen = loop.process(frame)
            with watch.time("draw (within)"):
                draw_faces(frame.image_rgb, seen.faces)
            with watch.time("write H.264"):
                sink.write(seen.image_rgb, frame.time_s)
            faces += len(seen.faces)
    return watch.medians(), faces / len(frames)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, help="whose newest run to use; default: random weights")
    parser.add_argument("--run", default="")
    parser.add_argument("--detector", default="")
    parser.add_argument("--video", type=Path, help="default: a drawn clip")
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--network", default="yolo11n-cls")
    parser.add_argument("--imgsz", type=int, default=128)
    given = parser.parse_args()
    keep_dependencies_quiet()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.workspace:
            models = load_models(open_workspace(given.workspace), given.run, given.detector)
        else:
            classifier = untrained(folder, given.network, given.imgsz)
            models = Models(load_detector(given.detector or None, tiles=False), classifier)
        video = given.video or drawn_clip(folder)
        frames = list(islice(VideoCamera(video).frames(), given.frames))
        ms, faces = measure(frames, models, folder / "out.mp4")
    height, width = frames[0].image_rgb.shape[:2]
    print(f"{len(frames)} frames of {width}×{height}, {faces:.2f} faces a frame")
    for part, value in ms.items():
        print(f"{part:<14} {value:7.2f} ms")
    print(json.dumps({"frames": len(frames), "size_wh": [width, height], "faces": round(faces, 2), "ms": ms}))


if __name__ == "__main__":
    try:
        main()
    except MimiqueError as error:
        sys.exit(f"error: {error} {error.hint}".rstrip())
