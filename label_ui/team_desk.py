"""The team's counter: who is here and how far they are, for everybody; roles and links, for owners."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from db.errors import InputError
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.people import ROLES, Annotator, Invite
from db.workspace import Workspace
from label_ui.people import People
from label_ui.roles import needs
from label_ui.team import people_of, progress_of

Json = dict[str, Any]
_FRESH_S = 4.0  # a team of forty looking at the page counts once


@dataclass(slots=True)
class TeamDesk:
    """What the Team page can ask. Errors of every method: InputError, NotFoundError, StoreError."""

    workspace: Workspace
    _seen: dict[int, tuple[float, Json]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @needs("voter")
    def team(self, who: Annotator, campaign: int = MAIN_CAMPAIGN) -> Json:
        """Who is in the team and how far it is with a campaign, at most four seconds old."""
        number = int(campaign)
        with self._lock:
            known = self._seen.get(number)
            if known is None or time.monotonic() - known[0] > _FRESH_S:
                known = (time.monotonic(), self._look(number))
                self._seen[number] = known
        return {**known[1], "me": who.name}

    @needs("curator")
    def undecided(self, who: Annotator) -> Json:
        """How many ``faces`` have votes that no decision has seen: time for ``curate consensus``."""
        return {"faces": self.workspace.store.labels.awaited()}

    @needs("owner")
    def invitations(self, who: Annotator) -> list[Json]:
        """The links that still let someone in, the newest first; the links themselves are not kept."""
        names = {person.id: person.name for person in self.workspace.store.annotators.all()}
        return [_invite(invite, names) for invite in self._people().invites()]

    @needs("owner")
    def invite(
        self, who: Annotator, role: str = "voter", name: str = "", days: int = 7, uses: int = 1
    ) -> Json:
        """Make a link; its token is given this once."""
        if role not in ROLES:
            raise InputError(f"{role!r} is no role", hint=f"choose one of {', '.join(ROLES)}")
        made = self._people().invite(who, role=role, name=str(name), days=int(days), uses=int(uses))
        return {"token": made.token, **_invite(made.invite, {who.id: who.name})}

    @needs("owner")
    def invite_revoke(self, who: Annotator, id: str) -> Json:
        """Call back a link: nobody comes in by it any more; those who came stay."""
        self._people().revoke(str(id))
        return {}

    @needs("owner")
    def person_role(self, who: Annotator, name: str, role: str) -> Json:
        """Make somebody voter, curator or owner; somebody always stays owner."""
        if role not in ROLES:
            raise InputError(f"{role!r} is no role", hint=f"choose one of {', '.join(ROLES)}")
        return self._changed(lambda: self._people().set_role(name, role))

    @needs("owner")
    def person_disable(self, who: Annotator, name: str) -> Json:
        """Let somebody in no more, from this moment on; their votes stay."""
        if self._people().find(name).id == who.id:
            raise InputError("you cannot shut yourself out", hint="another owner can")
        return self._changed(lambda: self._people().disable(name))

    @needs("owner")
    def person_enable(self, who: Annotator, name: str) -> Json:
        """Let somebody in again."""
        return self._changed(lambda: self._people().enable(name))

    def _changed(self, change: Callable[[], Annotator]) -> Json:
        person = change()
        self._seen.clear()
        return {"name": person.name, "role": person.role, "disabled": person.disabled_at is not None}

    def _look(self, campaign: int) -> Json:
        store = self.workspace.store
        people = people_of(store, campaign)
        return {
            "campaigns": [
                {"id": c.id, "name": c.name, "closed": c.closed_at is not None} for c in store.campaigns.all()
            ],
            "people": [person.plain() for person in people],
            "progress": asdict(progress_of(store, campaign, people)),
        }

    def _people(self) -> People:
        return People(self.workspace.store)


def _invite(invite: Invite, names: dict[int, str]) -> Json:
    return {
        "id": invite.token_hash,
        "role": invite.role,
        "name": invite.name,
        "by": names.get(invite.created_by, ""),
        "expires_at": invite.expires_at.isoformat(),
        "uses_left": invite.uses_left,
    }
