"""Rows of every kind as JSON objects, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from db.records.faces import XYXY
from label_ui.exchange import (
    CampaignRow,
    FaceName,
    GoldRow,
    LabelRow,
    LedgerRow,
    Row,
    VoteRow,
    as_utc,
    box_of,
)
from label_ui.exchange_json import to_json


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
    return {name: value for name, value in full.items() if value or value == 0}


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
        "kind": "" if row.kind == "person" else row.kind,
        "reason": row.reason,
        "batch": row.batch,
        "campaign": row.campaign,
        "undone_at": row.undone_at.isoformat() if row.undone_at else "",
        "undone_by": row.undone_by,
    }
    return {name: value for name, value in full.items() if value != ""}


def ledger_object(row: LedgerRow) -> dict[str, object]:
    """Everything about a row of any kind."""
    if isinstance(row, CampaignRow):
        return {"action": "campaign", "campaign": row.name, "settings": dict(row.settings)}
    if isinstance(row, GoldRow):
        full = {
            "action": "gold",
            "at": row.at.isoformat() if row.at else None,
            "by": row.by,
            "kind": None if row.kind == "person" else row.kind,
            "answer": row.answer,
            "flag": row.flag,
        }
        said: dict[str, object] = {name: value for name, value in full.items() if value is not None}
    else:
        said = vote_object(row) if isinstance(row, VoteRow) else label_object(row)
    return said | face_object(row.face)


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


def ledger_row_of(value: object, line: int) -> LedgerRow:
    """The row of any kind an object of ours holds. Errors: ValueError or TypeError."""
    if isinstance(value, dict) and value.get("action") == "campaign":
        settings = value.get("settings")
        if not isinstance(settings, dict):
            raise ValueError("a campaign's settings are an object")
        return CampaignRow(_text(value, "campaign"), settings, line)
    if isinstance(value, dict) and value.get("action") == "gold":
        return GoldRow(
            face=face_of(value),
            answer=_text(value, "answer") or None,
            flag=_text(value, "flag") or None,
            by=_text(value, "by"),
            at=as_utc(value["at"]) if value.get("at") else None,
            kind=value.get("kind") or "person",
            line=line,
        )
    return row_of(value, line)


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
        batch=_text(value, "batch"),
        campaign=_text(value, "campaign"),
        undone_at=as_utc(value["undone_at"]) if value.get("undone_at") else None,
        undone_by=_text(value, "undone_by"),
        kind=value.get("kind") or "person",
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
