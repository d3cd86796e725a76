"""Faces in picture files, without a workspace: what ``curate faces PATH…`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from collect.folder import SUFFIXES
from collect.image import decode, size_wh
from curate.detect import Detection, Detector
from db.errors import InputError


@dataclass(frozen=True, slots=True)
class FileFaces:
    """The faces of one file, best first, or the ``error`` that kept it from being read (size 0×0)."""

    path: Path
    size_wh: tuple[int, int] = (0, 0)
    faces: tuple[Detection, ...] = ()
    error: str = ""

    def as_json(self) -> dict[str, object]:
        """Plain lists and numbers; pixels to two decimals, scores to four."""
        if self.error:
            return {"image": str(self.path), "error": self.error}
        width, height = self.size_wh
        faces = [
            {
                "xyxy": [round(v, 2) for v in face.xyxy],
                "score": round(face.score, 4),
                "landmarks": None
                if face.landmarks is None
                else [[round(x, 2), round(y, 2)] for x, y in face.landmarks],
            }
            for face in self.faces
        ]
        return {"image": str(self.path), "width": width, "height": height, "faces": faces}


def faces_in_files(paths: Iterable[Path], detector: Detector) -> Iterator[FileFaces]:
    """Detect file by file; folders give the pictures below them in order of path.

    Errors: InputError at once when a path does not exist; a file that is no picture becomes an ``error``.
    """
    files = [file for path in paths for file in _pictures(path)]
    return (_faces(file, detector) for file in files)


def _pictures(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.is_file())
    if not path.exists():
        raise InputError(f"there is no file or folder {path}", hint="check the spelling of the path")
    return [path]


def _faces(path: Path, detector: Detector) -> FileFaces:
    try:
        image = decode(path.read_bytes())
    except OSError as error:
        return FileFaces(path, error=f"cannot be read: {error.strerror}")
    except InputError as error:
        return FileFaces(path, error=str(error))
    found = sorted(detector.detect([image])[0], key=lambda face: (-face.score, face.xyxy))
    return FileFaces(path, size_wh(image), tuple(found))
