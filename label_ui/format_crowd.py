"""Plain answers: ``question,worker,answer``, as in truth-inference research (crowd-kit: ``task,worker,label``)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal

from db.records.votes import FLAGS
from label_ui.exchange import (
    UNSURE,
    BadLine,
    LabelRow,
    LeftOut,
    NamesBy,
    Row,
    VoteRow,
    face_of_question,
    question_of,
    vote_word,
)
from label_ui.exchange_text import Cells, head_of, header_of, table_rows, table_writer

_HEADERS = (("question", "worker", "answer"), ("task", "worker", "label"))


class CrowdFormat:
    """Questions are picture files, or ``<photo sha256>:<place of the face in it>``; workers are named people.

    An answer is a class, ``unsure``, or a flag.
    """

    name = "crowd"
    suffixes: tuple[str, ...] = (".csv", ".tsv")
    about = "question,worker,answer: who said what, and no more"
    holds_history: Literal[False] = False
    holds_labels = False
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        header = set(header_of(head))
        return any(header >= set(columns) for columns in _HEADERS) and "action" not in header

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        header = header_of(head_of(path))
        question, worker, answer = _HEADERS["task" in header]

        def rows(cells: Cells, line: int) -> Iterable[Row]:
            yield _row(cells[question].strip(), cells[worker].strip(), cells[answer].strip(), line)

        yield from table_rows(path, {question, worker, answer}, rows)

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        left_out = LeftOut()
        write_row = table_writer(file)
        write_row(_HEADERS[0])
        for row in rows:
            if isinstance(row, LabelRow):
                left_out.whole_labels("labels")
                continue
            if row.denies is not None:
                left_out.whole_votes('votes that say "no"')
                continue
            write_row((question_of(row.face), row.voter, vote_word(row)))
            _count_loss(row, left_out)
        return left_out


def _row(question: str, worker: str, answer: str, line: int) -> VoteRow:
    if not (question and answer):
        raise ValueError("the line has no question, or no answer")
    flag = answer if answer in FLAGS else None
    choices = () if flag or answer == UNSURE else (answer,)
    return VoteRow(face_of_question(question), worker, choices=choices, flag=flag, line=line)


def _count_loss(row: VoteRow, left_out: LeftOut) -> None:
    left_out.add("times of votes", row.at is not None)
    left_out.add("seconds taken", row.seconds is not None)
    left_out.add("what was on the screen", bool(row.shown))
    left_out.add("campaigns of votes", bool(row.campaign))
    left_out.add(
        "second and later classes of a vote", max(0, len(row.choices) - 1) if row.flag is None else 0
    )
    left_out.add("classes beside a flag", bool(row.choices) and row.flag is not None)
    left_out.add("marks of simulated or anonymous voters", row.kind != "person")
