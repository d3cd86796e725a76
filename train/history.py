"""The figures of every epoch of a run, kept in ``history.csv``."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from db.command import say
from db.whole_file import renamed_when_whole
from train.metrics import selection_score


@dataclass(frozen=True, slots=True)
class Epoch:
    """One pass over the train part; ``epoch`` counts from 1, losses are mean cross-entropies in nats."""

    epoch: int
    phase: str
    learning_rate: float
    train_loss: float
    val_loss: float
    accuracy: float
    macro_f1: float
    seconds: float

    @property
    def score(self) -> float:
        """What the best checkpoint is chosen by."""
        return selection_score(self.macro_f1, self.val_loss)


def best_epoch(rows: Sequence[Epoch]) -> Epoch | None:
    """The row with the highest score, the earliest among equals; None without rows."""
    return max(rows, key=lambda row: row.score, default=None)


def read_history(path: Path) -> tuple[Epoch, ...]:
    """The rows written so far; none when the file is not there."""
    if not path.exists():
        return ()
    with path.open(encoding="utf-8", newline="") as file:
        return tuple(
            Epoch(
                int(row["epoch"]),
                row["phase"],
                *(float(row[field.name]) for field in fields(Epoch)[2:]),
            )
            for row in csv.DictReader(file)
        )


def record_epoch(path: Path, row: Epoch) -> tuple[Epoch, ...]:
    """Put a row after the earlier epochs, dropping any from it on, and give them all.

    The file is replaced whole, so a kill never leaves half a line.
    """
    rows = (*(old for old in read_history(path) if old.epoch < row.epoch), row)
    with renamed_when_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Epoch)])
        writer.writeheader()
        writer.writerows(asdict(each) for each in rows)
    return rows


def say_epoch(rows: Sequence[Epoch], of: int) -> None:
    """One line for the terminal about the newest epoch; a star marks the best so far."""
    row = rows[-1]
    star = " ★" if best_epoch(rows) == row else ""
    say(
        f"epoch {row.epoch:>3}/{of}  loss {row.train_loss:.3f}  val {row.val_loss:.3f}  "
        f"accuracy {row.accuracy:6.1%}  macro-F1 {row.macro_f1:.3f}  {row.seconds:.1f} s{star}"
    )
