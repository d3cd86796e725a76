"""A vote inside another tool's annotation: its words as labels, and all the rest carried along as JSON.

The tools have no place for who voted, how long it took or which crop was shown; what we write beside each
annotation says so, and is believed when the file comes back for as long as its labels still say the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from db.records.votes import FLAGS
from label_ui.exchange import ANONYMOUS, UNSURE, FaceName, LabelRow, LeftOut, Row, VoteRow, vote_word
from label_ui.exchange_json import joined, to_json
from label_ui.exchange_objects import face_object, label_object, row_of, vote_object

MARK = "mimique"
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
EXTRA_WORDS = (UNSURE, *FLAGS)  # labels beside the classes


def plain(text: str) -> str:
    """The text without the characters that XML forbids, so that all tools see the same label."""
    return text if text.isprintable() else _FORBIDDEN.sub("", text)  # what is printable is allowed


def words_of(row: Row) -> list[str]:
    """The labels that say this: its classes and flag, or ``unsure``; for a decision without a label too."""
    if isinstance(row, LabelRow):
        return [UNSURE if row.label is None else plain(row.label)]
    said = [*row.choices, *([row.flag] if row.flag else [])]
    return [plain(word) for word in said] or [UNSURE]


def word_of(row: Row) -> str:
    """The same in one label."""
    return words_of(row)[0] if isinstance(row, LabelRow) else plain(vote_word(row))


def carried(row: Row) -> str:
    """Everything about the row as JSON text of one object."""
    said = vote_object(row) if isinstance(row, VoteRow) else label_object(row)
    return joined(to_json(said), _face_text(row.face))


@lru_cache(maxsize=1024)  # the rows of a photo, and so those of a face in it, stand together
def _face_text(face: FaceName) -> str:
    return to_json(face_object(face))


def carried_text(row: Row) -> str:
    """The same with escapes for the characters that XML forbids."""
    text = carried(row)
    return text if text.isprintable() else _FORBIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def read_annotation(
    words: Sequence[str], mark: object, face: FaceName, line: int, told: Mapping[str, Any]
) -> Row:
    """The row an annotation stands for: what its mark carries, if the labels still say that; else its labels.

    ``mark`` is an object or its JSON text, or anything else when there is none. ``told`` is what the tool
    itself says of the vote (``voter``, ``at``, ``seconds``). Errors: ValueError when the labels say nothing.
    """
    row = _marked(mark, line)
    if row is not None and _says(words, row):
        return row
    if not words:
        raise ValueError("the annotation has no label")
    known = row.face if row is not None and row.face.photo_sha256 else face
    flags = [word for word in words if word in FLAGS]
    choices = tuple(word for word in words if word not in EXTRA_WORDS)
    voter = str(told.get("voter") or "")
    return VoteRow(
        face=known,
        voter=voter,
        choices=choices,
        flag=flags[0] if flags else None,
        seconds=told.get("seconds"),
        at=told.get("at"),
        kind="person" if voter else ANONYMOUS,
        line=line,
    )


def holdable(row: Row, left_out: LeftOut) -> bool:
    """Whether labels can say it; a verify's "no" cannot be said, and is counted."""
    if isinstance(row, VoteRow) and row.denies is not None:
        left_out.whole_votes('votes that say "no"')
        return False
    return True


def _says(words: Sequence[str], row: Row) -> bool:
    """Whether the labels are those of the row; a tool that takes one label has one of them."""
    own = words_of(row)
    return list(words) == own or (len(words) == 1 and words[0] in own)


def _marked(mark: object, line: int) -> Row | None:
    try:
        value = json.loads(mark) if isinstance(mark, str) else mark
        if isinstance(value, dict) and value:
            return row_of(value, line)
    except (ValueError, TypeError, KeyError):
        return None
    return None
