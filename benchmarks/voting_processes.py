"""What runs while people vote: the real server, which can be killed, and a harvest into the same workspace."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from browser import free_port, label_command


class Server:
    """The ``label`` command in a process of its own, on one port from start to start."""

    def __init__(self, workspace: Path, log: Path) -> None:
        self.port, self._workspace, self._log = free_port(), workspace, log
        self.cpu_s = 0.0  # while they vote
        self.started_s: list[float] = []

    def start(self) -> None:
        begun = time.monotonic()
        command = label_command(self._workspace, self.port)
        with self._log.open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log)
        assert self._process.stdout is not None
        if not self._process.stdout.readline():
            sys.exit(f"error: the server did not start: {self._log.read_text()}")
        self.started_s.append(round(time.monotonic() - begun, 1))

    def count_cpu(self) -> None:
        """Count the processor time from here on."""
        self.cpu_s -= _cpu_s(self._process.pid)

    def stop(self, sign: signal.Signals) -> None:
        self.cpu_s += _cpu_s(self._process.pid)
        self._process.send_signal(sign)
        self._process.wait(60)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def complaints(self) -> list[str]:
        """What it said of locks and failures."""
        return [line for line in self._log.read_text().splitlines() if _is_complaint(line)]


@dataclass(slots=True)
class Harvest:
    """Draws photos and finds their faces in the workspace, again and again, until it is told to stop."""

    workspace: Path
    photos: int
    rounds: int = 0
    complaints: list[str] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        while not self.ended.is_set():
            self.rounds += 1
            count = ["--count", str(self.photos), "--seed", str(self.rounds)]
            self._command("collect", "sample", *count)
            self._command("curate", "faces")

    def _command(self, program: str, *options: str) -> None:
        code = f"from {program}.cli import main; main()"
        done = subprocess.run(
            [sys.executable, "-c", code, *options, "--workspace", str(self.workspace)],
            capture_output=True,
            text=True,
        )
        if done.returncode or _is_complaint(done.stderr):
            self.complaints.append(f"{program} {options[0]}: {done.returncode} {done.stderr[-500:]}")


def _is_complaint(text: str) -> bool:
    return any(word in text.lower() for word in ("lock", "traceback", "error"))


def _cpu_s(pid: int) -> float:
    """Processor seconds of a process, user and system together (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
