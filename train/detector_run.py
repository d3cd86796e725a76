"""A face detector as a run: photos in; weights, an ONNX file and figures of the held-out fold out."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from db.command import say
from db.errors import ModelError
from db.progress import progress
from db.records.runs import Run
from db.whole_file import renamed_when_whole
from db.workspace import Workspace
from train.detector_recipe import FaceDetectorRecipe
from train.runs import ActiveRun, finish_run, training_run, write_json

if TYPE_CHECKING:
    from curate.detect import Detector
    from train.detector_patches import Patch
    from train.detector_photos import FacePhotos
    from train.detector_teachers import Teachers

WEIGHTS, ONNX = "weights.pt", "model.onnx"
POINTS_HISTORY = "history-points.csv"
PROBLEMS = "problems.txt"
SHOWN_PROBLEMS = 20
ENGINE: Literal["onnxruntime"] = "onnxruntime"  # the same labels and figures on every machine


def train_face_detector(
    workspace: Workspace,
    recipe: FaceDetectorRecipe,
    *,
    name: str = "",
    resume: str = "",
    fresh: bool = False,
) -> Run:
    """Fine-tune a detector on all photos but the held-out fold, and measure it on that.

    The photos become a snapshot of the one class ``face`` that holds no stored faces, named by their content.
    An interrupted run of the same recipe and photos goes on unless ``fresh``; ``resume`` names one. On a CPU a
    run that was killed and resumed gives the same weights as one that was not. Errors: InputError when no
    photo is usable, ModelError for weights that are none, NotFoundError, ConfigError.
    """
    from train.detector_network import read_checkpoint
    from train.detector_photos import read_face_photos
    from train.start import torch_device

    device = torch_device(recipe.device)
    start = _Start(_weights(recipe.start), _points_teacher(recipe), _box_teachers(recipe), device)
    if start.weights is not None:
        read_checkpoint(start.weights)  # before the photos are read: a wrong file is told at once
    face_free = Path(recipe.face_free) if recipe.face_free else None
    photos = read_face_photos(Path(recipe.data), Path(recipe.boxes), face_free)
    _tell(photos)
    snapshot = photos.snapshot()
    workspace.store.snapshots.add(snapshot)
    with training_run(workspace, snapshot, recipe, name=name, resume=resume, fresh=fresh) as run:
        problems = "".join(f"{line}\n" for line in photos.problems)
        (run.folder / PROBLEMS).write_text(problems, encoding="utf-8")
        lessons = [*photos.training, *_drawn(recipe, len(photos.training))]
        trained = _fit(recipe, lessons, start, run)
        return _conclude(workspace, run, photos, trained, _facts(recipe, start.weights, photos, lessons))


@dataclass(frozen=True, slots=True)
class _Start:
    """What there is before the first step: weights, and who teaches points and boxes, each where wanted."""

    weights: Path | None
    points_teacher: Detector | None
    box_teachers: Teachers | None
    device: str


def _weights(wanted: str) -> Path | None:
    """The file to start from, or None. Errors: ModelError, which says how to do without, NotFoundError."""
    from curate.registry import resolve

    try:
        return None if wanted == "none" else resolve(wanted)
    except ModelError as error:
        raise ModelError(str(error), hint=f"{error.hint}; or begin without: --from none") from error


def _points_teacher(recipe: FaceDetectorRecipe) -> Detector | None:
    from curate.detect import load_detector

    if not recipe.teachers:
        return None
    return load_detector(recipe.teachers[0], tiles=False, engine=ENGINE)


def _box_teachers(recipe: FaceDetectorRecipe) -> Teachers | None:
    """All of them, at the size of the pictures, without PyTorch: its threads are the training's."""
    from curate.detect import LOOK_PX, load_detector
    from curate.registry import FACE_DETECTION, resolve
    from train.detector_teachers import LEAST_SCORE, Teachers

    if not recipe.distil:
        return None
    torch_files = [name for name in recipe.teachers if resolve(name, FACE_DETECTION).suffix == ".pt"]
    if torch_files:
        raise ModelError(
            f"{torch_files[0]} cannot label pictures: expected an ONNX model",
            hint=f"export it: yolo export model={torch_files[0]} format=onnx dynamic=True",
        )
    size = max(LOOK_PX, recipe.imgsz)
    return Teachers(
        [
            load_detector(name, score=LEAST_SCORE, tiles=False, threads=1, size_px=size, engine=ENGINE)
            for name in recipe.teachers
        ]
    )


def _drawn(recipe: FaceDetectorRecipe, photos: int) -> list[Patch]:
    from train.detector_photos import DRAWN_WORLD, drawn_photos, drawn_places

    world = DRAWN_WORLD + recipe.seed
    people, places = recipe.drawn_for(photos)
    both = chain(drawn_photos(people, world), drawn_places(places, world))
    return list(progress(both, "drawing", people + places))


def _tell(photos: FacePhotos) -> None:
    for line in photos.problems[:SHOWN_PROBLEMS]:
        say(f"left out: {line}")
    if len(photos.problems) > SHOWN_PROBLEMS:
        more = len(photos.problems) - SHOWN_PROBLEMS
        say(f"… and {more:,} more; all of them are in the run's {PROBLEMS}")
    faces = sum(len(photo.xyxy) for photo in photos.training)
    say(
        f"{len(photos.training):,} photos with {faces:,} faces to train on, {len(photos.held_out):,} held out"
    )
    if not photos.held_out:
        say(
            "no photo is held out (1 in 5 is, by the hash of its name), so nothing will say how good the detector is"
        )


def _fit(recipe: FaceDetectorRecipe, lessons: Sequence[Patch], start: _Start, run: ActiveRun) -> Path:
    """Boxes first, then, with a teacher, the five points; gives the checkpoint."""
    from train.detector import CHECKPOINT_STEPS, train_detector
    from train.detector_landmarks import train_landmarks
    from train.detector_log import POINT_LOSSES, EpochLog

    loop = recipe.box_loop(len(lessons))
    epoch_steps = loop.steps // recipe.epochs
    log = EpochLog(run.history, loop, epoch_steps)
    then = f"; then five points: {recipe.point_steps:,} steps" if start.points_teacher else ""
    say(f"boxes: {loop.steps:,} steps{then}")
    best = train_detector(
        lessons,
        start.weights,
        run.work / "boxes",
        loop,
        progress=log,
        device=start.device,
        checkpoint_steps=min(CHECKPOINT_STEPS, epoch_steps),
        teachers=start.box_teachers,
    )
    if start.points_teacher is None:
        return best
    loop = recipe.point_loop()
    log = EpochLog(run.folder / POINTS_HISTORY, loop, loop.steps, POINT_LOSSES)
    folder = run.work / "points"
    say(f"five points, as {recipe.teachers[0]} shows them; the boxes stay as they are")
    return train_landmarks(
        lessons, start.points_teacher, best, folder, loop, progress=log, device=start.device
    )


def _facts(
    recipe: FaceDetectorRecipe, start: Path | None, photos: FacePhotos, lessons: Sequence[Patch]
) -> dict[str, Any]:
    from curate.registry import FACE_DETECTION, resolve, sha256_of

    loop = recipe.box_loop(len(lessons))
    return {
        "start": recipe.start if start else "scratch",
        "start_sha256": sha256_of([start]) if start else "",
        "teachers": {name: sha256_of([resolve(name, FACE_DETECTION)]) for name in recipe.teachers},
        "photos": len(photos.training),
        "pictures": len(lessons),
        "faces": sum(len(photo.xyxy) for photo in lessons),
        "held_out_photos": len(photos.held_out),
        "problems": len(photos.problems),
        "epochs": recipe.epochs,
        "steps": loop.steps,
    }


def _conclude(
    workspace: Workspace, run: ActiveRun, photos: FacePhotos, trained: Path, facts: dict[str, Any]
) -> Run:
    """Keep the weights, export them, measure the exported file, mark the run done."""
    from curate.registry import sha256_of
    from train.detector_export import export_detector
    from train.detector_log import read_losses
    from train.plots import plot_detector

    with renamed_when_whole(run.folder / WEIGHTS) as part:
        shutil.copyfile(trained, part)
    onnx = export_detector(run.folder / WEIGHTS, run.folder / ONNX, _told(run, photos, facts))
    losses = read_losses(run.history)
    every = [*losses, *read_losses(run.folder / POINTS_HISTORY)]
    metrics = facts | {
        "seconds": round(sum(float(row["seconds"]) for row in every), 1),
        "onnx_bytes": onnx.stat().st_size,
        "onnx_sha256": sha256_of([onnx]),
        "held_out": measure(onnx, photos),
    }
    plot_detector(losses, metrics["held_out"], run.id, run.folder / "curves.png")
    write_json(run.folder / "metrics.json", metrics)
    done = finish_run(workspace, run, metrics)
    say(
        f"run {run.id} done: AP50 on {len(photos.held_out):,} held-out photos: {in_words(metrics['held_out'])}"
    )
    return done


def _told(run: ActiveRun, photos: FacePhotos, facts: Mapping[str, Any]) -> dict[str, str]:
    teachers = ", ".join(Path(name).name for name in facts["teachers"])
    return {
        "author": "Mimique",
        "description": "face detector trained by `train detector`",
        "license": "AGPL-3.0-or-later; the terms of the photos may bind it further",
        "run": run.id,
        "data_sha256": photos.hash,
        "teachers": teachers or "none",
        "date": datetime.now(UTC).date().isoformat(),
    }


def measure(model: Path, photos: FacePhotos) -> dict[str, Any]:
    """AP50 and its 95 % interval by least face height (``score_record``) on the held-out photos."""
    from curate.detect import load_detector
    from train.detector_score import LEAST_SCORE, ScoredPhoto, score_record

    detector = load_detector(model, score=LEAST_SCORE, tiles=False, engine=ENGINE)
    shown = progress(photos.held_out, "measuring", len(photos.held_out))
    scored = [ScoredPhoto(detector.detect([photo.image()])[0], photo.xyxy) for photo in shown]
    return dict(score_record(scored))


def in_words(scores: Any) -> str:
    """``.465 all, .816 ≥ 20 px, …``; a dash where there is no such face."""
    parts = []
    for px, row in scores.items():
        value = "–" if row["ap50"] is None else f"{row['ap50']:.3f}".lstrip("0")
        parts.append(f"{value} {'all' if px == '0' else f'≥ {px} px'}")
    return ", ".join(parts)
