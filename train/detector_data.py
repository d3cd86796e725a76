"""Training patches for the face detector: photos with boxes in, square pictures of faces at every size out.

The photos are small and crowded with tiny faces, and CPU time is what training is short of. So a step does
not see whole photos only: most patches are cut around a face, scaled so that its height is spread evenly over
the sizes that the detector must find (the idea of PyramidBox's data-anchor sampling, arXiv:1803.07737).
"""

import csv
import hashlib
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from db.errors import InputError

SMALLEST_PX = 3.5  # a face lower than this in a patch is no longer labelled
SMALLEST_QUARTER_PX = 160
GREY = 114  # what surrounds a photo smaller than its patch, as Ultralytics pads


@dataclass(frozen=True, slots=True)
class BoxTable:
    """Face boxes by photo name, (N, 4) float32 pixel xyxy, and a line for every row that was left out."""

    boxes: Mapping[str, NDArray[np.float32]]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """One training picture: ``image`` (S, S, 3) uint8 RGB and its face boxes (N, 4) float32 xyxy in it."""

    image: NDArray[np.uint8]
    xyxy: NDArray[np.float32]


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
        raise InputError(f"no boxes file at {path}", hint="give a CSV or WIDER FACE's wider_face_*_bbx_gt.txt")
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


class PatchSampler:
    """Draws training patches from photos held in memory; the same seed and order give the same patches."""

    def __init__(self, photos: Sequence[Patch], seed: int) -> None:
        if not photos:
            raise InputError("no photo to train on", hint="check --data and --boxes: the names must agree")
        self.photos = photos
        self.random = np.random.default_rng(seed)

    def patch(self, size: int, whole: bool) -> Patch:
        """One patch of ``size`` px: a photo shrunk or grown a little, a cut around one face, or four of these."""
        photo, scale, corner_xy = self._aim(size, whole)
        if max(photo.image.shape[:2]) * scale < 0.6 * size and size >= 2 * SMALLEST_QUARTER_PX:
            half = size // 2
            return quarters([self._recolour(cut(*self._aim(half, False), half)) for _ in range(4)])
        patch = cut(photo, scale, corner_xy, size)
        return self._recolour(_flip(patch) if self.random.random() < 0.5 else patch)

    def _aim(self, size: int, whole: bool) -> tuple[Patch, float, NDArray[np.float64]]:
        """A photo, the scale at which to show it and the patch's corner in it, inside it where that can be."""
        photo = self.photos[int(self.random.integers(len(self.photos)))]
        height, width = photo.image.shape[:2]
        if whole or not len(photo.xyxy):
            scale = size / max(height, width) * float(np.exp(self.random.normal(0.05, 0.15)))
            target_xy = np.array([width / 2, height / 2])
        else:
            scale, target_xy = self._target(photo, size)
        side = size / scale
        corner_xy = target_xy + (self.random.uniform(-0.42, 0.42, 2) - 0.5) * side
        slack_xy = np.array([width, height]) - side
        return photo, scale, corner_xy.clip(np.minimum(slack_xy, 0), np.maximum(slack_xy, 0))

    def _target(self, photo: Patch, size: int) -> tuple[float, NDArray[np.float64]]:
        """A face to centre on, larger ones more often, and the scale at which to show it."""
        heights = photo.xyxy[:, 3] - photo.xyxy[:, 1]
        weight = heights.astype(np.float64) ** 0.7
        chosen = int(self.random.choice(len(heights), p=weight / weight.sum()))
        if self.random.random() < 0.5:
            scale = float(np.exp(self.random.normal(0.0, 0.25)))
        else:
            wanted_px = float(np.exp(self.random.uniform(np.log(10), np.log(0.8 * size))))
            scale = float(np.clip(wanted_px / heights[chosen], 0.2, 1.6))
        box = photo.xyxy[chosen]
        return scale, np.array([box[0] + box[2], box[1] + box[3]], np.float64) / 2

    def _recolour(self, patch: Patch) -> Patch:
        """Hue, saturation and brightness as Ultralytics shifts them; now and then grey or out of focus."""
        hue, saturation, value = self.random.uniform(-1, 1, 3) * (0.015, 0.6, 0.4) + 1
        hsv = cv2.cvtColor(patch.image, cv2.COLOR_RGB2HSV)
        steps = np.arange(256)
        tables = ((steps * hue) % 180, np.clip(steps * saturation, 0, 255), np.clip(steps * value, 0, 255))
        hsv = cv2.merge([cv2.LUT(hsv[..., i], table.astype(np.uint8)) for i, table in enumerate(tables)])
        image = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
        luck = self.random.random()
        if luck < 0.08:
            image = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
        elif luck < 0.13:
            image = cv2.GaussianBlur(image, (0, 0), self.random.uniform(0.5, 1.5))
        return Patch(image.astype(np.uint8, copy=False), patch.xyxy)


def cut(photo: Patch, scale: float, corner_xy: NDArray[np.float64], size: int) -> Patch:
    """The square of ``size`` px whose corner lies at ``corner_xy`` of the photo, shown ``scale`` times as large.

    Boxes are cut at the patch's edge; those seen by less than 40 %, or too low to label, are left out.
    """
    height, width = photo.image.shape[:2]
    x0, y0 = (int(round(float(v))) for v in corner_xy)
    side = max(1, round(size / scale))
    left, top = max(x0, 0), max(y0, 0)
    right, bottom = min(x0 + side, width), min(y0 + side, height)
    canvas = np.full((size, size, 3), GREY, np.uint8)
    if right > left and bottom > top:
        to = [round((v - o) * scale) for v, o in ((left, x0), (top, y0), (right, x0), (bottom, y0))]
        to = [min(max(v, 0), size) for v in to]
        if to[2] > to[0] and to[3] > to[1]:
            how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            part = photo.image[top:bottom, left:right]
            canvas[to[1] : to[3], to[0] : to[2]] = cv2.resize(part, (to[2] - to[0], to[3] - to[1]), interpolation=how)
    moved = (photo.xyxy - np.array([x0, y0, x0, y0], np.float32)) * np.float32(scale)
    seen = moved.clip(0, size)
    area = (moved[:, 2] - moved[:, 0]) * (moved[:, 3] - moved[:, 1])
    seen_area = (seen[:, 2] - seen[:, 0]) * (seen[:, 3] - seen[:, 1])
    keep = (seen_area > 0.4 * area) & (seen[:, 3] - seen[:, 1] >= SMALLEST_PX)
    return Patch(canvas, seen[keep])


def quarters(four: Sequence[Patch]) -> Patch:
    """Four patches of one size as the quarters of a patch twice as wide and high (a mosaic)."""
    half = four[0].image.shape[0]
    image = np.vstack([np.hstack([four[0].image, four[1].image]), np.hstack([four[2].image, four[3].image])])
    offsets = [np.array([x, y, x, y], np.float32) for y in (0, half) for x in (0, half)]
    return Patch(image, np.concatenate([p.xyxy + offset for p, offset in zip(four, offsets, strict=True)]))


def _flip(patch: Patch) -> Patch:
    size = patch.image.shape[1]
    xyxy = patch.xyxy.copy()
    xyxy[:, [0, 2]] = size - patch.xyxy[:, [2, 0]]
    return Patch(np.ascontiguousarray(patch.image[:, ::-1]), xyxy)
