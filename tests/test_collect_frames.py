"""Frames are exact: on constant and variable rates, late starts, every container, rotated and damaged files."""

import random
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from collect.frames import FrameIndex, VideoReader, sampled
from db.errors import InputError

BITS = 12
TICKS = 600  # stamps per second in these files


def numbered_picture(number: int, width: int = 192, height: int = 64) -> NDArray[np.uint8]:
    """A picture that carries its number as black and white blocks, most significant first."""
    image = np.full((height, width, 3), 128, np.uint8)
    for bit in range(BITS):
        left = bit * width // BITS
        image[:, left : left + width // BITS] = 255 * (number >> (BITS - 1 - bit) & 1)
    return image


def number_in(image: NDArray[np.uint8]) -> int:
    height, width = image.shape[:2]
    centres = [int((bit + 0.5) * width / BITS) for bit in range(BITS)]
    return int("".join("1" if image[height // 2, x].mean() > 128 else "0" for x in centres), 2)


def write_video(
    path: Path, times_s: list[float], *, codec: str = "libx264", gop: int = 40, turn: int = 0
) -> None:
    """A file whose frame k is shown at ``times_s[k]`` and carries the number k."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = 192, 64, "yuv420p"
        stream.codec_context.time_base = stream.time_base = Fraction(1, TICKS)
        stream.codec_context.gop_size = gop
        if codec == "libx264":
            stream.options = {"bf": "3", "b-adapt": "0", "preset": "veryfast"}
        if turn:
            stream.set_display_rotation(turn)
        for number, time_s in enumerate(times_s):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number), format="rgb24")
            frame.pts, frame.time_base = round(time_s * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def steady(count: int = 240, fps: float = 24, start: float = 0) -> list[float]:
    return [start + k / fps for k in range(count)]


def uneven(seed: int, count: int = 260, start: float = 0.0) -> list[float]:
    """Gaps from 1/60 s to 1.7 s, mostly short, as phones and screen recorders write them."""
    rng, times = random.Random(seed), [start]
    for _ in range(count - 1):
        gap = rng.choice([1 / 60, 1 / 30, 1 / 24, 0.1, 0.1, rng.uniform(0.2, 1.7)])
        times.append(round((times[-1] + gap) * TICKS) / TICKS)
    return times


def right_frames(times_s: list[float], every_s: float) -> list[int]:
    """By the definition, slowly: the last frame whose time since the first is not after t."""
    since = [round((t - times_s[0]) * TICKS) for t in times_s]
    wanted, numbers = Fraction(0), []
    while wanted <= Fraction(since[-1], TICKS):
        numbers.append(max(k for k, tick in enumerate(since) if Fraction(tick, TICKS) <= wanted))
        wanted += Fraction(str(every_s))
    return list(dict.fromkeys(numbers))


def read_numbers(path: Path, every_s: float) -> list[int]:
    with VideoReader(path) as reader:
        return [number_in(reader.read(stamp)) for stamp in sampled(reader.index, every_s)]


FILES = {
    "steady": (steady(), ".mp4", "libx264"),
    "uneven": (uneven(1), ".mp4", "libx264"),
    "starts late": (uneven(2, start=5.0), ".mp4", "libx264"),
    "matroska": (uneven(3), ".mkv", "libx264"),
    "transport stream": (steady(start=1.4), ".ts", "libx264"),
    "mpeg-4 part 2": (steady(), ".avi", "mpeg4"),
    "vp9": (uneven(4, count=90), ".webm", "libvpx-vp9"),
}


@pytest.mark.parametrize("every_s", [0.3, 1.0, 2.5, 7.0])
@pytest.mark.parametrize("name", FILES)
def test_every_sampled_frame_is_the_last_one_not_after_its_time(
    name: str, every_s: float, tmp_path: Path
) -> None:
    times, suffix, codec = FILES[name]
    path = tmp_path / f"clip{suffix}"
    write_video(path, times, codec=codec)
    numbers = read_numbers(path, every_s)
    expected = right_frames(times, every_s)
    assert numbers[: len(expected)] == expected
    assert set(numbers[len(expected) :]) <= {len(times) - 1}  # the last frame's own time may reach one more t


def test_frames_can_be_read_in_any_order(tmp_path: Path) -> None:
    times = uneven(6, count=120)
    write_video(tmp_path / "clip.mp4", times)
    with VideoReader(tmp_path / "clip.mp4") as reader:
        stamps = list(enumerate(reader.index.stamps))
        random.Random(0).shuffle(stamps)
        assert all(number_in(reader.read(stamp)) == number for number, stamp in stamps[:30])


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mkv", steady(count=48, fps=24, start=5.0))
    with VideoReader(tmp_path / "clip.mkv") as reader:
        taken = sampled(reader.index, 0.5)
        assert [round(reader.index.time_s(stamp), 2) for stamp in taken] == [0.0, 0.5, 1.0, 1.5]
        assert reader.index.duration_s == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_turned_video_is_read_upright(turn: int, tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", steady(count=10), turn=turn)
    with VideoReader(tmp_path / "clip.mp4") as reader:
        image = reader.read(reader.index.stamps[9])
    assert image.shape == ((192, 64, 3) if turn % 180 else (64, 192, 3))
    assert number_in(np.rot90(image, -turn // 90)) == 9


def test_a_file_that_was_cut_off_gives_the_frames_it_has(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mkv", steady(count=240))
    data = (tmp_path / "whole.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    numbers = read_numbers(tmp_path / "cut.mkv", 1.0)
    assert numbers == [24 * k for k in range(len(numbers))]
    assert 3 <= len(numbers) <= 7


def sound_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def mp4_without_its_end(path: Path) -> None:
    write_video(path, steady(count=48))
    path.write_bytes(path.read_bytes()[:-3000])


NO_VIDEO = {
    "missing": (lambda path: None, "there is no video file"),
    "a folder": (lambda path: path.mkdir(), "there is no video file"),
    "empty": (lambda path: path.touch(), "is empty"),
    "text": (lambda path: path.write_text("no video at all\n" * 50), "is no video"),
    "a picture": (lambda path: path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 99), "is no video"),
    "sound": (sound_only, "has sound but no picture"),
    "cut before its index": (mp4_without_its_end, "is no video, or its beginning is damaged"),
}


@pytest.mark.parametrize("name", NO_VIDEO)
def test_what_is_no_video_says_so_in_one_line(name: str, tmp_path: Path) -> None:
    make, reason = NO_VIDEO[name]
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(InputError, match=reason) as raised:
        VideoReader(path)
    assert "\n" not in str(raised.value)


@settings(max_examples=200, deadline=None)
@given(
    gaps=st.lists(st.integers(1, 3000), max_size=60),
    first=st.integers(-5000, 5000),
    every_ms=st.integers(1, 20_000),
    scale=st.sampled_from([1000, 600, 90_000, 15_360]),
)
def test_sampling_follows_its_definition(gaps: list[int], first: int, every_ms: int, scale: int) -> None:
    stamps = [first]
    for gap in gaps:
        stamps.append(stamps[-1] + gap)
    index = FrameIndex(tuple(stamps), (first,), stamps[-1] + 1, Fraction(1, scale))
    taken = sampled(index, every_ms / 1000)
    expected, k = [], 0
    while Fraction(every_ms, 1000) * k < (index.end - first) * index.time_base:
        wanted = first + Fraction(every_ms, 1000) * k * scale
        expected.append(max(stamp for stamp in stamps if stamp <= wanted))
        k += 1
    assert list(taken) == list(dict.fromkeys(expected))


def test_every_must_be_above_zero() -> None:
    index = FrameIndex((0,), (0,), 1, Fraction(1, 25))
    assert sampled(index, 10) == (0,)
    for every_s in (0, -1, float("nan")):
        with pytest.raises(InputError, match="more than 0"):
            sampled(index, every_s)
