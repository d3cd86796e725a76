"""Votes as JSON Lines: one JSON object a row of the ledger, then one a decided face."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from label_ui.exchange import BadLine, LeftOut, NamesBy, Order, Row, VoteRow
from label_ui.exchange_json import face_object, label_object, row_of, to_json, vote_object
from label_ui.exchange_text import is_utf8, open_text


class JsonLinesFormat:
    """What CSV holds, with nothing to quote."""

    name = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")
    about = "the same as csv, one JSON object a line"
    holds_history = True
    order: Order = "time"
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        lines = head.lstrip().split("\n", 1)
        try:
            first = json.loads(lines[0])
        except ValueError:
            return False
        return isinstance(first, dict) and "action" in first

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        with open_text(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    yield _row(line, number)
                except (ValueError, TypeError, RecursionError) as error:
                    yield BadLine(number, str(error))

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        for row in rows:
            said = vote_object(row) if isinstance(row, VoteRow) else label_object(row)
            file.write(to_json(said | face_object(row.face)) + "\n")
        return LeftOut()


def _row(line: str, number: int) -> Row:
    if not is_utf8(line):
        raise ValueError("the line is not UTF-8 text")
    return row_of(json.loads(line), number)
