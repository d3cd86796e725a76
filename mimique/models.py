"""The model registry as a person sees it: a table of what is where, and a fetch with progress."""

from __future__ import annotations

import json
from pathlib import Path

from db.command import say


def print_models(*, as_json: bool) -> None:
    """Every known model on stdout: name, task, size, licence and where it is."""
    from curate.registry import known_models, located

    rows = [(entry, located(entry.name)) for entry in known_models()]
    if as_json:
        print(
            json.dumps(
                [
                    {
                        "name": e.name,
                        "task": e.task,
                        "file": e.file,
                        "size": e.size,
                        "licence": e.licence,
                        "sha256": e.sha256,
                        "path": str(path) if path else None,
                    }
                    for e, path in rows
                ],
                indent=2,
            )
        )
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for column in ("model", "task", "size", "licence", "where"):
        table.add_column(column, overflow="fold", justify="right" if column == "size" else "left")
    for entry, path in rows:
        size = f"{entry.size / 1e6:.1f} MB" if entry.size else "?"
        table.add_row(
            entry.name,
            entry.task,
            size,
            entry.licence,
            str(path) if path else f"[dim]mimique models fetch {entry.name}[/]",
        )
    Console().print(table)


def fetch_model(name: str) -> Path:
    """Download a model with a progress bar and its licence shown. Errors: ModelError, ServiceError."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn

    from curate.registry import fetch, model_entry

    say(f"{name}: licence {model_entry(name).licence}")
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        console=Console(stderr=True),
        transient=True,
    ) as bar:
        task = bar.add_task(name, total=None)
        return fetch(name, progress=lambda done, total: bar.update(task, completed=done, total=total))
