"""A whole live session: a camera in, a file, a window or lines out, ended politely.

tally = annotate_video(workspace, run="", video_in=Path("in.mp4"), video_out=Path("out.mp4"))
"""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from curate.detect import Detector
from curate.faces import CropRule
from db.errors import ConfigError
from db.progress import progress
from db.whole_file import check_not_read
from db.workspace import Workspace
from live.camera import Camera, Frame
from live.clip import VideoCamera
from live.loop import Annotated, LiveLoop
from live.sink import VideoSink
from live.smooth import Smoother, Smoothing
from live.window import Window
from train.classifier import Classifier

Show = Callable[[Frame, Annotated], bool]
"""Told of every frame and what was found in it; False ends the session."""


@dataclass(frozen=True, slots=True)
class LiveTally:
    """What a session did: frames and faces seen, seconds of stream and of work, and whether it was cut short
    by Ctrl-C."""

    frames: int
    faces: int
    stream_s: float
    work_s: float
    interrupted: bool

    def counts(self) -> dict[str, int]:
        """For the closing line of a command."""
        return {"frames": self.frames, "faces": self.faces}


@dataclass(frozen=True, slots=True)
class Models:
    """What a session predicts with, loaded once; several streams may share it."""

    detector: Detector
    classifier: Classifier
    rule: CropRule = field(default_factory=CropRule)

    def loop(self, smoother: Smoother) -> LiveLoop:
        """The loop of one stream; every stream has a smoother of its own."""
        return LiveLoop(self.detector, self.classifier, smoother, self.rule)


@dataclass(frozen=True, slots=True)
class LiveOptions:
    """How a session runs: the detector's name (empty: the bundled one), the half-life of the smoothing in
    seconds (0: none), and how much of the stream to take (None: all)."""

    detector: str = ""
    half_life_s: float = 0.4
    max_seconds: float | None = None


def load_models(workspace: Workspace, run: str = "", detector: str = "") -> Models:
    """The classifier of a run (the newest without a name) and a face detector (the bundled one).

    Faces are cut as the workspace's ``[curate.faces]`` says. Errors: NotFoundError when there is no such run
    or detector, ModelError when a file is damaged, ConfigError when the margin makes no sense.
    """
    from curate.detect import load_detector
    from train.classifier import load_classifier

    classifier = load_classifier(workspace, run)
    kept = workspace.settings.options.get("curate", {}).get("faces", {})
    margin = _margin(kept.get("margin", CropRule().margin))
    rule = CropRule(margin=margin, align=kept.get("align", CropRule().align))
    return Models(load_detector(detector or None, tiles=False), classifier, rule)


def _margin(given: Any) -> float:
    """The margin as ``curate faces`` would read it from mimique.toml, where it may be written as text."""
    try:
        margin = float(given)
    except (TypeError, ValueError):
        margin = math.nan
    if not 0 <= margin <= 2:
        raise ConfigError(
            f"mimique.toml: [curate.faces] margin must be a number from 0 to 2, got {given!r}",
            hint="margin = 0.2",
        )
    return margin


def annotate_video(
    workspace: Workspace,
    run: str,
    video_in: Path,
    video_out: Path | None,
    *,
    options: LiveOptions = LiveOptions(),
    show: Show = lambda _frame, _seen: True,
    say: Callable[[str], None] = lambda _line: None,
) -> LiveTally:
    """Write ``video_out`` = ``video_in`` with every face's expression drawn on, frame for frame.

    Size and times are the source's; sound is left out. With None nothing is written, ``show`` alone is told.
    Ctrl-C finishes the file with what was done so far. Errors: InputError (video missing, damaged, the same
    as the output), NotFoundError without a run, StoreError when the disk is full; an older output is then
    left as it was.
    """
    camera = VideoCamera(video_in, say)
    info = camera.info()
    with ExitStack() as open_things:
        sink = None if video_out is None else open_things.enter_context(video_sink(camera, video_out))

        def write(frame: Frame, seen: Annotated) -> bool:
            if sink is not None:
                sink.write(seen.image_rgb, frame.time_s)
            return show(frame, seen)

        models = load_models(workspace, run, options.detector)
        loop = models.loop(Smoother(Smoothing(options.half_life_s)))
        frames = progress(until(camera.frames(), options.max_seconds), "annotating", info.frames or None)
        return watch(frames, loop, write)


def video_sink(camera: VideoCamera, video_out: Path) -> VideoSink:
    """A sink that keeps the camera's times. Errors: InputError, also when it would overwrite its source."""
    check_not_read(video_out, camera.path, told="the video that is read")
    return VideoSink(video_out, camera.info().time_base)


def watch_camera(
    workspace: Workspace,
    run: str,
    camera: Camera,
    *,
    options: LiveOptions = LiveOptions(),
    show: Show | None = None,
) -> LiveTally:
    """Show a camera's annotated frames in a window, or tell ``show`` of them instead, until someone stops it.

    Errors: InputError (no such camera, no display), NotFoundError without a run, ServiceError when the camera
    is lost for good.
    """
    with ExitStack() as open_things:
        if show is None:
            window = open_things.enter_context(Window())
            show = lambda _frame, seen: window.show(seen.image_rgb)  # noqa: E731
        models = load_models(workspace, run, options.detector)
        loop = models.loop(Smoother(Smoothing(options.half_life_s)))
        return watch(until(camera.frames(), options.max_seconds), loop, show)


def watch(frames: Iterable[Frame], loop: LiveLoop, show: Show) -> LiveTally:
    """Process frames until they end, ``show`` says False, or Ctrl-C (or SIGTERM) asks to stop.

    The frame being worked on is finished first; a second Ctrl-C stops at once.
    """
    started = time.perf_counter()
    count, faces, last_s = 0, 0, 0.0
    with stop_requested() as stop:
        for frame in frames:
            seen = loop.process(frame)
            count, faces, last_s = count + 1, faces + len(seen.faces), frame.time_s
            if not show(frame, seen) or stop.is_set():
                break
    return LiveTally(count, faces, last_s, time.perf_counter() - started, stop.is_set())


def until(frames: Iterable[Frame], seconds: float | None) -> Iterator[Frame]:
    """The frames of the first ``seconds``; all of them when None."""
    for frame in frames:
        if seconds is not None and frame.time_s >= seconds:
            return
        yield frame


@contextmanager
def stop_requested() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set instead of ending the process; once: the next one ends it.

    Outside the main thread signals cannot be caught: there the event is never set.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in numbers}

    def ask(_number: int, _frame: FrameType | None) -> None:
        stop.set()
        for number in numbers:
            signal.signal(number, before[number])

    try:
        for number in numbers:
            signal.signal(number, ask)
        yield stop
    finally:
        for number in numbers:
            signal.signal(number, before[number])
