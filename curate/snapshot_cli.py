"""The commands ``curate split`` and ``curate export``: a snapshot is made, and leaves as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from db.command import counted, say, workspace_option

if TYPE_CHECKING:
    from curate.snapshots import SplitResult


class RatioParam(click.ParamType[tuple[float, float, float]]):
    """``20:4:1`` as three numbers."""

    name = "train:val:test"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float, float]:
        if isinstance(value, tuple):
            return value
        try:
            train, val, test = (float(number) for number in str(value).split(":"))
        except ValueError:
            self.fail(f"{value!r} is not three numbers such as 20:4:1", param, ctx)
        if not (train > 0 and val >= 0 and test >= 0 and train + val + test < 1e6):
            self.fail(f"{value!r}: train must be above 0, val and test 0 or more", param, ctx)
        return train, val, test


@click.command("split")
@workspace_option
@click.option(
    "--ratios", type=RatioParam(), default="20:4:1", show_default=True, help="Shares of train, val and test."
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Another seed, another split.",
)
@click.option("--use-hints", is_flag=True, help="Keep the parts that a collected data set came in.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def split_command(
    workspace: Path, ratios: tuple[float, float, float], seed: int, use_hints: bool, as_json: bool
) -> None:
    """Make an immutable train, val and test split in which nothing leaks.

    \b
    Examples:
      curate split --ratios 20:4:1
      curate split --ratios 8:1:1 --seed 7

    Faces of one photo, photographer, video or near-duplicate group always lie in the same part. Every class
    keeps the ratios to within one face, or one group. The same labels give the same snapshot anywhere.
    """
    from curate.snapshots import make_snapshot
    from db.workspace import open_workspace

    result = make_snapshot(open_workspace(workspace), ratios, seed, use_hints=use_hints)
    for note in result.notes:
        say(f"warning: {note}")
    _print_split(result, as_json)


def _print_split(result: SplitResult, as_json: bool) -> None:
    from curate.snapshots import part_counts

    counts = part_counts(result.snapshot)
    if as_json:
        content = {
            "snapshot": result.snapshot.hash,
            "new": result.new,
            "faces": len(result.snapshot.members),
            "parts": counts,
            "leaks": len(result.leaks),
            "copies_left_out": result.copies,
            "notes": list(result.notes),
        }
        click.echo(json.dumps(content, ensure_ascii=False))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("part", *result.snapshot.classes, "all")
    for part, by_class in counts.items():
        table.add_row(part, *(f"{n:,}" for n in by_class.values()), f"{sum(by_class.values()):,}")
    Console().print(table)
    known = "" if result.new else " (the store had it already)"
    click.echo(
        f"snapshot {result.snapshot.hash[:12]}: {counted(len(result.snapshot.members), 'faces')}{known}"
    )
    if result.copies:
        click.echo(f"{result.copies:,} exact copies of a crop were left out")
    if result.leaks:
        kind, value = result.leaks[0]
        click.echo(f"LEAK, not stored: {len(result.leaks):,} ties straddle parts, first the {kind} {value!r}")
    else:
        click.echo("checked: no photo, photographer, video or duplicate group straddles two parts")


@click.command("export")
@workspace_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(["imagefolder", "yolo-cls", "csv"]),
    default="imagefolder",
    show_default=True,
    help="Class folders for torchvision or Ultralytics, or a table with its crops.",
)
@click.option("--snapshot", default="", help="The first digits of a snapshot's hash. [default: the newest]")
@click.option(
    "--out", type=click.Path(path_type=Path), help="A new or empty folder. [default: exports/FORMAT-HASH]"
)
def export_command(
    workspace: Path, kind: Literal["imagefolder", "yolo-cls", "csv"], snapshot: str, out: Path | None
) -> None:
    """Write a snapshot to a folder, with ATTRIBUTION.csv beside it, and print the folder's path.

    \b
    Examples:
      curate export --format yolo-cls
      curate export --format csv --snapshot 3f9a --out ~/faces
    """
    from curate.export import export_snapshot
    from db.workspace import open_workspace

    opened = open_workspace(workspace)
    done = export_snapshot(opened, opened.store.snapshots.load(snapshot), kind, out)
    say(f"{counted(done.faces, 'faces')} exported")
    if done.missing:
        say(f"{done.missing:,} crops are missing from the blobs and were left out")
    click.echo(done.path)
