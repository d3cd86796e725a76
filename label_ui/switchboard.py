"""The switchboard: from a call by name to the method of a desk, with the caller's role checked."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db.errors import MimiqueError, NotFoundError, ServiceError, StoreError
from db.records.people import Annotator, Role
from label_ui.roles import (
    LoginNeededError,
    LoginRefusedError,
    NotAllowedError,
    TooOftenError,
    calls_of,
    check_role,
    role_needed,
)

Json = dict[str, Any]
# Nothing was wrong with the question: send it again.
_PASSING = (StoreError, ServiceError, TooOftenError, LoginNeededError)


@dataclass(frozen=True, slots=True)
class Call:
    """A method of a desk that people of role ``needs`` (or above) may call by its name."""

    name: str
    method: Callable[..., Any]
    needs: Role

    @property
    def values(self) -> Sequence[inspect.Parameter]:
        """What the caller gives: every argument but ``who``."""
        return tuple(inspect.signature(self.method).parameters.values())[1:]


@dataclass(frozen=True, slots=True)
class Answer:
    """``body`` is ``{"ok": …}`` or ``{"error", "hint", "again"}``; ``status`` says the same in HTTP's numbers.

    A ``code`` and its ``values`` come along where pages say the error in their own language (``errorText``).
    """

    status: int
    body: Json


class Switchboard:
    """All calls of all desks. Two methods of one name are a ValueError."""

    def __init__(self, desks: Sequence[object]) -> None:
        self.calls: Mapping[str, Call] = _calls(desks)

    def find(self, name: str) -> Call:
        """Errors: NotFoundError for a name that no desk answers to."""
        if name not in self.calls:
            raise NotFoundError(f"there is no call {name[:80]!r}", hint="reload the page")
        return self.calls[name]

    def run(self, name: str, who: Annotator, values: Json) -> Any:
        """What the desk gives. Errors: NotFoundError, NotAllowedError, TypeError for wrong values, the desk's."""
        call = self.find(name)
        check_role(who.role, call.needs)
        inspect.signature(call.method).bind(who, **values)
        return call.method(who, **values)


def answer(run: Callable[[], Any]) -> Answer:
    """The answer to a page, which may be anybody: every error the caller can cause becomes one line."""
    try:
        return Answer(200, {"ok": run()})
    except MimiqueError as error:
        more: Json = {"login": True} if isinstance(error, LoginNeededError) else {}
        if error.code:
            more |= {"code": error.code, "values": error.values}
        no = refusal(str(error), error.hint, again=isinstance(error, _PASSING), **more)
        return Answer(_status(error), no)
    except (TypeError, ValueError, OverflowError, KeyError, AttributeError) as error:
        return Answer(400, refusal(f"not understood: {error}", "reload the page"))


def refusal(error: str, hint: str = "", *, again: bool = False, **more: Any) -> Json:
    """The body that says no."""
    return {"error": error, "hint": hint, "again": again, **more}


def _status(error: MimiqueError) -> int:
    kinds = (
        (LoginRefusedError, 401),
        (NotAllowedError, 403),
        (NotFoundError, 404),
        (TooOftenError, 429),
        (StoreError, 503),
        (ServiceError, 503),
    )
    return next((status for kind, status in kinds if isinstance(error, kind)), 400)


def _calls(desks: Sequence[object]) -> Mapping[str, Call]:
    found: dict[str, Call] = {}
    for desk in desks:
        for name, method in calls_of(desk).items():
            if name in found:
                raise ValueError(f"two desks answer to {name!r}")
            needed = role_needed(method)
            assert needed is not None
            found[name] = Call(name, method, needed)
    return found
