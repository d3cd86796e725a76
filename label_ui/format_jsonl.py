"""Votes as JSON Lines: one JSON object a campaign, a row of the ledger, a decision, a known face."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal

from label_ui.exchange import BadLine, LedgerRow, LeftOut, NamesBy
from label_ui.exchange_json import to_json
from label_ui.exchange_objects import ledger_object, ledger_row_of
from label_ui.exchange_text import is_utf8, open_text


class JsonLinesFormat:
    """What CSV holds, with nothing to quote."""

    name = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")
    about = "the same as csv, one JSON object a line"
    holds_history: Literal[True] = True
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        lines = head.lstrip().split("\n", 1)
        try:
            first = json.loads(lines[0])
        except ValueError:
            return False
        return isinstance(first, dict) and "action" in first

    def read(self, path: Path) -> Iterator[LedgerRow | BadLine]:
        with open_text(path) as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    yield _row(line, number)
                except (ValueError, TypeError, RecursionError) as error:
                    yield BadLine(number, str(error))

    def write(self, rows: Iterable[LedgerRow], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        for row in rows:
            file.write(to_json(ledger_object(row)) + "\n")
        return LeftOut()


def _row(line: str, number: int) -> LedgerRow:
    if not is_utf8(line):
        raise ValueError("the line is not UTF-8 text")
    return ledger_row_of(json.loads(line), number)
