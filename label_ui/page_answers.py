"""Answers to a browser that goes to a page: without Gradio's own advertisement, and a page where there is none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
    An address without a page is answered by a small page instead of JSON, with ``words`` by language (title, link),
    in ``lang`` or, where that is empty, in the language the browser asks for.
    """

    app: ASGIApp
    words: Mapping[str, Mapping[str, str]]
    lang: str = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _asks_for_page(scope):
            accepted = Headers(scope=scope).get("accept-language", "")
            lang = self.lang or wanted_language(accepted, tuple(self.words))
            await self.app(scope, receive, _Whole(send, partial(self._mended, lang)).send)
        else:
            await self.app(scope, receive, send)

    def _mended(self, lang: str, status: int, kind: str, body: bytes) -> tuple[str, bytes]:
        if status == 404 and not kind.startswith("text/html"):
            return "text/html; charset=utf-8", _nothing_here(self.words[lang], lang)
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


def wanted_language(accepted: str, known: Sequence[str]) -> str:
    """The language of ``known`` that an Accept-Language header (RFC 9110, 12.5.4) likes best; else ``en``."""
    liked = []
    for place, part in enumerate(accepted.split(",")):
        tag, _, weight = part.strip().partition(";")
        quality = re.fullmatch(r"\s*q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*", weight) if weight else None
        share = float(quality[1]) if quality else 0.0 if weight else 1.0
        lang = tag.strip().lower().partition("-")[0]
        if lang in known and share > 0:
            liked.append((-share, place, lang))
    return min(liked)[2] if liked else "en"


def _nothing_here(words: Mapping[str, str], lang: str) -> bytes:
    card = (
        f'<main class="mq-main"><h1>{escape(words["nothing_here"])}</h1>'
        f'<p><a href="/">{escape(words["nothing_here_link"])}</a></p></main>'
    )
    html = page_file("frame.html").partition("<script")[0] + "</body></html>"
    html = html.replace('<html lang="en">', f'<html lang="{lang}">')
    return html.replace("<!--STYLE-->", page_file("style.css")).replace("<!--BODY-->", card).encode()
