"""Tables as text files: their header, and their lines with numbers, the unreadable ones told apart."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Set
from pathlib import Path
from typing import IO, TypeVar

from curate.table_text import table_lines
from db.errors import InputError
from label_ui.exchange import HEAD_CHARACTERS, BadLine, LedgerRow

_LONGEST_CELL = 1 << 27  # a campaign's cell names each face it asks about
_DELIMITERS = (",", ";", "\t")
Cells = dict[str, str]
T = TypeVar("T", bound=LedgerRow)


def open_text(path: Path) -> IO[str]:
    """The file as UTF-8 text; other bytes come through as lone surrogates. Errors: InputError."""
    try:
        return path.open(encoding="utf-8-sig", errors="surrogateescape", newline="")
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror}", hint="check the spelling of the path"
        ) from error


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


def table_rows(
    path: Path, needed: Set[str], rows_of: Callable[[Cells, int], Iterable[T]], short_cells: bool = False
) -> Iterator[T | BadLine]:
    """What ``rows_of(cells by column, line number)`` makes of each line after the header.

    Empty lines are passed over. A line of the wrong length, one that is no UTF-8, and one of which
    ``rows_of`` raises ValueError or TypeError become a BadLine. With ``short_cells`` no cell has more than a few
    lines, so that a stray quote spoils its own line alone. Errors: InputError without the columns needed.
    """
    with open_text(path) as file:
        first = file.readline()
        columns = header_of(first)
        _check_header(path, first, sorted(needed - set(columns)))
        delimiter = _delimiter(first)
        csv.field_size_limit(_LONGEST_CELL)
        lines = table_lines(file, delimiter, len(columns)) if short_cells else _csv_lines(file, delimiter)
        for line, cells in lines:
            try:
                if isinstance(cells, str):
                    raise ValueError(cells)
                yield from rows_of(_by_column(columns, cells), line)
            except (ValueError, TypeError, KeyError) as error:
                yield BadLine(line, str(error))


def _csv_lines(file: IO[str], delimiter: str) -> Iterator[tuple[int, list[str] | str]]:
    """(line number, cells), or (line number, what is wrong); empty lines passed over."""
    reader = csv.reader(file, delimiter=delimiter)
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield line, str(error)
            continue
        if cells is None:
            return
        if cells:
            yield line, cells


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
