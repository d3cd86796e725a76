"""The workbench for tests: the real ``label`` process on a free port, asked by httpx like a browser."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks.browser import free_port, label_command  # found because `make` installs Mimique editable
from db.workspace import Workspace


class Guest:
    """One browser at the workbench: its cookies, and the token its pages send along."""

    def __init__(self, url: str, token: str = "") -> None:
        self.url, self.token = url, token
        self.http = httpx.Client(base_url=url, timeout=60)

    def me(self) -> dict[str, Any]:
        answer: dict[str, Any] = self.http.get("/me").json()
        self.token = answer["token"]
        return answer

    def post(self, path: str, values: Any, **headers: str) -> httpx.Response:
        return self.http.post(path, json=values, headers={"X-Mimique-Token": self.token, **headers})

    def call(self, name: str, /, **values: Any) -> httpx.Response:
        return self.post(f"/api/{name}", values)

    def join(self, name: str, **values: Any) -> httpx.Response:
        """Come in by name, as on a machine without logins."""
        return self._came(self.call("join", name=name, **values))

    def accept(self, token: str, name: str = "", password: str = "") -> httpx.Response:
        """Come in by an invitation."""
        return self._came(self.post(f"/join/{token}", {"name": name, "password": password}))

    def log_in(self, name: str, password: str) -> httpx.Response:
        return self._came(self.post("/login", {"username": name, "password": password}))

    def _came(self, response: httpx.Response) -> httpx.Response:
        if response.status_code == 200:
            self.token = response.json()["ok"]["token"]
        return response


@dataclass(slots=True)
class Server:
    """A ``label`` process that can be killed, and started again on its port."""

    workspace: Workspace
    options: tuple[str, ...] = ()
    password: str = ""
    port: int = field(default_factory=free_port)
    url: str = ""
    process: subprocess.Popen[str] | None = None
    owner: Any = None

    def start(self) -> None:
        """Start it, and wait until it serves."""
        command = [*label_command(self.workspace.path, self.port), *self.options]
        environment = {**os.environ, "MIMIQUE_LABEL_PASSWORD": self.password}
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None and self.process.stderr is not None
        self.url = f"http://127.0.0.1:{self.port}"
        if self.process.stdout.readline().strip() != self.url:
            raise AssertionError(self.stop(signal.SIGKILL)[1])

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; gives the exit code and what it said."""
        assert self.process is not None
        self.process.send_signal(sign)
        _, said = self.process.communicate(timeout=60)
        return self.process.returncode, said


@contextlib.contextmanager
def served(workspace: Workspace, *options: str, password: str = "") -> Iterator[Server]:
    """The workbench, served until the block ends; it must end well."""
    server = Server(workspace, options, password)
    server.start()
    try:
        yield server
    finally:
        assert server.stop()[0] == 0


@contextlib.contextmanager
def guest_at(server: Server) -> Iterator[Guest]:
    """A browser of one's own."""
    guest = Guest(server.url)
    try:
        yield guest
    finally:
        guest.http.close()
