"""The table and the plot of `benchmarks/detector.py`, from rows that are kept as JSON."""

import json
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from db.errors import InputError

BEGIN, END = "<!-- benchmark: written by benchmarks/detector.py -->", "<!-- end of benchmark -->"
HEIGHTS = {"0": "all", "20": "≥ 20 px", "50": "≥ 50 px", "100": "≥ 100 px"}
COLOURS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#666666", "#E69F00", "#56B4E9", "#000000")
STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

Rows = dict[str, dict[str, Any]]


def write(folder: Path, rows: Rows) -> None:
    """Put the rows beside the earlier ones of the same fold, and make the table and the plot of all anew."""
    kept = _merged(folder / "detector.json", rows)
    page = folder / "detector.md"
    text = page.read_text(encoding="utf-8") if page.exists() else f"{BEGIN}\n{END}\n"
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise InputError(f"{page} has no place for the table: expected the lines {BEGIN} and {END}")
    lines = (f"{json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in kept.items())
    _replace(folder / "detector.json", "{\n" + ",\n".join(lines) + "\n}\n")
    _replace(page, f"{before}{BEGIN}\n\n{table(kept)}\n![Curves](detector.png)\n\n{END}{after}")
    plot(folder / "detector.png", kept)


def _merged(path: Path, rows: Rows) -> Rows:
    """The earlier rows and these. Raises InputError when the earlier ones were measured on other photos."""
    earlier: Rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    new = next(iter(rows.values()))
    for name, row in earlier.items():
        if any(row[key] != new[key] for key in ("fold", "threads")):
            raise InputError(
                f"{path}: {name} was measured on fold {row['fold']} with {row['threads']} threads, these on "
                f"{new['fold']} with {new['threads']}",
                hint="give another --out, or delete that file",
            )
    return earlier | rows


def _replace(path: Path, text: str) -> None:
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def table(rows: Rows) -> str:
    """Two Markdown tables: average precision and time; drawn faces and false alarms. Empty without rows."""
    if not rows:
        return ""
    one = next(iter(rows.values()))
    lines = [
        f"{one['photos']} held-out photos with {one['faces']:,} faces (fold `{one['fold']}`): AP50 with its 95 % "
        "interval over photos (bootstrap, 500 rounds, seed 0), milliseconds a photo (median, one at a time, "
        f"{one['threads']} threads) and the machine's load average while they were taken: compare times only where "
        "the loads are alike.",
        "",
        f"| detector | {' | '.join(HEIGHTS.values())} | ms | load |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in rows.items():
        cells = " | ".join(_precision(row["ap"][px]) for px in HEIGHTS)
        lines.append(f"| {name} | {cells} | {row['ms']:.0f} | {row['load']:.1f} |")
    kinds = list(dict.fromkeys(kind for row in rows.values() for kind in row["alarms"]))
    lines += [
        "",
        "At each detector's default score: drawn faces of 40 px and more that it finds (60 photos, seed 5), and false "
        "alarms per picture "
        "without faces. WIDER does not label every blurred face, so some alarms in cuts of photos are faces.",
        "",
        "| detector | drawn faces found | " + " | ".join(f"alarms a {kind}" for kind in kinds) + " |",
        "|---|---|" + "---|" * len(kinds),
    ]
    for name, row in rows.items():
        alarms = " | ".join(_alarms(row["alarms"].get(kind)) for kind in kinds)
        lines.append(f"| {name} | {row['drawn_found']} of {row['drawn_faces']} | {alarms} |")
    return "\n".join(lines) + "\n"


def _precision(cell: dict[str, float | None]) -> str:
    if cell["ap50"] is None:
        return "–"
    value, low, high = (f"{cell[key]:.3f}".removeprefix("0") for key in ("ap50", "low", "high"))
    return f"{value} ({low}–{high})"


def _alarms(counts: list[int] | None) -> str:
    return "–" if not counts or not counts[1] else f"{counts[0] / counts[1]:.2f} ({counts[0]} in {counts[1]})"


def plot(path: Path, rows: Rows) -> None:
    """A precision-recall panel for each least height, and average precision against time."""
    figure = Figure(figsize=(12, 7.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3)
    looks = {name: (COLOURS[i % 8], STYLES[i % 5]) for i, name in enumerate(rows)}
    for (px, title), axis in zip(
        HEIGHTS.items(), (axes[0, 0], axes[0, 1], axes[1, 0], axes[1, 1]), strict=True
    ):
        _curves(axis, px, title, rows, looks)
    _against_time(axes[0, 2], rows, looks)
    axes[1, 2].axis("off")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    handles += axes[0, 2].get_legend_handles_labels()[0]
    labels += axes[0, 2].get_legend_handles_labels()[1]
    axes[1, 2].legend(handles, labels, loc="upper left", frameon=False, fontsize=11, handlelength=3.5)
    one = next(iter(rows.values()))
    figure.suptitle(f"Face detectors on {one['photos']} held-out photos, IoU 0.5 (fold {one['fold']})")
    part = path.with_suffix(".part")
    figure.savefig(part, format="png", dpi=110, facecolor="white")
    part.replace(path)


def _curves(axis: Any, px: str, title: str, rows: Rows, looks: dict[str, Any]) -> None:
    for name, row in rows.items():
        colour, style = looks[name]
        points = row["curves"][px]
        axis.plot(*zip(*points, strict=True), color=colour, linestyle=style, label=name, linewidth=1.8)
    faces = next(iter(rows.values()))["ap"][px]["faces"]
    low = {"0": 0.0, "20": 0.5, "50": 0.7, "100": 0.8}[px]
    axis.set(
        xlim=(low, 1.005),
        ylim=(low, 1.01),
        xlabel="recall",
        ylabel="precision",
        title=f"{title} ({faces:,} faces)",
    )
    _plain(axis)


def _against_time(axis: Any, rows: Rows, looks: dict[str, Any]) -> None:
    for name, row in rows.items():
        for px, marker, filled in (("50", "o", True), ("20", "s", False)):
            if row["ap"][px]["ap50"] is not None:
                colour = looks[name][0]
                face = colour if filled else "white"
                axis.plot(
                    row["ms"], row["ap"][px]["ap50"], marker, color=colour, markerfacecolor=face, markersize=8
                )
    axis.margins(0.08)
    axis.plot([], [], "o", color="#444444", label="above: faces ≥ 50 px")
    axis.plot([], [], "s", color="#444444", markerfacecolor="white", label="above: faces ≥ 20 px")
    axis.set_xscale("log")
    ticks = [3, 10, 30, 100, 300, 1000, 3000, 10000]
    low, high = (limit(row["ms"] for row in rows.values()) for limit in (min, max))
    axis.set_xticks([t for t in ticks if low / 4 <= t <= high * 4])
    axis.get_xaxis().set_major_formatter("{x:.0f}")
    axis.minorticks_off()
    axis.set(xlabel="milliseconds a photo", ylabel="AP50", title="precision against time")
    _plain(axis)


def _plain(axis: Any) -> None:
    axis.spines[["top", "right"]].set_visible(False)
    axis.grid(color="#e6e6e6")
    axis.set_axisbelow(True)
