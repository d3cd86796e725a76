"""Measures the consensus rules: how often they are right, how honest their confidence is, and how fast they are.

    python benchmarks/consensus.py --crowd FOLDER [--crowd FOLDER] [--peers] [--speed] [--write docs/consensus.md]

Each FOLDER holds answer.csv and truth.csv; simulated crowds (benchmarks/crowds.py) are always measured. The truth
scores and never chooses. A tie for the first place counts by its expectation. ``--peers`` adds crowd-kit's
rules and CROWDLAB, ``--speed`` a million votes against crowd-kit's Dawid-Skene: pip install 'mimique[crowd]'.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from crowds import KINDS, Crowd, Floats, Ints, Size, at_most, matrices, real_crowd, simulated_crowd
from numpy.typing import NDArray

from curate.auto import Auto, Opinions
from curate.ballots import count
from curate.consensus import aggregator
from curate.dawid_skene import dawid_skene
from curate.votes_table import VoteTable

RULES = ("plurality", "dawid-skene", "auto")
PEERS = ("crowd-kit DS", "glad", "mace")
EACH = (2, 3, 5, 1000)
TEAMS = [
    *(Size(150, people, 4, each) for people in (3, 5) for each in (2, 3)),
    Size(600, 4, 4, 2),
    Size(600, 6, 7, 3),
    Size(600, 6, 7, 3, 0.7),
    Size(600, 6, 4, 5),
    Size(600, 5, 2, 3, 1.0),
    Size(2000, 30, 4, 5),
]


@dataclass(frozen=True)
class Score:
    """Share right; Brier score (sum over classes, 0 to 2) and calibration error of the confidence (10 bins)."""

    right: float
    brier: float
    error: float


def beliefs(rule: str, votes: VoteTable, items: int) -> Floats:
    """The distribution that a rule gives each item: (I, K)."""
    if rule == "crowd-kit DS":
        return crowd_kit_dawid_skene(votes, items)
    found = np.zeros((items, len(votes.classes)))
    for one in aggregator(rule).aggregate(votes):
        found[one.item] = list(one.distribution.values()) or 0
    return found


def score(found: Floats, truth: Ints) -> Score:
    found, truth = found[truth >= 0], truth[truth >= 0]
    top = found.max(axis=1)
    tied = found >= top[:, None] - 1e-9
    right = tied[np.arange(len(truth)), truth] / tied.sum(axis=1)
    bins = np.minimum((top * 10).astype(int), 9)
    error = sum(abs(float((top - right)[bins == b].sum())) for b in range(10)) / len(truth)
    brier = ((found - np.eye(found.shape[1])[truth]) ** 2).sum(axis=1).mean()
    return Score(float(right.mean()), float(brier), error)


def interval(values: Sequence[float]) -> str:
    """Mean and half of a 95 % interval, in percent."""
    if not values:
        return ""
    mean = 100 * float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.1f}"
    return f"{mean:.1f} ± {196 * float(np.std(values, ddof=1)) / len(values) ** 0.5:.1f}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measure_real(
    folders: Sequence[Path], seeds: int, peers: bool
) -> tuple[str, str, dict[str, list[Floats]]]:
    """(accuracy, honesty) as tables, and what the plot needs: set -> by rule (votes an item, mean, half)."""
    accuracy, honesty, curves = [], [], {}
    rules = (*RULES, *(PEERS if peers else ()))
    for folder in folders:
        crowd = real_crowd(folder)
        curves[folder.name] = []
        for each in EACH:
            drawn = [at_most(crowd, each, seed) for seed in range(seeds if each < 1000 else 1)]
            told = "all" if each == 1000 else str(each)
            by_rule = {}
            for rule in rules:
                some = drawn[: _draws(rule, each, seeds)]
                by_rule[rule] = [score(beliefs(rule, one.votes, len(one.truth)), one.truth) for one in some]
            accuracy.append([folder.name, told, *(interval([s.right for s in by_rule[r]]) for r in rules)])
            honesty.append([folder.name, told, *(_honest(by_rule[r]) for r in RULES)])
            curves[folder.name].append(np.array([[s.right for s in by_rule[r]] for r in RULES]))
            click.echo(" ".join(accuracy[-1]), err=True)
    head = ["set", "votes an item"]
    return table([*head, *rules], accuracy), table([*head, *RULES], honesty), curves


def _draws(rule: str, each: int, seeds: int) -> int:
    """crowd-kit's take seconds to minutes a set: fewer draws, and the slowest whole sets only."""
    if rule not in PEERS:
        return seeds
    return 3 if rule == PEERS[0] or each == 1000 else 0


def _honest(scores: Sequence[Score]) -> str:
    return f"{np.mean([s.brier for s in scores]):.3f} / {np.mean([s.error for s in scores]):.3f}"


def measure_simulated(seeds: int) -> tuple[str, str, NDArray[np.float64]]:
    """(accuracy by kind of crowd, honesty) as tables, and gains over plurality in points: (kinds, sizes, rules)."""
    gains = np.zeros((len(KINDS), len(TEAMS), len(RULES)))
    accuracy, honesty = [], []
    for k, kind in enumerate(KINDS):
        by_rule: dict[str, list[list[Score]]] = {rule: [] for rule in RULES}
        for size in TEAMS:
            drawn = [simulated_crowd(kind, size, seed) for seed in range(seeds)]
            for rule in RULES:
                by_rule[rule].append([score(beliefs(rule, c.votes, size.items), c.truth) for c in drawn])
        means = np.array([[np.mean([s.right for s in one]) for one in by_rule[rule]] for rule in RULES])
        gains[k] = 100 * (means - means[0]).T
        accuracy.append([kind, *(f"{100 * mean:.1f}" for mean in means.mean(axis=1)),
                         *(f"{gains[k, :, r].min():+.1f}" for r in (1, 2))])  # fmt: skip
        honesty.append([kind, *(_honest([s for one in by_rule[rule] for s in one]) for rule in RULES)])
        click.echo(" ".join(accuracy[-1]), err=True)
    worst = ["worst case: dawid-skene", "worst case: auto"]
    return table(["crowd", *RULES, *worst], accuracy), table(["crowd", *RULES], honesty), gains


def crowd_kit_dawid_skene(votes: VoteTable, items: int) -> Floats:
    """crowd-kit's probabilities (I, K)."""
    from crowdkit.aggregation import DawidSkene
    from pandas import DataFrame

    frame = DataFrame({"task": votes.items, "worker": votes.annotators, "label": votes.choices})
    told = DawidSkene(n_iter=100).fit_predict_proba(frame)
    found = np.zeros((items, len(votes.classes)))
    found[np.ix_(told.index.to_numpy(), told.columns.to_numpy())] = told.to_numpy()
    return found


def measure_speed(votes: int = 1_000_000, people: int = 200) -> str:
    """A million votes by Dawid and Skene's own model, five an item, four classes: seconds, and the same labels."""
    crowd = simulated_crowd("own habits", Size(votes // 5, people, 4, 5), seed=0)
    table_ = crowd.votes
    rows: list[list[str]] = []
    spent: dict[str, tuple[float, float]] = {}

    def timed(name: str, decide: Callable[[], Floats], times: int) -> Floats:
        took = []
        for _ in range(times):
            clock, cpu = time.perf_counter(), time.process_time()
            found = decide()
            took.append((time.perf_counter() - clock, time.process_time() - cpu))
        clock, cpu = (min(column) for column in zip(*took, strict=True))
        spent[name] = (clock, cpu)
        rows.append([name, f"{clock:.2f}", f"{cpu:.2f}", f"{100 * score(found, crowd.truth).right:.2f}"])
        return found

    ours = timed("dawid-skene", lambda: dawid_skene(count(table_)), 3)
    timed("dawid-skene, with a record an item", lambda: beliefs("dawid-skene", table_, votes // 5), 1)
    timed("auto, with a record an item", lambda: beliefs("auto", table_, votes // 5), 1)
    theirs = timed("crowd-kit DawidSkene", lambda: crowd_kit_dawid_skene(table_, votes // 5), 2)
    same = float((ours.argmax(axis=1) == theirs.argmax(axis=1)).mean())
    clock, cpu = (spent["crowd-kit DawidSkene"][i] / spent["dawid-skene"][i] for i in (0, 1))
    note = (
        f"dawid-skene is {clock:.1f} times as fast by the clock, {cpu:.1f} times by processor time; "
        f"{100 * same:.3f} % of the labels are the same. Load of the machine: {os.getloadavg()[0]:.1f} "
        f"on {os.cpu_count()} cores."
    )
    return table(["rule", "seconds", "processor seconds", "right, %"], rows) + "\n\n" + note


def measure_model(seeds: int, peers: bool) -> str:
    """A model as one more voter: simulated crowds of 5 with 2 votes an item, and models of three qualities."""
    names = ["plurality", "auto", "auto with the model", "the model alone"] + (["CROWDLAB"] if peers else [])
    rows = []
    for told, quality, sharp in (
        ("good", 0.8, 1.0),
        ("too sure", 0.7, 4.0),
        ("guessing, and sure", 0.25, 4.0),
    ):
        by_name: dict[str, list[float]] = {name: [] for name in names}
        for seed in range(seeds):
            size = Size(800, 5, 4, 2)
            crowd = simulated_crowd("own habits", size, seed)
            view = _model_view(crowd, quality, sharp, seed)
            found = {name: beliefs(name, crowd.votes, size.items) for name in ("plurality", "auto")}
            found["the model alone"] = view
            decisions = Auto(opinions=Opinions(np.arange(size.items), view)).aggregate(crowd.votes)
            found["auto with the model"] = np.array([list(one.distribution.values()) for one in decisions])
            if peers:
                found["CROWDLAB"] = _crowdlab(crowd, view)
            for name in names:
                by_name[name].append(score(found[name], crowd.truth).right)
        rows.append([told, *(interval(by_name[name]) for name in names)])
    return table(["model", *names], rows)


def _model_view(crowd: Crowd, quality: float, sharp: float, seed: int) -> Floats:
    """Probabilities of a model that is right so often; ``sharp`` above 1 makes it surer than it should be."""
    rng = np.random.default_rng([seed, 7])
    classes, items = len(crowd.votes.classes), len(crowd.truth)
    matrix = matrices(rng, Size(items, 1, classes, 1), quality, spread=1000.0)[0]
    said = np.array([rng.choice(classes, p=matrix[true]) for true in crowd.truth])
    joint = matrix * (np.bincount(crowd.truth, minlength=classes) / items)[:, None]
    honest = (joint / joint.sum(axis=0))[:, said].T
    view = (honest + rng.uniform(0, 0.1, honest.shape)) ** sharp
    return np.asarray(view / view.sum(axis=1, keepdims=True))


def _crowdlab(crowd: Crowd, view: Floats) -> Floats:
    from cleanlab.multiannotator import get_label_quality_multiannotator as crowdlab

    people = int(crowd.votes.annotators.max()) + 1
    wide = np.full((len(crowd.truth), people), np.nan)
    wide[crowd.votes.items, crowd.votes.annotators] = crowd.votes.choices
    wide = wide[:, ~np.isnan(wide).all(axis=0)]
    found = crowdlab(wide, view, verbose=False)["label_quality"]["consensus_label"].to_numpy(dtype=int)
    return np.eye(view.shape[1])[found]


def write_between(path: Path, name: str, content: str) -> None:
    """Replace what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME -->``."""
    text = path.read_text(encoding="utf-8")
    before, mark, rest = text.partition(f"<!-- begin {name} -->\n")
    _, end, after = rest.partition(f"<!-- end {name} -->")
    if not (mark and end):
        raise click.ClickException(f"{path} has no place for {name!r}")
    path.write_text(before + mark + content + "\n" + end + after, encoding="utf-8")


def plot(path: Path, curves: dict[str, list[Floats]], gains: NDArray[np.float64]) -> None:
    """Left: real sets, share right by votes an item. Right: gain over plurality in every simulated case."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(
        1, len(curves) + 1, figsize=(4.2 * (len(curves) + 1), 3.8), layout="constrained"
    )
    colours = ("#8a8a8a", "#c26a1b", "#1f6f8b")
    for axis, (name, by_each) in zip(axes, curves.items(), strict=False):
        for r, rule in enumerate(RULES):
            means = [100 * one[r].mean() for one in by_each]
            halves = [
                196 * one[r].std(ddof=1) / len(one[r]) ** 0.5 if len(one[r]) > 1 else 0 for one in by_each
            ]
            axis.errorbar(
                range(len(EACH)), means, halves, color=colours[r], label=rule, capsize=3, marker="o", ms=4
            )
        axis.set_xticks(range(len(EACH)), ["all" if each == 1000 else str(each) for each in EACH])
        axis.set(title=name, xlabel="votes an item", ylabel="right, %")
    axes[0].legend(frameon=False)
    for r, rule in enumerate(RULES[1:], 1):
        flat = np.sort(gains[:, :, r].ravel())
        axes[-1].plot(flat, np.linspace(0, 100, len(flat)), color=colours[r], label=rule)
    axes[-1].axvline(0, color="#8a8a8a", lw=1)
    axes[-1].set(
        title="simulated crowds", xlabel="gain over plurality, points", ylabel="cases up to this gain, %"
    )
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    figure.savefig(path, dpi=130)
    plt.close(figure)


@click.command(help=__doc__)
@click.option("--crowd", "folders", type=click.Path(path_type=Path, exists=True), multiple=True)
@click.option(
    "--seeds", type=click.IntRange(2), default=20, show_default=True, help="Draws of each real case."
)
@click.option(
    "--simulated", type=click.IntRange(0), default=6, show_default=True, help="Draws of each simulated."
)
@click.option("--peers", is_flag=True, help="crowd-kit's rules and CROWDLAB too.")
@click.option("--speed", is_flag=True, help="A million votes against crowd-kit.")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="The page to put the figures in.")
def main(
    folders: tuple[Path, ...], seeds: int, simulated: int, peers: bool, speed: bool, write: Path | None
) -> None:
    def put(**tables: str) -> None:
        for name, content in tables.items():
            click.echo(f"\n{name}\n\n{content}")
            if write:
                write_between(write, name, content)

    if speed:
        put(speed=measure_speed())
    if simulated:
        accuracy, honesty, gains = measure_simulated(simulated)
        put(simulated=accuracy, simulated_honesty=honesty, model=measure_model(simulated, peers))
    if folders:
        accuracy, honesty, curves = measure_real(folders, seeds, peers)
        put(real=accuracy, real_honesty=honesty)
    if write and folders and simulated:
        plot(write.with_suffix(".png"), curves, gains)


if __name__ == "__main__":
    main()
