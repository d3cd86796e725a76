"""Roles: what a voter, a curator and an owner may ask of the workbench.

Every method of a desk that may be called from outside carries ``@needs(role)``; its first argument after
``self`` is ``who: Annotator``, filled in by the server. A method without the mark cannot be called at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from db.errors import MimiqueError
from db.records.people import ROLES, Role

AnyMethod = TypeVar("AnyMethod", bound=Callable[..., Any])
_MARK = "__needs_role__"


class NotAllowedError(MimiqueError):
    """The person's role does not allow this."""


class LoginRefusedError(MimiqueError):
    """Name and password do not match, or the link no longer lets anyone in. Never says which."""


class LoginNeededError(LoginRefusedError):
    """The person has a password and no login that holds. What was asked may be asked again after logging in."""


class TooOftenError(MimiqueError):
    """Too many tries; ``wait_s`` says how long to wait."""

    def __init__(self, wait_s: float) -> None:
        seconds = math.ceil(wait_s)
        super().__init__("too many tries", hint=f"wait {seconds} seconds", code="too_often", n=seconds)
        self.wait_s = wait_s


def needs(role: Role) -> Callable[[AnyMethod], AnyMethod]:
    """Marks a desk's method as callable by people of this role and the roles above it."""
    if role not in ROLES:
        raise ValueError(f"{role!r} is no role; expected one of {', '.join(ROLES)}")

    def mark(method: AnyMethod) -> AnyMethod:
        setattr(method, _MARK, role)
        return method

    return mark


def role_needed(method: Callable[..., Any]) -> Role | None:
    """The role a method needs; None when it may not be called from outside."""
    return cast("Role | None", getattr(method, _MARK, None))


def allows(role: str, needed: Role) -> bool:
    """Whether somebody of ``role`` may do what needs ``needed``. An unknown role may do nothing."""
    return role in ROLES and ROLES.index(role) >= ROLES.index(needed)


def check_role(role: str, needed: Role) -> None:
    """Errors: NotAllowedError when ``role`` is below ``needed``."""
    if not allows(role, needed):
        raise NotAllowedError(
            f"this needs the role {needed}; yours is {role}", hint="ask an owner of the team"
        )


def calls_of(desk: object) -> Mapping[str, Callable[..., Any]]:
    """The methods of a desk that carry a role, by name."""
    names = (name for name in dir(type(desk)) if not name.startswith("_"))
    methods = {name: getattr(desk, name) for name in names if callable(getattr(type(desk), name))}
    return {name: method for name, method in methods.items() if role_needed(method) is not None}
