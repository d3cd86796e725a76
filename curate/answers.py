"""Votes from a plain file: ``question,worker,answer`` lines, or counts of answers as FER+ has them.

The first line names the columns, in any order and any case; other columns are passed over. Separators are ``,``,
``;`` or tabs, whichever the first line has; the text is UTF-8, UTF-16 with its byte order mark, or Windows-1252. A
file of counts has no worker: each line is a question and how many people gave each answer, in one column an answer
and with two classes at the least;
``unknown`` counts as unsure, ``NF`` as the flag "not a face" (Barsoum et al. 2016, FER+). ``unsure`` and the names of
our flags mean what they mean in a workspace, and answers that differ only in case are one class.
"""

from __future__ import annotations

import csv
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.answer_words import Meanings, is_class, meanings
from curate.table_text import NO_TEXT_HINT, open_table, source_name, table_lines
from curate.votes_table import ANONYMOUS, VoteTable
from db.errors import InputError

QUESTION = ("question", "task", "item", "face", "image", "image name", "file")
WORKER = ("worker", "annotator", "user", "performer", "rater")
ANSWER = ("answer", "label", "response", "choice", "vote")
_NO_ANSWER = ("usage", "split", "part")  # columns of a file of counts that count nothing
_FERPLUS_NAMES = {"unknown": "unsure", "nf": "not_a_face"}
_SHOWN_NAMES = 200  # characters
_HINT = "the first line names the columns: question,worker,answer"
_Lines = Iterator[tuple[int, list[str] | str]]


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that was left out: its number, the first of the file being 1, and why."""

    number: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.number:,}: {self.reason}"


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A file's votes. The table's item i is ``questions[i]``, and its annotator i is ``workers[i]``.

    Questions and workers are sorted, so that the order of lines changes no number in the table; ``asked`` are the
    items in the order in which the file has them first. ``notes`` say which answers were not taken as they stand.
    """

    table: VoteTable
    questions: tuple[str, ...]
    workers: tuple[str, ...]
    asked: NDArray[np.int64]
    bad: tuple[BadLine, ...]
    notes: tuple[str, ...] = ()


def read_answers(path: Path) -> Answers:
    """The votes of a file, bad lines left out and listed. No votes at all are fine, as long as columns are named.

    ``-`` is standard input; a pipe is read as well. Of several answers by one worker to one question the first
    counts. Errors: InputError when the file cannot be read, is no text, is empty, or its first line does not name
    the columns.
    """
    source = source_name(path)
    with open_table(path) as file:
        first = file.readline()
        delimiter = max(",;\t", key=first.count)
        header = [name.strip() for name in next(csv.reader([first], delimiter=delimiter), [])]
        if not first.strip():
            raise InputError(f"{source} is empty", hint=_HINT)
        return _read(source, header, table_lines(file, delimiter, len(header)))


def _read(source: str, header: list[str], rows: _Lines) -> Answers:
    question, worker, answer = (_column(header, names) for names in (QUESTION, WORKER, ANSWER))
    if question is not None and worker is not None and answer is not None:
        return _named(rows, (question, worker, answer))
    if question is not None and worker is None and answer is None:
        counts = [i for i in range(question + 1, len(header)) if header[i].lower() not in _NO_ANSWER]
        if len([i for i in counts if is_class(header[i], _FERPLUS_NAMES)]) > 1:
            return _counted(rows, header, question, counts)
    names = ", ".join(header)
    if not names.isprintable():
        raise InputError(f"{source} is no text: its first line has control characters", hint=NO_TEXT_HINT)
    missing = "question" if question is None else "worker" if worker is None else "answer"
    raise InputError(
        f"{source} has no column {missing!r}; its columns are {names[:_SHOWN_NAMES]}", hint=_HINT
    )


def _column(header: list[str], names: tuple[str, ...]) -> int | None:
    """The first column with one of these names, the names in order of preference."""
    lower = [name.lower() for name in header]
    return next((lower.index(name) for name in names if name in lower), None)


def _named(rows: _Lines, columns: tuple[int, int, int]) -> Answers:
    """Votes by named workers; ids are given as they come, and sorted at the end."""
    names: tuple[dict[str, int], ...] = ({}, {}, {})
    ids = tuple(array("q") for _ in columns)
    lines = array("q")
    bad: list[BadLine] = []
    for number, cells in rows:
        if isinstance(cells, str):
            bad.append(BadLine(number, cells))
            continue
        told = [cells[column].strip() for column in columns]
        if not all(told):
            bad.append(BadLine(number, f"the {_KINDS[told.index('')]} is empty"))
            continue
        lines.append(number)
        for place, known, column in zip(told, names, ids, strict=True):
            column.append(known.setdefault(place, len(known)))
    return _answers(names, [np.array(column, np.int64) for column in ids], np.array(lines, np.int64), bad)


_KINDS = ("question", "worker", "answer")


def _answers(
    names: tuple[dict[str, int], ...],
    ids: list[NDArray[np.int64]],
    lines: NDArray[np.int64],
    bad: list[BadLine],
) -> Answers:
    pairs = ids[0] * max(len(names[1]), 1) + ids[1]
    kept = np.unique(pairs, return_index=True)[1]
    repeated = np.ones(len(pairs), np.bool_)
    repeated[kept] = False
    bad += [BadLine(int(line), "this worker has answered this question before") for line in lines[repeated]]
    kept = np.flatnonzero(~repeated)
    names = (*names[:2], _used(names[2], ids[2][kept]))
    items, workers, words = (_by_name(known, column[kept]) for known, column in zip(names, ids, strict=True))
    meant = meanings(sorted(names[2]), np.bincount(words, minlength=len(names[2])).tolist())
    first = np.sort(np.unique(items, return_index=True)[1])
    return Answers(
        table=VoteTable(items, workers, meant.choices[words], meant.flags[words], meant.classes),
        questions=tuple(sorted(names[0])),
        workers=tuple(sorted(names[1])),
        asked=items[first],
        bad=tuple(sorted(bad, key=lambda line: line.number)),
        notes=meant.notes,
    )


def _used(known: dict[str, int], ids: NDArray[np.int64]) -> dict[str, int]:
    """The names of these ids alone."""
    used = set(np.unique(ids).tolist())
    return {name: number for name, number in known.items() if number in used}


def _by_name(known: dict[str, int], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ids given in order of appearance, as places among the sorted names."""
    place = np.empty(max(known.values(), default=-1) + 1, np.int64)
    place[[known[name] for name in sorted(known)]] = np.arange(len(known))
    return place[ids]


def _counted(rows: _Lines, header: list[str], question: int, columns: list[int]) -> Answers:
    """Votes of nobody known: a weighted row for each (question, answer) that was given."""
    counts: dict[str, list[int]] = {}
    bad: list[BadLine] = []
    for number, cells in rows:
        try:
            name, told = _counts(cells, question, columns)
        except ValueError as error:
            bad.append(BadLine(number, str(error)))
            continue
        if name in counts:
            bad.append(BadLine(number, "this question has a line already"))
            continue
        counts[name] = told
    totals = np.sum([*counts.values(), [0] * len(columns)], axis=0).tolist()
    return _count_table(counts, meanings([header[i] for i in columns], totals, _FERPLUS_NAMES), bad)


def _counts(cells: list[str] | str, question: int, columns: list[int]) -> tuple[str, list[int]]:
    """(question, its counts). Errors: ValueError for a line that has none."""
    if isinstance(cells, str):
        raise ValueError(cells)
    name = cells[question].strip()
    if not name:
        raise ValueError("the question is empty")
    told = [cells[column].strip() or "0" for column in columns]
    strange = next((cell for cell in told if not (cell.isdecimal() and len(cell) < 8)), None)
    if strange is not None:
        raise ValueError(f"{strange!r} is not a count")
    return name, [int(cell) for cell in told]


def _count_table(counts: dict[str, list[int]], meant: Meanings, bad: list[BadLine]) -> Answers:
    questions = tuple(sorted(counts))
    place = {name: i for i, name in enumerate(questions)}
    told = np.array([counts[name] for name in questions], np.int64).reshape(-1, len(meant.choices))
    items, columns = np.nonzero(told)
    table = VoteTable(
        items=items.astype(np.int64),
        annotators=np.full(len(items), ANONYMOUS),
        choices=meant.choices[columns],
        flags=meant.flags[columns],
        classes=meant.classes,
        weights=told[items, columns].astype(np.float64),
    )
    asked = np.array([place[name] for name in counts], np.int64)
    return Answers(table, questions, (), asked[told[asked].any(axis=1)], tuple(bad), meant.notes)
