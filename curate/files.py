"""Faces in picture files, without a workspace: what ``curate faces PATH…`` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collect.folder import FolderSource, read_file
from collect.image import ImageRGB, decode, size_wh
from curate.ahead import read_ahead
from curate.detect import Detection, Detector
from db.errors import InputError


@dataclass(frozen=True, slots=True)
class PictureFiles:
    """Picture files, each once, and how many other things their folders held, by kind."""

    files: tuple[Path, ...]
    passed_over: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class FileFaces:
    """The faces of one file, best first, or the ``error`` that kept it from being read (size 0×0)."""

    path: Path
    size_wh: tuple[int, int] = (0, 0)
    faces: tuple[Detection, ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, object]:
        """Plain lists and numbers; pixels of the upright picture to two decimals, scores to four."""
        if self.error:
            return {"path": str(self.path), "error": self.error}
        width, height = self.size_wh
        faces = [_face_as_json(face) for face in self.faces]
        return {"path": str(self.path), "width": width, "height": height, "faces": faces}


def picture_files(paths: Sequence[Path]) -> PictureFiles:
    """The files that ``paths`` name, and the pictures below folders in order of path.

    Of several paths one that is not there stays among the files. Errors: InputError when the only path does not
    exist, or when there is no picture at all.
    """
    passed_over: Counter[str] = Counter()
    files: list[Path] = []
    for path in paths:
        if len(paths) > 1 and not path.exists():
            files.append(path)  # told when it is its turn: the others are read all the same
            continue
        source = FolderSource(path, ())
        files += source.files()
        passed_over += source.passed_over
    if not files:
        others = "".join(f"; passed over: {count} {kind}" for kind, count in passed_over.items())
        raise InputError(
            f"no picture below {', '.join(map(str, paths))}{others}",
            hint="give a folder of .jpg, .png, .webp, …",
        )
    return PictureFiles(tuple(dict.fromkeys(files)), passed_over)


def faces_in_files(files: Iterable[Path], detector: Detector) -> Iterator[FileFaces]:
    """Detect file by file, in the order given; a file that is no picture becomes an ``error``."""
    for path, image in read_ahead(files, _read):
        if isinstance(image, str):
            yield FileFaces(path, error=image)
            continue
        found = sorted(detector.detect([image])[0], key=lambda face: (-face.score, face.xyxy))
        yield FileFaces(path, size_wh(image), tuple(found))


def _read(path: Path) -> ImageRGB | str:
    """The picture, or why there is none."""
    try:
        return decode(read_file(path))
    except InputError as error:
        return f"{error} ({error.hint})" if error.hint else str(error)


def _face_as_json(face: Detection) -> dict[str, object]:
    points = None if face.landmarks is None else [[round(x, 2), round(y, 2)] for x, y in face.landmarks]
    return {"xyxy": [round(v, 2) for v in face.xyxy], "score": round(face.score, 4), "landmarks": points}
