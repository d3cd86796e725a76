"""CVAT for images 1.1: an XML file with a box for each vote, and one for each decision.

CVAT's boxes have no author: ``voter`` and the rest are attributes of each box, declared in the file's head. A box
without them is an unnamed person's vote. Pictures are named by their place in the workspace's blobs folder.
Source: https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/ and …/docs/other/xml_format
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from typing import IO, Literal
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from curate.table_text import cannot_read
from db.errors import InputError
from label_ui.exchange import BadLine, FaceName, LeftOut, NamesBy, Row, VoteRow, box_of
from label_ui.exchange_json import finite
from label_ui.exchange_marks import EXTRA_WORDS, MARK, carried_text, holdable, plain, read_annotation, word_of

_CHUNK = 1 << 16
_ATTRIBUTES = ("voter", "seconds", MARK)
_SHAPES = frozenset(("box", "tag"))
_OTHER_SHAPES = frozenset(("polygon", "polyline", "points", "mask", "ellipse", "cuboid", "skeleton", "track"))


class CvatFormat:
    """A ``box`` is a face and its label a vote; a ``tag`` is about the picture's only face."""

    name = "cvat"
    suffixes: tuple[str, ...] = (".xml",)
    about = "CVAT for images 1.1 (XML), a box a vote"
    holds_history: Literal[False] = False
    holds_labels = True
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        return head.lstrip("\ufeff \t\r\n").startswith("<") and "<annotations" in head

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        reading = _Reading(path)
        try:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    yield from reading.feed(chunk)
                yield from reading.feed(b"", last=True)
        except OSError as error:
            raise cannot_read(path, error) from error

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        left_out = LeftOut()
        file.write(_head(classes))
        images = groupby(rows, key=lambda row: row.face.photo_sha256)
        for number, (_, of_photo) in enumerate(images):
            boxes = [row for row in of_photo if holdable(row, left_out)]
            if boxes:
                file.write(_image(boxes, number))
        file.write("</annotations>\n")
        return left_out


def _head(classes: tuple[str, ...]) -> str:
    attributes = "".join(
        f"<attribute><name>{name}</name><mutable>False</mutable><input_type>text</input_type>"
        "<default_value></default_value><values></values></attribute>"
        for name in _ATTRIBUTES
    )
    labels = "".join(
        f"<label><name>{_escaped(name)}</name><type>any</type><attributes>{attributes}</attributes></label>\n"
        for name in (*classes, *EXTRA_WORDS)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n<version>1.1</version>\n'
        f"<meta><task><name>mimique</name><mode>annotation</mode><labels>\n{labels}</labels></task></meta>\n"
    )


def _image(rows: list[Row], number: int) -> str:
    face = rows[0].face
    width, height = face.size_wh or (0, 0)
    boxes = "".join(_box(row) for row in rows)
    return f'<image id="{number}" name={_quoted(face.file)} width="{width}" height="{height}">\n{boxes}</image>\n'


def _box(row: Row) -> str:
    told = _attribute(MARK, carried_text(row))
    if isinstance(row, VoteRow):
        seconds = "" if row.seconds is None else _attribute("seconds", str(row.seconds))
        told = _attribute("voter", row.voter) + seconds + told
    return (
        f'<box label={_quoted(word_of(row))} source="manual" occluded="0" {_corners(row.face)} z_order="0">'
        f"{told}</box>\n"
    )


def _attribute(name: str, value: str) -> str:
    return f'<attribute name="{name}">{_escaped(value)}</attribute>'


@lru_cache(maxsize=1024)  # the rows of a photo, and so those of a face in it, stand together
def _corners(face: FaceName) -> str:
    x1, y1, x2, y2 = face.xyxy or (0.0, 0.0, 0.0, 0.0)
    return f'xtl="{x1!r}" ytl="{y1!r}" xbr="{x2!r}" ybr="{y2!r}"'


def _escaped(text: str) -> str:
    return escape(text) if text.isprintable() else escape(plain(text), {"\r": "&#13;"})


@lru_cache(maxsize=4096)  # labels and names come again and again
def _quoted(text: str) -> str:
    return quoteattr(plain(text), {"\n": "&#10;", "\r": "&#13;", "\t": "&#9;"})


class _Reading:
    """One file on its way through the parser; rows wait in ``_ready`` until they are taken."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ready: list[Row | BadLine] = []
        self._image: Mapping[str, str] = {}
        self._shape: Mapping[str, str] = {}
        self._kind, self._line = "", 0
        self._attributes: dict[str, str] = {}
        self._attribute, self._text = "", ""
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.StartDoctypeDeclHandler = self._refuse

    def feed(self, data: bytes, *, last: bool = False) -> list[Row | BadLine]:
        """The rows that end in these bytes. Errors: InputError."""
        try:
            self._parser.Parse(data, last)
        except expat.ExpatError as error:
            raise InputError(
                f"{self._path}, line {error.lineno}: this is no whole XML: {expat.ErrorString(error.code)}",
                hint="was the file cut off? Rows before that line are kept; mend it and run the command again",
            ) from error
        ready, self._ready = self._ready, []
        return ready

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "image":
            self._image = attributes
        elif tag in _SHAPES:
            self._kind, self._shape, self._attributes = tag, attributes, {}
            self._line = self._parser.CurrentLineNumber
        elif tag == "attribute" and self._kind:
            self._attribute, self._text = attributes.get("name", ""), ""
        elif tag in _OTHER_SHAPES:
            self._ready.append(BadLine(self._parser.CurrentLineNumber, f"a {tag} is no box and no tag"))

    def _characters(self, text: str) -> None:
        if self._attribute:
            self._text += text

    def _end(self, tag: str) -> None:
        if tag == "attribute" and self._attribute:
            self._attributes[self._attribute], self._attribute = self._text, ""
        elif tag == self._kind:
            self._ready.append(self._row())
            self._kind = ""

    def _row(self) -> Row | BadLine:
        try:
            told = {"voter": self._attributes.get("voter", "").strip(), "seconds": self._seconds()}
            mark, label = self._attributes.get(MARK), self._shape["label"]
            return read_annotation([label], mark, self._face(), self._line, told)
        except (ValueError, TypeError, KeyError) as error:
            return BadLine(self._line, f"a {self._kind} cannot be read: {error}")

    def _seconds(self) -> float | None:
        text = self._attributes.get("seconds", "").strip()
        return finite(text) if text else None

    def _face(self) -> FaceName:
        width, height = int(self._image.get("width", 0)), int(self._image.get("height", 0))
        file = self._image.get("name", "")
        if self._kind == "tag":
            return FaceName(file=file)
        box = box_of(*(finite(self._shape[side]) for side in ("xtl", "ytl", "xbr", "ybr")))
        return FaceName(file=file, xyxy=box, size_wh=(width, height) if width and height else None)

    def _refuse(self, *_: object) -> None:
        raise InputError(f"{self._path} has a DOCTYPE, which no CVAT file has, so it is not read")
