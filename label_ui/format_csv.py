"""Votes as CSV: one row of the ledger a line, undos and skips too, then what was decided about each face."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from label_ui.exchange import (
    BadLine,
    FaceName,
    LabelRow,
    LeftOut,
    NamesBy,
    Order,
    Row,
    VoteRow,
    as_utc,
    box_of,
)
from label_ui.exchange_json import object_text, to_json
from label_ui.exchange_text import Cells, header_of, table_rows, table_writer

COLUMNS = (
    *("action", "id", "undoes", "at", "voter", "voter_kind", "campaign"),
    *("choices", "denies", "flag", "seconds", "shown"),
    *("photo_sha256", "face", "crop_sha256", "x1", "y1", "x2", "y2", "photo_width", "photo_height", "file"),
    *("confidence", "votes", "distribution", "method", "reason"),
)
_NEEDED = frozenset(("action", "voter", "choices"))
# A spreadsheet runs a cell that begins so as a formula: it gets a ' in front, which reading takes away.
_STARTS = frozenset("'=+-@\t\r")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class CsvFormat:
    """A class stands plainly in ``choices``; several, or one that begins with ``[``, as a JSON list."""

    name = "csv"
    suffixes: tuple[str, ...] = (".csv", ".tsv")
    about = "every row of the vote ledger with all that is known of it"
    holds_history = True
    order: Order = "time"
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        return set(header_of(head)) >= _NEEDED

    def read(self, path: Path) -> Iterator[Row | BadLine]:
        return table_rows(path, _NEEDED, _rows)

    def write(self, rows: Iterable[Row], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        write_row = table_writer(file)
        write_row(COLUMNS)
        for row in rows:
            write_row(_vote_cells(row) if isinstance(row, VoteRow) else _label_cells(row))
        return LeftOut()


def _vote_cells(row: VoteRow) -> tuple[object, ...]:
    return (
        row.action,
        _safe(row.id),
        _safe(row.undoes),
        row.at.isoformat() if row.at else "",
        _safe(row.voter),
        row.kind,
        _safe(row.campaign),
        _safe(_choices_cell(row.choices)),
        _safe(row.denies or ""),
        row.flag or "",
        "" if row.seconds is None else repr(row.seconds),
        object_text(row.shown),
        *_face_cells(row.face),
        *("", "", "", "", ""),
    )


def _label_cells(row: LabelRow) -> tuple[object, ...]:
    return (
        *("label", "", "", row.at.isoformat() if row.at else "", _safe(row.by), "", ""),
        *(_safe(_choices_cell(() if row.label is None else (row.label,))), "", "", "", ""),
        *_face_cells(row.face),
        *(
            repr(row.confidence),
            row.votes,
            to_json(dict(row.distribution)),
            _safe(row.method),
            _safe(row.reason),
        ),
    )


def _face_cells(face: FaceName) -> tuple[object, ...]:
    box = ("", "", "", "") if face.xyxy is None else tuple(repr(side) for side in face.xyxy)
    ordinal = "" if face.ordinal is None else face.ordinal
    return (face.photo_sha256, ordinal, face.crop_sha256, *box, *(face.size_wh or ("", "")), _safe(face.file))


def _rows(cells: Cells, line: int) -> Iterable[Row]:
    cells = {name: _plain(cell) for name, cell in cells.items()}
    face = _face(cells)
    return ((_label if cells["action"] == "label" else _vote)(cells, face, line),)


def _vote(cells: Cells, face: FaceName, line: int) -> VoteRow:
    return VoteRow(
        face=face,
        voter=cells["voter"],
        action=cells["action"] or "vote",  # type: ignore[arg-type]  # checked by the record
        choices=_choices(cells["choices"]),
        denies=cells.get("denies") or None,
        flag=cells.get("flag") or None,
        seconds=float(cells["seconds"]) if cells.get("seconds") else None,
        at=as_utc(cells["at"]) if cells.get("at") else None,
        shown=_object(cells.get("shown", "")),
        campaign=cells.get("campaign", ""),
        id=cells.get("id", ""),
        undoes=cells.get("undoes", ""),
        kind=cells.get("voter_kind") or "person",  # type: ignore[arg-type]  # checked by the record
        line=line,
    )


def _label(cells: Cells, face: FaceName, line: int) -> LabelRow:
    choices = _choices(cells["choices"])
    return LabelRow(
        face=face,
        label=choices[0] if choices else None,
        distribution={str(name): float(share) for name, share in _object(cells["distribution"]).items()},  # type: ignore[arg-type]
        confidence=float(cells["confidence"] or 0),
        votes=int(cells["votes"] or 0),
        method=cells["method"],
        at=as_utc(cells["at"]) if cells["at"] else None,
        by=cells["voter"],
        reason=cells["reason"],
        line=line,
    )


def _face(cells: Cells) -> FaceName:
    box = [cells.get(side, "") for side in ("x1", "y1", "x2", "y2")]
    size = [cells.get(side, "") for side in ("photo_width", "photo_height")]
    name = FaceName(
        photo_sha256=cells.get("photo_sha256", ""),
        ordinal=int(cells["face"]) if cells.get("face") else None,
        crop_sha256=cells.get("crop_sha256", ""),
        xyxy=box_of(*(float(side) for side in box)) if all(box) else None,
        size_wh=(int(size[0]), int(size[1])) if all(size) else None,
        file=cells.get("file", ""),
    )
    if not (name.photo_sha256 or name.crop_sha256 or name.file):
        raise ValueError("the line names no face: photo_sha256, crop_sha256 and file are empty")
    return name


def _choices_cell(choices: tuple[str, ...]) -> str:
    if len(choices) == 1 and choices[0] and not choices[0].startswith("["):
        return choices[0]
    return to_json(list(choices)) if choices else ""


def _choices(cell: str) -> tuple[str, ...]:
    if not cell.startswith("["):
        return (cell,) if cell else ()
    names = json.loads(cell)
    if not all(isinstance(name, str) for name in names):
        raise ValueError(f"choices are names, got {cell[:60]}")
    return tuple(names)


def _object(cell: str) -> dict[str, object]:
    value = json.loads(cell) if cell else {}
    if not isinstance(value, dict):
        raise ValueError(f"expected a JSON object, got {cell[:60]}")
    return value


def _safe(text: str) -> str:
    return f"'{text}" if text[:1] in _STARTS and _FORMULA.match(text) else text


def _plain(cell: str) -> str:
    return cell[1:] if cell[:1] == "'" and _FORMULA.match(cell) else cell
