"""Draw faces onto a frame: a box, the class and its confidence, and a small bar for every class.

Text is drawn by Pillow in DejaVu Sans (it comes with matplotlib), because OpenCV's own fonts know few letters
and class names may be ``étonné`` or ``грустный``. Light text and bars stand on dark plates, and the box has a
dark rim, so that both can be read on bright and on dark pictures. Sizes follow the frame's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image as PillowImage
from PIL import ImageDraw, ImageFont

from db.records.faces import XYXY
from live.camera import Image
from live.colours import RGB, class_colours
from live.face import LiveFace

PLATE = (16, 18, 22, 205)
RIM = (16, 18, 22, 170)
TEXT = (255, 255, 255, 255)
DIM = (206, 210, 216, 255)
TRACK = (255, 255, 255, 52)
MOST_BARS = 8
MOST_PANELS = 4
LONGEST_NAME_EM = 9


@dataclass(frozen=True, slots=True)
class _Pen:
    """Everything one frame is drawn with; ``em`` is the letter size in pixels."""

    draw: ImageDraw.ImageDraw
    em: int
    size_wh: tuple[int, int]
    colours: Mapping[str, RGB]

    def width(self, text: str, em: float | None = None) -> float:
        return float(_font(round(em or self.em)).getlength(text))

    def write(self, x: float, middle: float, text: str, colour: tuple[int, ...] = TEXT, **how: float) -> None:
        font = _font(round(how.get("em", self.em)), bold=bool(how.get("bold")))
        self.draw.text((x, middle), text, fill=colour, font=font, anchor="lm")

    def plate(self, box: XYXY) -> None:
        self.draw.rounded_rectangle(box, radius=max(2, self.em * 0.25), fill=PLATE)


def draw_faces(image_rgb: Image, faces: Sequence[LiveFace]) -> Image:
    """A copy of the (H, W, 3) uint8 RGB frame with every face drawn on it; without faces a plain copy.

    Boxes may reach beyond the frame. The largest four faces get bars, where these hide no other face.
    """
    if not faces:
        return image_rgb.copy()
    canvas = PillowImage.fromarray(image_rgb)
    height, width = image_rgb.shape[:2]
    em = int(np.clip(round(min(height, width) / 28), 12, 72))
    pen = _Pen(ImageDraw.Draw(canvas, "RGBA"), em, (width, height), class_colours(faces[0].labels))
    by_size = sorted(faces, key=lambda face: -_area(face.xyxy))
    for face in reversed(by_size):
        _draw_box(pen, face)
    occupied = [face.xyxy for face in faces]
    for face in by_size:
        occupied.append(_draw_label(pen, face, occupied))
    for face in by_size[:MOST_PANELS]:
        spot = _panel_spot(pen, face, occupied)
        if spot is not None:
            _draw_bars(pen, face, spot)
            occupied.append(spot)
    return np.asarray(canvas).copy()


def _draw_box(pen: _Pen, face: LiveFace) -> None:
    x1, y1, x2, y2 = _within(face.xyxy, pen.size_wh)
    line = max(2, round(pen.em / 6))
    rim = max(1, line // 2)
    radius = pen.em * 0.4
    box = (x1, y1, max(x1, x2 - 1), max(y1, y2 - 1))
    pen.draw.rounded_rectangle(_grown(box, rim), radius=radius + rim, outline=RIM, width=line + 2 * rim)
    pen.draw.rounded_rectangle(box, radius=radius, outline=(*pen.colours[face.label], 255), width=line)


def _draw_label(pen: _Pen, face: LiveFace, occupied: Sequence[XYXY]) -> XYXY:
    """Class and confidence on a plate: above the box, else under or in it; gives the plate.

    In a crowd letters shrink with the face, and a plate that finds no free place goes above all the same.
    """
    x1, y1, x2, y2 = _within(face.xyxy, pen.size_wh)
    em = float(np.clip((x2 - x1) / 5, 9, pen.em))
    percent = f"{face.confidence:.0%}"
    room = max(pen.size_wh[0] * 0.6, 6 * em) - pen.width(percent, em) - 2.2 * em
    name = clipped(face.label, min(room, LONGEST_NAME_EM * 1.6 * em), em, bold=True)
    name_width = float(_font(round(em), bold=True).getlength(name))
    width, height, gap = name_width + pen.width(percent, em) + 2 * em, 1.5 * em, 0.3 * em
    left = float(np.clip(x1, 0, max(0.0, pen.size_wh[0] - width)))
    tops = [top for top in (y1 - height - gap, y2 + gap) if 0 <= top <= pen.size_wh[1] - height]
    plates = [(left, top, left + width, top + height) for top in (*tops, y1 + gap)]
    others = [box for box in occupied if box != face.xyxy]
    free = [plate for plate in plates if not any(_overlap(plate, other) for other in others)]
    plate = (free or plates)[0]
    pen.plate(plate)
    swatch = (*plate[:2], left + em * 0.3, plate[3])
    pen.draw.rounded_rectangle(swatch, radius=max(1, em * 0.12), fill=(*pen.colours[face.label], 255))
    middle = (plate[1] + plate[3]) / 2
    pen.write(left + 0.7 * em, middle, name, em=em, bold=1)
    pen.write(left + 1.2 * em + name_width, middle, percent, DIM, em=em)
    return plate


def _panel_spot(pen: _Pen, face: LiveFace, occupied: Sequence[XYXY]) -> XYXY | None:
    """Where the bars of a face go: beside the box, else under it; None where they would hide something."""
    width, height = _panel_size(pen, face)
    x1, y1, x2, y2 = _within(face.xyxy, pen.size_wh)
    gap, (frame_w, frame_h) = pen.em * 0.5, pen.size_wh
    top = float(np.clip(y1, 0, max(0.0, frame_h - height)))
    left = float(np.clip(x1, 0, max(0.0, frame_w - width)))
    corners = [(x2 + gap, top), (x1 - gap - width, top), (left, y2 + gap), (left, y1 - height - 2.4 * pen.em)]
    for x, y in corners:
        spot = (x, y, x + width, y + height)
        inside = x >= 0 and y >= 0 and spot[2] <= frame_w and spot[3] <= frame_h
        if inside and not any(_overlap(spot, other) for other in occupied):
            return spot
    return None


def _panel_size(pen: _Pen, face: LiveFace) -> tuple[float, float]:
    rows = min(len(face.labels), MOST_BARS)
    return (_name_column(pen, face) + 6.6 * pen.em, rows * 1.15 * pen.em + 0.6 * pen.em)


def _name_column(pen: _Pen, face: LiveFace) -> float:
    return min(
        max(pen.width(name, _small(pen)) for _n, name in _bar_rows(face)), LONGEST_NAME_EM * 0.6 * pen.em
    )


def _draw_bars(pen: _Pen, face: LiveFace, spot: XYXY) -> None:
    pen.plate(spot)
    em, names = pen.em, _name_column(pen, face)
    small = _small(pen)
    bar_left = spot[0] + names + 1.0 * em
    for row, (number, name) in enumerate(_bar_rows(face)):
        p = face.probabilities[number]
        middle = spot[1] + 0.3 * em + (row + 0.5) * 1.15 * em
        best = name == face.label
        pen.write(spot[0] + 0.5 * em, middle, clipped(name, names, small), TEXT if best else DIM, em=small)
        bar = (bar_left, middle - 0.28 * em, bar_left + 3.2 * em, middle + 0.28 * em)
        pen.draw.rectangle(bar, fill=TRACK)
        if p * 3.2 * em >= 1:
            pen.draw.rectangle(
                (bar[0], bar[1], bar_left + p * 3.2 * em, bar[3]), fill=(*pen.colours[name], 255)
            )
        pen.write(bar[2] + 0.3 * em, middle, f"{p:.0%}", TEXT if best else DIM, em=small)


def _bar_rows(face: LiveFace) -> list[tuple[int, str]]:
    """(index, name) of the classes shown: all in their own order, or the likeliest eight of more."""
    likeliest = sorted(range(len(face.labels)), key=lambda i: -face.probabilities[i])[:MOST_BARS]
    return [(i, face.labels[i]) for i in sorted(likeliest)]


def clipped(text: str, width: float, em: float, *, bold: bool = False) -> str:
    """The text, cut and ended by … when it is wider than ``width`` pixels at letter size ``em``."""
    font = _font(round(em), bold=bold)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…"


@lru_cache(maxsize=64)
def _font(em: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    spec = find_spec("matplotlib")  # only its folder is needed; importing it takes a fifth of a second
    assert spec is not None and spec.origin is not None, "matplotlib is a dependency of this package"
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(spec.origin).parent / "mpl-data/fonts/ttf" / name), em)


def _small(pen: _Pen) -> int:
    return max(9, round(pen.em * 0.8))


def _within(box: XYXY, size_wh: tuple[int, int]) -> XYXY:
    x1, x2 = (float(np.clip(x, 0, size_wh[0])) for x in (box[0], box[2]))
    y1, y2 = (float(np.clip(y, 0, size_wh[1])) for y in (box[1], box[3]))
    return (x1, y1, x2, y2)


def _grown(box: XYXY, by: float) -> XYXY:
    return (box[0] - by, box[1] - by, box[2] + by, box[3] + by)


def _overlap(a: XYXY, b: XYXY) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _area(box: XYXY) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
