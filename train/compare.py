"""Runs for reading: a table of all, one in full, several side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from db.errors import InputError, NotFoundError
from db.records.runs import Run
from db.workspace import Workspace
from train.detector_recipe import is_detector
from train.detector_show import print_detector
from train.finish import main_scores
from train.people import people_in_words, people_on_class
from train.plots import plot_comparison
from train.runs import run_folder, run_state


def run_record(workspace: Workspace, run: Run) -> dict[str, Any]:
    """A run as plain values for JSON; ``state`` says what became of it."""
    return {
        "id": run.id,
        "state": run_state(workspace, run),
        "snapshot": run.snapshot_hash,
        "recipe": dict(run.recipe),
        "metrics": dict(run.metrics),
        "environment": dict(run.environment),
        "started_at": run.started_at.isoformat(),
        "ended_at": run.ended_at.isoformat() if run.ended_at else None,
        "folder": str(workspace.runs / run.id),
    }


def runs_table(workspace: Workspace, runs: Sequence[Run]) -> Table:
    """One line a run: state, size, epochs, time, and the figures it is judged by."""
    table = Table(box=None, header_style="bold")
    table.add_column("run", no_wrap=True, min_width=max((len(run.id) for run in runs), default=0))
    table.add_column("state", no_wrap=True, min_width=len("interrupted"))
    for column in ("px", "epochs", "time", "part", "accuracy (95 %)", "people", "macro-F1"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for run in runs:
        state = run_state(workspace, run)
        cells = _figures(run) if state == "done" else ("",) * 6
        table.add_row(run.id, state, str(run.recipe.get("imgsz", "")), *cells)
    return table


def _figures(run: Run) -> tuple[str, ...]:
    part, scores = main_scores(run.metrics)
    seconds = float(str(run.metrics.get("seconds", 0)))
    return (
        f"{run.metrics.get('best_epoch')}/{run.metrics.get('epochs')}",
        f"{seconds:.0f} s",
        part,
        f"{scores['accuracy']:.1%} ({scores['accuracy_low']:.0%}–{scores['accuracy_high']:.0%})",
        f"{scores['people']['share']:.0%}" if scores.get("people") else "",
        f"{scores['macro_f1']:.3f}",
    )


def print_run(workspace: Workspace, run: Run, console: Console) -> None:
    """Everything worth reading about one run: recipe, figures per class, confusion, files."""
    state = run_state(workspace, run)
    console.print(f"[bold]{run.id}[/bold]  {state}  snapshot {run.snapshot_hash[:12]}")
    shown = {key: "as many as suits" if value is None else value for key, value in run.recipe.items()}
    recipe = ", ".join(f"{key} {value}" for key, value in shown.items() if value not in ("", {}))
    console.print(f"recipe: {recipe}", highlight=False)
    if state != "done":
        console.print(_what_next(run, state), highlight=False)
        return
    if is_detector(run.recipe):
        print_detector(workspace, run, console)
        return
    metrics = run.metrics
    console.print(
        f"started from {metrics.get('start') or 'a checkpoint'}; {metrics.get('parameters'):,} parameters; "
        f"best epoch {metrics['best_epoch']} of {metrics['epochs']}; {metrics['seconds']} s",
        highlight=False,
    )
    for part in ("val", "test"):
        if part in metrics:
            console.print(_part_table(part, metrics[part]))
    folder = run_folder(workspace, run)
    names = "\n".join(f"  {path.name}" for path in sorted(folder.iterdir()) if path.name != "lock")
    console.print(f"files in {folder}:\n{names}", highlight=False)


def _what_next(run: Run, state: str) -> str:
    if state == "failed":
        return f"failed: {run.metrics.get('reason', 'no reason was kept')}"
    return f"go on with it: train resume {run.id}" if state == "interrupted" else "not finished yet"


def _part_table(part: str, scores: Any) -> Table:
    low, high = scores["accuracy_low"], scores["accuracy_high"]
    title = f"{part}: accuracy {scores['accuracy']:.1%} ({low:.0%} to {high:.0%}), macro-F1 {scores['macro_f1']:.3f}"
    title += people_in_words(scores)
    table = Table(title=title, title_justify="left", box=None, header_style="bold")
    table.add_column("true class")
    labels = [score["label"] for score in scores["classes"]]
    for label in labels:
        table.add_column(f"→ {label}", justify="right")
    for column in ("precision", "recall", "people", "F1", "faces"):
        table.add_column(column, justify="right")
    for score, row in zip(scores["classes"], scores["confusion"], strict=True):
        figures = (
            f"{score['precision']:.2f}",
            f"{score['recall']:.2f}",
            people_on_class(scores, score["label"]),
            f"{score['f1']:.2f}",
            str(score["support"]),
        )
        table.add_row(score["label"], *(str(n) for n in row), *figures)
    return table


def compare_runs(workspace: Workspace, names: Sequence[str]) -> tuple[tuple[Run, ...], str]:
    """The named finished classifiers (all finished ones when none is named), and the plot drawn of them.

    Gives the runs and the path of ``runs/comparison.png``. Errors: NotFoundError when a run is missing or
    not finished, or there is none; InputError for a detector's run.
    """
    runs = tuple(workspace.store.runs.load(name) for name in names) if names else workspace.store.runs.all()
    detectors = [run.id for run in runs if is_detector(run.recipe)]
    if names and detectors:
        raise InputError(
            f"run {detectors[0]} is a face detector: classifiers are compared here",
            hint="train list has the detectors side by side",
        )
    runs = tuple(run for run in runs if not is_detector(run.recipe))
    unfinished = [run.id for run in runs if run.status != "done"]
    if names and unfinished:
        raise NotFoundError(f"run {unfinished[0]} is not finished, so it has no figures", hint="train list")
    done = tuple(run for run in runs if run.status == "done")
    if not done:
        raise NotFoundError("there is no finished run to compare", hint="train yolo --size n")
    path = workspace.runs / "comparison.png"
    plot_comparison({run.id: main_scores(run.metrics)[1] for run in done}, path)
    return done, str(path)


def comparison_warnings(runs: Sequence[Run]) -> tuple[str, ...]:
    """Why the figures side by side may mislead."""
    snapshots = {run.snapshot_hash for run in runs}
    parts = {main_scores(run.metrics)[0] for run in runs}
    warnings = []
    if len(snapshots) > 1:
        warnings.append("these runs were trained and measured on different snapshots")
    if len(parts) > 1:
        warnings.append("some are measured on val, some on test")
    return tuple(warnings)
