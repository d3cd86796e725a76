"""Tables as text files from anywhere: their encoding, and their lines, a mishap in one never reaching the next."""

from __future__ import annotations

import codecs
import contextlib
import csv
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from db.errors import InputError

NO_TEXT_HINT = "give a text table (CSV), saved as UTF-8"
_BLOCK = 1 << 20
LINES_OF_A_CELL = 4  # a quote that is open for longer was never meant as one


def encoding_of(path: Path) -> str:
    """UTF-16 where the file begins with its mark, else UTF-8, else Windows-1252.

    Errors: InputError for a file with null bytes, which no text has; OSError when it cannot be read.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8-sig"
    with path.open("rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            return "utf-16"
        file.seek(0)
        while block := file.read(_BLOCK):
            if b"\0" in block:
                raise InputError(f"{path} is no text: it has null bytes", hint=NO_TEXT_HINT)
            encoding = encoding if encoding == "cp1252" or _decodes(decoder, block) else "cp1252"
    return encoding if encoding == "cp1252" or _decodes(decoder, b"", final=True) else "cp1252"


def _decodes(decoder: codecs.IncrementalDecoder, block: bytes, final: bool = False) -> bool:
    try:
        decoder.decode(block, final)
    except UnicodeDecodeError:
        return False
    return True


def table_lines(
    lines: Iterator[str], delimiter: str, width: int, cell_lines: int = LINES_OF_A_CELL
) -> Iterator[tuple[int, list[str] | str]]:
    """(line number, its ``width`` cells), or (line number, what is wrong); empty lines passed over.

    ``lines`` are those after the first, which has number 1, with their ends. A row with quoted cells may go over
    ``cell_lines`` lines; a quote that is not closed by then, or not as a cell of a whole row, spoils its own line
    alone.
    """
    waiting: deque[str] = deque()
    number = 1
    cells: list[str] | str | None
    while line := waiting.popleft() if waiting else next(lines, ""):
        number += 1
        text = line.rstrip("\r\n")
        if not text:
            continue
        first = number
        cells = _alone(line, delimiter) if '"' in text else text.split(delimiter)
        if cells is None:
            cells, taken = _quoted(line, _Ahead(waiting, lines, cell_lines - 1), delimiter, width)
            number += taken
        if not isinstance(cells, str) and len(cells) != width:
            cells = f"expected {width} cells, got {len(cells)}"
        yield first, cells


@dataclass(slots=True)
class _Ahead:
    """At most ``most`` of the lines that follow, which stay in ``waiting`` until they are dropped."""

    waiting: deque[str]
    lines: Iterator[str]
    most: int
    seen: int = 0

    def __iter__(self) -> Iterator[str]:
        while self.seen < self.most:
            if len(self.waiting) == self.seen:
                self.waiting.extend(islice(self.lines, 1))
            if len(self.waiting) == self.seen:
                return
            self.seen += 1
            yield self.waiting[self.seen - 1]

    def drop(self) -> int:
        """Take the lines seen away; gives how many."""
        for _ in range(self.seen):
            self.waiting.popleft()
        return self.seen


def _alone(line: str, delimiter: str) -> list[str] | None:
    """The cells of a line; None where a quote is still open at its end."""
    reader = csv.reader((line, ""), delimiter=delimiter)
    try:
        cells = next(reader)
    except csv.Error:
        return None
    return cells if reader.line_num == 1 else None


def _quoted(line: str, ahead: _Ahead, delimiter: str, width: int) -> tuple[list[str] | str, int]:
    """(The cells of a row that begins with this line, or what is wrong; how many of the lines after it they took)."""
    with contextlib.suppress(csv.Error):
        cells = next(csv.reader(chain([line], ahead), delimiter=delimiter, strict=True))
        if len(cells) == width:
            return cells, ahead.drop()
    return "a quote is opened and never closed", 0
