"""What this machine has for each stage, and the command that gets what is missing."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from db.errors import MimiqueError

State = Literal["ok", "missing", "broken"]

_NEEDED = (
    "torch",
    "torchvision",
    "ultralytics",
    "onnxruntime",
    "opencv-python",
    "av",
    "gradio",
    "flickrapi",
    "yt-dlp",
)
_OPTIONAL = {
    "openvino": "faster face detection on Intel CPUs: pip install 'mimique[openvino]'",
    "psycopg": "a store on PostgreSQL: pip install 'mimique[postgres]'",
    "s3fs": "pictures on S3: pip install 'mimique[s3]'",
}
_LOW_DISK_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. ``missing`` things are optional; ``broken`` ones stop a stage for sure."""

    topic: str
    name: str
    state: State
    detail: str
    remedy: str = ""


def examine(workspace: Path) -> list[Finding]:
    """Look at everything; nothing is downloaded or sent."""
    looks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _compute,
        _models,
        _cameras,
        _ffmpeg,
        lambda: _workspace(workspace),
        _keys,
    )
    return [finding for look in looks for finding in look()]


def print_findings(findings: list[Finding], *, as_json: bool) -> None:
    """A table on stdout, or one JSON object {"findings": […]}."""
    if as_json:
        import json

        print(json.dumps({"findings": [asdict(finding) for finding in findings]}, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    marks = {"ok": "[green]✓[/]", "missing": "[yellow]–[/]", "broken": "[red]✗[/]"}
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for column in ("", "topic", "what", "found"):
        table.add_column(column, overflow="fold")
    topic = ""
    for finding in findings:
        shown = "" if finding.topic == topic else finding.topic
        topic = finding.topic
        remedy = f"\n[dim]{_plain(finding.remedy)}[/]" if finding.remedy else ""
        table.add_row(marks[finding.state], shown, finding.name, _plain(finding.detail) + remedy)
    Console().print(table)


def _plain(text: str) -> str:
    from rich.markup import escape

    return escape(text)


def _python() -> Iterator[Finding]:
    recent = sys.version_info >= (3, 11)
    yield Finding(
        "python",
        platform.python_version(),
        "ok" if recent else "broken",
        f"{sys.executable} on {platform.system()} {platform.machine()}",
        "" if recent else "Mimique needs Python 3.11 or newer",
    )
    yield Finding("python", "mimique", "ok", importlib.metadata.version("mimique"))


def _packages() -> Iterator[Finding]:
    for name in _NEEDED:
        version = _version(name)
        yield Finding(
            "packages",
            name,
            "ok" if version else "broken",
            version or "not installed",
            "" if version else f"pip install {name}",
        )
    for name, use in _OPTIONAL.items():
        version = _version(name)
        yield Finding(
            "packages",
            name,
            "ok" if version else "missing",
            version or "not installed (optional)",
            "" if version else use,
        )


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _compute() -> Iterator[Finding]:
    yield Finding("compute", "CPU", "ok", f"{os.cpu_count()} cores")
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("torchvision") is None:
        return
    try:
        import torch
        import torchvision as torchvision  # beside another build of torch its operators are not there
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        yield Finding(
            "compute",
            "PyTorch",
            "broken",
            f"torch and torchvision do not start together: {reason}",
            "install both again, from the same place, as pytorch.org/get-started says for this machine",
        )
        return
    if torch.cuda.is_available():
        yield Finding("compute", "GPU", "ok", torch.cuda.get_device_name(0))
    else:
        yield Finding(
            "compute",
            "GPU",
            "missing",
            "none that PyTorch can use (optional)",
            "everything runs on the CPU; a GPU shortens training",
        )


def _models() -> Iterator[Finding]:
    from curate.registry import known_models, located
    from mimique.models import remedy

    for model in known_models():
        path = located(model)
        absent: State = "broken" if model.bundled else "missing"
        yield Finding(
            "models",
            model.name,
            "ok" if path else absent,
            str(path) if path else "not here (optional)",
            "" if path else remedy(model),
        )


def _cameras() -> Iterator[Finding]:
    from live.camera import answering_cameras

    found = answering_cameras()
    for index in found:
        yield Finding("cameras", str(index), "ok", f"live --camera {index}")
    if not found:
        yield Finding(
            "cameras",
            "none",
            "missing",
            "none answers",
            "live --web uses the browser's camera; live --video FILE needs none",
        )


def _ffmpeg() -> Iterator[Finding]:
    path = shutil.which("ffmpeg")
    yield Finding("video", "PyAV", "ok", f"{_version('av')}: reads and writes video files by itself")
    yield Finding(
        "video",
        "ffmpeg",
        "ok" if path else "missing",
        path or "not installed (optional)",
        "" if path else "only yt-dlp wants it, to join some sites' sound and picture: apt install ffmpeg",
    )


def _workspace(path: Path) -> Iterator[Finding]:
    try:
        from db.workspace import open_workspace

        workspace = open_workspace(path)
    except MimiqueError as error:
        is_absent = not (path / "mimique.toml").exists()
        yield Finding("workspace", str(path), "missing" if is_absent else "broken", str(error), error.hint)
    else:
        store = workspace.store
        yield Finding("workspace", str(path), "ok", f"classes {', '.join(workspace.settings.classes)}")
        yield Finding(
            "workspace",
            store.backend,
            "ok",
            f"{store.photos.count():,} photos, {store.faces.count():,} faces",
        )
        store.close()
    free = shutil.disk_usage(path if path.exists() else ".").free
    yield Finding(
        "workspace",
        "disk",
        "ok" if free > _LOW_DISK_BYTES else "broken",
        f"{free / 1024**3:.1f} GiB free",
        "" if free > _LOW_DISK_BYTES else "free some space before a harvest",
    )


def _keys() -> Iterator[Finding]:
    both = all(os.environ.get(name) for name in ("FLICKR_API_KEY", "FLICKR_API_SECRET"))
    yield Finding(
        "keys",
        "Flickr",
        "ok" if both else "missing",
        "set in the environment" if both else "not set (optional)",
        ""
        if both
        else "ask for one at https://www.flickr.com/services/apps/create/ and set "
        "FLICKR_API_KEY and FLICKR_API_SECRET",
    )
