"""The gate: what every request passes before anything else looks at it, whoever it is from.

Refused are requests for another machine's name (DNS rebinding), from another site's page (forgery), too big
or too frequent ones, and, where a login is asked for, all that come without. Written as plain ASGI, so that it
stands before Gradio's own routes too.
"""

from __future__ import annotations

import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser

from label_ui.rates import Limiter, Rate
from label_ui.switchboard import Json, refusal

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from label_ui.doorkeeper import Visitor

LARGEST_BODY = 1_000_000  # bytes; nothing is ever uploaded
PERSON_RATE = Rate(per_second=20, burst=80)
ADDRESS_RATE = Rate(per_second=200, burst=800)
PICTURE_RATE = Rate(per_second=400, burst=2_000)
_OPEN_PATHS = frozenset(("/login", "/logout", "/me", "/favicon.ico", "/manifest.json", "/robots.txt"))
_INVITATION = re.compile(r"/join/[^/]+")
_HASHED = "/assets/"  # Gradio's scripts: their names change with their content
_TIMED = ("/api/", "/picture/")  # not the entrance: how long a password takes is nobody's business
_READING = ("GET", "HEAD")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Gradio needs inline scripts and styles and eval; what matters here: nothing goes to another host.
    "Content-Security-Policy": (
        "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; connect-src 'self'; object-src 'none'; "
        "base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
}


@dataclass(slots=True)
class Gate:
    """ASGI middleware. ``hosts`` empty lets every name of this machine through; ``cookie`` names the login's."""

    app: ASGIApp
    visitor: Callable[[str], Visitor]
    cookie: str
    asks_login: bool
    hosts: tuple[str, ...] = ()
    _people: Limiter = field(default_factory=lambda: Limiter(PERSON_RATE))
    _addresses: Limiter = field(default_factory=lambda: Limiter(ADDRESS_RATE))
    _pictures: Limiter = field(default_factory=lambda: Limiter(PICTURE_RATE))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        send = _with_headers(send, scope["path"], time.perf_counter())
        headers = Headers(scope=scope)
        no = self._at_first_sight(scope, headers)
        if no is None:
            token = cookie_parser(headers.get("cookie", "")).get(self.cookie, "")
            visitor = await run_in_threadpool(self.visitor, token)
            scope.setdefault("state", {})["visitor"] = visitor
            no = self._for_this_visitor(scope, headers, visitor)
        if no is None:
            await self.app(scope, receive, send)
        else:
            await no.send(send)

    def _at_first_sight(self, scope: Scope, headers: Headers) -> No | None:
        host = headers.get("host", "")
        if self.hosts and _host_name(host) not in self.hosts:
            return No(400, refusal("this workbench answers to this machine's own name only"))
        if scope["method"] not in _READING and not _same_site(headers, host):
            return No(403, refusal("this request comes from another site's page"))
        if "transfer-encoding" in headers:
            return No(411, refusal("the length of the request is not given"))
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > LARGEST_BODY:
            return No(413, refusal(f"more than {LARGEST_BODY:,} bytes at once"))
        address = (scope.get("client") or ("",))[0]
        limiter = self._pictures if scope["path"].startswith("/picture/") else self._addresses
        return _too_often(limiter.wait_s(address))

    def _for_this_visitor(self, scope: Scope, headers: Headers, visitor: Visitor) -> No | None:
        path = scope["path"]
        who = visitor.annotator
        asks = path.startswith(("/api/", "/gradio_api/"))
        if who is not None and asks and (no := _too_often(self._people.wait_s(who.id))):
            return no
        if not self.asks_login or who is not None or _is_open(path):
            return None
        if scope["method"] in _READING and "text/html" in headers.get("accept", ""):
            return No(303, {}, {"Location": f"/login?next={quote(path)}"})
        return No(401, refusal("log in first", "open the workbench's page", again=True, login=True))


@dataclass(frozen=True, slots=True)
class No:
    """A refusal as JSON."""

    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)

    async def send(self, send: Send) -> None:
        body = json.dumps(self.body).encode()
        headers = {"Content-Type": "application/json", "Content-Length": str(len(body)), **self.headers}
        raw = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": raw})
        await send({"type": "http.response.body", "body": body})


def _is_open(path: str) -> bool:
    """Whether a path is there for those who have no login yet."""
    return path in _OPEN_PATHS or _INVITATION.fullmatch(path) is not None


def _too_often(wait_s: float) -> No | None:
    if not wait_s:
        return None
    after = {"Retry-After": str(math.ceil(wait_s))}
    busy = refusal("too many requests at once", "wait a moment", again=True, code="busy", values={})
    return No(429, busy, after)


def _same_site(headers: Headers, host: str) -> bool:
    """Browsers name the site of the page that asks; programs, which nobody can forge through, name none."""
    origin = headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return False
    return headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")


def _host_name(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _with_headers(send: Send, path: str, begun: float) -> Send:
    """Adds what every answer carries; Server-Timing is milliseconds from the gate to the answer's first byte."""

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message.get("headers", [])))
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
            if path.startswith(_TIMED):
                headers["Server-Timing"] = f"app;dur={(time.perf_counter() - begun) * 1000:.1f}"
            kind = headers.get("content-type", "")
            if "cache-control" not in headers and kind.startswith(("text/html", "application/json")):
                headers["Cache-Control"] = "no-store"
            if path.startswith(_HASHED) and message["status"] == 200:
                headers["Cache-Control"] = "private, max-age=31536000, immutable"
            message = {**message, "headers": headers.raw}
        await send(message)

    return sending
