"""The workbench as a Gradio application: one component of our own, and every call as a named API too."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from db.privacy import keep_dependencies_quiet
from db.records import FLAGS
from db.workspace import Workspace
from label_ui.desk import Desk, Json, envelope, workspace_name
from label_ui.serving import private_launch

_SCRIPTS = ("outbox.js", "deck.js", "progress.js", "screen.js", "workbench.js")
_FIRST_COMMANDS = ("collect sample --count 400", "curate faces")


@dataclass(frozen=True, slots=True)
class Running:
    """A served workbench: its address, and how to end it."""

    url: str
    close: Callable[[], None]


def serve(
    workspace: Workspace, *, address: str = "127.0.0.1", port: int, password: str = "", lang: str = ""
) -> Running:
    """Serve the workbench from threads of this process until ``close()``.

    With a ``password`` everybody logs in with a name of their own and that password. ``lang`` is ``en`` or
    ``fr``; empty follows each browser. Nothing leaves the machine: no analytics, no outside fonts or scripts.
    """
    keep_dependencies_quiet()
    import gradio as gr

    page = build(Desk(workspace), lang)
    page.launch(
        **private_launch(address),
        server_port=port,
        auth=_login(password) if password else None,
        auth_message="Mimique: your own name, and the team's password.",
        max_file_size="1kb",  # nothing is ever uploaded
        theme=gr.themes.Base(font=["system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    )
    shown = f"[{address}]" if ":" in address else address
    return Running(f"http://{shown}:{port}", page.close)


def build(desk: Desk, lang: str = "") -> Any:
    """The Gradio page. The browser calls the desk directly, without Gradio's queue; clients by API name."""
    import gradio as gr

    calls = (desk.join, desk.next, desk.vote, desk.skip, desk.undo, desk.photo, desk.mine, desk.progress)
    with gr.Blocks(title="Mimique", analytics_enabled=False, fill_width=True) as page:
        gr.HTML(
            html_template=f"<style>{_text('page.css')}</style>{_text('page.html')}",
            js_on_load="\n".join(_text(name) for name in _SCRIPTS)
            + "\nnew Workbench(element, server, props.setup);",
            apply_default_css=False,
            server_functions=[_from_page(call) for call in calls],
            setup=_setup(desk.workspace, lang),
        )
        for call in calls:
            gr.api(_from_client(call), api_name=call.__name__, concurrency_limit=None)
    return page


def _setup(workspace: Workspace, lang: str) -> Json:
    at = "" if workspace.path.name == "workspace" else f" --workspace {workspace.path}"
    return {
        "classes": list(workspace.settings.classes),
        "flags": list(FLAGS),
        "strings": json.loads(_text("strings.json")),
        "lang": lang,
        "workspace": workspace_name(workspace),
        "commands": [command + at for command in _FIRST_COMMANDS],
    }


def _from_page(call: Callable[..., Any]) -> Callable[[Json], Json]:
    def answer(values: Json) -> Json:
        return envelope(call, values)

    answer.__name__ = call.__name__
    return answer


def _from_client(call: Callable[..., Any]) -> Callable[..., Any]:
    import functools

    import gradio as gr

    from db.errors import MimiqueError

    @functools.wraps(call)
    def answer(*values: Any) -> Any:
        try:
            return call(*values)
        except MimiqueError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answer


def _login(password: str) -> Callable[[str, str], bool]:
    def allowed(name: str, given: str) -> bool:
        return bool(name.strip()) and hmac.compare_digest(given.encode(), password.encode())

    return allowed


def _text(name: str) -> str:
    return files("label_ui").joinpath("page", name).read_text(encoding="utf-8")
