"""FER+: how many of ten unnamed people gave each answer, a picture a line.

Who they are is not known, so that nobody's votes on two faces can be told to be one person's: each line's
answers are shuffled (by its content) over numbered places, and every place is marked anonymous. A rule that
weighs people then sees places that are all alike, never one skilled or careless person.
Source: Barsoum et al. 2016, "Training deep networks for facial expression recognition with crowd-sourced
label distribution"; https://github.com/microsoft/FERPlus.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path, PurePosixPath
from typing import IO, Literal

from db.records.votes import Vote
from label_ui.exchange import (
    ANONYMOUS,
    BadLine,
    LabelRow,
    LeftOut,
    NamesBy,
    Row,
    VoteRow,
    face_of_question,
)
from label_ui.exchange_text import Cells, header_of, table_rows, table_writer

USAGE, NAME, UNKNOWN, NOT_A_FACE = "Usage", "Image name", "unknown", "NF"
NAMES: Mapping[str, str] = {  # FER+'s columns in their order, and what Mimique's presets call them
    "neutral": "neutral",
    "happiness": "happy",
    "surprise": "surprised",
    "sadness": "sad",
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "contempt": "contemptuous",
}
_PLAIN = (USAGE, NAME)
_PARTS = ("Training", "PublicTest", "PrivateTest")
_MOST_VOTES = 1_000


class FerPlusFormat:
    """``Usage,Image name,<classes>,unknown,NF`` with counts; ``unknown`` is unsure and ``NF`` "not a face"."""

    name = "ferplus"
    suffixes: tuple[str, ...] = (".csv",)
    about = "FER+: anonymous counts of answers, a picture a line"
    holds_history: Literal[False] = False
    holds_labels = False
    names_by: NamesBy = "origin"

    def looks_like(self, head: str) -> bool:
        return set(_PLAIN) <= set(header_of(head))

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        return table_rows(path, set(_PLAIN), _rows)

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        left_out = LeftOut()
        named = {ours: theirs for theirs, ours in NAMES.items()}
        if set(classes) <= set(named):
            columns = tuple(NAMES)
        else:
            columns, named = classes, {}
        write_row = table_writer(file)
        write_row((*_PLAIN, *columns, UNKNOWN, NOT_A_FACE))
        for face, of_face in groupby(rows, key=lambda row: row.face):
            answers = Counter(_answers(of_face, named, left_out))
            if answers:
                counts = (answers.pop(column, 0) for column in (*columns, UNKNOWN, NOT_A_FACE))
                write_row((*_usage(face.file), *counts))
                left_out.whole_votes("votes for other classes", answers.total())
        return left_out


def _usage(file: str) -> tuple[str, str]:
    """(part of FER+, name) of a picture that was collected from FER+'s own folders; any other has no part."""
    path = PurePosixPath(file)
    return (path.parts[0] if path.parts[0] in _PARTS else ""), path.name


def _rows(cells: Cells, line: int) -> Iterable[Row]:
    name = cells[NAME].strip()
    if not name:  # FER+'s own mark of a picture that was taken out of the set
        raise ValueError("the line names no picture")
    counts = {column: int(cell or 0) for column, cell in cells.items() if column not in _PLAIN}
    if min(counts.values(), default=0) < 0 or sum(counts.values()) > _MOST_VOTES:
        raise ValueError(f"counts lie in 0..{_MOST_VOTES}")
    answers = [column for column, count in counts.items() for _ in range(count)]
    random.Random(f"{name} {counts}").shuffle(answers)
    return [_vote(name, answer, line) for answer in answers]


def _vote(name: str, answer: str, line: int) -> VoteRow:
    flag = "not_a_face" if answer == NOT_A_FACE else None
    choices = () if answer in (UNKNOWN, NOT_A_FACE) else (answer,)
    face = face_of_question(name)
    return VoteRow(face, "", choices=choices, flag=flag, kind=ANONYMOUS, counted=True, line=line)


def our_columns(classes: Sequence[str]) -> frozenset[str]:
    """The answers that a file of counts has a column for, in the words of a workspace with these classes."""
    ours = frozenset(NAMES.values())
    return (ours if ours.issuperset(classes) else frozenset(classes)) | {UNKNOWN, NOT_A_FACE}


def counted_word(row: VoteRow | Vote) -> str | None:
    """The answer that a vote counts for, a class by the workspace's name; None for a vote that counts for none."""
    if row.flag is not None:
        return NOT_A_FACE if row.flag == "not_a_face" else None
    if row.denies is not None:
        return None
    return row.choices[0] if row.choices else UNKNOWN


def _answers(rows: Iterable[Row], named: Mapping[str, str], left_out: LeftOut) -> Iterator[str]:
    """The column of each vote that has one."""
    for row in rows:
        if isinstance(row, LabelRow):
            left_out.whole_labels("labels")
            continue
        word = counted_word(row)
        if word is not None:
            yield named.get(word, word)
        if row.flag == "not_a_face":
            left_out.add("classes beside a flag", bool(row.choices))
        elif row.flag is not None:
            left_out.whole_votes(f'votes with the flag "{row.flag}"')
        elif row.denies is not None:
            left_out.whole_votes('votes that say "no"')
        else:
            left_out.add("second and later classes of a vote", max(0, len(row.choices) - 1))
            left_out.add("names of voters, times and seconds of their votes", row.kind != ANONYMOUS)
