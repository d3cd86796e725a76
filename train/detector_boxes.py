"""Photos with face boxes: reading the boxes, finding the pictures, and which photos no training may see."""

import csv
import hashlib
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from db.errors import InputError


@dataclass(frozen=True, slots=True)
class BoxTable:
    """Face boxes by photo name, (N, 4) float32 pixel xyxy, and a line for every row that was left out."""

    boxes: Mapping[str, NDArray[np.float32]]
    problems: tuple[str, ...]


def held_out(name: str, folds: int = 5) -> bool:
    """True for the photos that no training may see: sha256 of the name, modulo ``folds``, is 0."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % folds == 0


def read_boxes(path: Path) -> BoxTable:
    """Reads ``image,width,height,x1,y1,x2,y2`` or WIDER FACE's own ``*_bbx_gt.txt``.

    Rows with swapped corners or wholly outside the photo are left out and reported; boxes that reach over
    the edge are cut at it. A photo with no usable row stays, as one without faces. Raises InputError when
    the file is neither layout.
    """
    if not path.is_file():
        raise InputError(
            f"no boxes file at {path}", hint="give a CSV or WIDER FACE's wider_face_*_bbx_gt.txt"
        )
    text = path.read_text(encoding="utf-8", errors="replace")
    rows = _csv_rows(path, text) if text.startswith("image,") else _wider_rows(path, text)
    boxes: dict[str, list[list[float]]] = {}
    problems: list[str] = []
    for where, name, size_wh, box in rows:
        kept = boxes.setdefault(name, [])
        x1, y1, x2, y2 = box
        width, height = size_wh
        if x2 <= x1 or y2 <= y1:
            problems.append(f"{where}: {name}: corners swapped or no area: {x1:g},{y1:g},{x2:g},{y2:g}")
        elif x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            problems.append(f"{where}: {name}: outside the photo of {width:g}×{height:g}")
        else:
            kept.append([max(x1, 0.0), max(y1, 0.0), min(x2, width), min(y2, height)])
    tables = {name: np.array(kept, np.float32).reshape(-1, 4) for name, kept in boxes.items()}
    return BoxTable(tables, tuple(problems))


_Row = tuple[str, str, tuple[float, float], tuple[float, float, float, float]]


def _csv_rows(path: Path, text: str) -> list[_Row]:
    rows: list[_Row] = []
    for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
        try:
            box = (float(row["x1"]), float(row["y1"]), float(row["x2"]), float(row["y2"]))
            size_wh = (float(row["width"]), float(row["height"]))
        except (KeyError, TypeError, ValueError):
            raise InputError(
                f"{path}, line {number}: expected image,width,height,x1,y1,x2,y2 with numbers",
                hint="write one line a face, pixels in the photo",
            ) from None
        rows.append((f"line {number}", row["image"], size_wh, box))
    return rows


def _wider_rows(path: Path, text: str) -> list[_Row]:
    """WIDER FACE's annotation: a name, a count, then ``x y w h …`` a face; column 7 marks invalid ones."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    rows: list[_Row] = []
    name = ""
    for number, line in enumerate(lines, start=1):
        if line.lower().endswith((".jpg", ".jpeg", ".png")):
            name = line
            continue
        fields = line.split()
        if not name or not all(field.lstrip("-").isdigit() for field in fields):
            raise InputError(
                f"{path}, line {number}: neither a CSV of boxes nor WIDER FACE's annotation",
                hint="the CSV begins with image,width,height,x1,y1,x2,y2",
            )
        if len(fields) >= 4 and not (len(fields) > 7 and fields[7] == "1"):
            x, y, w, h = (float(field) for field in fields[:4])
            rows.append((f"line {number}", name, (np.inf, np.inf), (x, y, x + w, y + h)))
    return rows


def photo_reader(data: Path) -> Callable[[str], NDArray[np.uint8] | None]:
    """A function from photo name to (H, W, 3) uint8 RGB, or None where it is missing or no picture.

    ``data`` is a folder or a zip; names are relative to it, or to the one folder in it.
    """
    if data.is_dir():
        return lambda name: _decode((data / name).read_bytes() if (data / name).is_file() else b"")
    if not zipfile.is_zipfile(data):
        raise InputError(f"{data} is neither a folder nor a zip of photos", hint="give --data DIR_OR_ZIP")
    archive = zipfile.ZipFile(data)
    known = {info.filename: info.filename for info in archive.infolist()}
    known |= {full.split("/", 1)[-1]: full for full in known if full.split("/", 1)[-1] not in known}
    return lambda name: _decode(archive.read(known[name]) if name in known else b"")


def _decode(data: bytes) -> NDArray[np.uint8] | None:
    if not data:
        return None
    bgr = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if bgr is None else np.ascontiguousarray(bgr[..., ::-1], dtype=np.uint8)
