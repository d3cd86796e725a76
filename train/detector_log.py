"""What a person sees while a detector trains, and the losses of every epoch, kept in a history's CSV."""

from __future__ import annotations

import csv
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from db.command import say
from db.whole_file import renamed_when_whole
from train.detector_recipe import DetectorRecipe

SAY_EVERY_S = 15.0
BOX_LOSSES = ("box_loss", "cls_loss", "dfl_loss")
POINT_LOSSES = ("pose_loss", "kobj_loss")  # how far points are off, and whether they are seen


class EpochLog:
    """A line every few seconds and at each epoch's end, and a row of the history's CSV an epoch.

    ``kinds`` are the losses told: means over those steps of the epoch that this process took, after a kill the
    later ones.
    """

    def __init__(
        self, path: Path, recipe: DetectorRecipe, epoch_steps: int, kinds: Sequence[str] = BOX_LOSSES
    ) -> None:
        self._path, self._recipe, self._epoch_steps, self._kinds = path, recipe, epoch_steps, kinds
        self._sums: dict[str, float] = {}
        self._steps = self._taken = 0
        self._said_at = time.monotonic()
        self._epoch_began = self._said_at

    def __call__(self, step: int, losses: Mapping[str, float]) -> None:
        self._steps += 1
        self._taken += 1
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        ended = step % self._epoch_steps == 0 or step == self._recipe.steps
        if ended or time.monotonic() - self._said_at >= SAY_EVERY_S:
            self._say(step, losses["seconds"])
        if ended:
            self._record(step)
            self._sums, self._steps, self._epoch_began = {}, 0, time.monotonic()

    def _say(self, step: int, seconds: float) -> None:
        self._said_at = time.monotonic()
        left_s = (self._recipe.steps - step) * seconds / self._taken
        means = "  ".join(f"{name.removesuffix('_loss')} {self._mean(name):.3f}" for name in self._kinds)
        epoch, of = -(-step // self._epoch_steps), -(-self._recipe.steps // self._epoch_steps)
        left = f"{left_s:.0f} s" if left_s < 120 else f"{left_s / 60:.0f} min"
        done = f"epoch {epoch}/{of}, " if of > 1 else ""
        say(f"{done}step {step:,} of {self._recipe.steps:,}  {means}  {left} to go")

    def _mean(self, name: str) -> float:
        return self._sums[name] / self._steps

    def _record(self, step: int) -> None:
        epoch = -(-step // self._epoch_steps)
        rate = self._recipe.learning_rate(step - 1)
        means = [f"{self._mean(name):.5f}" for name in self._kinds]
        fields = ("epoch", "step", "learning_rate", *self._kinds, "seconds")
        seconds = f"{time.monotonic() - self._epoch_began:.1f}"
        rows = [row for row in read_losses(self._path) if int(row["epoch"]) < epoch]
        with renamed_when_whole(self._path) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(fields)
            writer.writerows([row[name] for name in fields] for row in rows)
            writer.writerow([epoch, step, f"{rate:.3g}", *means, seconds])


def read_losses(path: Path) -> list[dict[str, str]]:
    """The rows written so far, as text; none when the file is not there."""
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
