"""One HTML file with everything in it: pictures, tables and a clip inline, no script, nothing fetched."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from db.whole_file import renamed_when_whole


@dataclass(frozen=True, slots=True)
class Picture:
    """An image (or, with ``media_type`` video/mp4, a clip) shown inline. ``alt`` is read to the blind."""

    data: bytes
    alt: str
    caption: str = ""
    media_type: str = "image/png"

    @property
    def source(self) -> str:
        """The data URL."""
        return f"data:{self.media_type};base64,{base64.b64encode(self.data).decode()}"

    @property
    def is_clip(self) -> bool:
        return self.media_type.startswith("video/")


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under a header; every row as long as the header."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """One stage: what happened in a sentence, its figures, tables and pictures, and the command that did it."""

    title: str
    lead: str
    command: str = ""
    facts: Sequence[tuple[str, str]] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[Picture] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A whole report; ``next_steps`` are (command, what it does)."""

    title: str
    lead: str
    sections: Sequence[Section]
    next_steps: Sequence[tuple[str, str]] = ()
    footer: Sequence[str] = field(default_factory=tuple)


def write_report(report: Report, path: Path) -> Path:
    """Write the report whole: to a temporary name, then renamed."""
    import jinja2

    template = Path(__file__).with_name("report.html.j2").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    html = environment.from_string(template).render(report=report)
    with renamed_when_whole(path) as part:
        part.write_text(html, encoding="utf-8")
    return path


def jpeg(image_rgb: NDArray[np.uint8], alt: str, caption: str = "", *, quality: int = 85) -> Picture:
    """A picture from (H, W, 3) uint8 RGB."""
    import cv2

    done, data = cv2.imencode(".jpg", image_rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"expected an (H, W, 3) uint8 picture, got {image_rgb.shape} {image_rgb.dtype}")
    return Picture(data.tobytes(), alt, caption, "image/jpeg")


def contact_sheet(
    images: Sequence[NDArray[np.uint8]], *, columns: int, tile_wh: tuple[int, int], gap: int = 6
) -> NDArray[np.uint8]:
    """Pictures side by side, each fitted whole into a tile on white: (rows·(h+gap)+gap, columns·(w+gap)+gap, 3).

    No pictures give one empty row.
    """
    import cv2

    width, height = tile_wh
    rows = max(1, -(-len(images) // columns))
    sheet = np.full((rows * (height + gap) + gap, columns * (width + gap) + gap, 3), 255, np.uint8)
    for place, image in enumerate(images):
        scale = min(width / image.shape[1], height / image.shape[0])
        size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
        left = gap + (place % columns) * (width + gap) + (width - size[0]) // 2
        top = gap + (place // columns) * (height + gap) + (height - size[1]) // 2
        sheet[top : top + size[1], left : left + size[0]] = small
    return sheet
