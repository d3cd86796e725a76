"""Go on with an interrupted run, of whichever recipe it is."""

from __future__ import annotations

from db.records.runs import Run
from db.workspace import Workspace
from train.detector_recipe import FaceDetectorRecipe
from train.recipes import YoloRecipe, recipe_from_record
from train.resnet import train_resnet
from train.runs import check_interrupted
from train.yolo import train_yolo


def resume_run(workspace: Workspace, name: str) -> Run:
    """Train on from the last checkpoint of the named run, with its own recipe and snapshot.

    Errors: NotFoundError, ConfigError when the run is done, failed or under way.
    """
    run = workspace.store.runs.load(name)
    check_interrupted(workspace, run)  # before a detector's photos are read
    recipe, title = recipe_from_record(run.recipe), str(run.recipe.get("name", ""))
    if isinstance(recipe, FaceDetectorRecipe):
        from train.detector_run import train_face_detector

        return train_face_detector(workspace, recipe, name=title, resume=run.id)
    snapshot = workspace.store.snapshots.load(run.snapshot_hash)
    if isinstance(recipe, YoloRecipe):
        return train_yolo(workspace, snapshot, recipe, name=title, resume=run.id)
    return train_resnet(workspace, snapshot, recipe, name=title, resume=run.id)
