"""Vote rows as JSON objects, and JSON files read piece by piece, however long they are."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import IO, Any

from db.errors import InputError
from db.records import XYXY
from label_ui.exchange import FaceName, LabelRow, Row, VoteRow, as_utc, box_of

_CHUNK = 1 << 18
_LONGEST_VALUE = 1 << 27
_DECODER = json.JSONDecoder()
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: object) -> str:
    """Compact JSON on one line; odd names stay readable."""
    return _ENCODER.encode(value)


def object_text(value: Mapping[str, object]) -> str:
    """A mapping as such JSON; "" when it is empty."""
    return _ENCODER.encode(value if isinstance(value, dict) else dict(value)) if value else ""


def vote_object(row: VoteRow) -> dict[str, object]:
    """Everything about a vote but its face; what is empty is left out."""
    full: dict[str, object] = {
        "action": row.action,
        "id": row.id,
        "undoes": row.undoes,
        "at": row.at.isoformat() if row.at else "",
        "voter": row.voter,
        "kind": "" if row.kind == "person" else row.kind,
        "campaign": row.campaign,
        "choices": list(row.choices),
        "denies": row.denies,
        "flag": row.flag,
        "seconds": row.seconds,
        "shown": dict(row.shown),
    }
    return {name: value for name, value in full.items() if value not in ("", None, [], {})}


def label_object(row: LabelRow) -> dict[str, object]:
    """Everything about a decision but its face."""
    full: dict[str, object] = {
        "action": "label",
        "at": row.at.isoformat() if row.at else "",
        "label": row.label,
        "confidence": row.confidence,
        "distribution": dict(row.distribution),
        "votes": row.votes,
        "method": row.method,
        "by": row.by,
        "reason": row.reason,
    }
    return {name: value for name, value in full.items() if value != ""}


def face_object(face: FaceName) -> dict[str, object]:
    """What is known of a face's name."""
    full: dict[str, object] = {
        "photo_sha256": face.photo_sha256,
        "face": face.ordinal,
        "crop_sha256": face.crop_sha256,
        "xyxy": None if face.xyxy is None else list(face.xyxy),
        "photo_size": None if face.size_wh is None else list(face.size_wh),
        "file": face.file,
    }
    return {name: value for name, value in full.items() if value not in ("", None)}


def row_of(value: object, line: int) -> Row:
    """The row an object of ours holds. Errors: ValueError or TypeError saying what is wrong with it."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {to_json(value)[:60]}")
    face = face_of(value)
    if value.get("action") == "label":
        return _label_row(value, face, line)
    return vote_of(value, face, line)


def vote_of(value: Mapping[str, Any], face: FaceName, line: int) -> VoteRow:
    """The vote an object of ours holds, on this face. Errors: ValueError or TypeError."""
    shown, choices = value.get("shown") or {}, value.get("choices") or []
    if not isinstance(shown, dict) or not isinstance(choices, list):
        raise ValueError("shown is an object and choices a list")
    seconds = value.get("seconds")
    return VoteRow(
        face=face,
        voter=_text(value, "voter"),
        action=value.get("action", "vote"),
        choices=tuple(str(choice) for choice in choices),
        denies=_text(value, "denies") or None,
        flag=_text(value, "flag") or None,
        seconds=None if seconds is None else float(seconds),
        at=as_utc(value["at"]) if value.get("at") else None,
        shown=shown,
        campaign=_text(value, "campaign"),
        id=_text(value, "id"),
        undoes=_text(value, "undoes"),
        kind=value.get("kind") or "person",
        line=line,
    )


def _label_row(value: Mapping[str, Any], face: FaceName, line: int) -> LabelRow:
    return LabelRow(
        face=face,
        label=value.get("label"),
        distribution={str(name): float(share) for name, share in (value.get("distribution") or {}).items()},
        confidence=float(value.get("confidence", 0)),
        votes=int(value.get("votes", 0)),
        method=_text(value, "method"),
        at=as_utc(value["at"]) if value.get("at") else None,
        by=_text(value, "by"),
        reason=_text(value, "reason"),
        line=line,
    )


def face_of(value: Mapping[str, Any]) -> FaceName:
    """The face that an object of ours names. Errors: ValueError or TypeError."""
    ordinal, size = value.get("face"), value.get("photo_size")
    name = FaceName(
        photo_sha256=_text(value, "photo_sha256"),
        ordinal=None if ordinal is None else int(ordinal),
        crop_sha256=_text(value, "crop_sha256"),
        xyxy=_box(value.get("xyxy")),
        file=_text(value, "file"),
    )
    if not (name.photo_sha256 or name.crop_sha256 or name.file):
        raise ValueError("the row names no face: no photo_sha256, crop_sha256 or file")
    return name if size is None else replace(name, size_wh=(int(size[0]), int(size[1])))


def _box(value: Any) -> XYXY | None:
    return None if value is None else box_of(*(float(side) for side in value))


def _text(value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if text is None:
        return ""
    if not isinstance(text, str):
        raise ValueError(f"{name} is text, got {to_json(text)[:60]}")
    return text


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
