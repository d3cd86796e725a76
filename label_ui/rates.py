"""Rates: how often somebody may ask, as buckets that fill at a steady pace."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

MOST_KEYS = 20_000  # buckets kept; the longest unused are forgotten first


@dataclass(frozen=True, slots=True)
class Rate:
    """``per_second`` on the long run, ``burst`` at once."""

    per_second: float
    burst: int


class Limiter:
    """One bucket a key. Safe to share between threads; time can be handed in for tests."""

    def __init__(self, rate: Rate, clock: Callable[[], float] = time.monotonic) -> None:
        self.rate, self._clock = rate, clock
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # (drops left, when)
        self._lock = threading.Lock()

    def wait_s(self, key: Hashable) -> float:
        """Take one drop: 0 when there was one, else the seconds until there is (nothing is taken then)."""
        with self._lock:
            now = self._clock()
            left, before = self._buckets.pop(key, (float(self.rate.burst), now))
            left = min(self.rate.burst, left + (now - before) * self.rate.per_second)
            allowed = left >= 1
            self._buckets[key] = (left - allowed, now)
            if len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
            return 0.0 if allowed else (1 - left) / self.rate.per_second

    def forgive(self, key: Hashable) -> None:
        """Fill the key's bucket again, as after a login that was right."""
        with self._lock:
            self._buckets.pop(key, None)
