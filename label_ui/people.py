"""The team: who is in it, in which role, and the links that let others in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.errors import InputError, NotFoundError
from db.records.people import Annotator, Invite, Role
from db.store import Store
from label_ui.doorkeeper import hash_of
from label_ui.passwords import check_new_password, hash_password

MOST_DAYS = 90
MOST_USES = 200


@dataclass(frozen=True, slots=True)
class NewInvite:
    """A link just made. ``token`` is shown once, here; only its hash is kept."""

    token: str
    invite: Invite


class People:
    """What an owner does to the team; the caller has checked that an owner asks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, name: str) -> Annotator:
        """The person of this name. Errors: NotFoundError, InputError for a simulated annotator."""
        found = self._store.annotators.find(name)
        if found is None:
            raise NotFoundError(f"nobody is called {name!r}", hint="list the team: label people list")
        if found.simulated:
            raise InputError(
                f"{found.name} is a simulated annotator", hint="it neither logs in nor has a role"
            )
        return found

    def invite(
        self, by: Annotator, *, role: Role = "voter", name: str = "", days: int = 7, uses: int = 1
    ) -> NewInvite:
        """A link that lets people in: as ``name`` (and then once), or under new names of their choice.

        Errors: InputError for days, uses or a person that make no sense.
        """
        if not 1 <= days <= MOST_DAYS:
            raise InputError(f"a link holds 1 to {MOST_DAYS} days, got {days}")
        if not 1 <= uses <= MOST_USES:
            raise InputError(f"a link lets 1 to {MOST_USES} people in, got {uses}")
        if name and uses != 1:
            raise InputError(
                "a link for one person is used once", hint="leave the name out, or the number of uses"
            )
        known = self._store.annotators.find(name) if name else None
        if known is not None and (known.simulated or known.disabled_at is not None):
            raise InputError(
                f"{known.name} cannot come in", hint="enable this person first, or choose another name"
            )
        token = secrets.token_urlsafe(24)
        until = datetime.now(UTC) + timedelta(days=days)
        made = self._store.invites.create(
            hash_of(token),
            created_by=by.id,
            expires_at=until,
            role=role,
            name=" ".join((known.name if known else name).split()),
            uses=uses,
        )
        return NewInvite(token, made)

    def invites(self) -> tuple[Invite, ...]:
        """The links that still let someone in, the newest first."""
        now = datetime.now(UTC)
        return tuple(
            i for i in self._store.invites.all() if i.uses_left and not i.revoked_at and i.expires_at > now
        )

    def revoke(self, start: str) -> Invite:
        """Call back the link whose hash begins so (6 digits or more). Errors: NotFoundError."""
        found = [
            invite for invite in self.invites() if len(start) >= 6 and invite.token_hash.startswith(start)
        ]
        if len(found) != 1:
            raise NotFoundError(f"no link is named {start[:64]!r}", hint="list them: label invite --list")
        self._store.invites.revoke(found[0].token_hash)
        return found[0]

    def set_role(self, name: str, role: Role) -> Annotator:
        """Errors: NotFoundError, InputError when nobody would be owner any more."""
        return self._store.annotators.set_role(self.find(name).id, role)

    def disable(self, name: str) -> Annotator:
        """Let this person in no more, at once; their votes stay. Errors: as ``set_role``."""
        changed = self._store.annotators.disable(self.find(name).id)
        self._store.logins.end_all(changed.id)
        return changed

    def enable(self, name: str) -> Annotator:
        """Let this person in again. Errors: NotFoundError."""
        return self._store.annotators.enable(self.find(name).id)

    def set_password(self, name: str, password: str | None) -> Annotator:
        """Give a person a password, or take it away; their logins end. Errors: NotFoundError, InputError."""
        found = self.find(name)
        hashed = None if password is None else hash_password(check_new_password(password))
        self._store.annotators.set_password_hash(found.id, hashed)
        self._store.logins.end_all(found.id)
        return found


def at_terminal() -> Annotator:
    """Whoever types at the machine that holds the workspace: nobody by name, and free to do everything."""
    return Annotator(0, "terminal", False, "", datetime.now(UTC), role="owner")
