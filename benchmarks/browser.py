"""What benchmarks, tests and pictures of the pages start: the workbench on a free port, and headless Chromium."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from db.errors import NotFoundError

if TYPE_CHECKING:
    from selenium.webdriver import Chrome

FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --accept-lang=en"
)


def chromium(profile: Path, *flags: str, logs: Sequence[str] = ()) -> Chrome:
    """A browser that a ``with`` block, or ``quit()``, ends; it keeps these ``logs``. Errors: NotFoundError."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        raise NotFoundError("no Chromium with chromedriver here", hint="apt install chromium chromium-driver")
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS.split(), f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", dict.fromkeys(logs, "ALL"))
    return webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))


@contextmanager
def workbench(workspace: Path) -> Iterator[str]:
    """The address of a ``label`` command in a process of its own, until the block ends."""
    server = subprocess.Popen(label_command(workspace, free_port()), stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.terminate()
        server.wait(60)
        server.stdout.close()


def label_command(workspace: Path, port: int) -> list[str]:
    """The command line that serves a workspace on a port of this machine."""
    place = ["--workspace", str(workspace), "--port", str(port)]
    return [sys.executable, "-c", "from label_ui.cli import main; main()", "--no-browser", *place]


def free_port() -> int:
    """A port of this machine at which nothing listens now."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])
