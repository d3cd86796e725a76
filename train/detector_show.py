"""Runs of face detectors for reading: a table of all, one in full."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from db.command import counted
from db.records.runs import Run
from db.workspace import Workspace
from train.runs import run_folder, run_state

LEAST_AP50 = 0.05


def detectors_table(workspace: Workspace, runs: Sequence[Run]) -> Table:
    """One line a run: state, picture size, epochs, time, and AP50 on the held-out photos by least height."""
    table = Table(box=None, header_style="bold")
    table.add_column("detector run", no_wrap=True, min_width=max((len(run.id) for run in runs), default=0))
    table.add_column("state", no_wrap=True, min_width=len("interrupted"))
    for column in ("px", "epochs", "time", "AP50 all", "≥ 20 px", "≥ 50 px", "≥ 100 px"):
        table.add_column(column, justify="right")
    for run in runs:
        state = run_state(workspace, run)
        cells = _figures(run.metrics) if state == "done" else ()
        epochs = str(run.recipe.get("epochs", ""))
        table.add_row(run.id, state, str(run.recipe.get("imgsz", "")), epochs, *cells)
    return table


def _figures(metrics: Any) -> tuple[str, ...]:
    return (f"{metrics['seconds']:.0f} s", *(_value(row["ap50"]) for row in metrics["held_out"].values()))


def _value(ap50: float | None) -> str:
    return "–" if ap50 is None else f"{ap50:.3f}"


def print_detector(workspace: Workspace, run: Run, console: Console) -> None:
    """What a finished detector run learnt from, how good it is, and its files."""
    metrics: Any = run.metrics
    console.print(
        f"started from {metrics['start']}; {counted(metrics['photos'], 'photos')} and "
        f"{metrics['pictures'] - metrics['photos']:,} drawn, with {counted(metrics['faces'], 'faces')}; "
        f"{metrics['steps']:,} steps; {metrics['seconds']} s; {counted(metrics['problems'], 'lines left out')}",
        highlight=False,
    )
    title = f"AP50 on {metrics['held_out_photos']:,} held-out photos"
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    for column in ("least height", "AP50", "95 % interval", "faces"):
        table.add_column(column, justify="right")
    for px, row in metrics["held_out"].items():
        sides = "–" if row["ap50"] is None else f"{row['low']:.3f} to {row['high']:.3f}"
        table.add_row("all" if px == "0" else f"{px} px", _value(row["ap50"]), sides, f"{row['faces']:,}")
    console.print(table)
    folder = run_folder(workspace, run)
    names = "\n".join(f"  {path.name}" for path in sorted(folder.iterdir()) if path.name != "lock")
    console.print(f"files in {folder}:\n{names}", highlight=False)
    console.print(use_of_detector(run, folder / "model.onnx"), highlight=False)


def use_of_detector(run: Run, model: Path) -> str:
    """What to do with a finished detector: try it on any pictures, or train for longer when it finds next to none."""
    metrics: Any = run.metrics
    ap50 = metrics["held_out"]["0"]["ap50"]
    if ap50 is not None and ap50 < LEAST_AP50:
        return f"it finds next to nothing yet: train again with more --epochs than {metrics['epochs']}"
    return f"try it on pictures: curate faces --json --detector {shlex.quote(str(model))} PATH"
