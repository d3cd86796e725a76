"""Tables as text files from anywhere: their encoding, and their lines, a mishap in one never reaching the next."""

from __future__ import annotations

import codecs
import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from db.errors import InputError

NO_TEXT_HINT = "give a text table (CSV), saved as UTF-8"
_BLOCK = 1 << 20
_LINES_OF_A_CELL = 4  # a quote that is open for longer was never meant as one


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


def table_lines(lines: Iterator[str], delimiter: str, width: int) -> Iterator[tuple[int, list[str] | str]]:
    """(line number, its ``width`` cells), or (line number, what is wrong); empty lines passed over.

    ``lines`` are those after the first, which has number 1, with their ends. A quoted cell may hold a few line
    ends; a quote that is not closed soon spoils its own line alone.
    """
    waiting: deque[str] = deque()
    number = 1
    while line := waiting.popleft() if waiting else next(lines, ""):
        number += 1
        text = line.rstrip("\r\n")
        if not text:
            continue
        first = number
        if '"' in text:
            cells, taken = _quoted(line, waiting, lines, delimiter, width)
            number += taken
        else:
            cells = text.split(delimiter)
        if not isinstance(cells, str) and len(cells) != width:
            cells = f"expected {width} cells, got {len(cells)}"
        yield first, cells


def _quoted(
    line: str, waiting: deque[str], lines: Iterator[str], delimiter: str, width: int
) -> tuple[list[str] | str, int]:
    """(The cells of a line with quotes, or what is wrong; how many of the lines after it they took)."""
    cells = _closed([line], delimiter, strict=False)
    if cells is not None:
        return cells, 0
    block = [line]
    while len(block) < _LINES_OF_A_CELL:
        if len(waiting) < len(block):
            waiting.append(next(lines, ""))
        block.append(waiting[len(block) - 1])
        cells = _closed(block, delimiter, strict=True)
        if cells is not None and len(cells) == width:
            taken = len(block) - 1
            for _ in range(taken):
                waiting.popleft()
            return cells, taken
    return "a quote is opened and never closed", 0


def _closed(block: list[str], delimiter: str, strict: bool) -> list[str] | None:
    """The cells of these lines; None where a quote is still open at their end, or where they are malformed."""
    reader = csv.reader([*block, ""], delimiter=delimiter, strict=strict)
    try:
        cells = next(reader)
    except csv.Error:
        return None
    return cells if reader.line_num == len(block) else None
