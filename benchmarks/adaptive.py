"""Replays a voting policy on recorded votes: how many votes a face it takes, and how well others agree with it.

    python benchmarks/adaptive.py --votes votes.csv [--least 2 --lead 2 --most 5 --held-out 5]

FILE holds question,worker,answer lines, or counts as FER+ has them. The votes on each question are put in a random
order; the last ``--held-out`` judge, the others are asked one after the other until the policy has enough. Questions
with fewer than most + held-out votes are left out. Which of the two is not given is chosen by the votes that half of
the questions have or more (FER+: ten): half of them judge, the rest are asked, 5 at most of each. "Unsure" and flags
are answers like the classes.

Judged are the questions on which the held-out voters have a single favourite; "of a class" those where it is a class
(as FER+ itself leaves out faces that are mostly "unknown" or "not a face"). A decision agrees when it is that
favourite; a tie for the first place counts by its expectation. ``answers`` decides by the most frequent answer,
unsure and flags included; the other rules are Mimique's, and name a class. With ``--model`` (a file from
benchmarks/ferplus_model.py) the rule auto takes the model as one more voter, and a policy asks until the model and
the votes together are sure enough; how sure is set by the number of votes that it may cost, not by the judges.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np
from consensus import interval, table, write_between
from numpy.typing import NDArray

from curate.answers import read_answers
from curate.auto import Auto, Opinions
from curate.ballots import softmax
from curate.consensus import RULES, aggregator
from curate.model_view import view_of
from curate.votes_table import VoteTable
from db.overlap import Overlap
from db.records.votes import FLAGS

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Recorded:
    """Single votes: their question, person, and answer: a class, or K for unsure, or K + 1 + a flag."""

    questions: Ints
    people: Ints
    answers: Ints
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Deal:
    """Votes in the order in which they are asked for: rows (I, most) and (I, held out) into `Recorded`."""

    asked: Ints
    held: Ints


def recorded(path: Path) -> Recorded:
    votes = read_answers(path).table
    rows = np.repeat(np.arange(len(votes)), votes.weights.astype(int))
    classes = len(votes.classes)
    answers = np.where(votes.choices >= 0, votes.choices, classes + 1 + votes.flags)[rows]
    return Recorded(votes.items[rows], votes.annotators[rows], answers, votes.classes)


def chosen_numbers(sizes: Ints, most: int | None, held: int | None) -> tuple[int, int]:
    """(most, held out): those given, and for the others halves of the votes that questions usually have, 5 at most.

    ``sizes`` are the votes of each question. Errors: ClickException, with what would do, when no question has so many.
    """
    usual, largest = (int(np.median(sizes)), int(sizes.max())) if len(sizes) else (0, 0)
    usual = usual if usual >= (most or 1) + (held or 1) else largest
    judges = held or max(1, min(5, usual // 2 if most is None else usual - most))
    asked = most or max(1, min(5, usual - judges))
    if asked + judges <= largest:
        return asked, judges
    if largest < 2:
        raise click.ClickException("no question has two votes: one to ask and one to judge")
    raise click.ClickException(
        f"no question has {asked} + {judges} votes: {largest} is the most that one has; "
        f"try --most {largest - largest // 2} --held-out {largest // 2}"
    )


def dealt(votes: Recorded, most: int, held: int, seed: int) -> Deal:
    """The votes of every question that has enough, in a random order."""
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(votes.questions)), votes.questions))
    starts = np.flatnonzero(np.diff(votes.questions[order], prepend=-1))
    sizes = np.diff(np.append(starts, len(order)))
    starts = starts[sizes >= most + held]
    return Deal(order[starts[:, None] + np.arange(most)], order[starts[:, None] + most + np.arange(held)])


def tallied(votes: Recorded, rows: Ints, used: NDArray[np.bool_] | None = None) -> Ints:
    """How often each answer was given: rows (I, n) into the votes -> (I, A)."""
    answers = len(votes.classes) + 1 + len(FLAGS)
    given = votes.answers[rows] + np.arange(len(rows))[:, None] * answers
    flat = given.ravel() if used is None else given[used]
    return np.bincount(flat, minlength=len(rows) * answers).reshape(len(rows), answers)


def replayed(votes: Recorded, deal: Deal, policy: Overlap) -> NDArray[np.bool_]:
    """Which votes the policy asks for: (I, most)."""
    used = np.zeros(deal.asked.shape, np.bool_)
    for nth in range(deal.asked.shape[1]):
        wants = policy.wanting(tallied(votes, deal.asked, used), used.sum(axis=1))
        if not wants.any():
            break
        used[:, nth] = wants
    return used


def decided(
    votes: Recorded, deal: Deal, used: NDArray[np.bool_], rule: str, opinions: Opinions | None = None
) -> Floats:
    """What the votes that were asked for say: (I, A), the highest wins."""
    if rule == "answers":
        return tallied(votes, deal.asked, used).astype(np.float64)
    rows, items = deal.asked[used], np.nonzero(used)[0]
    classes = len(votes.classes)
    answers = votes.answers[rows]
    table_ = VoteTable(
        items=items,
        annotators=votes.people[rows],
        choices=np.where(answers < classes, answers, -1),
        flags=np.maximum(answers - classes - 1, -1),
        classes=votes.classes,
    )
    found = np.zeros((len(used), classes + 1 + len(FLAGS)))
    chosen = Auto(opinions=opinions) if opinions else aggregator(rule)
    for one in chosen.aggregate(table_):
        found[one.item, :classes] = list(one.distribution.values()) or 0
    return found


def agreement(found: Floats, judges: Ints, classes: int) -> tuple[float, float]:
    """(share of judged questions where the decision is the judges' favourite, the same where that is a class)."""
    ranked = np.sort(judges, axis=1)
    single = ranked[:, -1] > ranked[:, -2]
    favourite = judges.argmax(axis=1)
    first = found >= found.max(axis=1, keepdims=True) - 1e-9
    hit = first[np.arange(len(found)), favourite] / first.sum(axis=1)
    hit[found.max(axis=1) <= 0] = 0
    named = single & (favourite < classes)
    return float(hit[single].mean()), float(hit[named].mean())


def model_probabilities(path: Path, questions: Sequence[str], classes: Sequence[str]) -> Floats:
    """``question`` and one column a class, as benchmarks/ferplus_model.py writes: (Q, K), NaN where it has none."""
    place = {name: i for i, name in enumerate(questions)}
    told = np.full((len(questions), len(classes)), np.nan)
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            if row["question"] in place:
                told[place[row["question"]]] = [float(row[name]) for name in classes]
    return told


def surprises(votes: Recorded, deal: Deal, told: Floats) -> Floats:
    """How probable each answer is before anyone votes: (I, A), from the model, calibrated on the first votes."""
    classes = len(votes.classes)
    first = tallied(votes, deal.asked[:, :1])
    usual = first.sum(axis=0) / len(first)
    view = told[votes.questions[deal.asked[:, 0]]]
    known = ~np.isnan(view).any(axis=1)
    agree = (tallied(votes, deal.asked[:, :2]).max(axis=1) == 2).mean()
    likelihood = np.log(np.where(first[:, :classes] > 0, agree**0.5, (1 - agree**0.5) / (classes - 1)))
    seen = view_of(np.where(known[:, None], view, 1 / classes), known, first[:, :classes].sum(axis=0) * 1.0)
    named = first[:, :classes].any(axis=1)
    prior = np.exp(seen.log_prior(likelihood, first[:, :classes] * 1.0, named))
    return np.hstack(
        [prior * usual[:classes].sum(), np.broadcast_to(usual[classes:], (len(first), len(usual) - classes))]
    )


def replayed_with_model(votes: Recorded, deal: Deal, prior: Floats, sure: float) -> NDArray[np.bool_]:
    """Asks until one answer is as probable as ``sure``, by the model and the votes so far; one vote at least."""
    agree = (tallied(votes, deal.asked[:, :2]).max(axis=1) == 2).mean() ** 0.5
    gain = np.log(agree / (1 - agree) * (len(votes.classes) - 1))
    used = np.zeros(deal.asked.shape, np.bool_)
    for nth in range(deal.asked.shape[1]):
        now = softmax(np.log(prior + 1e-6) + gain * tallied(votes, deal.asked, used))
        used[:, nth] = (now.max(axis=1) < sure) | (nth == 0)
    return used


def as_dear(votes: Recorded, deal: Deal, prior: Floats, cost: float) -> NDArray[np.bool_]:
    """The model's policy with the threshold that costs at most so many votes a face; nobody's answer chooses it."""
    low, high = 0.0, 1.0
    for _ in range(18):
        middle = (low + high) / 2
        dear = replayed_with_model(votes, deal, prior, middle).sum(axis=1).mean() > cost
        low, high = (low, middle) if dear else (middle, high)
    return replayed_with_model(votes, deal, prior, low)


def measure_model(votes: Recorded, told: Floats, chosen: Overlap, held: int, seeds: int) -> str:
    """Agreement when the rule auto takes the model as one more voter, and when the policy does too."""
    rows: dict[str, list[tuple[float, float, float]]] = {}
    known = np.flatnonzero(~np.isnan(told).any(axis=1))
    for seed in range(seeds):
        deal = dealt(votes, chosen.most, held, seed)
        judges = tallied(votes, deal.held)
        place = np.full(len(told), -1)
        place[votes.questions[deal.asked[:, 0]]] = np.arange(len(deal.asked))
        inside = known[place[known] >= 0]
        opinions = Opinions(place[inside], told[inside])
        prior = surprises(votes, deal, told)
        plain = replayed(votes, deal, chosen)
        for name, used in (
            (f"adaptive {chosen.least}-{chosen.lead}-{chosen.most}", plain),
            ("with the model, as many votes", as_dear(votes, deal, prior, plain.sum(axis=1).mean())),
            ("with the model, two votes a face", as_dear(votes, deal, prior, 2.0)),
        ):
            found = decided(votes, deal, used, "auto", opinions)
            cost = float(used.sum(axis=1).mean())
            rows.setdefault(name, []).append((cost, *agreement(found, judges, len(votes.classes))))
    head = ["policy; auto with the model decides", "votes a face", "agreement", "of a class"]
    lines = [
        [
            name,
            f"{np.mean([one[0] for one in ones]):.2f}",
            *(interval([one[i] for one in ones]) for i in (1, 2)),
        ]
        for name, ones in rows.items()
    ]
    return table(head, lines)


def policies(chosen: Overlap) -> list[tuple[str, Overlap]]:
    fixed = [(f"fixed {n}", Overlap("fixed", most=n)) for n in (1, 2, 3, 4, chosen.most) if n <= chosen.most]
    name = f"adaptive {chosen.least}-{chosen.lead}-{chosen.most}"
    team = (f"majority of {chosen.most}", Overlap("majority", team=chosen.most))
    return [*dict(fixed).items(), (name, chosen), team]


def measure(votes: Recorded, chosen: Overlap, held: int, rules: Sequence[str], seeds: int) -> str:
    rows = []
    deals = [dealt(votes, chosen.most, held, seed) for seed in range(seeds)]
    for name, policy in policies(chosen):
        spent = [replayed(votes, deal, policy) for deal in deals]
        cost = float(np.mean([used.sum(axis=1).mean() for used in spent]))
        line = [name, f"{cost:.2f}"]
        for rule in rules:
            scores = [
                agreement(decided(votes, deal, used, rule), tallied(votes, deal.held), len(votes.classes))
                for deal, used in zip(deals, spent, strict=True)
            ]
            line += [interval([score[i] for score in scores]) for i in (0, 1)]
        rows.append(line)
        click.echo(" ".join(line), err=True)
    head = ["policy", "votes a face", *(f"{rule}{which}" for rule in rules for which in ("", ", of a class"))]
    return table(head, rows) + f"\n\n{len(deals[0].asked):,} questions, {seeds} random orders."


@click.command(help=__doc__)
@click.option("--votes", "path", type=click.Path(path_type=Path, exists=True, dir_okay=False), required=True)
@click.option(
    "--model", type=click.Path(path_type=Path, exists=True), help="Out-of-fold probabilities a question."
)
@click.option("--least", type=click.IntRange(1), help="[default: 2, or --most if that is less]")
@click.option("--lead", type=click.IntRange(1), default=2, show_default=True)
@click.option("--most", type=click.IntRange(1), help="[default: by the votes a question, 5 for ten]")
@click.option(
    "--held-out",
    type=click.IntRange(1),
    help="Voters who judge. [default: by the votes a question, 5 for ten]",
)
@click.option("--rule", "rules", multiple=True, default=("answers", "auto"), show_default=True)
@click.option("--seeds", type=click.IntRange(1), default=5, show_default=True, help="Random orders.")
@click.option("--write", type=click.Path(path_type=Path, exists=True), help="The page to put the figures in.")
def main(
    path: Path,
    model: Path | None,
    least: int | None,
    lead: int,
    most: int | None,
    held_out: int | None,
    rules: tuple[str, ...],
    seeds: int,
    write: Path | None,
) -> None:
    strange = [rule for rule in rules if rule not in ("answers", *RULES)]
    if strange:
        raise click.BadParameter(f"there is no rule {strange[0]!r}")
    if model and "auto" not in rules:
        raise click.BadParameter("a model needs --rule auto")
    votes = recorded(path)
    sizes = np.unique(votes.questions, return_counts=True)[1]
    most, held_out = chosen_numbers(sizes, most, held_out)
    least = least or min(2, most)
    if least > most:
        raise click.BadParameter(f"--least {least} is over --most {most}")
    click.echo(
        f"asked: {least} to {most} votes, until one answer leads by {lead}; judges: {held_out}", err=True
    )
    policy = Overlap("adaptive", least, lead, most)
    found = measure(votes, policy, held_out, rules, seeds)
    if model:
        told = model_probabilities(model, read_answers(path).questions, votes.classes)
        found += "\n\n" + measure_model(votes, told, policy, held_out, seeds)
    click.echo(found)
    if write:
        write_between(write, "adaptive", found)


if __name__ == "__main__":
    main()
