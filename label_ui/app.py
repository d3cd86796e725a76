"""The workbench as one application: our server with Gradio's pages on it, and every call as a named API too."""

from __future__ import annotations

import inspect
import secrets
import socket
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_type_hints

from db.command import in_workspace
from db.errors import ServiceError
from db.privacy import keep_dependencies_quiet
from db.workspace import Workspace
from label_ui.desk import vote_setup, workspace_name
from label_ui.desks import desks_of
from label_ui.door import PASSWORD_VARIABLE, is_loopback, open_door, own_address
from label_ui.doorkeeper import Doorkeeper, needs_owner_key
from label_ui.pages import PAGES, Page, navigation, page_html, page_script, strings
from label_ui.server import build_server
from label_ui.serving import LOOPBACK
from label_ui.switchboard import Call, Json, Switchboard, answer

_STARTED_WITHIN_S = 60.0
_STOPPED_WITHIN_S = 5


@dataclass(frozen=True, slots=True)
class Running:
    """A served workbench: its address, the one to open first, what to tell who started it, and how to end it."""

    url: str
    first_url: str
    notes: tuple[str, ...]
    close: Callable[[], None]


def serve(
    workspace: Workspace, *, address: str = "127.0.0.1", port: int = 0, password: str = "", lang: str = ""
) -> Running:
    """Serve the workbench from threads of this process until ``close()``; port 0 takes any free one.

    People log in when other machines can reach it, or when there is a ``password``: an owner without a password
    of their own then comes in by it, or, without one, by a link that works once. ``lang`` is ``en`` or ``fr``;
    empty follows each browser. Nothing leaves the machine: no analytics, no outside fonts or scripts. Errors:
    InputError when the port is taken.
    """
    local = is_loopback(address)
    asks_login = bool(password) or not local
    owner_key = (
        secrets.token_urlsafe(24) if asks_login and not password and needs_owner_key(workspace.store) else ""
    )
    with open_door(address, port, in_workspace("label", workspace.path)) as door:
        url = _url(address, door.getsockname()[1])
        app = build_app(
            workspace,
            asks_login=asks_login,
            local=local,
            password=password,
            owner_key=owner_key,
            outside="" if local else url,
            lang=lang,
        )
        close = _run(app, door.dup())
    first_url = f"{url}/join/{owner_key}" if owner_key else url
    return Running(url, first_url, _notes(asks_login, password, owner_key and first_url, workspace), close)


def _run(app: Any, door: socket.socket) -> Callable[[], None]:
    """Serve from a thread; gives back what ends it, once requests are answered."""
    import uvicorn

    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        ws="none",
        timeout_keep_alive=30,
        timeout_graceful_shutdown=_STOPPED_WITHIN_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [door]}, name="workbench", daemon=True)
    thread.start()

    def close() -> None:
        server.should_exit = True
        thread.join(_STOPPED_WITHIN_S * 2)
        door.close()

    end = time.monotonic() + _STARTED_WITHIN_S
    while not server.started and thread.is_alive() and time.monotonic() < end:
        time.sleep(0.01)
    if not server.started:
        close()
        raise ServiceError("the workbench did not start", hint="MIMIQUE_DEBUG=1 shows more")
    return close


def _notes(asks_login: bool, password: str, link: str, workspace: Workspace) -> tuple[str, ...]:
    if link:
        return (f"the owner comes in by {link} (once, until a password is set)",)
    if not asks_login:
        return ("a name is enough here; for other machines: label --listen 0.0.0.0",)
    if password and not needs_owner_key(workspace.store):
        return (f"${PASSWORD_VARIABLE} opens nothing: the owner has a password of their own",)
    return ("the owner logs in by name and password",)


def _url(address: str, port: int) -> str:
    """Where the workbench is reached from here: an address of this machine, not "everywhere"."""
    named = own_address() if address == "0.0.0.0" else "::1" if address == "::" else address
    return f"http://[{named}]:{port}" if ":" in named else f"http://{named}:{port}"


def build_app(
    workspace: Workspace,
    *,
    asks_login: bool,
    local: bool,
    password: str = "",
    owner_key: str = "",
    outside: str = "",
    lang: str = "",
) -> Any:
    """The whole application (ASGI). ``local`` answers only requests that name this very machine.

    ``outside`` is where other machines reach it, for links; empty when they cannot.
    """
    keep_dependencies_quiet()
    import gradio as gr

    doorkeeper = Doorkeeper(workspace.store, asks_login=asks_login, password=password, owner_key=owner_key)
    switchboard = Switchboard(desks_of(workspace))
    setup = _setup(workspace, lang) | {"outside": outside}
    cookie = f"mimique-{workspace_name(workspace)}"
    hosts = LOOPBACK if local else ()
    app = build_server(workspace, doorkeeper, switchboard, setup, cookie=cookie, hosts=hosts)
    with warnings.catch_warnings():  # said of every application with several pages, asked for SSR or not
        warnings.filterwarnings("ignore", message="SSR mode is not supported", category=UserWarning)
        return gr.mount_gradio_app(
            app,
            build_pages(doorkeeper, switchboard, setup),
            path="/",
            auth_dependency=lambda request: _name(request) or (None if asks_login else ""),
            max_file_size="1kb",  # nothing is ever uploaded
            theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
            footer_links=[],
            run_history=False,
            enable_monitoring=False,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            show_error=False,
        )


def build_pages(doorkeeper: Doorkeeper, switchboard: Switchboard, setup: Json) -> Any:
    """The Gradio application: a page for each of ``PAGES``, and an API for each call of the switchboard."""
    import gradio as gr

    blocks = gr.Blocks(title="Mimique", analytics_enabled=False, fill_width=True)
    with blocks:
        _show(PAGES[0], setup)
        for call in switchboard.calls.values():
            gr.api(_from_client(call, doorkeeper, switchboard), api_name=call.name, concurrency_limit=None)
    for page in PAGES[1:]:
        with blocks.route(page.name, page.route):
            _show(page, setup)
    return blocks


def _show(page: Page, setup: Json) -> None:
    import gradio as gr

    gr.Navbar(visible=False)  # the bar is our own
    gr.HTML(html_template=page_html(page), js_on_load=page_script(page), apply_default_css=False, setup=setup)


def _setup(workspace: Workspace, lang: str) -> Json:
    """What every page knows from the start."""
    shared = {"strings": strings("door"), "pages": navigation(), "lang": lang}
    return {**vote_setup(workspace), "classes": list(workspace.settings.classes), **shared}


def _name(request: Any) -> str:
    who = request.state.visitor.annotator
    return who.name if who else ""


def _from_client(call: Call, doorkeeper: Doorkeeper, switchboard: Switchboard) -> Callable[..., Any]:
    """The call for ``gradio_client``: the same, with the caller's name first (empty: who is logged in)."""
    import gradio as gr

    joining = call.name == "join"

    def answer_client(annotator: str, *values: Any) -> Any:
        request, given = values[-1], dict(zip(names, values[:-1], strict=True))

        def run() -> Any:
            free = joining and not doorkeeper.asks_login
            visitor = doorkeeper.join(annotator) if free else doorkeeper.named(request.username or "")
            return switchboard.run(call.name, doorkeeper.person(visitor, annotator), given)

        told = answer(run).body
        if "error" in told:
            raise gr.Error(told["error"], print_exception=False)
        return told["ok"]

    hints = get_type_hints(call.method)
    names = [value.name for value in call.values]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [
        inspect.Parameter("name" if joining else "annotator", kind, annotation=str),
        *(value.replace(kind=kind, annotation=hints[value.name]) for value in call.values),
        inspect.Parameter("request", kind, annotation=gr.Request, default=None),
    ]
    answer_client.__signature__ = inspect.Signature(parameters, return_annotation=Any)  # type: ignore[attr-defined]
    answer_client.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    answer_client.__name__, answer_client.__doc__ = call.name, call.method.__doc__
    return answer_client
