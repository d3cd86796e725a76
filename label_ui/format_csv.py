"""Votes as CSV: a line a campaign, a row of the ledger (undos and skips too), a decision, a known face."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Literal

from label_ui.exchange import (
    BadLine,
    CampaignRow,
    FaceName,
    GoldRow,
    LabelRow,
    LedgerRow,
    LeftOut,
    NamesBy,
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
    *("batch", "undone_at", "undone_by", "settings"),
)
_NEEDED = frozenset(("action", "voter", "choices"))
_LINES_OF_A_ROW = 256  # names of files and campaigns may hold line ends
# A spreadsheet runs a cell that begins so as a formula: it gets a ' in front, which reading takes away.
_STARTS = frozenset("'=+-@\t\r")
_FORMULA = re.compile(r"'*[=+\-@\t\r]")


class CsvFormat:
    """A class stands plainly in ``choices``; several, or one that begins with ``[``, as a JSON list."""

    name = "csv"
    suffixes: tuple[str, ...] = (".csv", ".tsv")
    about = "every row of the vote ledger with all that is known of it"
    holds_history: Literal[True] = True
    names_by: NamesBy = "blob"

    def looks_like(self, head: str) -> bool:
        return set(header_of(head)) >= _NEEDED

    def read(self, path: Path) -> Iterator[LedgerRow | BadLine]:
        return table_rows(path, _NEEDED, _rows, _LINES_OF_A_ROW)

    def write(self, rows: Iterable[LedgerRow], file: IO[str], classes: tuple[str, ...]) -> LeftOut:
        write_row = table_writer(file)
        write_row(COLUMNS)
        for row in rows:
            write_row(_cells(row))
        return LeftOut()


def _cells(row: LedgerRow) -> tuple[object, ...]:
    if isinstance(row, VoteRow):
        return _vote_cells(row)
    if isinstance(row, LabelRow):
        return _label_cells(row)
    if isinstance(row, GoldRow):
        return _gold_cells(row)
    return ("campaign", *[""] * 5, _safe(row.name), *[""] * (len(COLUMNS) - 8), to_json(dict(row.settings)))


def _gold_cells(row: GoldRow) -> tuple[object, ...]:
    return (
        *("gold", "", "", row.at.isoformat() if row.at else "", _safe(row.by), row.kind, ""),
        *(_safe(_choices_cell(() if row.answer is None else (row.answer,))), "", row.flag or "", "", ""),
        *_face_cells(row.face),
        *[""] * 9,
    )


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
        *[""] * 9,
    )


def _label_cells(row: LabelRow) -> tuple[object, ...]:
    return (
        *("label", "", "", row.at.isoformat() if row.at else "", _safe(row.by)),
        *(row.kind if row.by else "", _safe(row.campaign)),
        *(_safe(_choices_cell(() if row.label is None else (row.label,))), "", "", "", ""),
        *_face_cells(row.face),
        *(
            repr(row.confidence),
            row.votes,
            to_json(dict(row.distribution)),
            _safe(row.method),
            _safe(row.reason),
        ),
        *(
            _safe(row.batch),
            row.undone_at.isoformat() if row.undone_at else "",
            _safe(row.undone_by),
            "",
        ),
    )


def _face_cells(face: FaceName) -> tuple[object, ...]:
    box = ("", "", "", "") if face.xyxy is None else tuple(repr(side) for side in face.xyxy)
    ordinal = "" if face.ordinal is None else face.ordinal
    return (face.photo_sha256, ordinal, face.crop_sha256, *box, *(face.size_wh or ("", "")), _safe(face.file))


def _rows(cells: Cells, line: int) -> Iterable[LedgerRow]:
    cells = {name: _plain(cell) for name, cell in cells.items()}
    if cells["action"] == "campaign":
        return (CampaignRow(cells.get("campaign", ""), _object(cells.get("settings", "")), line),)
    face = _face(cells)
    if cells["action"] == "gold":
        return (_gold(cells, face, line),)
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


def _gold(cells: Cells, face: FaceName, line: int) -> GoldRow:
    choices = _choices(cells["choices"])
    return GoldRow(
        face=face,
        answer=choices[0] if choices else None,
        flag=cells.get("flag") or None,
        by=cells["voter"],
        at=as_utc(cells["at"]) if cells.get("at") else None,
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
        batch=cells.get("batch", ""),
        campaign=cells.get("campaign", ""),
        undone_at=as_utc(cells["undone_at"]) if cells.get("undone_at") else None,
        undone_by=cells.get("undone_by", ""),
        kind=cells.get("voter_kind") or "person",  # type: ignore[arg-type]  # looked at when it is taken in
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
