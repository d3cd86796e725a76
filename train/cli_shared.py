"""What the commands that train have in common: options, going on with a run, the last line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from db.command import in_workspace, say

if TYPE_CHECKING:
    from db.records.runs import Run
    from db.workspace import Workspace

SEED = click.IntRange(0, 2**31 - 1)  # what every generator takes
DEVICES = click.Choice(["auto", "cpu", "cuda"])


def resume_named(path: Path, name: str) -> None:
    """Go on with an interrupted run of the workspace at ``path``, and print its folder."""
    from db.workspace import open_workspace
    from train.resume import resume_run

    workspace = open_workspace(path)
    announce(workspace, resume_run(workspace, name))


def announce(workspace: Workspace, run: Run) -> None:
    """Say what to do with a finished run, and print its folder."""
    from train.detector_recipe import is_detector
    from train.detector_show import use_of_detector

    folder = workspace.runs / run.id
    say(f"see it: {in_workspace(f'train show {run.id}', workspace.path)}")
    if is_detector(run.recipe):
        say(use_of_detector(run, folder / "model.onnx"))
    else:
        say(f"try it: {in_workspace(f'live --run {run.id}', workspace.path)}")
    click.echo(str(folder))
