"""Pictures of a run: confusion matrices, curves, wrong faces, runs side by side.

Colours are from Okabe and Ito's set and the cividis map, which colour-blind readers can tell apart; every
picture also carries its figures as text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.whole_file import renamed_when_whole
from train.history import Epoch, best_epoch

BLUE, ORANGE, GREEN, PURPLE, INK = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#222222"
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "text.color": INK,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "legend.frameon": False,
}


@dataclass(frozen=True, slots=True)
class WrongFace:
    """A face the run got wrong, for the gallery; ``face`` is (H, W, 3) uint8 RGB."""

    face: NDArray[np.uint8]
    true: str
    predicted: str
    confidence: float
    part: str


def plot_confusion(confusion: Sequence[Sequence[int]], labels: Sequence[str], title: str, path: Path) -> None:
    """Two matrices side by side: counts, and the share of each true class (rows add up to 100 %)."""
    counts = np.asarray(confusion, np.float64).reshape(len(labels), len(labels))
    rows = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, rows, out=np.zeros_like(counts), where=rows > 0)
    side = max(3.2, 0.75 * len(labels) + 1.6)
    with _figure(path, (2 * side + 0.6, side + 0.5), columns=2) as (figure, axes):
        _matrix(axes[0], shares, [[f"{n:.0f}" for n in row] for row in counts], labels, "faces")
        _matrix(
            axes[1], shares, [[f"{n:.0%}" for n in row] for row in shares], labels, "share of the true class"
        )
        axes[0].set_ylabel("true class")
        figure.suptitle(title)


def _matrix(
    axis: Any, shades: NDArray[np.float64], cells: list[list[str]], labels: Sequence[str], title: str
) -> None:
    axis.imshow(shades, cmap="cividis", vmin=0, vmax=1)
    axis.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axis.set_yticks(range(len(labels)), labels)
    axis.set_xlabel("predicted class")
    axis.set_title(title)
    axis.grid(False)
    for i, row in enumerate(cells):
        for j, text in enumerate(row):
            axis.text(j, i, text, ha="center", va="center", color="white" if shades[i, j] < 0.55 else "black")


def plot_curves(rows: Sequence[Epoch], title: str, path: Path) -> None:
    """Losses on the left, accuracy and macro-F1 on val on the right; the kept epoch is marked."""
    best = best_epoch(rows)
    epochs = [row.epoch for row in rows]
    with _figure(path, (9.6, 3.8), columns=2) as (figure, (left, right)):
        left.plot(epochs, [row.train_loss for row in rows], color=BLUE, label="train")
        left.plot(epochs, [row.val_loss for row in rows], color=ORANGE, linestyle="--", label="val")
        left.set(xlabel="epoch", ylabel="cross-entropy", title="loss")
        right.plot(epochs, [row.accuracy for row in rows], color=BLUE, label="accuracy")
        right.plot(epochs, [row.macro_f1 for row in rows], color=ORANGE, linestyle="--", label="macro-F1")
        right.set(xlabel="epoch", ylim=(0, 1.02), title="val part")
        for axis in (left, right):
            axis.xaxis.get_major_locator().set_params(integer=True)
            if best is not None:
                axis.axvline(best.epoch, color=GREEN, linestyle=":", label=f"kept: epoch {best.epoch}")
            axis.legend()
        for row in rows[1:]:
            if row.phase != rows[row.epoch - 2].phase:
                left.axvline(row.epoch - 0.5, color="#bbbbbb", linewidth=1)
        figure.suptitle(title)


def plot_errors(wrong: Sequence[WrongFace], title: str, path: Path, columns: int = 8) -> None:
    """A gallery of faces with what they are and what the run took them for, the most confident first."""
    count = max(1, len(wrong))
    columns = min(columns, max(3, count))
    height = -(-count // columns)
    with _figure(path, (1.45 * columns, 1.95 * height + 0.7), rows=height, columns=columns) as (figure, axes):
        cells = np.ravel(axes)
        for axis in cells:
            axis.axis("off")
        for axis, error in zip(cells, wrong, strict=False):
            axis.imshow(error.face)
            text = f"{error.true}\n→ {error.predicted} {error.confidence:.0%}\n({error.part})"
            axis.set_title(text, fontsize=7.5, color=INK)
        if not wrong:
            figure.text(0.5, 0.4, "no face of the val and test parts was taken for another", ha="center")
        figure.suptitle(title)


def plot_comparison(runs: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Runs side by side on one part: accuracy with its 95 % interval, and F1 of every class.

    ``runs`` maps a name to a scores record (``Scores.as_record``).
    """
    names = list(runs)
    places = np.arange(len(names))
    with _figure(path, (11, max(2.6, 0.6 * len(names) + 1.9)), columns=2) as (_, (left, right)):
        centre = np.array([runs[name]["accuracy"] for name in names])
        low = np.array([runs[name]["accuracy_low"] for name in names])
        high = np.array([runs[name]["accuracy_high"] for name in names])
        left.errorbar(centre, places, xerr=[centre - low, high - centre], fmt="o", color=BLUE, capsize=4)
        left.set_yticks(places, names)
        left.set(xlim=(0, 1), xlabel="accuracy, 95 % interval", ylim=(len(names) - 0.5, -0.5))
        for place, value in zip(places, centre, strict=True):
            left.annotate(
                f"{value:.1%}", (value, place), xytext=(0, 7), textcoords="offset points", ha="center"
            )
        _class_dots(right, [runs[name]["classes"] for name in names])
        right.set_yticks(places, [""] * len(names))
        right.set(ylim=(len(names) - 0.5, -0.5))


def _class_dots(axis: Any, classes: Sequence[Sequence[Mapping[str, Any]]]) -> None:
    markers, colours = "osD^vPX*", (BLUE, ORANGE, GREEN, PURPLE, "#E69F00", "#56B4E9", "#000000", "#999999")
    labels = list(dict.fromkeys(score["label"] for run in classes for score in run))
    for i, label in enumerate(labels):
        points = [(s["f1"], row) for row, run in enumerate(classes) for s in run if s["label"] == label]
        x, y = zip(*points, strict=True)
        axis.scatter(x, y, marker=markers[i % 8], color=colours[i % 8], label=label, s=55, alpha=0.85)
    axis.set(xlim=(-0.02, 1.02), xlabel="F1 of each class")
    axis.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)


def plot_detector(
    losses: Sequence[Mapping[str, str]], held_out: Mapping[str, Mapping[str, Any]], title: str, path: Path
) -> None:
    """Losses by epoch on the left; on the right AP50 on the held-out photos by least face height.

    ``losses`` are rows of history.csv, ``held_out`` is a detector's score record.
    """
    epochs = [int(row["epoch"]) for row in losses]
    with _figure(path, (9.6, 3.8), columns=2) as (figure, (left, right)):
        for name, colour, style in (("box", BLUE, "-"), ("cls", ORANGE, "--"), ("dfl", GREEN, ":")):
            values = [float(row[f"{name}_loss"]) for row in losses]
            left.plot(epochs, values, style, color=colour, label=name, marker="o", markersize=3)
        left.set(xlabel="epoch", ylabel="mean loss of the epoch", title="training")
        left.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        left.legend()
        rows = {("all" if px == "0" else f"≥ {px} px"): row for px, row in held_out.items()}
        measured = {name: row for name, row in rows.items() if row["ap50"] is not None}
        centre = np.array([row["ap50"] for row in measured.values()], np.float64)
        sides = (
            np.array([[row["low"], row["high"]] for row in measured.values()], np.float64).reshape(-1, 2).T
        )
        right.bar(list(measured), centre, color=BLUE, width=0.55)
        right.errorbar(range(len(centre)), centre, abs(sides - centre), fmt="none", ecolor=INK, capsize=5)
        for place, value in enumerate(centre):
            right.annotate(f"{value:.3f}", (place, sides[1, place] + 0.02), ha="center")
        if not measured:
            right.text(0.5, 0.5, "no face is held out", ha="center", transform=right.transAxes)
        right.set(ylim=(0, 1.08), ylabel="AP50, 95 % interval", title="held-out photos, by least face height")
        figure.suptitle(title)


@contextmanager
def _figure(
    path: Path, size: tuple[float, float], rows: int = 1, columns: int = 1
) -> Iterator[tuple[Any, Any]]:
    """A figure drawn without a screen or global state, written whole as PNG."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure, figure.subplots(rows, columns)
        with renamed_when_whole(path) as part:
            figure.savefig(part, format="png", dpi=130, facecolor="white")
