"""The curators' counter: what to look at, everything about one face, and what they decide."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from curate.review import ReviewItem, ReviewList, still_open, to_review
from db.errors import InputError, NotFoundError
from db.records.people import Annotator
from db.workspace import Workspace
from label_ui.decisions import Decisions, Done
from label_ui.gallery_desk import filter_of
from label_ui.review_view import face_view
from label_ui.roles import needs

Json = dict[str, Any]
MOST_LISTED = 2_000
ASK_ABOVE = 100  # faces: more than these take a "yes, all of them"
DEFAULT_VOTES = 2
_FRESH_S = 20.0  # how long the reasons found hold; what curators settled meanwhile is left out at once
_MOST_BATCHES = 200


@dataclass(slots=True)
class ReviewDesk:
    """What the Review page can ask, and the gallery's actions; voters cannot.

    Errors of every method: InputError, NotFoundError, StoreError.
    """

    workspace: Workspace
    _found: tuple[float, ReviewList] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @needs("curator")
    def review_list(self, who: Annotator, kind: str = "", fresh: bool = False) -> Json:
        """What there is to look at: faces with their reasons, at most 2,000, of one kind or of all.

        ``counts`` are of all kinds. ``fresh`` looks anew; else the reasons may be 20 seconds old.
        """
        found = self._look(bool(fresh))
        items = still_open(self.workspace.store, found.items)
        of_kind = [item for item in items if not kind or any(r.kind == kind for r in item.reasons)]
        return {
            "items": [_item(item) for item in of_kind[:MOST_LISTED]],
            "total": len(of_kind),
            "counts": {"": len(items), **ReviewList(items, found.run_id).counts()},
            "run": found.run_id,
            "faces": self.workspace.store.faces.count(),
            "decided": sum(self.workspace.store.labels.tally().values()),
        }

    @needs("curator")
    def review_face(self, who: Annotator, face: int) -> Json:
        """Everything about one face: picture, photo, votes by person, the model's view, the decisions so far."""
        return face_view(self.workspace, int(face))

    @needs("curator")
    def review_act(
        self,
        who: Annotator,
        action: str,
        faces: Sequence[int] | None = None,
        filter: Mapping[str, Any] | None = None,
        but: Sequence[int] = (),
        expect: int | None = None,
        sure: bool = False,
        label: str | None = None,
        flag: str = "",
        votes: int = DEFAULT_VOTES,
        campaign: int | None = None,
        name: str = "",
    ) -> Json:
        """Do one thing to ``faces``, or to all ``but`` some that fit the gallery's ``filter``; gives the batch to undo.

        ``action``: "accept" what holds; "relabel" with ``label``; "reject" for a ``flag``; "send" back for so
        many ``votes``; "gold" (known: ``label``, or what holds); "round": vote anew in a campaign ``name``.
        More than 100 faces take ``sure``; where ``expect`` is given, the filter must find exactly so many.
        """
        ids = self._chosen(faces, filter, but, expect)
        if len(ids) > ASK_ABOVE and not sure:
            raise InputError(f"this would change {len(ids):,} faces", hint="say sure=true to go on")
        decisions = Decisions(self.workspace, who)
        if action == "accept":
            return _done(decisions.accept(ids))
        if action == "relabel":
            return _done(decisions.relabel(ids, str(label)))
        if action == "reject":
            return _done(decisions.reject(ids, flag))
        if action == "send":
            return _done(decisions.send_back(ids, int(votes), campaign))
        if action == "gold":
            return _done(decisions.gold(ids, label))
        if action == "round":
            return _done(decisions.relabelling_round(ids, name))
        raise InputError(f"there is no action {action!r}", hint="reload the page")

    @needs("curator")
    def review_undo(self, who: Annotator, batch: str) -> Json:
        """Take one action back, on all its faces; what held before holds again."""
        return {"faces": Decisions(self.workspace, who).undo(str(batch))}

    @needs("curator")
    def review_batches(self, who: Annotator, mine: bool = False, count: int = 20) -> list[Json]:
        """The actions that can be undone, the newest first; mine, or everybody's."""
        store = self.workspace.store
        names = {person.id: person.name for person in store.annotators.all()}
        most = min(max(int(count), 1), _MOST_BATCHES)
        return [
            {
                **asdict(batch),
                "by": names.get(batch.by_id or 0, ""),
                "at": batch.at.isoformat(),
            }
            for batch in store.labels.batches(most, by_id=who.id if mine else None)
        ]

    def _look(self, fresh: bool) -> ReviewList:
        with self._lock:
            if self._found is None or fresh or time.monotonic() - self._found[0] > _FRESH_S:
                found = to_review(self.workspace.store, self.workspace.settings.classes)
                self._found = (time.monotonic(), found)
            return self._found[1]

    def _chosen(
        self,
        faces: Sequence[int] | None,
        only: Mapping[str, Any] | None,
        but: Sequence[int],
        expect: int | None,
    ) -> tuple[int, ...]:
        if (faces is None) == (only is None):
            raise InputError("either faces or a filter is given")
        if faces is not None:
            ids = tuple(int(face) for face in faces)
        else:
            left_out = frozenset(int(face) for face in but)
            fitting = self.workspace.store.faces.ids(filter_of(only or {}))
            ids = tuple(face for face in fitting if face not in left_out)
        if expect is not None and len(ids) != int(expect):
            raise InputError(
                f"{len(ids):,} faces fit now, not {int(expect):,}", hint="look again, then repeat it"
            )
        if not ids:
            raise NotFoundError("no face was chosen", hint="choose faces first")
        return ids


def _item(item: ReviewItem) -> Json:
    return {
        "face": item.face_id,
        "reasons": [
            {k: v for k, v in asdict(reason).items() if v not in ("", None)} for reason in item.reasons
        ],
    }


def _done(done: Done) -> Json:
    return asdict(done)
