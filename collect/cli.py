"""The ``collect`` command: photos from Flickr, videos, folders and the drawn sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from db.command import command_group, say, say_next, tally, workspace_option

if TYPE_CHECKING:
    from collect.harvest import HarvestTally
    from db.workspace import Workspace

main = command_group(
    "collect",
    """Collect photos of faces into a workspace.

    \b
    Examples:
      collect sample --count 400            drawn photos, to try everything at once
      collect folder ~/photos --class happy
      collect video interview.mp4 --every 10
      collect flickr --class angry --limit 500

    Every command can be interrupted and run again: it goes on where it stopped, and stores nothing twice.
    """,
    background=True,
)
_json_option = click.option("--json", "as_json", is_flag=True, help="Print the tally as JSON.")
_class_option = click.option(
    "--class", "candidate_class", default="", help="Candidate class of all pictures (a guess, never a label)."
)


@main.command()
@workspace_option
@click.option("--count", type=click.IntRange(min=0), default=400, show_default=True, help="How many photos.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Another seed, another world."
)
@click.option(
    "--video", type=click.Path(path_type=Path, dir_okay=False), help="Draw a clip to this .mp4 instead."
)
@click.option(
    "--seconds",
    type=click.FloatRange(min=0.1, max=600),
    default=8.0,
    show_default=True,
    help="Length of the clip.",
)
@_json_option
def sample(workspace: Path, count: int, seed: int, video: Path | None, seconds: float, as_json: bool) -> None:
    """Draw photos of people who show the workspace's classes; no network, no real person.

    \b
    Examples:
      collect sample --count 400
      collect sample --video clip.mp4 --seconds 8
    """
    if video is not None:
        from collect.sample_source import write_sample_clip

        frames = write_sample_clip(video, _classes(workspace), seconds, seed)
        click.echo(
            json.dumps({"video": str(video), "frames": frames}) if as_json else f"{video}: {frames} frames"
        )
        return
    from collect.harvest import harvest
    from collect.sample_source import SampleSource

    opened = _opened(workspace)
    _report(harvest(opened, SampleSource(count, opened.settings.classes, seed)), workspace, as_json)


@main.command()
@workspace_option
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@_class_option
@click.option(
    "--split-from-folders", is_flag=True, help="Keep the part (train, val, test) that the top folders name."
)
@_json_option
def folder(
    workspace: Path, path: Path, candidate_class: str, split_from_folders: bool, as_json: bool
) -> None:
    """Take in a tree of pictures, or a data set laid out as SPLIT/CLASS/….

    \b
    Examples:
      collect folder ~/photos/wedding --class happy
      collect folder fer2013 --split-from-folders
    """
    from collect.folder import FolderSource
    from collect.harvest import harvest

    opened = _opened(workspace)
    source = FolderSource(
        path,
        opened.settings.classes,
        candidate_class=_class_of(opened, candidate_class),
        keep_splits=split_from_folders,
    )
    _report(harvest(opened, source), workspace, as_json)


@main.command()
@workspace_option
@click.option("--class", "candidate_class", required=True, help="The class to find photos for.")
@click.option("--query", "queries", multiple=True, help="What to search for; default: the class's keywords.")
@click.option(
    "--limit", type=click.IntRange(min=0), default=500, show_default=True, help="How many more photos."
)
@click.option(
    "--license", "licenses", default="cc-by,cc-by-sa,cc0,pdm", show_default=True, help="Allowed licences."
)
@_json_option
def flickr(
    workspace: Path, candidate_class: str, queries: tuple[str, ...], limit: int, licenses: str, as_json: bool
) -> None:
    """Search Flickr for freely licensed photos; needs FLICKR_API_KEY and FLICKR_API_SECRET.

    Every photo keeps its page, owner, title, licence, tags and date. An interrupted run is finished by
    running the same command again. MIMIQUE_FLICKR_URL names another server, for testing.

    \b
    Examples:
      collect flickr --class angry --limit 500
      collect flickr --class happy --query carnival --license cc0,pdm
    """
    from collect.flickr import collect_flickr

    allowed = tuple(name.strip().lower() for name in licenses.split(",") if name.strip())
    done = collect_flickr(_opened(workspace), candidate_class, queries, limit=limit, licenses=allowed)
    _report(done, workspace, as_json)


@main.command()
@workspace_option
@click.argument("items", nargs=-1, required=True, metavar="PATH_OR_URL...")
@click.option(
    "--every",
    type=click.FloatRange(min=0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="One frame every so often.",
)
@_class_option
@_json_option
@click.pass_context
def video(
    ctx: click.Context,
    workspace: Path,
    items: tuple[str, ...],
    every: float,
    candidate_class: str,
    as_json: bool,
) -> None:
    """Take frames from video files and pages, each at its exact time.

    \b
    Examples:
      collect video interview.mp4 street.mov --every 10
      collect video https://example.org/debate.mp4 --class angry
    """
    from collect.video import collect_videos

    opened = _opened(workspace)
    done, unreadable = collect_videos(opened, items, every, _class_of(opened, candidate_class))
    _report(done, workspace, as_json)
    if unreadable:
        ctx.exit(1)


def _opened(path: Path) -> Workspace:
    """The workspace at ``path``; a newcomer who has none gets one with the default classes, and is told."""
    from db.workspace import CONFIG_NAME, create_workspace, open_workspace

    if not (path / CONFIG_NAME).exists():
        config = create_workspace(path)
        say(f"made a new workspace with the default classes: {config}")
    return open_workspace(path)


def _classes(path: Path) -> tuple[str, ...]:
    """The workspace's classes, or the default ones where there is no workspace; nothing is made."""
    from db.presets import PRESETS
    from db.workspace import CONFIG_NAME, read_settings

    return read_settings(path).classes if (path / CONFIG_NAME).exists() else tuple(PRESETS["4"])


def _class_of(workspace: Workspace, name: str) -> str:
    return workspace.settings.require_class(name) if name else ""


def _report(done: HarvestTally, workspace: Path, as_json: bool) -> None:
    click.echo(json.dumps(done.counts()) if as_json else tally(done.counts()))
    if done.failed:
        say("what failed is kept with its reason, and tried again by the next run of the same command")
    if done.new + done.linked + done.known + done.restored and not as_json:
        say_next(workspace, "curate faces")
