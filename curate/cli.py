"""The ``curate`` command: faces, duplicates, consensus, split, export, status."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from curate.agreement_cli import agreement_command
from curate.consensus_cli import consensus_command
from db.command import command_group, counted, say, say_next, tally, workspace_option

if TYPE_CHECKING:
    from curate.detect import Detector, Tiles
    from curate.engine import EngineName
    from curate.files import PictureFiles
    from curate.snapshots import SplitResult

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
    help="Look at large photos in tiles too; auto: photos over 1,200 px that show small faces, or none, at first.",
)
@click.option(
    "--size",
    type=click.IntRange(32, 4096),
    help="Pixels of the longest side that the network is shown. [default: what it was trained on]",
)
@click.option(
    "--engine",
    type=click.Choice(["auto", "onnxruntime", "openvino"]),
    default="auto",
    show_default=True,
    help="What runs an Ultralytics ONNX model; auto: the fastest that is installed.",
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
    size: int | None,
    engine: EngineName,
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
      curate faces --json party.jpg ~/photos     one JSON object a picture; no workspace needed

    Interrupted, the same command goes on where it stopped. Photos without a face are marked, not retried.

    Each line of JSON holds path, width, height and faces (xyxy in pixels of the upright picture, right and
    bottom exclusive; score; landmarks: left and right eye, nose, left and right mouth corner as seen, or
    null), best face first; or path and error. Exit code 1 when no picture could be read.
    """
    from curate.detect import load_detector

    if paths:
        from curate.files import picture_files

        pictures = picture_files(paths)
    looks: Tiles = "auto" if tiles == "auto" else tiles == "on"
    loaded = load_detector(detector, score=score, tiles=looks, size_px=size, engine=engine)
    if paths:
        _print_files(pictures, loaded, as_json)
        return
    from curate.faces import CropRule, find_faces
    from curate.registry import DEFAULT_DETECTOR
    from db.workspace import open_workspace

    rule = CropRule(margin=margin, min_size=min_size, align=align)
    name = f"{detector or DEFAULT_DETECTOR}{' --align' if align else ''}"
    opened = open_workspace(workspace)
    done = find_faces(opened, loaded, batch=batch, rule=rule, name=name)
    click.echo(json.dumps(asdict(done)) if as_json else tally(done.counts()))
    if done.failed and not opened.store.faces.photos_seen()[0]:
        say("no photo could be read: `curate status --failures` says why; the next run tries again")
        raise SystemExit(1)
    if done.failed:
        say(
            "failed photos are kept with the reason, and tried again by the next run (see `curate status --failures`)"
        )
    if not as_json and opened.store.faces.count():
        say_next(workspace, "label", "curate duplicates")


def _print_files(pictures: PictureFiles, detector: Detector, as_json: bool) -> None:
    from curate.files import faces_in_files
    from db.progress import progress

    counts = dict.fromkeys(("pictures", "faces", "not read"), 0)
    found_in = faces_in_files(pictures.files, detector)
    for found in progress(found_in, "finding faces", len(pictures.files)):
        counts["not read" if found.error else "pictures"] += 1
        counts["faces"] += len(found.faces)
        if found.error:
            say(f"{click.format_filename(found.path)}: {found.error}")
        if as_json:
            click.echo(json.dumps(found.as_json()))
        elif not found.error:
            name, count = click.format_filename(found.path), len(found.faces)
            click.echo(f"{name}: {count} face{'s' * (count != 1)}")
    say(tally(counts | {f"passed over ({kind})": count for kind, count in pictures.passed_over.items()}))
    if not counts["pictures"]:
        raise SystemExit(1)


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


main.add_command(consensus_command)
main.add_command(agreement_command)


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
    say(f"{counted(done.faces, 'faces')} exported")
    if done.missing:
        say(f"{done.missing:,} crops are missing from the blobs and were left out")
    click.echo(done.path)


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
