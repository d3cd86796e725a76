"""Training runs: started, resumed after a kill, listed with what became of them.

``runs/<id>/`` of the workspace holds recipe.json, history.csv, curves.png, weights.pt, model.onnx and, written
last, metrics.json; of a classifier also predictions.csv, confusion.csv and .png, errors.png and model.json, of
a detector history-points.csv and problems.txt. While a run is under way it also holds
``work/`` (checkpoints, packed faces), which goes when the run is done.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from db.command import say
from db.errors import FULL_DISK, ConfigError, NotFoundError
from db.records.runs import Run
from db.records.snapshots import Snapshot
from db.whole_file import renamed_when_whole
from db.workspace import Workspace
from train.lock import hold, is_held
from train.recipes import Recipe, recipe_from_record

RunState = Literal["running", "interrupted", "done", "failed", "elsewhere"]
LONGEST_SLUG = 40  # of a run's title in its folder's name
# What may differ between the command that was killed and the one that goes on.
_FREE_TO_CHANGE = (
    "device",
    "data",
    "boxes",
    "face_free",
)  # the paths of photos: the snapshot names their content


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """A run this process is training: its name, its folder, and the recipe it began with."""

    id: str
    folder: Path
    resumed: bool

    @property
    def work(self) -> Path:
        return self.folder / "work"

    @property
    def history(self) -> Path:
        return self.folder / "history.csv"


@contextmanager
def training_run(
    workspace: Workspace,
    snapshot: Snapshot,
    recipe: Recipe,
    *,
    name: str = "",
    resume: str = "",
    fresh: bool = False,
) -> Iterator[ActiveRun]:
    """Begin a run, or go on with an interrupted one of the same recipe and snapshot (never when ``fresh``).

    One that another process trains at this moment is not trained twice, unless ``fresh``; one that is done already
    is told. ``resume`` names the run to go on with. Ctrl-C, a kill and a full disk leave it resumable; any other error
    marks it failed and keeps the reason. Errors: NotFoundError and ConfigError when it cannot be resumed.
    """
    wanted = recipe.as_record() | ({"name": name} if name else {})
    chosen = workspace.store.runs.load(resume) if resume else None
    if chosen is None and not fresh:
        chosen = find_run(workspace, snapshot, wanted, "interrupted")
        if chosen is None:
            _tell_of_twins(workspace, snapshot, wanted)
    if chosen is None:
        run_id = _new_run(workspace, snapshot, wanted, name or recipe.title)
    else:
        run_id = chosen.id
        _check_resumable(workspace, chosen, snapshot, wanted)
    folder = workspace.runs / run_id
    with hold(folder / "lock") as held:
        if not held:
            raise ConfigError(f"run {run_id} is being trained by another process", hint="train list")
        if chosen is None:
            started = datetime.now(UTC)
            workspace.store.runs.start(
                Run(run_id, wanted, snapshot.hash, "running", {}, environment(), started)
            )
        else:
            say(f"going on with run {run_id}")
        (folder / "work").mkdir(exist_ok=True)
        with _outcome(workspace, run_id):
            yield ActiveRun(run_id, folder, chosen is not None)
        shutil.rmtree(folder / "work")


def _tell_of_twins(workspace: Workspace, snapshot: Snapshot, recipe: Mapping[str, object]) -> None:
    """Refuse to train beside another process what it trains just now; say so where it was trained before."""
    wanted = _nameless(recipe)
    twins = [
        run
        for run in workspace.store.runs.all()
        if run.snapshot_hash == snapshot.hash and _nameless(run.recipe) == wanted
    ]
    newest = {run_state(workspace, run): run.id for run in twins}
    if "running" in newest:
        raise ConfigError(
            f"run {newest['running']} trains just this at the moment, in another process",
            hint="wait for it: train list; or train another beside it: --fresh",
        )
    if "done" in newest:
        say(f"run {newest['done']} was trained with just this recipe and data already; this is one more")


def finish_run(workspace: Workspace, run: ActiveRun, metrics: Mapping[str, object]) -> Run:
    """Mark the run done with its figures, and give it back."""
    workspace.store.runs.finish(run.id, "done", metrics)
    return workspace.store.runs.load(run.id)


def find_run(
    workspace: Workspace, snapshot: Snapshot, recipe: Mapping[str, object], state: RunState
) -> Run | None:
    """The newest run of this recipe record and snapshot in that state, or None."""
    wanted = _comparable(recipe)
    for run in reversed(workspace.store.runs.all()):
        same = run.snapshot_hash == snapshot.hash and _comparable(run.recipe) == wanted
        if same and run_state(workspace, run) == state:
            return run
    return None


def run_state(workspace: Workspace, run: Run) -> RunState:
    """What became of a run: one that says "running" whose process is gone was interrupted.

    ``elsewhere``: its folder is not on this machine (a shared store), so nobody here can tell.
    """
    if run.status != "running":
        return run.status
    folder = workspace.runs / run.id
    if not folder.exists():
        return "elsewhere"
    return "running" if is_held(folder / "lock") else "interrupted"


def run_folder(workspace: Workspace, run: Run) -> Path:
    """The folder of a run. Errors: NotFoundError when it is not on this machine."""
    folder = workspace.runs / run.id
    if not folder.is_dir():
        raise NotFoundError(
            f"the files of run {run.id} are not in {workspace.runs}",
            hint="was it trained on another machine? Copy its folder here, or train again",
        )
    return folder


def write_json(path: Path, content: object) -> None:
    """Write readable JSON under a temporary name, then rename."""
    with renamed_when_whole(path) as part:
        part.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def environment() -> dict[str, str]:
    """The versions and the machine a run was made with."""
    packages = ("mimique", "torch", "torchvision", "ultralytics", "onnxruntime", "numpy", "opencv-python")
    return {
        "python": platform.python_version(),
        **{package: version(package) for package in packages},
        "platform": platform.platform(),
        "processor": _processor(),
        "cpus": str(os.cpu_count() or 0),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text(encoding="utf-8", errors="replace") if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1) if found else platform.processor() or platform.machine()


def _new_run(workspace: Workspace, snapshot: Snapshot, recipe: Mapping[str, object], title: str) -> str:
    """The name of a new folder; the store hears of it once its lock is held, so that nobody takes it for a dead run."""
    now = datetime.now(UTC)
    slug = re.sub(r"[^A-Za-z0-9_.]+", "-", title).strip("-.")[:LONGEST_SLUG].rstrip("-.") or "run"
    stem = f"{now:%Y%m%d-%H%M%S}-{slug}-{snapshot.hash[:6]}"
    run_id = _new_folder(workspace.runs, stem)
    write_json(workspace.runs / run_id / "recipe.json", {**recipe, "snapshot": snapshot.hash})
    return run_id


def _new_folder(runs: Path, stem: str) -> str:
    """A name no other run has, though two begin in the same second."""
    for number in range(1, 1000):
        run_id = stem if number == 1 else f"{stem}-{number}"
        try:
            (runs / run_id).mkdir(parents=True)
        except FileExistsError:
            continue
        return run_id
    raise ConfigError(f"{runs} already holds a thousand runs named {stem}", hint="choose another --name")


def check_interrupted(workspace: Workspace, run: Run) -> None:
    """Raises ConfigError for a run with which nobody can go on: done, failed, under way or elsewhere."""
    state = run_state(workspace, run)
    if state != "interrupted":
        raise ConfigError(f"run {run.id} is {state}: there is nothing to resume", hint="train list")


def _check_resumable(
    workspace: Workspace, run: Run, snapshot: Snapshot, recipe: Mapping[str, object]
) -> None:
    check_interrupted(workspace, run)
    if run.snapshot_hash != snapshot.hash:
        raise ConfigError(
            f"run {run.id} trains on snapshot {run.snapshot_hash[:12]}, not on {snapshot.hash[:12]}",
            hint=f"the photos and boxes must be those it began with, or --snapshot {run.snapshot_hash[:12]}",
        )
    if _comparable(run.recipe) != _comparable(recipe):
        raise ConfigError(f"run {run.id} has another recipe", hint=f"see it: train show {run.id}")


def _comparable(recipe: Mapping[str, object]) -> object:
    """What two runs of one recipe share; what an older record does not name had its default then."""
    try:
        whole = {**recipe_from_record(recipe).as_record(), **recipe}
    except ConfigError:
        whole = dict(recipe)
    kept = {key: value for key, value in whole.items() if key not in _FREE_TO_CHANGE}
    return json.loads(json.dumps(kept))


def _nameless(recipe: Mapping[str, object]) -> object:
    return _comparable({key: value for key, value in recipe.items() if key != "name"})


@contextmanager
def _outcome(workspace: Workspace, run_id: str) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say(f"\nstopped; run {run_id} is kept as of its last checkpoint")
        raise
    except Exception as error:
        if not (isinstance(error, OSError) and error.errno in FULL_DISK):
            reason: dict[str, Any] = {"reason": f"{type(error).__name__}: {error}"}
            workspace.store.runs.finish(run_id, "failed", reason)
        raise
