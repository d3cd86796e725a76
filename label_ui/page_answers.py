"""Answers to a browser that goes to a page: without Gradio's own advertisement, and a page where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders

from label_ui.pages import page_file

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Mend = Callable[[int, str, bytes], tuple[str, bytes]]  # of status, content type and body
_ADVERTISEMENT = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_NO_PAGES = ("/api/", "/picture/", "/assets/", "/gradio_api/")


@dataclass(slots=True)
class PageAnswers:
    """ASGI middleware. Gradio's pages name it and a picture on another host, for previews: that is taken out.
    An address without a page is answered by a small page instead of JSON, with ``words`` (title, link).
    """

    app: ASGIApp
    words: Mapping[str, str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _asks_for_page(scope):
            await self.app(scope, receive, _Whole(send, self._mended).send)
        else:
            await self.app(scope, receive, send)

    def _mended(self, status: int, kind: str, body: bytes) -> tuple[str, bytes]:
        if status == 404 and not kind.startswith("text/html"):
            return "text/html; charset=utf-8", _nothing_here(self.words)
        return kind, _ADVERTISEMENT.sub(b"", body) if kind.startswith("text/html") else body


class _Whole:
    """Holds back an answer until it is whole, and sends what ``mend`` makes of it."""

    def __init__(self, send: Send, mend: Mend) -> None:
        self._send, self._mend = send, mend
        self._start: Message | None = None
        self._body = bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if message.get("more_body", False):
            return
        headers = MutableHeaders(raw=list(self._start.get("headers", [])))
        body = bytes(self._body)
        if "content-encoding" not in headers:
            said = headers.get("content-type", "")
            kind, mended = self._mend(self._start["status"], said, body)
            if (kind, mended) != (said, body):
                headers["content-type"], headers["content-length"] = kind, str(len(mended))
                body = mended
        await self._send({**self._start, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _asks_for_page(scope: Scope) -> bool:
    wants = "text/html" in Headers(scope=scope).get("accept", "")
    return wants and scope["method"] == "GET" and not scope["path"].startswith(_NO_PAGES)


def _nothing_here(words: Mapping[str, str]) -> bytes:
    card = (
        f'<main class="mq-main"><h1>{escape(words["nothing_here"])}</h1>'
        f'<p><a href="/">{escape(words["nothing_here_link"])}</a></p></main>'
    )
    html = page_file("frame.html").partition("<script")[0] + "</body></html>"
    return html.replace("<!--STYLE-->", page_file("style.css")).replace("<!--BODY-->", card).encode()
