"""Several people at once: each call in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Given = TypeVar("Given")


def at_once(*calls: Callable[[], Given]) -> list[Given]:
    """What each call gives, in their order; none begins before all are ready, and what one raises is raised."""
    ready = threading.Barrier(len(calls))

    def run(call: Callable[[], Given]) -> Given:
        ready.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))
