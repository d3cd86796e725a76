"""Whether a training process is alive: it holds a file lock that the system drops when it dies."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

if sys.platform == "win32":
    import msvcrt

    def _try_lock(file: IO[str], *, shared: bool = False) -> bool:  # Windows has no shared ones here
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _try_lock(file: IO[str], *, shared: bool = False) -> bool:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except OSError:
            return False
        return True


@contextmanager
def hold(path: Path) -> Iterator[bool]:
    """Hold the lock while inside; yields False when another process has it.

    Tries for a tenth of a second, since ``is_held`` takes the lock for a moment.
    """
    with path.open("a+", encoding="utf-8") as file:
        held = _try_lock(file)
        for _ in range(4):
            if held:
                break
            time.sleep(0.025)
            held = _try_lock(file)
        if held:
            file.truncate(0)
            file.write(f"{os.getpid()}\n")  # for a person who looks; the lock itself is what counts
            file.flush()
        yield held


def is_held(path: Path) -> bool:
    """Whether some process holds the lock now; False when the file was never made. Two who ask at once do not mind."""
    if not path.exists():
        return False
    with path.open("a+", encoding="utf-8") as file:
        return not _try_lock(file, shared=True)
