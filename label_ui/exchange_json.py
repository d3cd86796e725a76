"""JSON on one line, and JSON files read piece by piece, however long they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import IO, Any

from db.errors import InputError

HOLE = "\0"
_CHUNK = 1 << 18
_LONGEST_VALUE = 1 << 27
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: object) -> str:
    """Compact JSON on one line; odd names stay readable."""
    return _ENCODER.encode(value)


def json_form(value: object) -> str:
    """Such JSON as a format string: a ``%s`` for each ``HOLE`` in the value, to be filled with JSON text."""
    return to_json(value).replace("%", "%%").replace(to_json(HOLE), "%s")


def joined(*objects: str) -> str:
    """One JSON object with the members of several, all as text; no name may be in two of them."""
    return "{" + ",".join(text[1:-1] for text in objects if text != "{}") + "}"


def object_text(value: Mapping[str, object]) -> str:
    """A mapping as such JSON; "" when it is empty."""
    return _ENCODER.encode(value if isinstance(value, dict) else dict(value)) if value else ""


class JsonFile:
    """A JSON file from which one value at a time is taken. ``line`` is where the next value stands."""

    def __init__(self, file: IO[str], name: str) -> None:
        self._file, self._name = file, name
        self._text, self._place, self.line = "", 0, 1

    def peek(self) -> str:
        """The next character that is no space, not taken; "" at the end of the file."""
        while True:
            while self._place < len(self._text) and self._text[self._place] in " \t\r\n\ufeff":
                self._move(self._place + 1)
            if self._place < len(self._text):
                return self._text[self._place]
            if not self._fill(_CHUNK):
                return ""

    def value(self) -> Any:
        """The next whole value. Errors: InputError with its line."""
        self.peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._place)
                if end < len(self._text) or not self._fill(_CHUNK):
                    self._move(end)
                    return value
            except json.JSONDecodeError as error:  # not whole yet, or wrong: more text tells
                waiting = len(self._text) - self._place
                if waiting > _LONGEST_VALUE or not self._fill(max(_CHUNK, waiting)):
                    raise self._wrong(error.msg) from error
            except (RecursionError, ValueError) as error:
                raise self._wrong(str(error)) from error

    def items(self) -> Iterator[tuple[int, Any]]:
        """(line, value) of each item of the array that comes next."""
        for _ in self._members("[", "]"):
            line = self._line_of_next()
            yield line, self.value()

    def entries(self) -> Iterator[str]:
        """Each key of the object that comes next; the caller takes its value before the next key."""
        for _ in self._members("{", "}"):
            key = self.value()
            self._expect(":")
            if not isinstance(key, str):
                raise self._wrong("a key is text")
            yield key

    def _members(self, first: str, last: str) -> Iterator[None]:
        self._expect(first)
        if self.peek() == last:
            self._expect(last)
            return
        while True:
            yield
            if self.peek() == last:
                self._expect(last)
                return
            self._expect(",")

    def _line_of_next(self) -> int:
        self.peek()
        return self.line

    def _expect(self, character: str) -> None:
        found = self.peek()
        if found != character:
            raise self._wrong(f"expected {character}, got {found or 'the end of the file'}")
        self._move(self._place + 1)

    def _move(self, place: int) -> None:
        self.line += self._text.count("\n", self._place, place)
        self._place = place

    def _fill(self, size: int) -> bool:
        more = self._file.read(size)
        self._text, self._place = self._text[self._place :] + more, 0
        return bool(more)

    def _wrong(self, reason: str) -> InputError:
        return InputError(
            f"{self._name}, line {self.line}: this is no JSON of that kind: {reason}",
            hint="was the file cut off? Rows before that line are kept; mend it and run the command again",
        )


def finite(value: Any) -> float:
    """A number from a file. Errors: ValueError for none, or for one without end."""
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value!r} is no number")
    return number
