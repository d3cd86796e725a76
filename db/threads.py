"""CPU threads that can share a laptop with other work."""

from __future__ import annotations

import contextlib
import os

BACKGROUND = 5  # a process at 0 gets three quarters of a core that both want


def share_the_cores() -> None:
    """Let PyTorch use every core, and its idle threads sleep; call it before PyTorch is imported.

    By default idle OpenMP threads spin. Measured on two cores, a training step of ResNet-18 (32 faces of 64 px)
    beside one other busy process: 3.9 s spinning, 0.63 s sleeping. Ultralytics would leave all of PyTorch one core.
    """
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def let_others_first() -> None:
    """Give way to what people wait for, from here on, in this process and those it starts.

    Not far, though: who holds the database's write lock must get on with it. One short run each of
    benchmarks/voters.py beside ``curate faces``, on two busy cores: a vote and the next face took the server,
    at the 95th percentile, 496 ms without this, 47 ms with 5, 326 ms with 10.
    """
    with contextlib.suppress(AttributeError, OSError):  # Windows has no such priorities
        os.setpriority(os.PRIO_PROCESS, 0, max(os.getpriority(os.PRIO_PROCESS, 0), BACKGROUND))
