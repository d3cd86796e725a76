"""``train``: classifiers from a snapshot, face detectors from photos with boxes; lists, shows and compares runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from db.command import AnyCommand, command_group, say, workspace_option
from train.cli_detector import detector
from train.cli_shared import DEVICES, SEED, announce, resume_named

if TYPE_CHECKING:
    from db.records.runs import Run

main = command_group(
    "train",
    """Train expression classifiers on a snapshot, and compare the runs.

\b
Example:
  curate split --ratios 20:4:1
  train yolo --size n --imgsz 128 --epochs 100
  train resnet50 --imgsz 160
  train compare
""",
    background=True,
)


def _shared(command: AnyCommand) -> AnyCommand:
    """The options both recipes have."""
    options: tuple[Callable[[AnyCommand], AnyCommand], ...] = (
        workspace_option,
        click.option(
            "--snapshot", default="", metavar="HASH", help="The start of its hash; default: the newest."
        ),
        click.option("--seed", type=SEED, default=0, show_default=True, help="Decides every random choice."),
        click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where to compute."),
        click.option(
            "--weights", default="auto", show_default=True, help="auto, none, a model's name or a file."
        ),
        click.option("--preset", type=click.Choice(["quick"]), help="Options for a short run from scratch."),
        click.option("--name", default="", help="A name of your own for the run."),
        click.option("--fresh", is_flag=True, help="Begin anew though such a run was interrupted."),
        click.option(
            "--resume", default="", metavar="RUN", help="Go on with this interrupted run, as it was."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@main.command()
@click.option("--size", type=click.Choice(["n", "s", "m", "l", "x"]), default="n", show_default=True)
@click.option("--family", type=click.Choice(["yolov8", "yolo11"]), default="yolo11", show_default=True)
@click.option("--imgsz", default=128, show_default=True, help="Side of the network's input in pixels.")
@click.option("--epochs", default=100, show_default=True)
@click.option("--batch", default=16, show_default=True, help="Faces a step.")
@click.option("--set", "settings", multiple=True, metavar="KEY=VALUE", help="Any other Ultralytics argument.")
@_shared
def yolo(**options: Any) -> None:
    """Train an Ultralytics YOLOv8 or YOLO11 classifier.

    The epoch of best macro-F1 on the val part is kept.

    \b
    Example:
      train yolo --size n --imgsz 128 --epochs 100 --set lr0=0.005 --set cos_lr=True
      train yolo --preset quick
    """
    from train.recipes import YOLO_PRESETS, YoloRecipe, preset
    from train.yolo import parse_settings, train_yolo

    base = preset(YOLO_PRESETS, options["preset"] or "")
    values = _given(("size", "family", "imgsz", "epochs", "batch", "seed", "device", "weights"), base)
    settings = {**base.get("settings", {}), **parse_settings(options["settings"])}
    _run(options, train_yolo, lambda: YoloRecipe(**values, settings=settings))


def _resnet_command(network: str, title: str) -> None:
    @main.command(network, help=_RESNET_HELP.format(network=network, title=title))
    @click.option("--imgsz", default=160, show_default=True, help="Side of the network's input in pixels.")
    @click.option("--head-epochs", default=10, show_default=True, help="Epochs with the backbone frozen.")
    @click.option("--epochs", default=40, show_default=True, help="Epochs on all layers.")
    @click.option(
        "--head-lr", default=1e-4, show_default=True, help="Adam's learning rate of the first phase."
    )
    @click.option("--lr", default=1e-5, show_default=True, help="… and of the second.")
    @click.option("--scratch-head-lr", default=1e-3, show_default=True, help="… of the first, from scratch.")
    @click.option("--scratch-lr", default=1e-4, show_default=True, help="… of the second, from scratch.")
    @click.option(
        "--schedule", type=click.Choice(["plateau", "onecycle"]), default="plateau", show_default=True
    )
    @click.option(
        "--rotation-deg", default=15.0, show_default=True, help="Faces turn at random by up to this."
    )
    @click.option("--flip/--no-flip", default=False, show_default=True, help="Mirror half of the faces.")
    @click.option("--batch", default=32, show_default=True, help="Faces a step.")
    @_shared
    def command(**options: Any) -> None:
        from train.recipes import RESNET_PRESETS, ResnetRecipe, preset
        from train.resnet import train_resnet

        base = preset(RESNET_PRESETS, options["preset"] or "")
        names = tuple(key for key in ResnetRecipe.__slots__ if key in options)
        values: Any = {**_given(names, base), "network": network}
        _run(options, train_resnet, lambda: ResnetRecipe(**values))


_RESNET_HELP = """Train {title} in two phases: first the new last layer, then all layers.

The learning rate is divided by 5 when the validation loss has not fallen for 5 epochs; the epoch of best
macro-F1 on the val part is kept. Without pretrained weights all layers train from the start.

\b
Example:
  train {network} --imgsz 160
  train {network} --preset quick
"""
for _network, _title in (
    ("resnet18", "a ResNet-18"),
    ("resnet34", "a ResNet-34"),
    ("resnet50", "a ResNet-50"),
    ("mobilenet_v2", "a MobileNet v2"),
):
    _resnet_command(_network, _title)


def _given(names: tuple[str, ...], base: dict[str, Any]) -> dict[str, Any]:
    """What was typed, set in the environment or in mimique.toml; else the preset's value, else the default."""
    from click.core import ParameterSource

    context = click.get_current_context()
    values = {key: value for key, value in base.items() if key != "settings"}
    for name in names:
        if name not in base or context.get_parameter_source(name) != ParameterSource.DEFAULT:
            values[name] = context.params[name]
    return values


def _run(options: dict[str, Any], train: Callable[..., Run], recipe: Callable[[], Any]) -> None:
    from db.workspace import open_workspace

    workspace = open_workspace(options["workspace"])
    if options["resume"]:
        resume_named(options["workspace"], options["resume"])
        return
    snapshot = workspace.store.snapshots.load(options["snapshot"])
    run = train(workspace, snapshot, recipe(), name=options["name"], fresh=options["fresh"])
    announce(workspace, run)


@main.command()
@click.argument("run")
@workspace_option
def resume(workspace: Path, run: str) -> None:
    """Go on with an interrupted run from its last checkpoint.

    \b
    Example:
      train resume 20261121-153000-yolo11n-a1b2c3
    """
    resume_named(workspace, run)


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@workspace_option
def list_runs(workspace: Path, as_json: bool) -> None:
    """List all runs: what became of them and how good they are.

    \b
    Example:
      train list
    """
    from db.workspace import open_workspace
    from train.compare import run_record, runs_table
    from train.detector_recipe import is_detector
    from train.detector_show import detectors_table

    opened = open_workspace(workspace)
    runs = opened.store.runs.all()
    if as_json:
        click.echo(json.dumps([run_record(opened, run) for run in runs], indent=2))
    elif runs:
        detectors = [run for run in runs if is_detector(run.recipe)]
        classifiers = [run for run in runs if not is_detector(run.recipe)]
        for found, table in ((classifiers, runs_table), (detectors, detectors_table)):
            if found:
                _console().print(table(opened, found))
    else:
        say("no run yet; make one: train yolo --size n")


@main.command()
@click.argument("run", default="")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@workspace_option
def show(workspace: Path, run: str, as_json: bool) -> None:
    """Show one run (the newest finished one by default): recipe, figures per class, files.

    \b
    Example:
      train show 20261121-153000-yolo11n
    """
    from db.workspace import open_workspace
    from train.compare import print_run, run_record

    opened = open_workspace(workspace)
    done = [known.id for known in opened.store.runs.all() if known.status == "done"]
    found = opened.store.runs.load(run or "".join(done[-1:]))
    if as_json:
        click.echo(json.dumps(run_record(opened, found), indent=2))
    else:
        print_run(opened, found, _console())


@main.command()
@click.argument("runs", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@workspace_option
def compare(workspace: Path, runs: tuple[str, ...], as_json: bool) -> None:
    """Compare finished runs (all by default): a table, and a picture in runs/comparison.png.

    \b
    Example:
      train compare 20261121-1530 20261121-1612
    """
    from db.workspace import open_workspace
    from train.compare import compare_runs, comparison_warnings, run_record, runs_table

    opened = open_workspace(workspace)
    found, path = compare_runs(opened, runs)
    for warning in comparison_warnings(found):
        say(f"note: {warning}")
    if as_json:
        click.echo(json.dumps({"runs": [run_record(opened, run) for run in found], "plot": path}, indent=2))
    else:
        _console().print(runs_table(opened, found))
        click.echo(path)


def _console() -> Any:
    """Wide enough for whole rows where nobody set a width, as in a file or a pipe."""
    import shutil

    from rich.console import Console

    width = shutil.get_terminal_size((160, 40)).columns
    return Console(width=max(width, 100), highlight=False)


main.add_command(detector)
