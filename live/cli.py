"""The ``live`` command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from db.command import say, single_command, tally, workspace_option

if TYPE_CHECKING:
    from live.camera import Frame
    from live.loop import Annotated
    from live.session import LiveOptions

HELP = """Find faces and name their expression, live: on a camera, a video file or a web page.

Every face gets a box, its class, the confidence and a bar for every class, from the newest finished run or
the one that --run names.

\b
Examples:
  live                                       the first camera, in a window (q or Esc quits)
  live --video in.mp4 --out out.mp4          an annotated copy, frame for frame
  live --video in.mp4 --json > faces.jsonl   one line of JSON a frame
  live --web                                 a page with your browser's camera
  live --camera 1 --run yolo-n --smooth 0.8  another camera, a chosen run, calmer
"""


@single_command("live", HELP)
@workspace_option
@click.option("--camera", type=click.IntRange(min=0), help="A camera of this machine. [default: 0]")
@click.option("--video", type=click.Path(path_type=Path), help="A video file instead of a camera.")
@click.option("--out", type=click.Path(path_type=Path), help="With --video: the annotated video to write.")
@click.option("--web", is_flag=True, help="A page on 127.0.0.1 that uses the browser's camera.")
@click.option("--port", type=click.IntRange(1, 65535), help="With --web. [default: a free one from 7861]")
@click.option("--run", default="", help="The run (or the start of its id). [default: the newest finished]")
@click.option("--detector", default="", help="The face detector, by name or file. [default: the bundled one]")
@click.option(
    "--smooth",
    type=click.FloatRange(min=0),
    default=0.4,
    show_default=True,
    help="Seconds after which an old prediction weighs half; 0 shows every frame's own.",
)
@click.option("--json", "as_json", is_flag=True, help="A line of JSON a frame on stdout, and no window.")
@click.option("--max-seconds", type=click.FloatRange(min=0, min_open=True), help="Stop after this much.")
@click.pass_context
def main(
    ctx: click.Context,
    workspace: Path,
    camera: int | None,
    video: Path | None,
    out: Path | None,
    web: bool,
    port: int | None,
    run: str,
    detector: str,
    smooth: float,
    as_json: bool,
    max_seconds: float | None,
) -> None:
    _check(camera=camera, video=video, out=out, web=web, port=port, as_json=as_json)
    from live.session import LiveOptions

    options = LiveOptions(detector, smooth, max_seconds)
    if web:
        _web(workspace, run, port, options)
    elif video is not None:
        _video(ctx, workspace, run, (video, out), options, as_json)
    else:
        _camera(workspace, run, camera or 0, options, as_json)


def _check(
    *, camera: int | None, video: Path | None, out: Path | None, web: bool, port: int | None, as_json: bool
) -> None:
    if (camera is not None) + (video is not None) + web > 1:
        raise click.UsageError("choose one of --camera, --video and --web")
    if out is not None and video is None:
        raise click.UsageError("--out goes with --video: a camera is not recorded")
    if video is not None and out is None and not as_json:
        raise click.UsageError("--video needs --out FILE.mp4 to write, or --json")
    if port is not None and not web:
        raise click.UsageError("--port goes with --web")
    if web and as_json:
        raise click.UsageError("--json goes with --camera or --video")


def _video(
    ctx: click.Context,
    workspace: Path,
    run: str,
    files: tuple[Path, Path | None],
    options: LiveOptions,
    as_json: bool,
) -> None:
    from db.workspace import open_workspace
    from live.session import annotate_video

    video, out = files
    opened = open_workspace(workspace)
    show = _print_line if as_json else _go_on
    done = annotate_video(opened, run, video, out, options=options, show=show, say=say)
    if done.interrupted:
        kept = f"; {out} holds the part up to {done.stream_s:.1f} s and plays" if out else ""
        say(f"stopped: {tally(done.counts())}{kept}")
        ctx.exit(130)
    say(f"{tally(done.counts())} in {done.work_s:.1f} s")
    if out is not None and not as_json:
        click.echo(str(out))


def _camera(workspace: Path, run: str, index: int, options: LiveOptions, as_json: bool) -> None:
    from db.workspace import open_workspace
    from live.camera import WebcamCamera
    from live.session import watch_camera

    opened = open_workspace(workspace)
    show = _print_line if as_json else None
    done = watch_camera(opened, run, WebcamCamera(index, say), options=options, show=show)
    say(f"{tally(done.counts())} in {done.stream_s:.1f} s")


def _web(workspace: Path, run: str, port: int | None, options: LiveOptions) -> None:
    from db.workspace import open_workspace
    from live.session import load_models
    from live.web import serve

    opened = open_workspace(workspace)
    models = load_models(opened, run, options.detector)
    title = f"Run {opened.store.runs.load(run).id}: {', '.join(models.classifier.labels)}"
    serve(models, port=port, options=options, title=title, say=say)


def _go_on(_frame: Frame, _seen: Annotated) -> bool:
    return True


def _print_line(frame: Frame, seen: Annotated) -> bool:
    faces = [face.as_json() for face in seen.faces]
    line = {"frame": frame.index, "time": round(frame.time_s, 6), "faces": faces}
    click.echo(json.dumps(line, ensure_ascii=False))
    return True


if __name__ == "__main__":
    main()
