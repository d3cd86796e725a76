"""What curators do to faces, one or 100,000 at a time: each action is a batch that one undo takes back.

A decision is a label row by the curator, so the history of a face shows who decided what and when. Known faces
(gold) have such a row too, and faces sent back to the vote: its ``votes`` are those asked for in all, so that an undo
finds what was asked for before. A relabelling round is a campaign over the faces, and its undo closes it. The name
of a batch says what kind it is: ``gold-…``, ``send-<campaign>-…``, ``round-<campaign>``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from db.errors import InputError, NotFoundError
from db.records.campaigns import MAIN_CAMPAIGN, Campaign, NewCampaign, Picks
from db.records.gallery import FaceFilter
from db.records.labels import SENT_BACK, Label
from db.records.people import Annotator
from db.records.votes import FLAGS, Gold
from db.workspace import Workspace
from label_ui.known_faces import KnownFaces

MOST_VOTES_ASKED = 20
_AT_ONCE = 2_000  # faces a transaction: voters get their turn between two


@dataclass(frozen=True, slots=True)
class Done:
    """``batch`` takes it back ("" when nothing changed); ``faces`` changed, ``left_out`` had nothing to change."""

    batch: str
    faces: int
    left_out: int = 0


class Decisions:
    """A curator's actions; the caller has checked the role.

    Errors of every method: InputError for what cannot be done, NotFoundError for a face, class or campaign that
    is not there, StoreError.
    """

    def __init__(self, workspace: Workspace, who: Annotator) -> None:
        self._store, self._settings, self._who = workspace.store, workspace.settings, who
        self._known = KnownFaces(workspace.store, who)

    def accept(self, face_ids: Sequence[int]) -> Done:
        """Confirm what holds, with its distribution. Faces on which nothing is decided are left out."""
        return self._decide("accept", face_ids, self._accepted)

    def relabel(self, face_ids: Sequence[int], name: str) -> Done:
        """Give the faces this class; known ones are known to show it from then on."""
        self._settings.require_class(name)

        def rows(chunk: Sequence[int]) -> list[Label]:
            known = self._known.of(chunk)
            return [
                replace(self._labelled(i, name), reason=self._known.note(known.get(i), name)) for i in chunk
            ]

        return self._decide("relabel", face_ids, rows, then=self._known.follow)

    def reject(self, face_ids: Sequence[int], flag: str) -> Done:
        """Take the faces out of every data set, for a reason; their classes are no longer known."""
        if flag not in FLAGS:
            raise InputError(f"{flag!r} is no flag", hint=f"choose one of {', '.join(FLAGS)}")

        def rows(chunk: Sequence[int]) -> list[Label]:
            known = self._known.of(chunk)
            return [self._rejected(i, flag, known.get(i)) for i in chunk]

        return self._decide("reject", face_ids, rows, then=self._known.follow)

    def gold(self, face_ids: Sequence[int], name: str | None = None) -> Done:
        """Mark faces as known to show ``name``, or what holds of them; known ones are left out.

        The answer is the curator's decision from then on.
        """
        if name is not None:
            self._settings.require_class(name)
        known = self._known.of(face_ids)

        def rows(chunk: Sequence[int]) -> list[Label]:
            new = [i for i in chunk if i not in known]
            return self._accepted(new) if name is None else [self._labelled(i, name) for i in new]

        return self._decide("gold", face_ids, rows, then=self._known.mark)

    def send_back(self, face_ids: Sequence[int], votes: int, campaign_id: int | None = None) -> Done:
        """Ask for so many more votes; a curator's decision on the faces no longer holds."""
        if not 1 <= votes <= MOST_VOTES_ASKED:
            raise InputError(f"1 to {MOST_VOTES_ASKED} more votes can be asked for, not {votes}")
        campaign = self._open_campaign(campaign_id)

        def rows(chunk: Sequence[int]) -> list[Label]:
            asked = self._store.queue.ask_more(campaign.id, chunk, votes)
            return [Label(i, None, {}, 0.0, asked.get(i, 0), SENT_BACK) for i in chunk]

        return self._decide(SENT_BACK, face_ids, rows, kind=f"send-{campaign.id}")

    def relabelling_round(self, face_ids: Sequence[int], name: str) -> Done:
        """Have the faces voted on anew, in a campaign of their own called ``name``."""
        found = tuple(i for chunk in self._chunks(face_ids) for i in chunk)
        made = self._store.campaigns.create(NewCampaign(name, picks=Picks(face_ids=found)))
        return Done(f"round-{made.id}", len(found))

    def undo(self, batch: str) -> int:
        """Take a whole action back; gives how many faces it was. Errors: InputError when there is none such."""
        kind, _, rest = batch.partition("-")
        if kind == "round" and rest.isdecimal():
            return self._end_round(int(rest))
        before = self._known.before(batch) if kind in ("relabel", "reject") else {}
        faces = self._store.labels.undo(batch, by_id=self._who.id)
        if not faces:
            raise InputError("this is undone already", hint="reload the page")
        if kind == "gold":
            self._store.gold.remove(faces)
        if kind == "send":
            self._ask_as_before(int(rest.partition("-")[0]), faces)
        self._known.restore(before)
        return len(faces)

    def _ask_as_before(self, campaign_id: int, face_ids: Sequence[int]) -> None:
        """Of each face the votes asked for last in the campaign by an action that was not taken back, if any."""
        sent = self._store.labels.sent_back(face_ids)
        here = (row for row in sent if (row.batch or "").startswith(f"send-{campaign_id}-"))
        asked = {row.face_id: row.votes for row in here}  # the newest of a face stays
        self._store.queue.set_asked(campaign_id, dict.fromkeys(face_ids, 0) | asked)

    def _decide(
        self,
        method: str,
        face_ids: Sequence[int],
        rows_of: Callable[[Sequence[int]], list[Label]],
        *,
        then: Callable[[Sequence[Label]], None] | None = None,
        kind: str = "",
    ) -> Done:
        batch = f"{kind or method}-{uuid.uuid4().hex[:16]}"
        asked = offered = changed = 0
        for chunk in list(self._chunks(face_ids)):  # all are known before the first is changed
            rows = [self._signed(row, method, batch) for row in rows_of(chunk)]
            changed += self._store.labels.decide(rows)
            asked, offered = asked + len(chunk), offered + len(rows)
            if then and rows:
                then(rows)
        if not offered and method in ("accept", "gold"):
            said, hint = _NOTHING[method, asked == 1]
            raise InputError(said, hint=hint)
        return Done(batch if changed else "", changed, asked - changed)

    def _chunks(self, face_ids: Iterable[int]) -> Iterator[tuple[int, ...]]:
        """The faces, some at a time. Errors: NotFoundError for one that is not there."""
        wanted = list(dict.fromkeys(face_ids))
        for start in range(0, len(wanted), _AT_ONCE):
            chunk = tuple(wanted[start : start + _AT_ONCE])
            found = frozenset(self._store.faces.ids(FaceFilter(face_ids=chunk)))
            if strangers := [i for i in chunk if i not in found]:
                raise NotFoundError(f"there is no face {strangers[0]}", hint="reload the page")
            yield chunk

    def _accepted(self, chunk: Sequence[int]) -> list[Label]:
        held = self._store.labels.of_faces(chunk)
        return [
            Label(
                i,
                old.label,
                old.distribution,
                1.0,
                old.votes,
                "",
                reason=_flag_of(old) if not old.label else "",
            )
            for i, old in ((i, held[i]) for i in chunk if i in held)
            if old.state in ("decided", "rejected")
        ]

    def _labelled(self, face_id: int, name: str) -> Label:
        shares = {each: float(each == name) for each in self._settings.classes}
        return Label(face_id, name, shares, 1.0, 0, "")

    def _rejected(self, face_id: int, flag: str, known: Gold | None) -> Label:
        was = self._labelled(face_id, known.answer).distribution if known and known.answer else {}
        return Label(face_id, None, was, 1.0, 0, "", reason=flag)

    def _signed(self, row: Label, method: str, batch: str) -> Label:
        return Label(
            *(row.face_id, row.label, row.distribution, row.confidence, row.votes, method),
            by_id=self._who.id,
            reason=row.reason,
            batch=batch,
        )

    def _open_campaign(self, campaign_id: int | None) -> Campaign:
        """The campaign asked for; else the first that is open: usually "main"."""
        campaigns = self._store.campaigns
        if campaign_id is not None:
            chosen = campaigns.get(campaign_id)
            if chosen.closed_at is not None:
                raise InputError(f"campaign {chosen.name!r} is closed", hint="open it on the page Campaigns")
            return chosen
        still_open = [each for each in campaigns.all() if each.closed_at is None]
        if not still_open:
            raise InputError("no campaign is open to ask people in", hint="open one on the page Campaigns")
        return next((each for each in still_open if each.id == MAIN_CAMPAIGN), still_open[0])

    def _end_round(self, campaign_id: int) -> int:
        found = self._store.campaigns.get(campaign_id)
        if found.picks.face_ids is None or found.closed_at is not None:
            raise InputError("this is undone already", hint="reload the page")
        self._store.campaigns.close(campaign_id)
        return len(found.picks.face_ids)


_NOTHING = {
    ("accept", True): ("nothing is decided here that could be accepted", "choose a class"),
    ("accept", False): ("on none of these faces is anything decided", "relabel them"),
    ("gold", True): ("the face is known already, or nothing is decided on it", "choose a class first"),
    ("gold", False): ("these faces are known already, or nothing is decided on them", "relabel them first"),
}


def _flag_of(old: Label) -> str:
    """The flag a rejected face was rejected for: a curator's reason, or after a rule's name."""
    return old.reason or old.method.partition(": ")[2]
