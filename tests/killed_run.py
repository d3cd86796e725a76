"""A training run that is killed, as a power cut would, once it has something to go on from."""

from __future__ import annotations

import os
import subprocess
import sys
import time

from db.records.runs import Run
from db.workspace import Workspace


def killed_run(workspace: Workspace, training: str) -> Run:
    """Run the code in another process, kill -9 it once its run has saved an epoch, and give that run."""
    known = set(workspace.runs.glob("*"))

    def saved() -> bool:
        return any(any((run / "work").rglob("last.pt")) for run in {*workspace.runs.glob("*")} - known)

    process = subprocess.Popen(
        [sys.executable, "-c", training], stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}
    )
    assert process.stderr is not None
    end = time.monotonic() + 120
    try:
        while not saved():
            assert process.poll() is None, process.stderr.read().decode()[-800:]
            assert time.monotonic() < end, "no epoch was saved within two minutes"
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
    return workspace.store.runs.all()[-1]
