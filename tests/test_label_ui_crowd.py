"""Reading crowd files into a workspace: a stray quote costs its line."""

from __future__ import annotations

from pathlib import Path

from label_ui.exchange import BadLine, VoteRow
from label_ui.exchange_formats import format_of


def test_a_quote_that_is_never_closed_spoils_its_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    lines = [
        "a.jpg,ana,happy",
        '"b.jpg,ana,happy',
        '"two\nlines.jpg",ben,"sad, or not"',
        "c.jpg,ben,sad",
        "d.jpg",
    ]
    path.write_text(
        "question,worker,answer\n" + "\n".join([*lines, *["e.jpg,cy,sad"] * 20]), encoding="utf-8"
    )
    rows = list(format_of(path).read(path))
    assert [(row.line, row.reason) for row in rows if isinstance(row, BadLine)] == [
        (3, "a quote is opened and never closed"),
        (7, "expected 3 cells, got 1"),
    ]
    votes = [row for row in rows if isinstance(row, VoteRow)]
    assert len(votes) == 23 and votes[1].choices == ("sad, or not",)
