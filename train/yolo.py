"""The YOLO recipe: a snapshot and a recipe in, a finished run out."""

from __future__ import annotations

import ast
import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from curate.registry import DEFAULT_DETECTOR
from db.command import say
from db.errors import ConfigError
from db.privacy import quiet_ultralytics
from db.records.runs import Run
from db.records.snapshots import Part, Snapshot
from db.workspace import Workspace
from train.card import ModelCard
from train.dataset import PackedFaces, check_trainable, pack_part
from train.history import Epoch, read_history, record_epoch, say_epoch
from train.recipes import YoloRecipe
from train.runs import ActiveRun, training_run, write_json
from train.start import Start, starting_weights, torch_device, whole_batches

# Faces to train on are packed larger than the network's input, since random crops zoom into them.
ZOOM_ROOM = 1.25
START = "start.json"  # in the run's work folder: where training began, for a run that goes on
# Arguments the recipe, the run or the snapshot decides; each has its own option.
_TAKEN = frozenset(
    {"model", "data", "task", "mode", "project", "name", "save_dir", "exist_ok", "resume", "imgsz", "epochs"}
    | {"batch", "seed", "device", "pretrained", "plots", "save", "val", "split", "single_cls", "fraction"}
    | {"cache", "rect", "verbose"}
)
_NO_SHIFT, _NO_SCALE = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
_OURS: Mapping[str, object] = {"plots": False, "val": True, "save": True, "exist_ok": True, "verbose": False}


def train_yolo(
    workspace: Workspace,
    snapshot: Snapshot,
    recipe: YoloRecipe,
    *,
    name: str = "",
    resume: str = "",
    fresh: bool = False,
) -> Run:
    """Train an Ultralytics classifier on a snapshot and keep the epoch of best macro-F1 on val.

    An interrupted run of the same recipe and snapshot goes on unless ``fresh``; ``resume`` names one.
    Errors: InputError for a snapshot nothing can be learnt from, ConfigError, ModelError.
    """
    quiet_ultralytics()
    check_settings(recipe.settings)
    check_trainable(snapshot)
    device = torch_device(recipe.device)
    with training_run(workspace, snapshot, recipe, name=name, resume=resume, fresh=fresh) as run:
        return _train(workspace, snapshot, recipe, run, device)


def check_settings(settings: Mapping[str, object]) -> None:
    """Check Ultralytics arguments against its own list and types. Errors: ConfigError."""
    quiet_ultralytics()
    from ultralytics.cfg import DEFAULT_CFG_DICT, get_cfg

    for key in settings:
        if key in _TAKEN:
            raise ConfigError(
                f"{key} cannot be set with --set: the recipe or the run decides it",
                hint="see: train yolo --help",
            )
        if key not in DEFAULT_CFG_DICT:
            near = difflib.get_close_matches(key, [k for k in DEFAULT_CFG_DICT if k not in _TAKEN], n=3)
            raise ConfigError(
                f"Ultralytics has no argument {key!r}",
                hint=f"did you mean {' or '.join(near)}?"
                if near
                else "docs.ultralytics.com/usage/cfg lists them",
            )
    try:
        get_cfg(overrides=dict(settings))
    except (TypeError, ValueError, SyntaxError) as error:
        raise ConfigError(f"--set: {error}") from error


def parse_settings(pairs: Sequence[str]) -> dict[str, object]:
    """``["lr0=0.01", "cos_lr=True"]`` as values: numbers, booleans, None and lists are recognised.

    Errors: ConfigError for a pair without an equals sign.
    """
    settings: dict[str, object] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise ConfigError(f"--set wants key=value, got {pair!r}", hint="for example --set lr0=0.005")
        settings[key.strip()] = _value(value.strip())
    return settings


def _value(text: str) -> object:
    known = {"true": True, "false": False, "none": None}
    if text.lower() in known:
        return known[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _train(workspace: Workspace, snapshot: Snapshot, recipe: YoloRecipe, run: ActiveRun, device: str) -> Run:
    imgsz = -(-recipe.imgsz // 32) * 32
    if imgsz != recipe.imgsz:
        say(f"note: YOLO takes multiples of 32: training at {imgsz} px instead of {recipe.imgsz}")
    val, test = (_pack(workspace, snapshot, part, imgsz, run) for part in ("val", "test"))
    facts = _fit(workspace, snapshot, recipe, run, device, val)

    from train.finish import conclude
    from train.network import build
    from train.yolo_trainer import best_weights

    card = ModelCard("ultralytics", f"{recipe.title}-cls", snapshot.classes, imgsz, _NO_SHIFT, _NO_SCALE)
    network = build(card)
    network.backbone.load_state_dict(best_weights(run.work / "weights" / "best.pt"))
    _keep_checkpoint(run)
    return conclude(workspace, snapshot, run, network, (val, test), facts)


def _fit(
    workspace: Workspace,
    snapshot: Snapshot,
    recipe: YoloRecipe,
    run: ActiveRun,
    device: str,
    val: PackedFaces,
) -> dict[str, object]:
    """Train until the last epoch is on disk; gives where training started from."""
    last, kept_start = run.work / "weights" / "last.pt", run.work / START
    if last.exists():
        start, name = None, str(json.loads(kept_start.read_text(encoding="utf-8"))["start"])
        if len(read_history(run.history)) >= recipe.epochs:
            return {"start": name, "train_faces": len(snapshot.part("train"))}
    else:
        start = starting_weights(recipe.weights, _candidates(recipe))
        name = start.name if start else "scratch"
        write_json(kept_start, {"start": name})
    train = _pack(workspace, snapshot, "train", round(val.images.shape[1] * ZOOM_ROOM), run)
    backbone = _face_backbone(start, recipe, snapshot, train)

    from train.yolo_trainer import MacroF1Trainer

    def on_epoch(row: Epoch) -> None:
        say_epoch(record_epoch(run.history, row), recipe.epochs)

    overrides = _overrides(recipe, run, device, len(train), val.images.shape[1], start)
    MacroF1Trainer(overrides, snapshot.classes, train, val, on_epoch, backbone).train()
    return {"start": name, "train_faces": len(train)}


def _overrides(
    recipe: YoloRecipe, run: ActiveRun, device: str, faces: int, imgsz: int, start: Start | None
) -> dict[str, Any]:
    last = run.work / "weights" / "last.pt"
    half = {"amp": "bf16"} if device == "cuda" else {"amp": False}  # bf16 needs no trial run of another model
    return {
        **half,
        **recipe.settings,
        **_OURS,
        "model": f"{recipe.title}-cls.yaml",
        "pretrained": str(start.path) if start and start.name != DEFAULT_DETECTOR else True,
        "data": "snapshot",
        "imgsz": imgsz,
        "epochs": recipe.epochs,
        "batch": whole_batches(faces, recipe.batch),
        "seed": recipe.seed,
        "device": "cpu" if device == "cpu" else "0",
        "save_dir": str(run.work),
        "resume": str(last) if last.exists() else False,
    }


def _candidates(recipe: YoloRecipe) -> tuple[str, ...]:
    """Classification weights; else the bundled face detector, where it is the same network; else segmentation."""
    faces = (DEFAULT_DETECTOR,) if recipe.title == "yolo11n" else ()
    return f"{recipe.title}-cls", *faces, f"{recipe.title}-seg"


def _face_backbone(
    start: Start | None, recipe: YoloRecipe, snapshot: Snapshot, train: PackedFaces
) -> Mapping[str, Any] | None:
    """The tensors to begin with when the start is the face detector, which Ultralytics cannot load by itself."""
    if start is None or start.name != DEFAULT_DETECTOR:
        return None
    import torch

    from train.face_start import face_start
    from train.network import build

    torch.manual_seed(recipe.seed)  # for the layers that are new
    card = ModelCard(
        "ultralytics", f"{recipe.title}-cls", snapshot.classes, recipe.imgsz, _NO_SHIFT, _NO_SCALE
    )
    return face_start(start.path, build(card).backbone, train.images)


def _pack(workspace: Workspace, snapshot: Snapshot, part: Part, size: int, run: ActiveRun) -> PackedFaces:
    return pack_part(workspace.blobs, snapshot, part, size, run.work / f"{part}.npy")


def _keep_checkpoint(run: ActiveRun) -> None:
    """Leave ``best.pt`` for Ultralytics' own tools, without optimiser state and traces of this machine."""
    from ultralytics.utils.torch_utils import strip_optimizer

    target = run.folder / "best.pt"
    strip_optimizer(
        run.work / "weights" / "best.pt",
        str(target),
        updates={"git": None, "train_args": {"task": "classify"}},
    )
