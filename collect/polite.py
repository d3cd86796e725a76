"""Calls to somebody else's server: never too fast, patient when it is busy, and not for ever."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from db.errors import ServiceError

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Politeness:
    """``interval_s`` between two calls; a busy server is asked ``tries`` times, after waits that double.

    The waits start at ``first_wait_s`` and end at ``longest_wait_s``; a wait that the server names is kept to
    when it is longer, up to ``longest_wait_s``.
    """

    interval_s: float
    tries: int = 5
    first_wait_s: float = 1.0
    longest_wait_s: float = 300.0


class BusyError(Exception):
    """The other side cannot answer now; ``after_s`` is when it wants to be asked again, if it said so."""

    def __init__(self, reason: str, after_s: float | None = None) -> None:
        super().__init__(reason)
        self.after_s = after_s


class Pacer:
    """Keeps one kind of call polite. ``sleep`` and ``clock`` can be replaced to test without waiting."""

    def __init__(
        self,
        politeness: Politeness,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._polite, self._sleep, self._clock = politeness, sleep, clock
        self._next_at = 0.0

    def call(self, work: Callable[[], Result], what: str) -> Result:
        """``work()``, after the interval, again while it raises BusyError. Errors: ServiceError at last."""
        wait_s = self._polite.first_wait_s
        for left in reversed(range(self._polite.tries)):
            self._sleep(max(self._next_at - self._clock(), 0.0))
            self._next_at = self._clock() + self._polite.interval_s
            try:
                return work()
            except BusyError as error:
                if not left:
                    raise ServiceError(
                        f"{what} failed {self._polite.tries} times, the last with: {error}",
                        hint="wait a while, then run the same command again: it goes on from here",
                    ) from error
                self._sleep(min(max(wait_s, error.after_s or 0.0), self._polite.longest_wait_s))
                wait_s *= 2
        raise AssertionError("a politeness allows at least one try")


def retry_after_s(header: str | None) -> float | None:
    """What a Retry-After header asks for, in seconds (RFC 9110: a number, or a date); None if nothing."""
    from email.utils import parsedate_to_datetime

    if not header:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        return max(parsedate_to_datetime(header).timestamp() - time.time(), 0.0)
    except ValueError:
        return None
