"""The gallery's counter: pages of faces that fit a filter, and what one can filter by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from db.errors import InputError
from db.records.gallery import FaceFilter, FaceOrder, FaceRow
from db.records.labels import STATES
from db.records.people import Annotator
from db.records.votes import FLAGS
from db.store import Store
from db.workspace import Workspace
from label_ui.roles import needs

Json = dict[str, Any]
MOST_FACES = 400
MOST_IDS = 20_000
_FIELDS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("label", "candidate_class", "owner", "source", "flag", "state"), str),
    **dict.fromkeys(("harvest_id", "least_votes", "most_votes", "voted_by", "campaign_id"), int),
    **dict.fromkeys(("least_confidence", "most_confidence"), float),
    **dict.fromkeys(("reviewed", "gold"), bool),
}


def filter_of(values: Mapping[str, Any]) -> FaceFilter:
    """The filter of a page's plain values, named as the fields of ``FaceFilter``. Errors: InputError."""
    if strangers := sorted(set(values) - set(_FIELDS)):
        raise InputError(f"faces have no {strangers[0]!r}", hint=f"filter by {', '.join(_FIELDS)}")
    try:
        return FaceFilter(**{name: _FIELDS[name](value) for name, value in values.items()})
    except (TypeError, ValueError) as error:
        raise InputError(f"this is no filter: {error}", hint="reset the filters") from error


@dataclass(frozen=True, slots=True)
class GalleryDesk:
    """What the Gallery page can ask; its actions are the review desk's. Voters cannot."""

    workspace: Workspace

    @needs("curator")
    def gallery_form(self, who: Annotator) -> Json:
        """What there is to filter by."""
        store = self.workspace.store
        return {
            "classes": list(self.workspace.settings.classes),
            "harvests": harvest_choices(store),
            "sources": list(store.photos.sources()),
            "owners": list(store.photos.owners()),
            "people": [{"id": person.id, "name": person.name} for person in store.annotators.all()],
            "campaigns": [{"id": each.id, "name": each.name} for each in store.campaigns.all()],
            "flags": list(FLAGS),
            "states": list(STATES),
        }

    @needs("curator")
    def gallery(
        self,
        who: Annotator,
        filter: Mapping[str, Any] | None = None,
        order: str = "oldest",
        offset: int = 0,
        limit: int = 100,
        counted: bool = True,
    ) -> Json:
        """A stretch of the faces that fit, at most 400, and (``counted``) how many fit in all."""
        faces, only = self.workspace.store.faces, filter_of(filter or {})
        rows = faces.page(
            only, order=cast("FaceOrder", order), offset=_place(offset), limit=_most(limit, MOST_FACES)
        )
        found: Json = {"faces": [_cell(row) for row in rows]}
        return {**found, "count": faces.count(only)} if counted else found

    @needs("curator")
    def gallery_ids(
        self,
        who: Annotator,
        filter: Mapping[str, Any] | None = None,
        order: str = "oldest",
        offset: int = 0,
        limit: int = 100,
    ) -> list[int]:
        """The numbers of a stretch of the faces that fit, at most 20,000: for selecting from here to there."""
        stretch = {"offset": _place(offset), "limit": _most(limit, MOST_IDS)}
        faces = self.workspace.store.faces
        return list(faces.ids(filter_of(filter or {}), order=cast("FaceOrder", order), **stretch))


def harvest_choices(store: Store) -> list[Json]:
    """The harvests that brought photos, told apart by source, words, class and when they began."""
    return [
        {
            "id": one.id,
            "name": f"{one.source} {one.query}".strip(),
            "candidate_class": one.candidate_class,
            "at": one.started_at.isoformat(),
        }
        for one in store.harvests.all(with_photos=True)
    ]


def _place(offset: int) -> int:
    return max(int(offset), 0)


def _most(limit: int, most: int) -> int:
    return min(max(int(limit), 1), most)


def _cell(row: FaceRow) -> Json:
    label = row.label
    return {
        "face": row.face.id,
        "label": label and label.label,
        "state": label.state if label else "undecided",
        "confidence": label and label.confidence,
        "reviewed": bool(label and label.by_id),
        "votes": row.votes,
        "flags": list(row.flags),
        "gold": row.gold,
        "candidate_class": row.face.candidate_class,
    }
