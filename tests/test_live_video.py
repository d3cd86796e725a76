"""Video files in and annotated video files out."""

import os
import signal
import struct
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from db.errors import InputError, StoreError
from live.camera import Frame
from live.clip import VideoCamera
from live.fakes import BrightBoxDetector, ColourClassifier
from live.loop import LiveLoop
from live.session import stop_requested, until, video_sink, watch
from live.sink import VideoSink, fitted
from live.smooth import Smoother

TICK = Fraction(1, 1000)
STEADY = [n * 40 for n in range(12)]
VARIABLE = [0, 40, 90, 400, 410, 900, 1300, 1333]


def picture(number: int, size_wh: tuple[int, int]) -> np.ndarray:
    """A white square that wanders over grey, and a blue top left corner that shows which way is up."""
    width, height = size_wh
    image = np.full((height, width, 3), 60, np.uint8)
    image[: height // 4, : width // 4] = (0, 0, 140)
    left = width // 3 + 2 * number
    image[height // 2 : height // 2 + 20, left : left + 20] = 255
    return image


def write_clip(path: Path, ticks: Sequence[int], size_wh: tuple[int, int] = (96, 64)) -> Path:
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream = container.add_stream("libx264", options={"crf": "12", "preset": "ultrafast"})
        stream.width, stream.height = size_wh
        stream.pix_fmt = "yuv420p" if not (size_wh[0] % 2 or size_wh[1] % 2) else "yuv444p"
        stream.time_base = stream.codec_context.time_base = TICK
        for number, tick in enumerate(ticks):
            frame = av.VideoFrame.from_ndarray(picture(number, size_wh), format="rgb24")
            frame = frame.reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = tick, TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turned(path: Path) -> Path:
    """Write a quarter turn clockwise into the file, as a phone that is held upright does."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    height = struct.unpack(">I", data[at + 40 : at + 44])[0]
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, height, 0, 1 << 30)
    path.write_bytes(data)
    return path


def loop() -> LiveLoop:
    return LiveLoop(BrightBoxDetector(), ColourClassifier(), Smoother())


def annotate(video_in: Path, video_out: Path) -> int:
    camera = VideoCamera(video_in)
    with video_sink(camera, video_out) as sink:

        def write(frame: Frame, seen: object) -> bool:
            sink.write(seen.image_rgb, frame.time_s)  # type: ignore[attr-defined]
            return True

        return watch(camera.frames(), loop(), write).faces


@pytest.mark.parametrize("ticks", [STEADY, VARIABLE, [0]], ids=["steady", "variable", "one frame"])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_an_annotated_video_keeps_frames_times_and_size(
    tmp_path: Path, ticks: list[int], suffix: str
) -> None:
    source = write_clip(tmp_path / "in.mp4", ticks)
    faces = annotate(source, tmp_path / f"out{suffix}")
    before = list(VideoCamera(source).frames())
    after = list(VideoCamera(tmp_path / f"out{suffix}").frames())
    assert faces == len(ticks)
    assert [f.time_s for f in before] == pytest.approx([t / 1000 for t in ticks], abs=1e-6)
    assert [f.time_s for f in after] == pytest.approx([f.time_s for f in before], abs=1e-6)
    assert {f.image_rgb.shape for f in after} == {(64, 96, 3)}
    assert [p.name for p in tmp_path.iterdir() if "part" in p.name] == []


def test_colours_survive_reading_and_writing(tmp_path: Path) -> None:
    flat = np.zeros((64, 64, 3), np.uint8)
    flat[:] = (200, 80, 40)
    with VideoSink(tmp_path / "out.mp4") as sink:
        sink.write(flat, 0.0)
    (frame,) = VideoCamera(tmp_path / "out.mp4").frames()
    assert np.abs(frame.image_rgb.astype(int) - flat).max() <= 4


def test_odd_sizes_grow_by_one_pixel(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mkv", STEADY, (97, 65))
    assert next(VideoCamera(source).frames()).image_rgb.shape == (65, 97, 3)
    annotate(source, tmp_path / "out.mp4")
    after = list(VideoCamera(tmp_path / "out.mp4").frames())
    assert len(after) == len(STEADY) and after[0].image_rgb.shape == (66, 98, 3)


def test_a_phone_video_is_turned_upright(tmp_path: Path) -> None:
    source = turned(write_clip(tmp_path / "in.mp4", STEADY))
    annotate(source, tmp_path / "out.mp4")
    for frames in (VideoCamera(source).frames(), VideoCamera(tmp_path / "out.mp4").frames()):
        image = next(iter(frames)).image_rgb
        assert image.shape == (96, 64, 3)
        assert image[5, 60, 2] > 100 > image[5, 60, 0]  # the corner that was top left is top right now
        assert image[5, 5, 2] < 100


def test_a_new_resolution_is_fitted_into_the_first(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "out.mp4") as sink:
        sink.write(np.full((60, 80, 3), 200, np.uint8), 0.0)
        sink.write(np.full((120, 40, 3), 200, np.uint8), 0.1)
        sink.write(np.full((30, 40, 3), 200, np.uint8), 0.05)  # and time that does not rise
    frames = list(VideoCamera(tmp_path / "out.mp4").frames())
    assert [f.image_rgb.shape for f in frames] == [(60, 80, 3)] * 3
    assert frames[1].image_rgb[30, 2].max() < 20 < frames[1].image_rgb[30, 40].min()
    assert frames[2].time_s > frames[1].time_s


def test_fitting_a_picture_that_fits_changes_nothing() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    assert fitted(image, (4, 6)) is image
    assert fitted(image, (9, 1)).shape == (9, 1, 3)


def test_a_truncated_video_gives_what_can_be_read_and_one_line(tmp_path: Path) -> None:
    whole = write_clip(tmp_path / "whole.mp4", [n * 40 for n in range(100)], (320, 240)).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    said: list[str] = []
    frames = list(VideoCamera(tmp_path / "cut.mp4", said.append).frames())
    assert 5 < len(frames) < 95
    assert len(said) == 1 and "ends early" in said[0] and "of 4.0 s" in said[0]


def test_damage_in_the_middle_is_left_out_and_said(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", [n * 40 for n in range(100)], (320, 240))
    data = bytearray(source.read_bytes())
    middle = len(data) * 2 // 3
    data[middle : middle + 400] = b"\xff" * 400
    source.write_bytes(data)
    said: list[str] = []
    frames = list(VideoCamera(source, said.append).frames())
    assert 60 < len(frames) <= 100 and frames[-1].time_s > 3.5
    assert len(said) <= 1


def test_a_whole_video_says_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    assert len(list(VideoCamera(write_clip(tmp_path / "in.mp4", VARIABLE), said.append).frames())) == 8
    assert said == []


def test_files_that_are_no_video_get_one_clear_line(tmp_path: Path) -> None:
    empty, text, folder = tmp_path / "empty.mp4", tmp_path / "text.mp4", tmp_path / "folder"
    empty.touch()
    text.write_text("no video at all")
    folder.mkdir()
    sound = tmp_path / "sound.wav"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
    expected = {
        empty: "0 bytes",
        text: "cannot be read as a video",
        sound: "no pictures, only audio",
        folder: "there is no video file",
        tmp_path / "missing.mp4": "there is no video file",
    }
    for path, line in expected.items():
        with pytest.raises(InputError, match=line):
            VideoCamera(path).info()
        with pytest.raises(InputError, match=line):
            next(VideoCamera(path).frames())


def test_the_source_is_never_overwritten(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", STEADY)
    (tmp_path / "link.mp4").symlink_to(source)
    for target in (source, tmp_path / "link.mp4", tmp_path / "." / "in.mp4"):
        with pytest.raises(InputError, match="would be overwritten"):
            video_sink(VideoCamera(source), target)


def test_a_missing_output_folder_is_made_and_an_impossible_one_is_refused(tmp_path: Path) -> None:
    source = write_clip(tmp_path / "in.mp4", STEADY)
    annotate(source, tmp_path / "new" / "folder" / "out.mp4")
    assert (tmp_path / "new" / "folder" / "out.mp4").exists()
    with pytest.raises(InputError, match="cannot write into"):
        annotate(source, source / "out.mp4")
    with pytest.raises(InputError, match="must end in one of"):
        VideoSink(tmp_path / "out.txt")
    (tmp_path / "dir.mp4").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        VideoSink(tmp_path / "dir.mp4")


def test_an_error_leaves_the_older_output_and_no_half_file(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    out.write_bytes(b"older")
    with pytest.raises(RuntimeError), VideoSink(out) as sink:
        sink.write(picture(0, (96, 64)), 0.0)
        raise RuntimeError("the model failed")
    assert out.read_bytes() == b"older" and list(tmp_path.iterdir()) == [out]


def test_without_a_frame_nothing_is_written(tmp_path: Path) -> None:
    with VideoSink(tmp_path / "out.mp4"):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on file sizes")
def test_a_full_disk_is_one_line_and_leaves_no_half_file(tmp_path: Path) -> None:
    script = textwrap.dedent("""
        import resource, sys, numpy as np
        from pathlib import Path
        from db.errors import StoreError
        from live.sink import VideoSink
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))
        noise = np.random.default_rng(0)
        try:
            with VideoSink(Path(sys.argv[1])) as sink:
                for n in range(60):
                    sink.write(noise.integers(0, 255, (240, 320, 3), np.uint8), n / 25)
        except StoreError as error:
            print(error)
    """)
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "out.mp4")], capture_output=True, text=True, check=True
    )
    assert "the disk is full" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_finishes_the_frame_and_the_session(tmp_path: Path) -> None:
    source, out = write_clip(tmp_path / "in.mp4", STEADY), tmp_path / "out.mp4"
    camera = VideoCamera(source)
    with video_sink(camera, out) as sink:

        def press_at_five(frame: Frame, seen: object) -> bool:
            sink.write(seen.image_rgb, frame.time_s)  # type: ignore[attr-defined]
            if frame.index == 4:
                os.kill(os.getpid(), signal.SIGINT)
            return True

        tally = watch(camera.frames(), loop(), press_at_five)
    assert tally.interrupted and tally.frames == 5
    assert len(list(VideoCamera(out).frames())) == 5


def test_a_second_ctrl_c_stops_at_once() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # in the background shells ignore it
    with pytest.raises(KeyboardInterrupt), stop_requested() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.is_set()
        os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_session_can_be_cut_to_seconds(tmp_path: Path) -> None:
    frames = VideoCamera(write_clip(tmp_path / "in.mp4", STEADY)).frames()
    assert [f.index for f in until(frames, 0.1)] == [0, 1, 2]


def test_a_failing_writer_says_what_failed(tmp_path: Path) -> None:
    sink = VideoSink(tmp_path / "out.mp4")
    with sink:
        sink.write(picture(0, (96, 64)), 0.0)
        (tmp_path / "out.mp4").mkdir()
        (tmp_path / "out.mp4" / "full").touch()
        with pytest.raises(StoreError, match="could not be written"):
            sink.close()
        sink.discard()


def test_real_phone_videos_keep_their_frames(shared: Path, tmp_path: Path) -> None:
    for name in ("face_noface.mov", "single_face.mp4"):
        source = shared / "data" / "video" / name
        before = [f.time_s for f in VideoCamera(source).frames()]
        camera = VideoCamera(source)
        with video_sink(camera, tmp_path / "out.mp4") as sink:
            for frame in camera.frames():
                sink.write(frame.image_rgb[::8, ::8], frame.time_s)
        after = [f.time_s for f in VideoCamera(tmp_path / "out.mp4").frames()]
        assert after == pytest.approx(before, abs=1e-6)
