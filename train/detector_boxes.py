"""Reading face boxes: our CSV or WIDER FACE's annotation, one clear line for everything that is wrong."""

import csv
import hashlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.errors import InputError

COLUMNS = ("image", "width", "height", "x1", "y1", "x2", "y2")
_OPTIONAL = ("width", "height")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_UNKNOWN_WH = (math.inf, math.inf)


@dataclass(frozen=True, slots=True)
class BoxTable:
    """Face boxes by photo name, (N, 4) float32 pixel xyxy, and a line for every row that was left out.

    ``sizes_wh`` holds the photos' sizes where the file tells them.
    """

    boxes: Mapping[str, NDArray[np.float32]]
    problems: tuple[str, ...]
    sizes_wh: Mapping[str, tuple[float, float]] = field(default_factory=dict)


def held_out(name: str, folds: int = 5) -> bool:
    """True for the photos that no training may see: sha256 of the name, modulo ``folds``, is 0."""
    return int(hashlib.sha256(name.encode()).hexdigest(), 16) % folds == 0


def read_boxes(path: Path) -> BoxTable:
    """Reads ``image,width,height,x1,y1,x2,y2`` (width and height may be absent) or WIDER FACE's ``*_bbx_gt.txt``.

    Rows that are not numbers, have swapped corners, lie wholly outside the photo or come twice are left out
    and reported; boxes that reach over the edge are cut at it. WIDER's faces marked invalid are left out in
    silence. A photo with no usable row stays, as one without faces. Raises InputError when the file is
    neither layout, or no row of it is usable.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise InputError(
            f"the boxes file {path} cannot be read: {error.strerror}",
            hint="give a CSV or WIDER FACE's wider_face_*_bbx_gt.txt",
        ) from error
    lines = text.splitlines()
    rows = _csv_rows(path, lines) if _is_csv(lines) else _wider_rows(path, lines)
    table = _table(path, list(rows))
    if not table.boxes:
        problem = f"; the first problem is: {table.problems[0]}" if table.problems else ""
        raise InputError(f"{path} holds no usable box{problem}", hint=_hint())
    return table


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the file: a box, or a photo without (``xyxy`` None), or what is wrong with it."""

    line: int
    name: str
    size_wh: tuple[float, float] = _UNKNOWN_WH
    xyxy: tuple[float, float, float, float] | None = None
    problem: str = ""


def _table(path: Path, rows: list[_Row]) -> BoxTable:
    kept: dict[str, dict[tuple[float, ...], int]] = {}
    sizes: dict[str, tuple[float, float]] = {}
    problems = []
    for row in rows:
        problem = row.problem or _problem(row, kept.get(row.name, {}))
        if problem:
            problems.append(f"{path.name}, line {row.line}: {row.name}: {problem}")
        if row.problem:
            continue
        boxes = kept.setdefault(row.name, {})
        if row.size_wh != _UNKNOWN_WH and not problem:
            sizes.setdefault(row.name, row.size_wh)
        if row.xyxy and not problem:
            boxes[row.xyxy] = row.line
    tables = {name: _cut(boxes, sizes.get(name, _UNKNOWN_WH)) for name, boxes in kept.items()}
    return BoxTable(tables, tuple(problems), sizes)


def _problem(row: _Row, known: Mapping[tuple[float, ...], int]) -> str:
    if row.xyxy is None:
        return ""
    (x1, y1, x2, y2), (width, height) = row.xyxy, row.size_wh
    got = f"{x1:g},{y1:g},{x2:g},{y2:g}"
    if x2 <= x1 or y2 <= y1:
        return f"corners swapped or no area: expected x1 < x2 and y1 < y2, got {got}"
    if x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
        return f"outside the photo: expected a box within {width:g}×{height:g}, got {got}"
    if row.xyxy in known:
        return f"the same box as in line {known[row.xyxy]}: {got}"
    return ""


def _cut(boxes: Mapping[tuple[float, ...], int], size_wh: tuple[float, float]) -> NDArray[np.float32]:
    rows = np.array(list(boxes), np.float64).reshape(-1, 4)
    return np.clip(rows, 0, np.array([*size_wh, *size_wh])).astype(np.float32)


def _is_csv(lines: list[str]) -> bool:
    return bool(lines) and "image" in [cell.strip().lower() for cell in lines[0].split(",")]


def _csv_rows(path: Path, lines: list[str]) -> Iterator[_Row]:
    reader = csv.reader(lines)
    header = [cell.strip().lower() for cell in next(reader)]
    missing = [name for name in COLUMNS if name not in header and name not in _OPTIONAL]
    if missing:
        raise InputError(
            f"{path}, line 1: no column {', '.join(missing)}: expected {','.join(COLUMNS)}, got {lines[0]}",
            hint=_hint(),
        )
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield _csv_row(reader.line_num, dict(zip(header, cells, strict=False)))


def _csv_row(line: int, cells: Mapping[str, str]) -> _Row:
    """A row with a name and four empty corners is a photo without faces."""
    name = cells.get("image", "").strip()
    corners = [cells.get(column, "").strip() for column in ("x1", "y1", "x2", "y2")]
    size = [cells.get(column, "inf").strip() or "inf" for column in _OPTIONAL]
    if not name:
        return _Row(line, "?", problem="no photo is named")
    try:
        width, height = (float(cell) for cell in size)
        if math.isnan(width) or math.isnan(height) or width <= 0 or height <= 0:
            raise ValueError
        if math.inf in (width, height):
            width, height = _UNKNOWN_WH  # one side alone says too little
        if not any(corners):
            return _Row(line, name, (width, height))
        x1, y1, x2, y2 = (float(cell) for cell in corners)
        if not all(math.isfinite(value) for value in (x1, y1, x2, y2)):
            raise ValueError
    except ValueError:
        got = ",".join([*size, *corners]).replace("inf,inf,", "")
        return _Row(line, name, problem=f"expected numbers for size and corners, got {got or 'nothing'}")
    return _Row(line, name, (width, height), (x1, y1, x2, y2))


def _wider_rows(path: Path, lines: list[str]) -> Iterator[_Row]:
    """WIDER FACE's annotation: a name, a count, then ``x y w h …`` a face; column 8 marks invalid ones.

    A photo with 0 faces has a line of zeros all the same.
    """
    name, expected, seen = "", 0, 0
    for number, line in enumerate((line.strip() for line in lines), start=1):
        fields = line.split()
        if line.lower().endswith(_PICTURES):
            if seen < expected:
                yield _Row(number, name, problem=f"expected {expected} faces, got {seen}")
            name, expected, seen = line, -1, 0
            yield _Row(number, name)
        elif not name and fields:
            raise InputError(
                f"{path}, line {number}: neither a CSV of boxes nor WIDER FACE's annotation: got {line[:60]!r}",
                hint=_hint(),
            )
        elif expected < 0 and fields:
            expected = int(line) if line.isdecimal() else 0
            if not line.isdecimal():
                yield _Row(number, name, problem=f"expected the number of faces, got {line[:60]!r}")
        elif fields and (expected or any(field != "0" for field in fields)):
            seen += 1
            yield from _wider_face(number, name, fields)
    if seen < expected:
        yield _Row(len(lines), name, problem=f"expected {expected} faces, got {seen}")


def _wider_face(number: int, name: str, fields: list[str]) -> Iterator[_Row]:
    try:
        x, y, w, h = (float(field) for field in fields[:4])
        if not all(math.isfinite(value) for value in (x, y, w, h)):
            raise ValueError
    except ValueError:
        yield _Row(number, name, problem=f"expected x y w h in numbers, got {' '.join(fields)[:60]!r}")
        return
    if not (len(fields) > 7 and fields[7] == "1"):
        yield _Row(number, name, xyxy=(x, y, x + w, y + h))


def _hint() -> str:
    return (
        f"write one line a face, {','.join(COLUMNS)} in pixels, or give WIDER FACE's wider_face_*_bbx_gt.txt"
    )
