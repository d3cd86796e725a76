"""Where photos come from: a lazy stream that knows no database and fetches nothing until asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from db.errors import InputError
from db.records.photos import Origin


class GoneError(InputError):
    """The item existed and was taken away by its owner: it is never asked for again."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One picture a source offers.

    ``fetch`` gives its encoded bytes (a JPEG, PNG, … file); it may take long and may raise InputError
    (this item is bad), GoneError (it will never come back) or ServiceError (the other side failed).
    ``query`` is what found it; ``cursor`` is where the source would have to start to offer it again.
    """

    origin: Origin
    fetch: Callable[[], bytes]
    query: str = ""
    cursor: str = ""


class Source(Protocol):
    """A stream of candidates, always in the same order for the same input.

    ``name`` is the ``Origin.source`` of all its candidates, ``total`` how many there are when that is known
    beforehand, ``passed_over`` what the source itself left out so far, by reason, counted.
    """

    @property
    def name(self) -> str: ...

    @property
    def total(self) -> int | None: ...

    @property
    def passed_over(self) -> Mapping[str, int]: ...

    def candidates(self) -> Iterator[Candidate]: ...
