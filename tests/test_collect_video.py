"""Videos as a source: local files and addresses, resumed, skipped when bad, fetched once."""

import gc
import hashlib
import os
import shutil
import sys
import threading
import warnings
from collections.abc import Iterator
from fractions import Fraction
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import av
import numpy as np
import pytest
from click.testing import CliRunner

from collect.cli import main
from collect.frames import VideoReader
from collect.image import decode
from collect.mp4 import write_mp4
from collect.video import collect_videos
from db.errors import InputError
from db.workspace import Workspace, open_workspace


def make_video(path: Path, seconds: int = 4, shade: int = 0) -> None:
    """25 frames a second; the brightness of frame k is ``shade + 2 k``."""
    write_mp4(path, (np.full((48, 64, 3), (shade + 2 * k) % 256, np.uint8) for k in range(25 * seconds)), 25)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    make_video(path)
    return path


class WebFolder(SimpleHTTPRequestHandler):
    """Serves a folder and writes down what was asked for, and from which byte."""

    asked: list[tuple[str, str]]

    def log_message(self, *arguments: object) -> None: ...

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Range") or ""))
        super().do_GET()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[str, Path, list[tuple[str, str]]]]:
    """(address, its folder, what was asked of it)."""
    folder, asked = tmp_path / "site", list[tuple[str, str]]()
    folder.mkdir()
    handler = type("Handler", (WebFolder,), {"asked": asked})
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", folder, asked
        server.shutdown()
        thread.join()


def test_frames_keep_their_video_time_and_class(workspace: Workspace, clip: Path) -> None:
    tally, unreadable = collect_videos(workspace, (str(clip),), 1.5, "happy")
    assert (tally.new, unreadable) == (3, ())
    found = [origin for _, origin in workspace.store.photos.origins()]
    assert [(o.time_s, o.candidate_class) for o in found] == [(0.0, "happy"), (1.48, "happy"), (3.0, "happy")]
    assert {o.video for o in found} == {f"clip.mp4 {hashlib.sha256(clip.read_bytes()).hexdigest()[:12]}"}
    assert found[1].native_id.endswith("@1.480000") and len(found[1].native_id) == 64 + 9
    photos = {photo.id: photo for photo in workspace.store.photos.all()}
    for photo_id, origin in workspace.store.photos.origins():
        image = decode(workspace.blobs.read(photos[photo_id].sha256, ".jpg"))
        assert origin.time_s is not None
        assert abs(int(image[20, 20, 0]) - round(origin.time_s * 25) * 2) <= 4


def test_a_second_run_knows_the_frames_even_under_another_name(
    workspace: Workspace, clip: Path, tmp_path: Path
) -> None:
    collect_videos(workspace, (str(clip),), 1.0)
    shutil.copy(clip, tmp_path / "copy.mp4")
    tally, _ = collect_videos(workspace, (str(tmp_path / "copy.mp4"),), 0.5)
    assert (tally.new, tally.known) == (4, 4)


def test_other_videos_of_the_same_name_are_kept_apart(
    workspace: Workspace, clip: Path, tmp_path: Path
) -> None:
    make_video(tmp_path / "clip.mp4", shade=50)
    collect_videos(workspace, (str(clip), str(tmp_path / "clip.mp4")), 2.0)
    assert len({origin.video for _, origin in workspace.store.photos.origins()}) == 2
    assert len(workspace.store.harvests.all()) == 2


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a file name be any bytes")
def test_a_file_name_that_is_no_utf_8_is_kept_as_far_as_it_can_be_read(
    workspace: Workspace, clip: Path, tmp_path: Path
) -> None:
    name = os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(clip, tmp_path / name)
    assert collect_videos(workspace, (str(tmp_path / name),), 2.0)[0].new == 2
    assert {o.title.split(" at ")[0] for _, o in workspace.store.photos.origins()} == {"caf\ufffd.mp4"}


def test_bad_files_are_said_in_a_line_each_and_the_good_ones_taken(tmp_path: Path, clip: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "cut.mp4").write_bytes(clip.read_bytes()[:400])
    (tmp_path / "notes.mp4").write_text("no video")
    bad = [str(tmp_path / name) for name in ("empty.mp4", "cut.mp4", "notes.mp4", "missing.mp4")]
    result = CliRunner().invoke(main, ["video", *bad, str(clip), "--every", "1", "-w", str(tmp_path / "w")])
    assert result.exit_code == 1
    assert result.stdout == "4 new, 0 linked, 0 known, 0 failed\n"
    lines = [line for line in result.stderr.splitlines() if "(skipped)" in line]
    assert [line.split()[0] for line in lines[:3]] == ["empty.mp4", "cut.mp4", "notes.mp4"]
    assert "there is no video file" in lines[3] and len(lines) == 4


def test_a_damaged_frame_is_one_failure_and_the_others_are_taken(
    workspace: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for k in range(30):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 8 * k, np.uint8), format="rgb24")
            frame.pts, frame.time_base = k, Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with av.open(str(path)) as container:
        tenth = [bytes(packet) for packet in container.demux(video=0)][10]
    path.write_bytes(path.read_bytes().replace(tenth, bytes(len(tenth))))
    tally, _ = collect_videos(workspace, (str(path),), 1.0)
    assert (tally.new, tally.failed) == (2, 1)
    [failure] = workspace.store.failures.all("collect")
    assert "clip.mkv at 1.00 s" in failure.reason and "damaged" in failure.reason


def test_an_address_is_fetched_sampled_and_cleaned_up_and_not_fetched_again(
    workspace: Workspace, clip: Path, web
) -> None:
    url, folder, asked = web
    shutil.copy(clip, folder / "debate.mp4")
    tally, unreadable = collect_videos(workspace, (f"{url}/debate.mp4",), 1.0, "angry")
    assert (tally.new, unreadable) == (4, ())
    [(_, origin), *_] = workspace.store.photos.origins()
    assert (origin.video, origin.page_url) == (f"{url}/debate.mp4",) * 2
    assert list((workspace.path / "downloads").iterdir()) == []
    before = len(asked)
    tally, _ = collect_videos(workspace, (f"{url}/debate.mp4",), 1.0, "angry")
    assert (tally.new, tally.known, len(asked)) == (0, 4, before)


def test_what_an_interrupted_run_fetched_is_not_fetched_again(workspace: Workspace, clip: Path, web) -> None:
    from collect.web_video import fetched_video

    url, folder, asked = web
    shutil.copy(clip, folder / "debate.mp4")
    with pytest.raises(KeyboardInterrupt), fetched_video(f"{url}/debate.mp4", workspace.path / "downloads"):
        raise KeyboardInterrupt
    whole = [path for path, range_ in asked if not range_]
    with fetched_video(f"{url}/debate.mp4", workspace.path / "downloads") as (path, page):
        assert path.read_bytes() == clip.read_bytes()
        assert page.key == f"{url}/debate.mp4"
    assert len([path for path, range_ in asked if not range_]) - len(whole) <= 1  # looked at, not fetched


def test_addresses_without_a_video_are_said_and_leave_nothing(workspace: Workspace, web, capsys) -> None:
    url, folder, _ = web
    (folder / "page.html").write_text("<html><body>no video here</body></html>")
    (folder / "fake.mp4").write_text("no video " * 300)
    items = (f"{url}/page.html", f"{url}/fake.mp4", f"{url}/missing.mp4", "http://127.0.0.1:9/x.mp4")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # yt-dlp leaves sockets to the garbage collector
        tally, unreadable = collect_videos(workspace, items, 1.0)
        gc.collect()
    assert tally.counts()["new"] == 0 and unreadable == items
    lines = capsys.readouterr().err.splitlines()
    assert [line for line in lines if line.startswith(("ERROR", "WARNING"))] == []
    assert len([line for line in lines if "(skipped)" in line]) == 4


def test_the_command_refuses_to_sample_every_zero_seconds(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["video", "x.mp4", "--every", "0", "-w", str(tmp_path / "w")])
    assert result.exit_code == 2 and not (tmp_path / "w").exists()


def test_a_video_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    make_video(path, seconds=1)
    before = path.read_bytes()

    def failing() -> Iterator[np.ndarray]:
        yield np.zeros((48, 64, 3), np.uint8)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_mp4(path, failing(), 25)
    with pytest.raises(InputError, match="no frame"):
        write_mp4(path, [], 25)
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]


def test_odd_sizes_lose_a_row_and_a_column(tmp_path: Path) -> None:
    assert write_mp4(tmp_path / "odd.mp4", [np.zeros((49, 65, 3), np.uint8)] * 3, 10) == 3
    with VideoReader(tmp_path / "odd.mp4") as reader:
        assert reader.read(reader.index.stamps[0]).shape == (48, 64, 3)


def test_real_videos_are_sampled(shared: Path, tmp_path: Path) -> None:
    files = sorted(str(path) for path in (shared / "data" / "video").iterdir())
    result = CliRunner().invoke(main, ["video", *files, "--every", "1", "-w", str(tmp_path / "w")])
    assert result.exit_code == 0, result.output
    opened = open_workspace(tmp_path / "w")
    videos = {origin.video for _, origin in opened.store.photos.origins()}
    assert {video.rpartition(" ")[0] for video in videos} == {Path(file).name for file in files}
    opened.store.close()
