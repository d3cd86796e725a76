"""The command ``curate faces``."""

from __future__ import annotations

import json
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from db.command import counted, say, say_next, tally, workspace_option

if TYPE_CHECKING:
    from curate.detect import Detector, Tiles
    from curate.engine import EngineName
    from curate.files import PictureFiles


@click.command("faces")
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
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def faces_command(
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
        _tell_unused("align", "margin", "min_size", "batch")
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
    seen = opened.store.faces.photos_seen()[0]
    if done.failed and not seen:
        say("no photo could be read: `curate status --failures` says why; the next run tries again")
        raise SystemExit(1)
    if done.failed:
        say(
            "failed photos are kept with the reason, and tried again by the next run (see `curate status --failures`)"
        )
    if seen and not done.photos + done.failed:
        say(
            f"no new photo: {counted(seen, 'photos')} had been searched before, and keep their faces and votes"
        )
        if detector:
            say(f"try a detector on files: curate faces --json --detector {shlex.quote(detector)} PATH")
    if not as_json and opened.store.faces.count():
        say_next(workspace, "label", "curate duplicates")


def _tell_unused(*names: str) -> None:
    """Say which of these options were typed although only stored crops obey them."""
    context, typed = click.get_current_context(), click.core.ParameterSource.COMMANDLINE
    unused = [f"--{name.replace('_', '-')}" for name in names if context.get_parameter_source(name) is typed]
    if unused:
        say(f"only stored crops obey {', '.join(unused)}: the faces of files are printed as they are found")


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
