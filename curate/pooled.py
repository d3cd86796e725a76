"""The default rule: Dawid and Skene's confusion matrices, each as far from everybody's as its votes can show.

Few votes cannot tell a careless person from a hard face, so the matrices are pooled in two steps. A person's rate
of errors is drawn to everybody's, as far as people are alike (gamma prior, of strength ``g``), and their matrix is
drawn to one that spreads those errors evenly (Dirichlet prior, of strength ``s``). Both strengths are the ones
under which the votes are most probable. With many votes this becomes Dawid and Skene's rule, with few votes, or
with people who are alike, a majority whose ties the better voters and the commoner class break.

How common each class is and how people err explain the same votes when votes are few. The balance of the classes
is therefore held to the shares of the votes, as if `curate.model_view.ANCHOR` more faces had shown them;
docs/consensus.md has the figures that this choice and the others come from.

The probabilities are at last flattened to what they are worth: a power is chosen under which each vote is best
foretold by the other votes on its face. Source of the parts: Dawid, Skene 1979; Kim, Ghahramani 2012 (priors);
Guo et al. 2017 (one temperature).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from curate.ballots import Ballots, Floats, shares, softmax
from curate.denials import ERRORS_WEIGH, denials, error_rate
from curate.model_view import ModelView, no_view
from curate.votes_table import ANONYMOUS

_GAMMAS: Floats = np.exp2(np.arange(-1, 9, dtype=np.float64))
_DIRICHLETS: Floats = np.exp2(np.arange(0, 11, dtype=np.float64))
_POWERS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_SAMPLE = 50_000  # votes, or cells of the matrices, that suffice to choose a number
_SETTLED = 30  # steps after which the strengths stay, so that the rest converges


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """``beliefs`` (I, K): how probable each class is for each item; rows of 0 where nobody chose a class.

    ``people`` (W,) are the ids of those who chose a class and ``accuracy`` (W,) how often each is right, 0 to 1,
    over the items that others voted on too. ``power`` is what the probabilities were raised to.
    """

    beliefs: Floats
    people: np.typing.NDArray[np.int64]
    accuracy: Floats
    power: float


@dataclass(frozen=True, slots=True)
class _Strengths:
    gamma: float = 4.0
    dirichlet: float = 16.0


@dataclass(frozen=True, slots=True, eq=False)
class _Matrices:
    """``chances`` (R, K): how probable it is that this person says this class where that one is true."""

    chances: Floats
    accuracy: Floats  # (W,)
    error: float  # everybody's


def fit_pooled(ballots: Ballots, view: ModelView | None = None, *, steps: int = 60, tol: float = 1e-4) -> Fit:
    """Fit the model to the votes, and to a model's view of the items where one is given.

    Any number of items, people and classes may be 0 or 1. Votes of nobody known (`ANONYMOUS` only) are taken as
    those of people who are all alike. An item with one vote teaches nothing about who voted on it. A "no" speaks
    against one class, as `curate.denials` has it, and teaches nothing of how common the classes are.
    """
    voted, chosen = ballots.chose > 0, ballots.chosen.sum(axis=1) > 0
    seen = shares(ballots.chosen)
    teaching = (ballots.chose > 1 + 1e-6)[:, None]  # (I, 1)
    alike = bool((ballots.people == ANONYMOUS).all())
    view = view or no_view(len(seen), seen.sum(axis=0))
    strengths, matrices = _Strengths(), None
    beliefs = prior = seen
    likelihood = np.zeros_like(seen)
    for step in range(steps):
        counted = ballots.heard @ (beliefs * teaching)  # (R, K)
        matrices, strengths = _matrices(ballots, counted, strengths, alike, step % 3 == 0 and step < _SETTLED)
        likelihood = ballots.said @ np.log(matrices.chances) + denials(ballots, matrices.error)  # (I, K)
        prior = view.log_prior(likelihood, beliefs, chosen)  # (I, K)
        before, beliefs = beliefs, np.where(voted[:, None], softmax(likelihood + prior), 0.0)
        if np.abs(beliefs - before).max(initial=0) < tol:
            break
    if matrices is None or not voted.any():
        return Fit(beliefs, ballots.people, np.ones(len(ballots.people)), 1.0)
    power = _honest_power(ballots, matrices, likelihood, prior)
    return Fit(_raised(beliefs, power), ballots.people, matrices.accuracy, power)


def _matrices(
    ballots: Ballots, counted: Floats, strengths: _Strengths, alike: bool, choose: bool
) -> tuple[_Matrices, _Strengths]:
    """Everybody's confusion matrices, given the expected counts (R, K), and the strengths they were pooled with."""
    classes = len(ballots.classes)
    right = ballots.choice[:, None] == np.arange(classes)  # (R, K)
    whole = ballots.by_person @ counted  # (W, K): a person's votes by true class
    wrong = ballots.by_person @ np.where(right, 0.0, counted).sum(axis=1)  # (W,)
    error = error_rate(wrong.sum(), whole.sum())
    expected = whole.sum(axis=1) * error
    if alike:
        errors = np.full(len(wrong), error)
    else:
        if choose:
            strengths = replace(strengths, gamma=_likeliest(_GAMMAS, _gamma_log(wrong, expected)))
        odds = (wrong + strengths.gamma) / (expected + strengths.gamma) * error / (1 - error)
        errors = odds / (1 + odds)
    weight = ERRORS_WEIGH
    accuracy = 1 - (wrong + weight * error) / (whole.sum(axis=1) + weight)
    each = errors[ballots.person][:, None]  # (R, 1)
    even = np.where(right, 1 - each, each / max(classes - 1, 1))
    if alike:
        return _Matrices(even, accuracy, error), strengths
    if choose:
        log = _dirichlet_log(ballots, counted, whole, even)
        strengths = replace(strengths, dirichlet=_likeliest(_DIRICHLETS, log))
    weight = strengths.dirichlet
    chances = (counted + weight * even) / (whole + weight)[ballots.person]
    return _Matrices(chances, accuracy, error), strengths


def _likeliest(strengths: Floats, logs: Floats) -> float:
    return float(strengths[int(logs.argmax())])


def _gamma_log(wrong: Floats, expected: Floats) -> Floats:
    """How probable the numbers of errors are under each strength (negative binomial), as logs."""
    from scipy.special import gammaln

    g, mean = _GAMMAS[:, None], expected + 1e-12
    logs = gammaln(wrong + g) - gammaln(g) + g * np.log(g / (g + mean)) + wrong * np.log(mean / (g + mean))
    return np.asarray(logs.sum(axis=1))


def _dirichlet_log(ballots: Ballots, counted: Floats, whole: Floats, even: Floats) -> Floats:
    """How probable the counts are under each strength (Dirichlet-multinomial), as logs, for a sample of people."""
    from scipy.special import gammaln

    people = _most_active(whole.sum(axis=1), len(ballots.person) * len(ballots.classes))
    rows = people[ballots.person]
    counted, whole, even = counted[rows], whole[people], even[rows]
    return np.array(
        [
            (gammaln(counted + s * even) - gammaln(s * even)).sum() - (gammaln(whole + s) - gammaln(s)).sum()
            for s in _DIRICHLETS
        ]
    )


def _most_active(votes: Floats, cells: int) -> np.typing.NDArray[np.bool_]:
    """Whom to look at when there are more cells than needed: those with the most votes."""
    if cells <= 10 * _SAMPLE:
        return np.ones(len(votes), np.bool_)
    kept = max(1, 10 * _SAMPLE * len(votes) // cells)
    return np.isin(np.arange(len(votes)), np.argsort(-votes, kind="stable")[:kept])


def _honest_power(ballots: Ballots, matrices: _Matrices, likelihood: Floats, prior: Floats) -> float:
    """The power under which the other votes on a face, with the prior, foretell each vote best."""
    said = ballots.said.tocoo()
    others = np.flatnonzero(ballots.chose[said.row] > 1 + 1e-6)
    others = others[:: len(others) // _SAMPLE + 1]
    if not len(others):
        return 1.0
    at, row, weight = said.row[others], said.col[others], said.data[others]
    chances = matrices.chances[row]  # (n, K)
    once = np.minimum(weight, 1.0)[:, None]
    without = softmax(likelihood[at] - once * np.log(chances) + prior[at])
    foretold = [(weight * np.log((_raised(without, power) * chances).sum(axis=1))).sum() for power in _POWERS]
    return _POWERS[int(np.argmax(foretold))]


def _raised(beliefs: Floats, power: float) -> Floats:
    return shares(beliefs**power)
