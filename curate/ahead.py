"""Reading ahead: what comes next is read by threads while the caller works on what came before."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Read = TypeVar("Read")


def read_ahead(
    items: Iterable[Item], read: Callable[[Item], Read], *, threads: int = 2, ahead: int = 4
) -> Iterator[tuple[Item, Read]]:
    """Each item with what ``read`` gives for it, in order; at most ``ahead`` more are held or being read.

    What ``read`` raises is raised here, when it is the item's turn.
    """
    waiting: deque[tuple[Item, Future[Read]]] = deque()
    with ThreadPoolExecutor(threads) as readers:
        try:
            for item in items:
                waiting.append((item, readers.submit(read, item)))
                if len(waiting) > ahead:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()
