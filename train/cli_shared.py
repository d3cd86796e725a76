"""What the commands that train have in common: options, going on with a run, the last line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from db.command import say

if TYPE_CHECKING:
    from db.records import Run

SEED = click.IntRange(0, 2**31 - 1)  # what every generator takes
DEVICES = click.Choice(["auto", "cpu", "cuda"])


def resume_named(path: Path, name: str) -> None:
    """Go on with an interrupted run of the workspace at ``path``, and print its folder."""
    from db.workspace import open_workspace
    from train.resume import resume_run

    workspace = open_workspace(path)
    run = resume_run(workspace, name)
    announce(workspace.runs / run.id, run)


def announce(folder: Path, run: Run) -> None:
    """Say what to do with a finished run, and print its folder."""
    from train.detector_recipe import is_detector

    try_it = (
        f"curate faces --detector {folder / 'model.onnx'}"
        if is_detector(run.recipe)
        else f"live --run {run.id}"
    )
    say(f"see it: train show {run.id}; try it: {try_it}")
    click.echo(str(folder))
