"""Where the workbench is reached: at which address, on which port, and how it ends."""

from __future__ import annotations

import errno
import ipaddress
import os
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Mapping

from db.errors import InputError

PASSWORD_VARIABLE = "MIMIQUE_LABEL_PASSWORD"
_PORTS_TRIED = 200
_ENDINGS = (signal.SIGINT, signal.SIGTERM)


def check_door(address: str, port: int, command: str = "label") -> None:
    """Errors: InputError when the address is none of this machine's, or the port is taken.

    ``command`` is what the hint would type, with another port.
    """
    if not _free(address, port):
        raise InputError(f"port {port} of {address} is taken", hint=_other_port(address, port, command))


def password_of(environment: Mapping[str, str] = os.environ) -> str:
    """The password an owner logs in with who has none of their own; empty when none is set."""
    return environment.get(PASSWORD_VARIABLE, "")


def own_address() -> str:
    """The address of this machine in its network, as far as it knows; 127.0.0.1 without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # chooses a way there; nothing is sent
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def is_loopback(address: str) -> bool:
    """Whether only this machine can reach the address (``127.0.0.1``, ``::1``, ``localhost``)."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def show_in_browser(url: str) -> None:
    """Open the page where there is a screen; never a text browser in the terminal."""
    if sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
        webbrowser.open(url)


def wait_for_the_end() -> None:
    """Return at Ctrl-C or when the process is asked to terminate."""
    ended = threading.Event()
    before = {number: signal.signal(number, lambda *_: ended.set()) for number in _ENDINGS}
    try:
        ended.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def open_door(address: str, port: int, command: str = "label") -> socket.socket:
    """A listening socket; holding it is what keeps the port. Errors and ``command`` as for ``check_door``."""
    family, kind, proto, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
    # Only of a socket that says TCP does asyncio end Nagle's delay, which costs 40 ms an answer.
    door = socket.socket(family, kind, proto)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        door.bind(where)
        door.listen(2048)
    except OSError as error:
        door.close()
        raise InputError(
            f"cannot listen on {address} port {port}: {error.strerror}",
            hint=_other_port(address, port, command),
        ) from error
    return door


def _free(address: str, port: int) -> bool:
    try:
        family, kind, _, _, where = socket.getaddrinfo(address, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            door.bind(where)
        return True
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return False
        raise InputError(
            f"cannot listen on {address} port {port}: {error.strerror}",
            hint="use 127.0.0.1 for this machine, 0.0.0.0 for everybody, and a port from 1024 on",
        ) from error


def _other_port(address: str, port: int, command: str) -> str:
    tries = range(port + 1, min(port + _PORTS_TRIED, 65536))
    free = next((other for other in tries if _free(address, other)), None)
    return f"{command} --port {free}" if free else "choose another one with --port"
