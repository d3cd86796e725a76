"""``train detector``: a face detector from photos with boxes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from db.command import say, workspace_option
from train.cli_shared import DEVICES, SEED, announce, resume_named

if TYPE_CHECKING:
    from db.workspace import Workspace

_EXISTING = click.Path(path_type=Path, exists=True)
_COUNT = click.IntRange(min=0)
_FROM = "Start: a model's name, an Ultralytics .pt, or none."


@click.command()
@click.option("--data", type=_EXISTING, metavar="DIR_OR_ZIP", help="The photos.")
@click.option(
    "--boxes", type=_EXISTING, metavar="FILE", help="Every face's box: a CSV, or WIDER FACE's file."
)
@click.option("--from", "start", default="yolo11n-seg", show_default=True, metavar="WEIGHTS", help=_FROM)
@click.option("--network", type=click.Choice(["yolo11n", "yolov8n"]), default="yolo11n", show_default=True)
@click.option("--width", default=1.0, show_default=True, help="Share of the network's channels, 0.1 to 1.")
@click.option(
    "--imgsz", default=640, show_default=True, help="Longest side of a photo, in pixels: a multiple of 32."
)
@click.option("--epochs", default=30, show_default=True, help="Times each photo is seen, on average.")
@click.option("--batch", default=16, show_default=True, help="Cuts a step; 4 make one whole photo.")
@click.option("--lr", default=1e-3, show_default=True, help="AdamW's learning rate.")
@click.option(
    "--drawn", type=_COUNT, show_default="1 for 6 photos, up to 300", help="Drawn photos of people to mix in."
)
@click.option(
    "--places", type=_COUNT, show_default="1 for 20 photos, up to 100", help="Drawn places without people."
)
@click.option("--face-free", type=_EXISTING, metavar="DIR_OR_ZIP", help="More pictures where no face is.")
@click.option(
    "--teacher",
    default="",
    metavar="DETECTOR[,…]",
    help="The first of these teaches five points, at the end.",
)
@click.option(
    "--distil",
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Share of the pictures that all teachers label, 0 to 1.",
)
@click.option("--point-steps", default=900, show_default=True, help="Steps that learn the five points.")
@click.option("--seed", type=SEED, default=0, show_default=True, help="Decides every random choice.")
@click.option("--device", type=DEVICES, default="auto", show_default=True, help="Where to compute.")
@click.option("--name", default="", help="A name of your own for the run.")
@click.option("--fresh", is_flag=True, help="Begin anew though such a run was interrupted.")
@click.option("--resume", default="", metavar="RUN", help="Go on with this interrupted run, as it was.")
@workspace_option
def detector(workspace: Path, resume: str, **options: Any) -> None:
    """Fine-tune a YOLO face detector on photos with known face boxes.

    One photo in five, decided by its name, is held out and only measured on. Every other one is seen EPOCHS
    times on average, mostly as a cut around one of its faces. The run keeps weights.pt, model.onnx and the
    average precision on the held-out photos. Killed, the same command goes on.

    \b
    Example:
      train detector --data wider/images.zip --boxes wider/boxes.csv --from yolo11n-seg --imgsz 640 --epochs 30
      train detector --data WIDER_val --boxes wider_face_split/wider_face_val_bbx_gt.txt
      curate faces --detector workspace/runs/RUN/model.onnx

    The boxes file is a CSV, image,width,height,x1,y1,x2,y2 in pixels, one line a face (four empty corners: no
    face), or WIDER FACE's own wider_face_*_bbx_gt.txt.
    """
    from train.detector_recipe import FaceDetectorRecipe
    from train.detector_run import train_face_detector

    if resume:
        resume_named(workspace, resume)
        return
    for name in ("data", "boxes"):
        if options[name] is None:
            raise click.UsageError(f"Missing option '--{name}'.")
    name, fresh = options.pop("name"), options.pop("fresh")
    paths = {
        key: str(options[key].resolve()) if options[key] else "" for key in ("data", "boxes", "face_free")
    }
    options["start"] = _whole_path(options["start"])
    options["teacher"] = ",".join(_whole_path(name.strip()) for name in options["teacher"].split(","))
    recipe = FaceDetectorRecipe(**{**options, **paths})
    opened = _opened(workspace)
    announce(opened, train_face_detector(opened, recipe, name=name, fresh=fresh))


def _whole_path(name: str) -> str:
    """A file's whole path, so that the run is found and resumed from any folder; another name as it is."""
    return str(Path(name).resolve()) if Path(name).is_file() else name


def _opened(path: Path) -> Workspace:
    """The workspace at ``path``; one is made where there is none, since a detector needs no stored face."""
    from db.workspace import CONFIG_NAME, create_workspace, open_workspace

    if not (path / CONFIG_NAME).exists():
        say(f"made a new workspace with the default classes: {create_workspace(path)}")
    return open_workspace(path)
