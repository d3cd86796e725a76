"""Requests and responses of the workbench's own routes: the visitor, JSON in and out, the login's cookie."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from db.errors import InputError
from label_ui.doorkeeper import LONGEST, Doorkeeper, Visitor
from label_ui.switchboard import Answer, Json, answer, refusal

TOKEN_HEADER = "X-Mimique-Token"


class Refused(Exception):  # noqa: N818 (an answer, not a failure)
    """Ends a request with this answer."""

    def __init__(self, status: int, body: Json) -> None:
        super().__init__(body["error"])
        self.answer = Answer(status, body)


def answer_refused(_request: Request, refused: Exception) -> Response:
    """FastAPI's handler of ``Refused``."""
    assert isinstance(refused, Refused)
    return JSONResponse(refused.answer.body, refused.answer.status)


def answer_nobody(_request: Request, _gone: Exception) -> Response:
    """FastAPI's handler of ``ClientDisconnect``: who left while sending hears nothing, and nothing is wrong."""
    return Response(status_code=400)


@dataclass(frozen=True, slots=True)
class Web:
    """What the routes share: the doorkeeper, and the name of the login's cookie."""

    doorkeeper: Doorkeeper
    cookie: str

    def visitor(self, request: Request) -> Visitor:
        """Who the request is from, as the gate found out."""
        visitor: Visitor = request.state.visitor
        return visitor

    async def values(self, request: Request) -> Json:
        """The JSON object a page of ours sent. Errors: Refused when it is none, or no page of ours sent it."""
        values = await values_of(request)
        visitor = self.visitor(request)
        given = request.headers.get(TOKEN_HEADER, "")
        if visitor.token and not hmac.compare_digest(given.encode(), visitor.page_token.encode()):
            raise Refused(403, refusal("this page is older than your login", "reload the page", stale=True))
        return values

    def let_in(self, request: Request, come_in: Callable[[], tuple[Visitor, Json]]) -> Response:
        """Who came in, with the cookie of their new login, or why not."""
        came: list[Visitor] = []

        def run() -> Json:
            visitor, more = come_in()
            came.append(visitor)
            return {**more, **me_of(visitor, self.doorkeeper)}

        response = self.json(answer(run))
        if came:
            self.doorkeeper.leave(self.visitor(request))
            self._set_cookie(response, request, came[0].token)
        return response

    def leave(self, request: Request) -> Response:
        """End the login, here and in the browser."""
        self.doorkeeper.leave(self.visitor(request))
        response = self.json(Answer(200, {"ok": {}}))
        response.delete_cookie(self.cookie, path="/", httponly=True, samesite="lax")
        return response

    def json(self, given: Answer) -> JSONResponse:
        return JSONResponse(given.body, given.status)

    def _set_cookie(self, response: Response, request: Request, token: str) -> None:
        response.set_cookie(
            self.cookie,
            token,
            max_age=int(LONGEST.total_seconds()),
            path="/",
            httponly=True,
            samesite="lax",  # a link from a chat finds one logged in; forged posts are stopped by the token
            secure=request.url.scheme == "https",
        )


def me_of(visitor: Visitor, doorkeeper: Doorkeeper) -> Json:
    """What a page knows of its visitor."""
    who = visitor.annotator
    return {
        "name": who.name if who else "",
        "role": who.role if who else "",
        "token": visitor.page_token,
        "asks_login": doorkeeper.asks_login,
    }


async def values_of(request: Request) -> Json:
    """The JSON object of a request's body. Errors: Refused when it is none."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Refused(415, refusal("expected JSON (Content-Type: application/json)"))
    try:
        values = json.loads(await request.body() or b"{}")
    except (ValueError, RecursionError) as error:
        raise Refused(400, refusal(f"this is no JSON: {error}")) from error
    if not isinstance(values, dict):
        raise Refused(400, refusal("expected a JSON object of named values"))
    return values


def text_of(values: Json, name: str) -> str:
    """A text among the values; empty when it is not there. Errors: InputError for anything but a text."""
    value = values.get(name, "")
    if not isinstance(value, str):
        raise InputError(f"{name}: expected a text, got {json.dumps(value)[:80]}")
    return value
