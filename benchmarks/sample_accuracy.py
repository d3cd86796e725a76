"""How accurate both recipes are on the drawn sample, against labels known by construction or by votes.

    python benchmarks/sample_accuracy.py --workspace demo        # any workspace that holds a snapshot
    python benchmarks/sample_accuracy.py --imgsz 96 --weights none

Trains (or reuses finished runs of the same recipe and snapshot) and prints one line a model with the
snapshot's hash, the seed, accuracy on val and test with 95 % Wilson intervals, macro-F1 and seconds.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from db.records.runs import Run
from db.records.snapshots import Snapshot
from db.workspace import Workspace, open_workspace
from train.recipes import RESNET_PRESETS, YOLO_PRESETS, Recipe, ResnetRecipe, YoloRecipe
from train.runs import find_run


def trained(workspace: Workspace, snapshot: Snapshot, recipe: Recipe) -> Run:
    """A finished run of this recipe: one that is there, or a new one."""
    from train.resnet import train_resnet
    from train.yolo import train_yolo

    known = find_run(workspace, snapshot, recipe.as_record(), "done")
    if known is not None:
        return known
    if isinstance(recipe, YoloRecipe):
        return train_yolo(workspace, snapshot, recipe)
    return train_resnet(workspace, snapshot, recipe)


def line(run: Run) -> str:
    """What a run reached, on one line."""
    figures: Any = run.metrics
    parts = [
        f"{part} {figures[part]['accuracy']:.3f} ({figures[part]['accuracy_low']:.3f} to "
        f"{figures[part]['accuracy_high']:.3f}, n {figures[part]['faces']}, macro-F1 {figures[part]['macro_f1']:.3f})"
        for part in ("val", "test")
        if part in figures
    ]
    return f"{run.id}: start {figures['start']}; {'; '.join(parts)}; {figures['seconds']} s of epochs"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--workspace", type=Path, default=Path("workspace"))
    parser.add_argument("--snapshot", default="", help="the start of its hash; default: the newest")
    parser.add_argument("--imgsz", type=int, help="instead of the quick preset's")
    parser.add_argument("--weights", default="auto", help="auto, none, a model's name or a file")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    workspace = open_workspace(arguments.workspace)
    snapshot = workspace.store.snapshots.load(arguments.snapshot)
    given: dict[str, Any] = {"weights": arguments.weights, "seed": arguments.seed}
    given |= {"imgsz": arguments.imgsz} if arguments.imgsz else {}
    recipes: tuple[Recipe, ...] = (
        YoloRecipe(**{**YOLO_PRESETS["quick"], **given}),
        ResnetRecipe(**{"network": "resnet18", **RESNET_PRESETS["quick"], **given}),
    )
    print(f"snapshot {snapshot.hash[:16]}, {len(snapshot.members)} faces, seed {arguments.seed}")
    for recipe in recipes:
        print(line(trained(workspace, snapshot, recipe)), flush=True)


if __name__ == "__main__":
    main()
