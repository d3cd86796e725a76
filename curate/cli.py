"""The ``curate`` command: faces, duplicates, consensus, split, export, status."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from db.command import command_group, say, tally, workspace_option

if TYPE_CHECKING:
    from curate.detect import Detector
    from curate.snapshots import SplitResult

main = command_group(
    "curate",
    """Turn photos into a data set: find faces, settle votes, split without leaks, export.

    \b
    Examples, in the order of the work:
      curate faces                       find and cut out the faces of new photos
      curate duplicates                  mark near-copies
      curate consensus                   decide labels from the votes
      curate split --ratios 20:4:1       an immutable, leak-free snapshot
      curate export --format yolo-cls    the snapshot as files
      curate status                      how far everything is
    """,
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


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


@main.command()
@workspace_option
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--detector", help="A detector's name (see `mimique models list`) or an .onnx or .pt file.")
@click.option(
    "--tiles",
    type=click.Choice(["auto", "on", "off"]),
    default="auto",
    show_default=True,
    help="Look at large photos in tiles too, for small faces; auto: where the first look finds some.",
)
@click.option(
    "--score", type=click.FloatRange(0, 1), help="Least detector score. [default: what suits the detector]"
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 2),
    default=0.2,
    show_default=True,
    help="Share of the longer box side added on every side of a crop.",
)
@click.option(
    "--min-size",
    type=click.IntRange(0),
    default=24,
    show_default=True,
    help="Faces with a shorter side below this many pixels are counted, not stored.",
)
@click.option("--align", is_flag=True, help="Turn crops upright where the detector gives eyes.")
@click.option("--batch", type=click.IntRange(1), default=4, show_default=True, help="Photos at a time.")
@_json_option
def faces(
    workspace: Path,
    paths: tuple[Path, ...],
    detector: str | None,
    tiles: Literal["auto", "on", "off"],
    score: float | None,
    margin: float,
    min_size: int,
    align: bool,
    batch: int,
    as_json: bool,
) -> None:
    """Find the faces of all new photos and store their crops; or, given PATHS, only print them.

    \b
    Examples:
      curate faces
      curate faces --min-size 40 --margin 0.3
      curate faces --json party.jpg ~/photos     one JSON object a line; no workspace needed

    Interrupted, the same command goes on where it stopped. Photos without a face are marked, not retried.
    """
    from curate.detect import load_detector

    loaded = load_detector(detector, score=score, tiles={"on": True, "off": False}.get(tiles, "auto"))
    if paths:
        _print_files(paths, loaded, as_json)
        return
    from curate.faces import CropRule, find_faces
    from curate.registry import DEFAULT_DETECTOR
    from db.workspace import open_workspace

    rule = CropRule(margin=margin, min_size=min_size, align=align)
    done = find_faces(
        open_workspace(workspace), loaded, batch=batch, rule=rule, name=detector or DEFAULT_DETECTOR
    )
    click.echo(json.dumps(asdict(done)) if as_json else tally(done.counts()))
    if done.failed:
        say("failed photos are kept with the reason, and tried again by the next run (see `curate status`)")


def _print_files(paths: tuple[Path, ...], detector: Detector, as_json: bool) -> None:
    from curate.files import faces_in_files

    for found in faces_in_files(paths, detector):
        if found.error:
            say(f"{found.path}: {found.error}")
        if as_json:
            click.echo(json.dumps(found.as_json(), ensure_ascii=False))
        elif not found.error:
            click.echo(f"{found.path}: {len(found.faces)} face{'s' * (len(found.faces) != 1)}")


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
        f"{done.groups:,} near-duplicate groups hold {done.grouped:,} of {done.faces:,} faces "
        f"(largest: {done.largest:,})"
    )
    if done.missing:
        say(f"{done.missing:,} crops could not be read and stay ungrouped; the reasons are in the store")


@main.command()
@workspace_option
@click.option("--rule", default="majority", show_default=True, help="majority (absolute) or plurality.")
@click.option(
    "--min-votes",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Faces with fewer voters stay undecided.",
)
@_json_option
def consensus(workspace: Path, rule: str, min_votes: int, as_json: bool) -> None:
    """Decide each face's label from its votes; earlier decisions are kept in its history.

    \b
    Examples:
      curate consensus                       more than half of those who voted agree
      curate consensus --rule plurality --min-votes 3

    A face that most voters flag as no face, artificial or unusable is rejected.
    """
    from curate.decide import decide_labels
    from db.workspace import open_workspace

    done = decide_labels(open_workspace(workspace), rule, min_votes)
    if as_json:
        click.echo(json.dumps(asdict(done)))
        return
    extra = {"no agreement": done.undecided, "rejected": done.rejected, "decisions changed": done.changed}
    if done.withdrawn:
        extra["withdrawn with their votes"] = done.withdrawn
    click.echo(tally({**done.by_class, **extra}))
    if done.strangers:
        say(f"{done.strangers:,} votes are for a class this workspace no longer has; they were left out")


@main.command()
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
@_json_option
def split(
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
    click.echo(f"snapshot {result.snapshot.hash[:12]}: {len(result.snapshot.members):,} faces{known}")
    if result.copies:
        click.echo(f"{result.copies:,} exact copies of a crop were left out")
    if result.leaks:
        kind, value = result.leaks[0]
        click.echo(f"LEAK, not stored: {len(result.leaks):,} ties straddle parts, first the {kind} {value!r}")
    else:
        click.echo("checked: no photo, photographer, video or duplicate group straddles two parts")


@main.command()
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
def export(
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
    say(f"{done.faces:,} faces exported")
    if done.missing:
        say(f"{done.missing:,} crops are missing from the blobs and were left out")
    click.echo(done.path)


@main.command()
@workspace_option
@_json_option
def status(workspace: Path, as_json: bool) -> None:
    """Say how many photos, faces, votes, labels and snapshots there are.

    \b
    Example:
      curate status
    """
    from curate.status import status_of
    from db.workspace import open_workspace

    now = status_of(open_workspace(workspace))
    if as_json:
        click.echo(json.dumps(asdict(now)))
        return
    for what, count in now.rows():
        click.echo(f"{what:<26}{count:>12}")
