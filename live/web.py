"""The live page: the browser's webcam in, the annotated picture out, nothing recorded.

Pictures travel as data addresses in the page's own messages. Gradio's image component would write every
picture into a cache folder on the disk; faces must not lie about there, so it is not used.
"""

from __future__ import annotations

import base64
import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from db.errors import InputError, ServiceError
from label_ui.serving import private_launch
from live.camera import Frame, Image
from live.loop import Annotated
from live.session import LiveOptions, Models, stop_requested
from live.smooth import Smoother, Smoothing

PORT = 7861
LOCALHOST = "127.0.0.1"
MOST_PIXELS = 4096 * 4096
PREFIX = "data:image/jpeg;annotated;base64,"
"""Marks an answer, so that the page never takes its own picture for one; browsers never see the mark."""

WIDE_CSS = """
.gradio-container, .gradio-container main { width: 100% !important; max-width: 880px !important; }
.gradio-container { margin: 0 auto !important; }
.gradio-container .fillable { padding: 0 !important; }
.gradio-container main { padding: 12px 20px !important; }
.gradio-container .column, .html-container { width: 100%; }
.html-container { padding: 0 !important; }
footer { display: none !important; }
"""


def picture_of(address: str) -> Image:
    """The (H, W, 3) uint8 RGB picture in a ``data:image/…;base64,`` address. Errors: InputError."""
    from PIL import Image as PillowImage

    head, _, data = address.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise InputError("this is no picture: expected a data:image/…;base64, address")
    try:
        with PillowImage.open(io.BytesIO(base64.b64decode(data, validate=True))) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise InputError(f"the picture is too large: {picture.width}×{picture.height}")
            return np.asarray(picture.convert("RGB"))
    except (ValueError, OSError, SyntaxError, PillowImage.DecompressionBombError) as error:
        raise InputError("the picture is damaged") from error


def address_of(image_rgb: Image) -> str:
    """The picture as a JPEG in a data address, marked as an answer."""
    from PIL import Image as PillowImage

    file = io.BytesIO()
    PillowImage.fromarray(image_rgb).save(file, "JPEG", quality=85)
    return PREFIX + base64.b64encode(file.getvalue()).decode("ascii")


@dataclass(frozen=True, slots=True)
class Page:
    """What the page's one handler does, free of Gradio."""

    models: Models

    def predict(self, frame: str, smoother: Smoother) -> tuple[str, str, list[dict[str, object]], Smoother]:
        """A picture address in; the annotated one, a status line, the faces and the session's smoother out."""
        started = time.monotonic()
        try:
            image_rgb = picture_of(frame or "")
        except InputError as error:
            return "", escape(str(error)), [], smoother
        seen = self.models.loop(smoother).process(Frame(image_rgb, started, 0))
        line = status_line(seen, time.monotonic() - started)
        return address_of(seen.image_rgb), line, [face.as_json() for face in seen.faces], smoother


def status_line(seen: Annotated, work_s: float) -> str:
    """What a person reads under the picture: the faces in words and the time it took."""
    if not seen.faces:
        return f"No face in the picture: come closer, or turn on a light · {work_s * 1000:.0f} ms"
    said = ", ".join(f"{face.label} {face.confidence:.0%}" for face in seen.faces[:4])
    more = f" and {len(seen.faces) - 4} more" if len(seen.faces) > 4 else ""
    number = "1 face" if len(seen.faces) == 1 else f"{len(seen.faces)} faces"
    return escape(f"{number}: {said}{more} · {work_s * 1000:.0f} ms")


def build_app(models: Models, half_life_s: float = 0.4, title: str = "") -> Any:
    """The Gradio app; ``/predict`` is its one endpoint: (picture address) → (address, status, faces)."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr

    page, files = Page(models), Path(__file__).parent
    with gr.Blocks(title="Mimique live", analytics_enabled=False) as app:
        gr.Markdown(f"# Mimique live\n{escape(title)}")
        view = gr.HTML(
            value="",
            html_template=(files / "page.html").read_text(encoding="utf-8"),
            css_template=(files / "page.css").read_text(encoding="utf-8"),
            js_on_load=(files / "page.js").read_text(encoding="utf-8"),
            apply_default_css=False,
        )
        status = gr.HTML("&nbsp;", elem_classes="live-status")
        gr.Markdown(
            "Pictures go only to the program on this computer. Nothing is recorded.\n\n"
            "A class is the model's guess at what a face shows, not at what a person feels."
        )
        faces = gr.JSON(visible=False)
        smoother = gr.State(Smoother(Smoothing(half_life_s)))
        view.submit(
            page.predict,
            [view, smoother],
            [view, status, faces, smoother],
            api_name="predict",
            show_progress="hidden",
            trigger_mode="multiple",
        )
    return app


def launch_app(app: Any, port: int | None = None) -> str:
    """Serve the app on 127.0.0.1 in a thread and give its address; ``app.close()`` ends it.

    Without a port the first free one from 7861 is taken. Errors: ServiceError when the port is taken.
    """
    try:
        launched = app.launch(**private_launch(LOCALHOST), server_port=port or _free_port(), css=WIDE_CSS)
    except OSError as error:
        raise ServiceError(
            f"port {port or PORT} is taken by another program", hint="choose another: live --web --port 7900"
        ) from error
    return str(launched[1])


def serve(
    models: Models, *, port: int | None, options: LiveOptions, title: str, say: Callable[[str], None]
) -> None:
    """Serve the page until Ctrl-C, or for ``options.max_seconds``. Errors: ServiceError."""
    app = build_app(models, options.half_life_s, title)
    address = launch_app(app, port)
    say(f"open {address} in a browser on this computer; Ctrl-C stops it")
    try:
        with stop_requested() as stop:
            stop.wait(options.max_seconds)
    finally:
        app.close(verbose=False)


def _free_port() -> int:
    import socket

    for port in range(PORT, PORT + 40):
        with socket.socket() as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((LOCALHOST, port))
            except OSError:
                continue
            return port
    raise ServiceError(f"no port is free from {PORT} on", hint="choose one: live --web --port 7900")
