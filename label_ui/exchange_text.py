"""Tables as text files: their header, and their lines with numbers, the unreadable ones told apart."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import IO, TypeVar

from curate.table_text import LINES_OF_A_CELL, NO_TEXT_HINT, cannot_read, table_lines
from db.errors import InputError
from label_ui.exchange import HEAD_CHARACTERS, BadLine, LedgerRow

_LONGEST_CELL = 1 << 27  # a campaign's cell names each face it asks about
_SPACES = "\t\n\v\f\r"
_DELIMITERS = (",", ";", "\t")
Cells = dict[str, str]
T = TypeVar("T", bound=LedgerRow)


def open_text(path: Path) -> IO[str]:
    """The file as UTF-8 text; other bytes come through as lone surrogates. Errors: InputError."""
    try:
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise cannot_read(path, error) from error


def check_lasting(path: Path) -> None:
    """Whether the file can be read more than once, as an import does; a pipe cannot. Errors: InputError."""
    if path.is_fifo() or path.is_socket():
        raise InputError(
            f"{path} is a pipe, and an import reads its file more than once",
            hint="save it as a file first, under a name to keep: unnamed votes are known again by it",
        )


def head_of(path: Path) -> str:
    """The first characters of a file. Errors: InputError."""
    with open_text(path) as file:
        return file.read(HEAD_CHARACTERS)


def header_of(head: str) -> tuple[str, ...]:
    """The column names of a table that begins so; () when there is no first line."""
    first = head.lstrip("\r\n").splitlines()[:1]
    cells = next(csv.reader(first, delimiter=_delimiter(first[0])), []) if first else []
    return tuple(cell.strip() for cell in cells)


def is_utf8(text: str) -> bool:
    """Whether text from ``open_text`` was all UTF-8."""
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def check_text(path: Path, text: str) -> None:
    """Whether what was read of a file is text. Errors: InputError."""
    if not is_utf8(text):
        raise InputError(f"{path} is no text: it is not UTF-8", hint=NO_TEXT_HINT)
    if any(ord(character) < 32 and character not in _SPACES for character in text):
        raise InputError(f"{path} is no text: it has control characters", hint=NO_TEXT_HINT)


def table_rows(
    path: Path,
    needed: Set[str],
    rows_of: Callable[[Cells, int], Iterable[T]],
    cell_lines: int = LINES_OF_A_CELL,
) -> Iterator[T | BadLine]:
    """What ``rows_of(cells by column, line number)`` makes of each line after the header.

    Empty lines are passed over. A line of the wrong length, one that is no UTF-8, and one of which
    ``rows_of`` raises ValueError or TypeError become a BadLine. A row may go over ``cell_lines`` lines; a stray quote
    spoils its own line alone. Errors: InputError without the columns needed.
    """
    with open_text(path) as file:
        first = file.readline()
        columns = header_of(first)
        _check_header(path, first, sorted(needed - set(columns)))
        delimiter = _delimiter(first)
        csv.field_size_limit(_LONGEST_CELL)
        for line, cells in table_lines(file, delimiter, len(columns), cell_lines):
            try:
                if isinstance(cells, str):
                    raise ValueError(cells)
                yield from rows_of(_by_column(columns, cells), line)
            except (ValueError, TypeError, KeyError) as error:
                yield BadLine(line, str(error))


class _UnixLines:
    """Takes the lines of a csv.writer, which quotes a lone \\r only where lines end in \\r\\n, and ends them in \\n."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line[:-2] + "\n")


def table_writer(file: IO[str]) -> Callable[[Iterable[object]], object]:
    """A function that writes one row of cells as a line of CSV."""
    return csv.writer(_UnixLines(file), lineterminator="\r\n").writerow


def _check_header(path: Path, first: str, missing: list[str]) -> None:
    if missing:
        check_text(path, first)
        raise InputError(
            f"{path} has no column {missing[0]!r}; its first line is {first.strip()[:120]!r}",
            hint="name the right format with --format, or mend the first line",
        )


def _by_column(columns: tuple[str, ...], cells: list[str]) -> Cells:
    if len(cells) != len(columns):
        raise ValueError(f"expected {len(columns)} cells, got {len(cells)}")
    if not all(map(is_utf8, cells)):
        raise ValueError("the line is not UTF-8 text")
    return dict(zip(columns, cells, strict=True))


def _delimiter(first_line: str) -> str:
    return max(_DELIMITERS, key=first_line.count)
