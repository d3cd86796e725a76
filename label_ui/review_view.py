"""Everything a curator needs to judge one face, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from db.errors import NotFoundError
from db.records.labels import Label
from db.records.people import Annotator
from db.records.photos import Origin
from db.records.votes import Vote
from db.store import Store
from db.workspace import Workspace
from label_ui.session import photo_view

Json = dict[str, Any]


def face_view(workspace: Workspace, face_id: int) -> Json:
    """The face, its photo with the box, votes by person, the newest run's view, and every decision, oldest first.

    Errors: NotFoundError for an unknown face.
    """
    store = workspace.store
    photo = photo_view(store, face_id)
    face = store.faces.by_ids((face_id,))[0]
    names = {person.id: person for person in store.annotators.all()}
    crop = face.crop_sha256[:16]
    history = store.labels.history(face_id)
    held = store.labels.of_faces((face_id,)).get(face_id)
    gold = store.gold.of((face_id,)).get(face_id)
    return {
        "face": face_id,
        "picture": f"/picture/crop/{crop}",
        "width": face.crop_size_wh[0],
        "height": face.crop_size_wh[1],
        "photo": {
            "picture": f"/picture/photo/{face_id}",
            "box": photo.box,
            "width": photo.size_wh[0],
            "height": photo.size_wh[1],
        },
        "candidate_class": face.candidate_class,
        "origins": [_origin(origin) for _, origin in store.photos.origins((face.photo_id,))],
        "label": None if held is None else _label(held, names),
        "gold": gold and {"answer": gold.answer, "flag": gold.flag, "by": _name(gold.set_by, names)},
        "votes": _votes(store, face_id, names),
        "model": _model(store, face_id),
        "history": _history(history, held, names),
        "sent_back": face_id in store.queue.asked(),
        "outdated": bool(store.labels.outdated((face_id,))),
    }


def _votes(store: Store, face_id: int, names: Mapping[int, Annotator]) -> list[Json]:
    campaigns = {campaign.id: campaign.name for campaign in store.campaigns.all()}
    return [_vote(vote, names, campaigns) for vote in store.votes.of_face(face_id) if vote.action == "vote"]


def _vote(vote: Vote, names: Mapping[int, Annotator], campaigns: dict[int, str]) -> Json:
    return {
        "by": _name(vote.annotator_id, names),
        "campaign": campaigns.get(vote.campaign_id, ""),
        "choices": list(vote.choices),
        "denies": vote.denies,
        "flag": vote.flag,
        "seconds": vote.seconds,
        "at": vote.at.isoformat(),
    }


def _model(store: Store, face_id: int) -> Json | None:
    """The newest run's probabilities, the strongest first; None without a run that saw the face."""
    try:
        run = store.runs.load()
    except NotFoundError:
        return None
    for found in store.predictions.of_faces(run.id, (face_id,)):
        shares = sorted(found.probabilities.items(), key=lambda item: -item[1])
        return {"run": run.id, "shares": [list(share) for share in shares], "out_of_fold": found.out_of_fold}
    return None


def _history(rows: tuple[Label, ...], held: Label | None, names: Mapping[int, Annotator]) -> list[Json]:
    undone = {row.undoes_id: row for row in rows if row.undoes_id is not None}
    return [
        {
            **_label(row, names),
            "holds": held is not None and row.id == held.id,
            "undone_by": _name(undone[row.id].by_id, names) if row.id in undone else None,
        }
        for row in rows
        if row.undoes_id is None
    ]


def _label(row: Label, names: Mapping[int, Annotator]) -> Json:
    return {
        "label": row.label,
        "state": row.state,
        "confidence": row.confidence,
        "votes": row.votes,
        "method": row.method,
        "reason": row.reason or row.method.partition(": ")[2],
        "by": _name(row.by_id, names),
        "at": row.at.isoformat() if row.at else None,
        "batch": row.batch,
        "distribution": dict(row.distribution),
    }


def _name(annotator_id: int | None, names: Mapping[int, Annotator]) -> str:
    person = None if annotator_id is None else names.get(annotator_id)
    return "" if person is None else person.name


def _origin(origin: Origin) -> Json:
    return {
        "source": origin.source,
        "owner": origin.owner,
        "title": origin.title,
        "license": origin.license_name,
        "page": origin.page_url if origin.page_url.startswith(("https://", "http://")) else "",
    }
