"""The entrance's routes: logging in, accepting an invitation, a new password, logging out."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from db.errors import MimiqueError
from label_ui.doorkeeper import Visitor
from label_ui.pages import page_file
from label_ui.requests import Web, text_of, values_of
from label_ui.switchboard import Json

_FORM = "application/x-www-form-urlencoded"
_SETUP = ("strings", "lang", "workspace")


def add_entrance(app: FastAPI, web: Web, setup: Json) -> None:
    """Add the entrance to the application. Every POST here lets in, or out, whoever sends it; none needs a login."""
    keeper = web.doorkeeper
    shared = {key: setup[key] for key in _SETUP}

    @app.get("/login")
    async def login_page(request: Request) -> Response:
        return _page({**shared, "invite": None, "me": _name(web, request)})

    @app.post("/login")
    async def login(request: Request) -> Response:
        values = await _form(request) or await values_of(request)

        def come_in() -> tuple[Visitor, Json]:
            name, password = (text_of(values, key) for key in ("username", "password"))
            return keeper.log_in(name, password, _address(request)), {"success": True}

        return await run_in_threadpool(web.let_in, request, come_in)

    @app.get("/join/{token}")
    async def invitation(token: str, request: Request) -> Response:
        try:
            offer = await run_in_threadpool(keeper.welcome, token)
        except MimiqueError as error:
            invite = {"error": str(error), "hint": error.hint}
        else:
            invite = {"name": offer.name, "role": offer.role}
        return _page({**shared, "invite": invite, "me": _name(web, request)})

    @app.post("/join/{token}")
    async def accept(token: str, request: Request) -> Response:
        values = await values_of(request)

        def come_in() -> tuple[Visitor, Json]:
            name, password = (text_of(values, key) for key in ("name", "password"))
            return keeper.accept(token, name, password), {}

        return await run_in_threadpool(web.let_in, request, come_in)

    @app.post("/password")
    async def password(request: Request) -> Response:
        values = await web.values(request)

        def change() -> tuple[Visitor, Json]:
            who = keeper.person(web.visitor(request))
            old, new = (text_of(values, key) for key in ("old", "new"))
            return keeper.change_password(who, old, new, _address(request)), {}

        return await run_in_threadpool(web.let_in, request, change)

    @app.post("/logout")
    async def logout(request: Request) -> Response:
        await web.values(request)
        return await run_in_threadpool(web.leave, request)

    @app.get("/logout")
    async def no_logout() -> JSONResponse:
        return JSONResponse({"error": "a link must not log anybody out", "hint": "POST /logout"}, 405)


def _page(setup: Json) -> HTMLResponse:
    data = json.dumps(setup).replace("<", "\\u003c")
    parts: dict[str, Any] = {
        "STYLE": page_file("style.css") + page_file("door.css"),
        "BODY": page_file("door.html"),
        "SETUP": data,
        "SCRIPT": page_file("call.js") + page_file("door.js"),
    }
    html = page_file("frame.html")
    for name, text in parts.items():
        html = html.replace(f"<!--{name}-->", text)
    return HTMLResponse(html, headers={"Referrer-Policy": "no-referrer"})


async def _form(request: Request) -> Json | None:
    """The form ``gradio_client`` logs in with, if it is one."""
    if request.headers.get("content-type", "").split(";")[0] != _FORM:
        return None
    fields = parse_qs((await request.body()).decode("utf-8", "replace"), max_num_fields=20)
    return {name: values[0] for name, values in fields.items()}


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _name(web: Web, request: Request) -> str:
    who = web.visitor(request).annotator
    return who.name if who else ""
