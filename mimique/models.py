"""The model registry as a person sees it: a table of what is where, and a fetch with progress."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from curate.registry import ModelEntry
from db.command import say


def print_models(*, as_json: bool) -> None:
    """Every known model on stdout: name, task, size, licence and where it is."""
    from curate.registry import known_models, located

    rows = [(model, located(model)) for model in known_models()]
    if as_json:
        records = [{**asdict(model), "path": str(path) if path else None} for model, path in rows]
        print(json.dumps(records, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in ("model", "task", "size", "licence", "where"):
        table.add_column(
            column, no_wrap=column in ("model", "size"), justify="right" if column == "size" else "left"
        )
    for model, path in rows:
        size = f"{model.size / 1e6:.1f} MB" if model.size else "?"
        table.add_row(
            model.name,
            model.task,
            size,
            model.licence,
            str(path) if path else f"[dim]{remedy(model)}[/]",
        )
    Console().print(table)


def remedy(model: ModelEntry) -> str:
    """How to get a model that is not here."""
    return (
        f"mimique models fetch {model.name}"
        if model.url
        else f"put {model.file} into a MIMIQUE_MODELS folder"
    )


def fetch_model(name: str) -> Path:
    """Download a model with a progress bar and its licence shown. Errors: ModelError, ServiceError."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from curate.registry import entry, fetch

    model = entry(name)
    say(f"{name}: licence {model.licence}")
    if not model.verified:
        say(f"{name}: not verified, as no checksum of it is known")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(name, total=None)
        return fetch(name, progress=lambda done, total: bar.update(task, completed=done, total=total))
