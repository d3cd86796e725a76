"""Crowds to measure consensus rules on: simulated ones of many kinds, real ones from files, and parts of both."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.answers import read_answers
from curate.votes_table import VoteTable

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Crowd:
    """Votes and the truth; ``truth[i]`` is the class of item i, -1 where nobody knows it."""

    votes: VoteTable
    truth: Ints


@dataclass(frozen=True)
class Size:
    """How many items, people and classes, how many votes an item, and how unequal the classes are (1: very)."""

    items: int
    people: int
    classes: int
    each: int
    balance: float = 3.0


def real_crowd(folder: Path) -> Crowd:
    """``answer.csv`` (question,worker,answer) and ``truth.csv`` (question,truth) of a folder."""
    answers = read_answers(folder / "answer.csv")
    place = {name: i for i, name in enumerate(answers.table.classes)}
    with (folder / "truth.csv").open(encoding="utf-8-sig", newline="") as file:
        truth = {row["question"]: place.get(row["truth"], -1) for row in csv.DictReader(file)}
    return Crowd(answers.table, np.array([truth.get(name, -1) for name in answers.questions]))


def at_most(crowd: Crowd, each: int, seed: int) -> Crowd:
    """The same items with at most ``each`` votes, drawn at random."""
    votes = crowd.votes
    order = np.random.default_rng(seed).permutation(len(votes))
    order = order[np.argsort(votes.items[order], kind="stable")]
    starts = np.flatnonzero(np.diff(votes.items[order], prepend=-1))
    nth = np.arange(len(order)) - np.repeat(starts, np.diff(np.append(starts, len(order))))
    kept = np.sort(order[nth < each])
    table = VoteTable(
        votes.items[kept], votes.annotators[kept], votes.choices[kept], votes.flags[kept], votes.classes
    )
    return Crowd(table, crowd.truth)


def simulated_crowd(kind: str, size: Size, seed: int) -> Crowd:
    """A crowd of one of the `KINDS`; people differ in how much they vote."""
    rng = np.random.default_rng(
        [seed, list(KINDS).index(kind), size.items, size.people, size.classes, size.each]
    )
    shares = rng.dirichlet(np.full(size.classes, size.balance)) + 0.02
    truth = rng.choice(size.classes, size.items, p=shares / shares.sum())
    each = min(size.each, size.people)
    effort = np.log(rng.gamma(1.0, size=size.people) + 1e-3)
    keys = effort + rng.gumbel(size=(size.items, size.people))
    people = np.argsort(-keys, axis=1)[:, :each].ravel()  # more votes by those with more effort
    items = np.repeat(np.arange(size.items), each)
    chances = KINDS[kind](rng, size, truth, items, people)
    return Crowd(_table(items, people, _drawn(rng, chances), size.classes), truth)


def _table(items: Ints, people: Ints, choices: Ints, classes: int) -> VoteTable:
    names = tuple(str(i) for i in range(classes))
    return VoteTable(items, people, choices, np.full(len(items), -1), names)


def _drawn(rng: np.random.Generator, chances: Floats) -> Ints:
    """One class a row of chances (N, K)."""
    heaps = chances.cumsum(axis=1)
    return np.asarray((rng.random(len(chances))[:, None] * heaps[:, -1:] > heaps).sum(axis=1), np.int64)


def matrices(rng: np.random.Generator, size: Size, right: float, spread: float = 6.0) -> Floats:
    """Confusion matrices (W, K, K) of people who are right about so often, each with habits of their own."""
    people, classes = size.people, size.classes
    usual = rng.dirichlet(np.ones(classes), size=classes) * classes + 0.2
    made = np.empty((people, classes, classes))
    for person in range(people):
        skill = rng.beta(spread * right, spread * (1 - right))
        for true in range(classes):
            off = rng.dirichlet(usual[true])
            off[true] = 0
            hit = float(np.clip(skill + rng.normal(0, 0.1), 0.05, 0.98))
            made[person, true] = (1 - hit) * off / off.sum()
            made[person, true, true] = hit
    return made


def _one_coin(skills: Floats, classes: int) -> Floats:
    made = np.repeat(((1 - skills) / (classes - 1))[:, None, None], classes, axis=1)
    made = np.repeat(made, classes, axis=2)
    made[:, np.arange(classes), np.arange(classes)] = skills[:, None]
    return made


def _alike(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    return _one_coin(np.full(size.people, 0.7), size.classes)[people, truth[items]]


def _unequal(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    return _one_coin(rng.uniform(0.45, 0.95, size.people), size.classes)[people, truth[items]]


def _habits(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    return matrices(rng, size, 0.7)[people, truth[items]]


def _hard_items(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """GLAD's own model, with classes that differ in difficulty."""
    ability = rng.normal(1, 0.7, size.people)
    ease = np.exp(rng.normal(0, 0.7, size.items) + rng.normal(0, 0.7, size.classes)[truth])
    hit = 1 / (1 + np.exp(-ability[people] * ease[items]))
    chances = np.repeat(((1 - hit) / (size.classes - 1))[:, None], size.classes, axis=1)
    chances[np.arange(len(items)), truth[items]] = hit
    return chances


def _look_alikes(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """Hard items have one wrong answer that draws everybody: errors are not independent."""
    hard = rng.beta(0.6, 1.2, size.items)
    lure = (truth + rng.integers(1, size.classes, size.items)) % size.classes
    hit = rng.uniform(0.5, 1, size.people)[people] * (1 - 0.75 * hard[items])
    chances = np.repeat((0.3 * (1 - hit) / size.classes)[:, None], size.classes, axis=1)
    chances[np.arange(len(items)), lure[items]] += 0.7 * (1 - hit)
    chances[np.arange(len(items)), truth[items]] += hit
    return chances


def _spammers(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """Three in ten answer at random, or always the same."""
    made = matrices(rng, size, 0.8)
    for person in rng.choice(size.people, max(1, round(0.3 * size.people)), replace=False):
        made[person] = 1.0 / size.classes
        if rng.random() < 0.5:
            made[person] = 0.05 / size.classes
            made[person, :, rng.integers(size.classes)] += 0.95
    return made[people, truth[items]]


def _copiers(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """A quarter of the people copy one answer that is right half the time."""
    made = matrices(rng, size, 0.75)[people, truth[items]]
    group = rng.choice(size.people, max(2, size.people // 4), replace=False)
    wrong = (truth + rng.integers(1, size.classes, size.items)) % size.classes
    told = np.where(rng.random(size.items) < 0.5, truth, wrong)
    copied = np.isin(people, group) & (rng.random(len(items)) < 0.85)
    made[copied] = np.eye(size.classes)[told[items[copied]]]
    return made


def _lazy(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """Everybody has a favourite answer that they give without looking, some often."""
    made = matrices(rng, size, 0.8)[people, truth[items]]
    idle = rng.random(len(items)) < rng.beta(0.7, 1.5, size.people)[people]
    made[idle] = np.eye(size.classes)[rng.integers(size.classes, size=size.people)[people[idle]]]
    return made


def _bad_and_busy(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """Whoever votes most is hardly better than chance."""
    made = matrices(rng, size, 0.8)
    made[np.bincount(people, minlength=size.people).argmax()] = _one_coin(np.array([0.4]), size.classes)[0]
    return made[people, truth[items]]


def _one_sided(rng: np.random.Generator, size: Size, truth: Ints, items: Ints, people: Ints) -> Floats:
    """Everybody takes the last class for the first, some seldom and some nearly always."""
    made = matrices(rng, size, 0.85)
    hit = rng.uniform(0.2, 0.8, size.people)
    made[:, -1] = 0
    made[:, -1, -1], made[:, -1, 0] = hit, 1 - hit
    return made[people, truth[items]]


Kind = Callable[[np.random.Generator, Size, Ints, Ints, Ints], Floats]
KINDS: dict[str, Kind] = {
    "people alike": _alike,
    "unequal skill": _unequal,
    "own habits": _habits,
    "hard items": _hard_items,
    "look-alikes": _look_alikes,
    "spammers": _spammers,
    "copiers": _copiers,
    "lazy": _lazy,
    "bad and busy": _bad_and_busy,
    "one-sided": _one_sided,
}
