"""The ``curate`` command: faces, duplicates, consensus, split, export, status."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from curate.agreement_cli import agreement_command
from curate.consensus_cli import consensus_command
from curate.faces_cli import faces_command
from curate.snapshot_cli import export_command, split_command
from db.command import command_group, counted, say, say_next, workspace_option

main = command_group(
    "curate",
    """Turn photos into a data set: find faces, settle votes, split without leaks, export.

    \b
    Examples, in the order of the work:
      curate faces                       find and cut out the faces of new photos
      curate duplicates                  mark near-copies
      curate consensus                   decide labels from the votes
      curate agreement                   how far people agree, and who differs
      curate split --ratios 20:4:1       an immutable, leak-free snapshot
      curate export --format yolo-cls    the snapshot as files
      curate status                      how far everything is
    """,
    background=True,
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@main.command()
@workspace_option
@click.option(
    "--distance",
    type=click.IntRange(0, 16),
    default=6,
    show_default=True,
    help="How many of 64 hash bits two near-copies may differ in.",
)
@_json_option
def duplicates(workspace: Path, distance: int, as_json: bool) -> None:
    """Group faces that are near-copies of each other, so that a split keeps them together.

    \b
    Example:
      curate duplicates --distance 6
    """
    from curate.duplicates import mark_duplicates
    from db.workspace import open_workspace

    done = mark_duplicates(open_workspace(workspace), distance)
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    click.echo(
        f"{done.groups:,} near-duplicate groups hold {done.grouped:,} of {counted(done.faces, 'faces')} "
        f"(largest: {done.largest:,})"
    )
    if done.missing:
        say(
            f"could not read {counted(done.missing, 'crops')}, left ungrouped: see `curate status --failures`"
        )
    if done.faces:
        say_next(workspace, "label")


@main.command()
@workspace_option
@click.option("--failures", is_flag=True, help="Print instead what could not be handled, and why.")
@_json_option
def status(workspace: Path, failures: bool, as_json: bool) -> None:
    """Say how many photos, faces, votes, labels and snapshots there are.

    \b
    Examples:
      curate status
      curate status --failures     a line for each photo that failed: stage, photo, reason
    """
    from curate.status import failures_of, status_of
    from db.workspace import open_workspace

    opened = open_workspace(workspace)
    if failures:
        for failure in failures_of(opened):
            click.echo(json.dumps(asdict(failure)) if as_json else str(failure))
        return
    now = status_of(opened)
    if as_json:
        click.echo(json.dumps(asdict(now)))
        return
    for what, count in now.rows():
        click.echo(f"{what:<26}{count:>12}")


for _command in (faces_command, consensus_command, agreement_command, split_command, export_command):
    main.add_command(_command)
