"""Tables as text files from anywhere: their encoding, and their lines, a mishap in one never reaching the next."""

from __future__ import annotations

import codecs
import contextlib
import csv
import io
import shutil
import sys
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from db.errors import InputError

STDIN = Path("-")
NO_TEXT_HINT = "give a text table (CSV), saved as UTF-8"
_BLOCK = 1 << 20
_IN_MEMORY = 1 << 26  # bytes of a pipe; what is longer waits on the disk
LINES_OF_A_CELL = 4  # a quote that is open for longer was never meant as one


def source_name(path: Path) -> str:
    """What messages call a file to read: ``-`` is standard input."""
    return "standard input" if path == STDIN else str(path)


def cannot_read(path: Path, error: OSError) -> InputError:
    """The one line about a file that the system does not let us read."""
    return InputError(
        f"{source_name(path)} cannot be read: {error.strerror or str(error) or type(error).__name__}",
        hint="check the spelling of the path",
    )


@contextlib.contextmanager
def open_table(path: Path) -> Iterator[IO[str]]:
    """The text of a table from anywhere, its line ends as they are; ``-`` is standard input, and a pipe is fine.

    Errors: InputError when it cannot be read or is no text, while it is open too.
    """
    try:
        with _seekable(path) as data:
            encoding = _encoding_of(data, source_name(path))
            data.seek(0)
            with io.TextIOWrapper(data, encoding=encoding, newline="") as file:
                yield file
    except OSError as error:
        raise cannot_read(path, error) from error
    except UnicodeError as error:
        told = "it is neither UTF-8, nor UTF-16, nor Windows-1252"
        raise InputError(f"{source_name(path)} is no text: {told}", hint=NO_TEXT_HINT) from error


@contextlib.contextmanager
def _seekable(path: Path) -> Iterator[IO[bytes]]:
    """The bytes, which can be read twice: a pipe gives its own once, so they are kept meanwhile."""
    with contextlib.ExitStack() as opened:
        given = sys.stdin.buffer if path == STDIN else opened.enter_context(path.open("rb"))
        if path != STDIN and given.seekable():
            yield given
            return
        kept = opened.enter_context(SpooledTemporaryFile(max_size=_IN_MEMORY))
        shutil.copyfileobj(given, kept, _BLOCK)
        kept.seek(0)
        yield kept


def _encoding_of(data: IO[bytes], name: str) -> str:
    """UTF-16 where the text begins with its mark, else UTF-8, else Windows-1252.

    Errors: InputError for one with null bytes, which no text has; OSError when it cannot be read.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    encoding = "utf-8-sig"
    if data.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "utf-16"
    data.seek(0)
    while block := data.read(_BLOCK):
        if b"\0" in block:
            raise InputError(f"{name} is no text: it has null bytes", hint=NO_TEXT_HINT)
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
