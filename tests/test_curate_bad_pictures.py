"""Odd and broken picture files: each gives its faces or one clear line, and the rest goes on."""

import io
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from PIL import Image

from collect.sample_photo import render
from collect.sample_scene import compose
from curate.cli import main
from curate.detect import Detection
from curate.faces import find_faces
from curate.files import faces_in_files, picture_files
from db.errors import InputError
from db.records.photos import NewPhoto, Origin
from db.workspace import Workspace

SCENE = compose(3, 1, ("happy", "angry", "surprised", "neutral"))


class WholePicture:
    """A detector that takes every picture for one face, and keeps what it was shown."""

    def __init__(self) -> None:
        self.shown: list[NDArray[np.uint8]] = []

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        self.shown += images
        return [[Detection((0, 0, image.shape[1], image.shape[0]), 0.9)] for image in images]


def gradient(width: int = 60, height: int = 40) -> Image.Image:
    """Dark on the left, bright on the right, redder towards the bottom."""
    across, down = np.meshgrid(np.linspace(20, 230, width), np.linspace(0, 1, height))
    return Image.fromarray(np.stack([across, across * (1 - down), across * (1 - down)], 2).astype(np.uint8))


def sixteen(picture: Image.Image, kind: str) -> bytes:
    """16 bits a channel: 257 times the 8-bit values, so white stays white."""
    bgr = cv2.cvtColor(np.asarray(picture), cv2.COLOR_RGB2BGR).astype(np.uint16) * 257
    return cv2.imencode(kind, bgr)[1].tobytes()


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def turned(picture: Image.Image, orientation: int) -> bytes:
    """A JPEG that is upright only when its EXIF orientation is heeded."""
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    exif = Image.Exif()
    exif[0x112] = orientation
    stored = picture.transpose(undo[orientation]) if orientation in undo else picture
    return saved(stored, "JPEG", exif=exif, quality=95)


def half_transparent() -> bytes:
    picture = gradient()
    picture.putalpha(128)
    return saved(picture, "PNG")


def animation(kind: str) -> bytes:
    frames = [gradient().point(lambda v, k=k: v // k) for k in (1, 2, 3)]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:])


READABLE: dict[str, Callable[[], bytes]] = {
    "cmyk.jpg": lambda: saved(gradient().convert("CMYK"), "JPEG", quality=95),
    "grey.jpg": lambda: saved(gradient().convert("L").convert("RGB"), "JPEG"),
    "sixteen.png": lambda: sixteen(gradient(), ".png"),
    "sixteen.tif": lambda: sixteen(gradient(), ".tif"),
    "palette.png": lambda: saved(gradient().convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
    "animated.gif": lambda: animation("GIF"),
    "animated.webp": lambda: animation("WEBP"),
    "wrong-suffix.png": lambda: saved(gradient(), "JPEG"),
    **{f"turned{turn}.jpg": lambda turn=turn: turned(gradient(), turn) for turn in range(1, 9)},
}


@pytest.mark.parametrize("name", READABLE)
def test_the_detector_is_shown_the_upright_8_bit_picture(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(READABLE[name]())
    detector = WholePicture()
    (found,) = faces_in_files([tmp_path / name], detector)
    assert found.error == ""
    assert found.size_wh == (60, 40)
    shown, meant = detector.shown[0].astype(int), np.asarray(gradient()).astype(int)
    channel = slice(0, 1) if name == "grey.jpg" else slice(None)
    assert shown.dtype.kind == "i"
    if name == "grey.jpg":
        meant = np.asarray(gradient().convert("L").convert("RGB")).astype(int)
    assert np.abs(shown - meant)[2:-2, 2:-2, channel].mean() < 8


def test_transparency_lies_on_white(tmp_path: Path) -> None:
    (tmp_path / "alpha.png").write_bytes(half_transparent())
    detector = WholePicture()
    list(faces_in_files([tmp_path / "alpha.png"], detector))
    meant = (np.asarray(gradient()).astype(int) + 255) // 2
    assert np.abs(detector.shown[0] - meant).max() <= 2


@pytest.mark.parametrize("size_wh", [(1, 1), (20_000, 20), (20, 20_000)])
def test_pictures_of_extreme_size_are_looked_at(tmp_path: Path, size_wh: tuple[int, int]) -> None:
    Image.new("RGB", size_wh).save(tmp_path / "odd.png")
    done = CliRunner().invoke(main, ["faces", "--json", str(tmp_path)])
    assert done.exit_code == 0, done.output
    line = json.loads(done.stdout)
    assert (line["width"], line["height"], line["faces"]) == (*size_wh, [])


def broken_folder(folder: Path) -> dict[str, str]:
    """Fills ``folder`` with what is no readable picture; gives for each name what its line must say."""
    whole = saved(gradient(200, 150), "JPEG")
    (folder / "text.jpg").write_text("hello")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (folder / "cut.png").write_bytes(saved(gradient(200, 150), "PNG")[:200])
    (folder / "phone.jpg").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))
    (folder / "clip.jpg").write_bytes(b"\0\0\0\x18ftypisom\0\0\0\0isomiso2" + bytes(100))
    (folder / "float.tif").write_bytes(saved(Image.new("F", (4, 4)), "TIFF"))
    Image.new("1", (12_000, 9_000)).save(folder / "huge.png")
    (folder / "gone.jpg").symlink_to(folder / "nowhere.jpg")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    os.mkfifo(folder / "pipe.jpg")
    return {
        "text.jpg": "no picture",
        "empty.jpg": "0 bytes",
        "cut.jpg": "damaged",
        "cut.png": "damaged",
        "phone.jpg": "HEIC",
        "clip.jpg": "this is a video",
        "float.tif": "floating point",
        "huge.png": "too large: 12000×9000",
        "gone.jpg": "cannot be read: No such file",
        "loop.jpg": "cannot be read: Too many levels",
        "pipe.jpg": "expected a picture file",
    }


def test_what_cannot_be_read_is_one_line_each_and_the_rest_goes_on(tmp_path: Path) -> None:
    says = broken_folder(tmp_path)
    (tmp_path / "folder.jpg").mkdir()
    Image.fromarray(render(SCENE)).save(tmp_path / "folder.jpg" / "people.png")
    (tmp_path / "notes.txt").write_text("not a picture, not looked at")
    (tmp_path / ".hidden.jpg").write_text("not looked at either")
    (tmp_path / "again").symlink_to(tmp_path)
    done = CliRunner().invoke(main, ["faces", "--json", str(tmp_path)])
    assert done.exit_code == 0, done.output
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["path"] for line in lines] == sorted(line["path"] for line in lines)
    errors = {Path(line["path"]).name: line["error"] for line in lines if "error" in line}
    assert set(errors) == set(says)
    for name, words in says.items():
        assert words in errors[name]
        assert sum(name in line for line in done.stderr.splitlines()) == 1
    (people,) = [line for line in lines if "error" not in line]
    assert (people["width"], people["height"]) == SCENE.size_wh
    assert people["faces"]
    assert set(people["faces"][0]) == {"xyxy", "score", "landmarks"}
    assert "11 not read" in done.stderr
    assert "1 passed over (hidden)" in done.stderr
    assert "1 passed over (symlink loops)" in done.stderr


@pytest.mark.parametrize("arguments", [["faces"], ["faces", "--json"]])
def test_the_exit_code_is_1_when_nothing_could_be_read(tmp_path: Path, arguments: list[str]) -> None:
    broken_folder(tmp_path)
    done = CliRunner().invoke(main, [*arguments, str(tmp_path)])
    assert done.exit_code == 1
    assert len(done.stdout.splitlines()) == (11 if "--json" in arguments else 0)
    assert "0 pictures, 0 faces, 11 not read" in done.stderr


def test_a_folder_without_pictures_and_a_path_that_is_not_there_are_errors(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(InputError, match=r"no picture below .*1 not a picture"):
        picture_files([tmp_path])
    with pytest.raises(InputError, match="no folder or file"):
        picture_files([tmp_path / "nowhere"])


def test_of_several_paths_one_that_is_not_there_is_a_line_of_its_own(tmp_path: Path) -> None:
    gradient().save(tmp_path / "a.png")
    paths = [str(tmp_path / name) for name in ("nowhere.png", "a.png")]
    done = CliRunner().invoke(main, ["faces", "--json", *paths])
    missing, read = (json.loads(line) for line in done.stdout.splitlines())
    assert done.exit_code == 0 and "1 picture, 0 faces, 1 not read" in done.stderr
    assert "No such file" in missing["error"] and read["path"] == paths[1] and not read["faces"]


def test_a_file_given_twice_is_looked_at_once_and_folders_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.png", "a.png", "c/0.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        gradient().save(tmp_path / name)
    files = picture_files([tmp_path / "b.png", tmp_path, tmp_path / "a.png"]).files
    assert [file.relative_to(tmp_path).as_posix() for file in files] == ["b.png", "a.png", "c/0.png"]


def test_file_names_that_are_no_text_are_printed_so_that_they_can_be_opened(tmp_path: Path) -> None:
    name = os.fsencode(tmp_path) + b"/odd\xff\n.png"
    Path(os.fsdecode(name)).write_bytes(saved(gradient(), "PNG"))
    done = CliRunner().invoke(main, ["faces", "--json", str(tmp_path)])
    assert os.fsencode(json.loads(done.stdout)["path"]) == name


@contextmanager
def somebody_else() -> Iterator[None]:
    """Root reads every file, so root acts as nobody for the while; others stay who they are."""
    before = os.geteuid()
    try:
        os.seteuid(before or 65534)
    except OSError as error:
        pytest.skip(f"root reads every file, and cannot become nobody here: {error}")
    try:
        yield
    finally:
        os.seteuid(before)


def test_an_unreadable_file_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the folders above it are its owner's alone
    tmp_path.chmod(0o755)
    files = [Path("mine.png"), Path("everybodys.png")]
    for file, mode in zip(files, (0, 0o644), strict=True):
        gradient().save(file)
        file.chmod(mode)
    with somebody_else():
        found, other = faces_in_files(files, WholePicture())
    assert found.error == "cannot be read: Permission denied"
    assert other.error == "", "it is the file that cannot be read, not its folder"


def test_a_socket_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("plug.jpg")
        (found,) = faces_in_files([Path("plug.jpg")], WholePicture())
    assert "expected a picture file" in found.error


def test_a_workspace_of_which_no_photo_can_be_read_is_told_in_one_line_and_by_the_exit_code(
    workspace: Workspace,
) -> None:
    def photo(name: str, data: bytes) -> None:
        sha256 = workspace.blobs.put(data, ".img")
        workspace.store.photos.add(
            NewPhoto(sha256, ".img", 60, 40, "0" * 16, len(data)), Origin("test", name)
        )

    faces = ["faces", "--workspace", str(workspace.path)]
    assert CliRunner().invoke(main, faces).exit_code == 0, "no photo at all is no failure"
    photo("one", b"hello")
    photo("two", READABLE["grey.jpg"]()[:200])
    done = CliRunner().invoke(main, faces)
    assert done.exit_code == 1 and "2 failed" in done.stdout
    (told,) = [line for line in done.stderr.splitlines() if "photo" in line]
    assert told.startswith("no photo could be read: `curate status --failures` says why")
    photo("three", READABLE["grey.jpg"]())
    assert CliRunner().invoke(main, faces).exit_code == 0, "the others go on"


def test_odd_photos_of_a_workspace_get_their_faces_and_broken_ones_their_reason(workspace: Workspace) -> None:
    photos = {name: make() for name, make in READABLE.items()} | {
        "one.png": saved(Image.new("RGB", (1, 1)), "PNG"),
        "wide.png": saved(Image.new("RGB", (20_000, 20)), "PNG"),
        "text.jpg": b"hello",
    }
    for name, data in photos.items():
        sha256 = workspace.blobs.put(data, ".img")
        workspace.store.photos.add(
            NewPhoto(sha256, ".img", 60, 40, "0" * 16, len(data)), Origin("test", name)
        )
    done = find_faces(workspace, WholePicture())
    assert (done.photos, done.failed) == (len(photos) - 1, 1)
    assert done.faces == len(photos) - 3
    assert done.too_small == 2
    (failure,) = workspace.store.failures.all("faces")
    assert "no picture" in failure.reason


def test_status_tells_each_failure_with_its_photo_and_reason(workspace: Workspace) -> None:
    arguments = ["status", "--failures", "-w", str(workspace.path)]
    assert CliRunner().invoke(main, arguments).output == ""
    sha256 = workspace.blobs.put(b"hello", ".jpg")
    photo = NewPhoto(sha256, ".jpg", 60, 40, "0" * 16, 5)
    workspace.store.photos.add(photo, Origin("folder", "1", title="party/1.jpg"))
    workspace.store.failures.record("collect", "https://example.org/2.jpg", "404")
    for _ in range(2):
        find_faces(workspace, WholePicture())
    told = CliRunner().invoke(main, arguments)
    assert told.stdout.splitlines() == [
        "collect: https://example.org/2.jpg: 404",
        f"faces: folder party/1.jpg (photo {sha256[:12]}): this is no picture, or its beginning is damaged "
        "· tried 2 times",
    ]
    lines = [
        json.loads(line) for line in CliRunner().invoke(main, [*arguments, "--json"]).stdout.splitlines()
    ]
    assert [(line["stage"], line["tries"]) for line in lines] == [("collect", 1), ("faces", 2)]
