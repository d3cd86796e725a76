"""The workbench's server: one FastAPI application with our own small routes, and Gradio's pages on it.

POST /api/NAME        a call to a desk, JSON in and out          GET /me           who I am
GET  /picture/…       faces and photos                           GET /login, /join/TOKEN, POST /logout
everything else       Gradio: the pages, and the same calls for gradio_client
"""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from db.workspace import Workspace
from label_ui.doorkeeper import Doorkeeper, Visitor
from label_ui.entrance import add_entrance
from label_ui.gate import Gate
from label_ui.page_answers import PageAnswers
from label_ui.picture_routes import add_pictures
from label_ui.requests import Refused, Web, answer_nobody, answer_refused, me_of, text_of
from label_ui.switchboard import Answer, Json, Switchboard, answer


def build_server(
    workspace: Workspace,
    doorkeeper: Doorkeeper,
    switchboard: Switchboard,
    setup: Json,
    *,
    cookie: str,
    hosts: Sequence[str] = (),
) -> FastAPI:
    """The application without Gradio's pages; ``hosts`` are the only names it answers to (empty: all)."""
    app = FastAPI(title="Mimique", docs_url=None, redoc_url=None, openapi_url=None)
    app.add_middleware(
        Gate, visitor=doorkeeper.visitor, cookie=cookie, asks_login=doorkeeper.asks_login, hosts=tuple(hosts)
    )
    app.add_middleware(PageAnswers, words=setup["strings"], lang=setup["lang"])
    app.add_exception_handler(Refused, answer_refused)
    app.add_exception_handler(ClientDisconnect, answer_nobody)
    web = Web(doorkeeper, cookie)
    _add_calls(app, web, switchboard)
    add_entrance(app, web, setup)
    add_pictures(app, workspace)
    return app


def _add_calls(app: FastAPI, web: Web, switchboard: Switchboard) -> None:
    @app.get("/me")
    async def me(request: Request) -> JSONResponse:
        return JSONResponse(me_of(web.visitor(request), web.doorkeeper))

    @app.post("/api/{name}")
    async def call(name: str, request: Request) -> Response:
        values = await web.values(request)
        if name == "join" and not web.doorkeeper.asks_login:
            return await run_in_threadpool(_join, request, values)
        return web.json(await run_in_threadpool(_called, web.visitor(request), name, values))

    def _called(visitor: Visitor, name: str, values: Json) -> Answer:
        def run() -> object:
            switchboard.find(name)
            claimed = text_of(values, "annotator")
            given = {key: value for key, value in values.items() if key != "annotator"}
            return switchboard.run(name, web.doorkeeper.person(visitor, claimed), given)

        return answer(run)

    def _join(request: Request, values: Json) -> Response:
        def come_in() -> tuple[Visitor, Json]:
            came = web.doorkeeper.join(text_of(values, "name"), text_of(values, "password"))
            return came, switchboard.run("join", web.doorkeeper.person(came), {})

        return web.let_in(request, come_in)
