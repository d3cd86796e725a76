"""People: who votes, what each may do, and how they come in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Role = Literal["voter", "curator", "owner"]
ROLES: tuple[Role, ...] = ("voter", "curator", "owner")  # each may do what the ones before it may


@dataclass(frozen=True, slots=True)
class Annotator:
    """A person who votes, or a simulated one (``simulated``; ``note`` says how it was simulated).

    ``disabled_at`` is set for someone who may no longer enter; their votes stay.
    """

    id: int
    name: str
    simulated: bool
    note: str
    created_at: datetime
    role: Role = "voter"
    disabled_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invite:
    """A link that lets someone in. ``name`` is "" when the guest chooses one; the token itself is not kept."""

    token_hash: str
    role: Role
    name: str
    created_by: int
    created_at: datetime
    expires_at: datetime
    uses_left: int
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Login:
    """A web session of one annotator; the token itself is not kept."""

    token_hash: str
    annotator_id: int
    created_at: datetime
    expires_at: datetime
    seen_at: datetime
    ended_at: datetime | None
