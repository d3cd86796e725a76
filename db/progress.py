"""Progress of long work: a bar on a terminal, a line every few seconds in a log file."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
LOG_EVERY_S = 5.0


def progress(items: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items unchanged and show on stderr how far the work is; ``total`` may be unknown."""
    if sys.stderr.isatty():
        yield from _bar(items, label, total)
    else:
        yield from _lines(items, label, total)


def _bar(items: Iterable[Item], label: str, total: int | None) -> Iterator[Item]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(items, total=total, description=label)


def _lines(items: Iterable[Item], label: str, total: int | None) -> Iterator[Item]:
    shown_at = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        if time.monotonic() - shown_at >= LOG_EVERY_S:
            print(
                f"{label}: {done:,}{'' if total is None else f' of {total:,}'}", file=sys.stderr, flush=True
            )
            shown_at = time.monotonic()
