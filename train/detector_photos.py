"""What a detector learns from: photos with boxes, drawn faces, pictures of none; and who may see which."""

from __future__ import annotations

import hashlib
import zipfile
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from collect.image import decode, encode_jpeg
from db.errors import InputError
from db.progress import progress
from db.records.snapshots import Snapshot
from train.detector_boxes import BoxTable, held_out, read_boxes
from train.detector_patches import Patch

DRAWN_CLASSES = ("happy", "angry", "surprised", "neutral", "sad", "fear", "disgust")
DRAWN_WORLD = 7001  # the seed of the people that training sees; benchmarks draw others
JPEG_QUALITY = 90
_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


@dataclass(frozen=True, slots=True)
class HeldOutPhoto:
    """A photo that no training sees: its file's bytes and the boxes (N, 4) of its faces."""

    name: str
    data: bytes
    xyxy: NDArray[np.float32]

    def image(self) -> NDArray[np.uint8]:
        """(H, W, 3) uint8 RGB."""
        return decode(self.data)


@dataclass(frozen=True, slots=True)
class FacePhotos:
    """The usable photos of a boxes file, those to train on decoded; ``hash`` names their content."""

    training: tuple[Patch, ...]
    held_out: tuple[HeldOutPhoto, ...]
    table: BoxTable
    problems: tuple[str, ...]
    hash: str

    def snapshot(self) -> Snapshot:
        """The photos as the data set of a run: one class, 4 parts to train on and 1 to test, no stored faces."""
        return Snapshot(self.hash, ("face",), (4, 0, 1), 0, datetime.now(UTC))


class PhotoFiles:
    """The pictures in a folder or a zip by the names that a boxes file uses.

    Names are relative to ``data`` or to any one folder in it: the folder under which most ``names`` lie.
    """

    def __init__(self, data: Path, names: Collection[str] = ()) -> None:
        self._data = data
        self._archive: zipfile.ZipFile | None = None
        if data.is_dir():
            paths = [file.relative_to(data).as_posix() for file in sorted(data.rglob("*")) if file.is_file()]
        elif zipfile.is_zipfile(data):
            self._archive = zipfile.ZipFile(data)
            paths = sorted(self._archive.namelist())
        else:
            raise InputError(f"{data} is neither a folder nor a zip of photos", hint="give --data DIR_OR_ZIP")
        self.names = tuple(path for path in paths if path.lower().endswith(_SUFFIXES))
        self._root = _root(paths, names)
        self._known = set(paths)

    def read(self, name: str) -> bytes:
        """The bytes of a photo's file. Raises InputError where it is missing or cannot be read."""
        path = self._root + name
        if path not in self._known:
            raise InputError(f"no such photo in {self._data}")
        try:
            return self._archive.read(path) if self._archive else (self._data / path).read_bytes()
        except Exception as error:  # a damaged zip raises BadZipFile, zlib.error, RuntimeError, …
            raise InputError(f"cannot be read: {error}") from error


def _root(paths: Collection[str], names: Collection[str]) -> str:
    """The folder, as "" or "a/b/", under which most of the names are found."""
    wanted = {name.rsplit("/", 1)[-1]: name for name in names}
    roots: Counter[str] = Counter()
    for path in paths:
        name = wanted.get(path.rsplit("/", 1)[-1], "")
        if name and (path == name or path.endswith("/" + name)):
            roots[path.removesuffix(name)] += 1
    return min(roots, key=lambda root: (-roots[root], len(root)), default="")


def read_face_photos(data: Path, boxes_file: Path, face_free: Path | None = None) -> FacePhotos:
    """Reads every photo of the boxes file, decodes all, and keeps the held-out fold apart.

    A photo that is missing, is no picture, or has another size than the file says is left out and reported.
    The pictures of ``face_free``, a folder or zip, join those to train on as pictures without faces.
    All photos to train on are in memory: 1 MB for one of 640×512. Raises InputError when none is usable.
    """
    table = read_boxes(boxes_file)
    files = PhotoFiles(data, table.boxes)
    problems, digest = list(table.problems), hashlib.sha256()
    training: list[Patch] = []
    test: list[HeldOutPhoto] = []
    for name in progress(sorted(table.boxes), "reading photos", len(table.boxes)):
        try:
            content = files.read(name)
            photo, wrong = _photo(decode(content), table, name)
        except InputError as error:
            problems.append(f"{name}: {error}")
            continue
        problems += wrong
        digest.update(f"{name}\n{hashlib.sha256(content).hexdigest()}\n{photo.xyxy.tolist()}\n".encode())
        if held_out(name):
            test.append(HeldOutPhoto(name, content, photo.xyxy))
        else:
            training.append(photo)
    if not training:
        first = f"; the first problem is: {problems[0]}" if problems else ""
        raise InputError(
            f"none of the {len(table.boxes)} photos of {boxes_file} can be trained on{first}",
            hint=f"the names in the boxes file must be those of files in {data}",
        )
    if face_free is not None:
        for name, content in _contents(PhotoFiles(face_free), problems):
            training.append(Patch(decode(content), np.zeros((0, 4), np.float32)))
            digest.update(f"{name}\n{hashlib.sha256(content).hexdigest()}\n".encode())
    return FacePhotos(tuple(training), tuple(test), table, tuple(problems), digest.hexdigest())


def _contents(files: PhotoFiles, problems: list[str]) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of every picture but the held-out fold; what is none is added to ``problems``."""
    for name in progress(files.names, "reading face-free pictures", len(files.names)):
        try:
            content = files.read(name)
            decode(content)
        except InputError as error:
            problems.append(f"{name}: {error}")
        else:
            if not held_out(name):
                yield name, content


def _photo(image: NDArray[np.uint8], table: BoxTable, name: str) -> tuple[Patch, list[str]]:
    """The photo with the boxes that lie in it. Raises InputError when it is not the one that was measured."""
    height, width = image.shape[:2]
    told = table.sizes_wh.get(name, (width, height))
    if told != (width, height):
        raise InputError(
            f"expected {told[0]:g}×{told[1]:g} pixels as in the boxes file, got {width}×{height}"
        )
    boxes = table.boxes[name]
    inside = (boxes[:, 0] < width) & (boxes[:, 1] < height)
    wrong = [
        f"{name}: outside the photo: expected a box within {width}×{height}, got "
        + ",".join(f"{value:g}" for value in box)
        for box in boxes[~inside].tolist()
    ]
    limit = np.array([width, height, width, height], np.float32)
    return Patch(image, np.minimum(boxes[inside], limit)), wrong


def drawn_photos(count: int, seed: int) -> Iterator[Patch]:
    """Drawn photos of people with exact boxes and points; statues, posters and toys are not in them."""
    from collect.sample_photo import render
    from collect.sample_scene import compose

    index = 0
    for _ in range(count):
        while not (scene := compose(seed, index, DRAWN_CLASSES)).faces or not (
            scene.copy is None and all(face.real for face in scene.faces)
        ):
            index += 1
        index += 1
        xyxy = np.array([face.xyxy for face in scene.faces], np.float32).reshape(-1, 4)
        points = np.ones((len(scene.faces), 5, 3), np.float32)
        points[..., :2] = [face.landmarks for face in scene.faces]
        yield Patch(_as_jpeg(render(scene)), xyxy, points)


def drawn_places(count: int, seed: int) -> Iterator[Patch]:
    """Drawn rooms, streets and landscapes with nobody in them."""
    from collect.sample_photo import render
    from collect.sample_scene import compose

    for index in range(count):
        scene = replace(compose(seed, index, DRAWN_CLASSES), faces=(), copy=None)
        yield Patch(_as_jpeg(render(scene)), np.zeros((0, 4), np.float32))


def _as_jpeg(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with the traces that a file format leaves, as real photos have them."""
    return decode(encode_jpeg(image, JPEG_QUALITY))
