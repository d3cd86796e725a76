"""The whole loop on drawn people: every stage's own function, one after the other, then one report.

Each step is the function behind the command a user would type. All steps are safe to repeat: what is
stored is kept, and a finished run of the same snapshot and recipe is used again.
"""

from __future__ import annotations

import shlex
import shutil
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from db.command import say
from db.errors import InputError
from db.records.runs import Run
from db.records.snapshots import Snapshot
from db.workspace import CONFIG_NAME, Workspace, create_workspace, open_workspace
from mimique import demo_sections as pages
from mimique.report import Report, Section, write_report

Extra = TypeVar("Extra")

RATIOS = (4, 1, 1)  # the seed's 20:4:1 leaves too few faces of 400 photos to test on
CLIP_SECONDS = 8.0
_FREE_BYTES_NEEDED = 500 * 1024**2


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """Where the demo lives, how many photos it draws, and the seed of everything random in it."""

    workspace: Path
    count: int = 400
    seed: int = 0


def run_demo(plan: DemoPlan) -> Path:
    """Run every stage in the plan's workspace and give the path of the HTML report.

    Errors: InputError when the folder holds a workspace of something else, or the disk is nearly full.
    """
    started = time.monotonic()
    workspace = _open(plan)
    steps = _Steps(total=9)
    sections = [
        steps.run("Collect", lambda: pages.collected(workspace, plan.count, plan.seed)),
        steps.run("Find faces", lambda: pages.faces_found(workspace)),
        steps.run("Group duplicates", lambda: pages.duplicates_grouped(workspace)),
        steps.run("Vote", lambda: pages.voted(workspace, plan.seed)),
        steps.run("Decide", lambda: pages.decided(workspace)),
    ]
    split_section, snapshot = steps.run_with("Split", lambda: pages.split_made(workspace, RATIOS, plan.seed))
    yolo_section, yolo = steps.run_with(
        "Train YOLO", lambda: pages.yolo_trained(workspace, snapshot, plan.seed)
    )
    resnet_section, resnet = steps.run_with(
        "Train ResNet", lambda: pages.resnet_trained(workspace, snapshot, plan.seed)
    )
    best = max((yolo, resnet), key=pages.test_macro_f1)
    live = steps.run("Live", lambda: pages.live_annotated(workspace, best, CLIP_SECONDS, plan.seed))
    sections += [split_section, yolo_section, resnet_section, live]
    path = _report(plan, workspace, sections, (yolo, resnet), snapshot, time.monotonic() - started)
    workspace.store.close()
    return path


class _Steps:
    """Announces each step on stderr, times it, and says what came of it."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def run(self, title: str, work: Callable[[], Section]) -> Section:
        return self.run_with(title, lambda: (work(), None))[0]

    def run_with(self, title: str, work: Callable[[], tuple[Section, Extra]]) -> tuple[Section, Extra]:
        self._done += 1
        say(f"[{self._done}/{self._total}] {title}")
        started = time.monotonic()
        section, extra = work()
        seconds = time.monotonic() - started
        facts = " · ".join(f"{name} {value}" for name, value in section.facts[:4])
        say(f"      {facts}  ({seconds:.1f} s)")
        return replace(section, seconds=seconds), extra


def _open(plan: DemoPlan) -> Workspace:
    folder = plan.workspace
    if folder.is_dir() and any(folder.iterdir()) and not (folder / CONFIG_NAME).exists():
        raise InputError(
            f"{folder} holds other files, so it is left alone",
            hint="give the demo a folder of its own: mimique demo --workspace NEW_FOLDER",
        )
    create_workspace(folder)
    free = shutil.disk_usage(folder).free
    if free < _FREE_BYTES_NEEDED:
        raise InputError(
            f"{folder} is on a disk with {free / 1024**2:.0f} MiB free; the demo needs 500",
            hint="free some space, or name another place: mimique demo --workspace FOLDER",
        )
    workspace = open_workspace(folder)
    strangers = {origin.source for _, origin in workspace.store.photos.origins()} - {"sample"}
    if strangers:
        raise InputError(
            f"{folder} is a real project (photos from {', '.join(sorted(strangers))})",
            hint="give the demo a folder of its own: mimique demo --workspace NEW_FOLDER",
        )
    return workspace


def _report(
    plan: DemoPlan,
    workspace: Workspace,
    sections: list[Section],
    runs: tuple[Run, ...],
    snapshot: Snapshot,
    seconds: float,
) -> Path:
    at = f"--workspace {plan.workspace}"
    report = Report(
        title="The whole loop, on drawn people",
        lead=(
            f"{plan.count} photos of people, drawn in code from seed {plan.seed}, went from collection to a live "
            f"expression classifier; this run of the demo took {seconds / 60:.1f} minutes. Nobody real is shown; the "
            "four people who voted are simulated, with the error rates stated below."
        ),
        sections=sections,
        next_steps=(
            *_activation(),
            (f"label {at}", "Open the voting workbench on these faces: one key is a vote."),
            (f"live --web {at}", "Try the better of the two models on your own webcam, in the browser."),
            (f"train compare {' '.join(run.id for run in runs)} {at}", "Put the two runs side by side."),
            ("mimique init", "Make a workspace for your own project, with your own classes."),
            (
                "collect flickr --class angry",
                "Harvest real photos (with FLICKR_API_KEY and FLICKR_API_SECRET set).",
            ),
            ("curate faces && label", "Crop the faces and vote on them with your team."),
        ),
        footer=(
            f"Workspace {plan.workspace.name} · snapshot {snapshot.hash[:12]} · runs "
            + ", ".join(run.id for run in runs),
            "Models trained on drawings know nothing about real faces.",
        ),
    )
    path = write_report(report, workspace.path / "report.html")
    say(f"\nreport  {path.resolve()}")
    for command, what in report.next_steps[:3]:
        say(f"next    {command}\n        {what}")
    return path.resolve()


def _activation() -> tuple[tuple[str, str], ...]:
    """How to bring the commands onto the shell's path, where they are not yet on it."""
    script = Path(sys.executable).with_name("activate")
    if shutil.which("label") or not script.exists():
        return ()
    if script.is_relative_to(Path.cwd()):
        script = script.relative_to(Path.cwd())
    return ((f"source {shlex.quote(str(script))}", "Put Mimique's commands on this shell's path."),)
