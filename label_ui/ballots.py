"""Ballots: answers as they come from a screen, and what is checked about them; whoever sends may be anybody."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from db.errors import InputError
from db.records.votes import FLAGS

LONGEST_SECONDS = 86_400.0
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_FROM_SCREEN = {"zoomed": bool, "photo": bool, "lang": str, "by": str}  # what only the page knows
_LONGEST_WORD = 16


@dataclass(frozen=True, slots=True)
class Ballot:
    """One answer as it comes from a screen: ``choices``, or a "no" (``denies``), or a flag; none is "unsure".

    ``request_id`` (8 to 64 letters, digits, - or _) is made once for every face shown: a ballot that
    arrives twice, after a double click or a lost answer, counts once.
    """

    face_id: int
    crop_name: str
    request_id: str
    choices: tuple[str, ...] = ()
    denies: str | None = None
    flag: str | None = None
    seconds: float | None = None
    shown: Mapping[str, object] = field(default_factory=dict)


def check_request_id(request_id: str) -> None:
    """Errors: InputError."""
    if not _REQUEST_ID.fullmatch(request_id):
        raise InputError(f"a request id is 8 to 64 letters, digits, - or _; got {request_id[:80]!r}")


def check_answer(ballot: Ballot, classes: Sequence[str], *, several: bool, no: bool) -> None:
    """Whether a ballot answers a question about ``classes``: one of them, ``several``, or a "no" where asked.

    Errors: InputError.
    """
    if ballot.flag is not None and ballot.flag not in FLAGS:
        raise InputError(f"{ballot.flag!r} is no flag; expected one of {', '.join(FLAGS)}")
    answers = (*ballot.choices, *filter(None, [ballot.denies]))
    wrong = [name for name in answers if name not in classes]
    if wrong:
        raise InputError(
            f"{wrong[0]!r} is no class here; expected {', '.join(classes)}",
            hint="reload the page: the classes may have changed",
        )
    most = len(classes) if several else 1
    if len(answers) > most or len(set(answers)) < len(answers) or (ballot.denies and not no):
        raise InputError(
            f"{' and '.join(answers)}: that is no answer to the question", hint="reload the page"
        )


def within_reason(seconds: float | None) -> float | None:
    """The seconds a screen tells, 0 to a day; None for what is no number of seconds."""
    if seconds is None or not math.isfinite(seconds):
        return None
    return min(max(seconds, 0.0), LONGEST_SECONDS)


def told_by_screen(ballot: Ballot) -> dict[str, object]:
    """Of what a page says that it showed, what only a page can know; everything else is left out."""
    return {
        name: ballot.shown[name]
        for name, kind in _FROM_SCREEN.items()
        if type(ballot.shown.get(name)) is kind and len(str(ballot.shown[name])) <= _LONGEST_WORD
    }
