"""Dawid and Skene's rule: every person has a confusion matrix of their own, learnt from the votes alone.

Dawid, Skene (1979), "Maximum likelihood estimation of observer error-rates using the EM algorithm". Safe where
each person voted on many faces; with few votes `curate.pooled` is the better choice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.ballots import Ballots, Floats, count, shares, softmax
from curate.denials import denials, error_rate
from curate.outcome import DEFAULT, Consensus, Terms, outcomes
from curate.votes_table import VoteTable

_STRAGGLERS = 1e-4


@dataclass(frozen=True, slots=True)
class DawidSkene:
    """The most probable class under the learnt confusion matrices.

    ``prior`` votes (Dirichlet pseudo-counts, above 0) are added to every cell of every matrix.
    """

    terms: Terms = DEFAULT
    prior: float = 0.01

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        ballots = count(votes)
        return outcomes(ballots, dawid_skene(ballots, self.prior), self.terms)


def dawid_skene(ballots: Ballots, prior: float = 0.01, *, steps: int = 100, tol: float = 1e-2) -> Floats:
    """The probability of each class for each item: (I, K); rows of 0 where nobody chose a class.

    Starts from the shares of the votes; ends when no probability moves by ``tol`` any more (of many, one in ten
    thousand may), or after ``steps``.
    """
    unvoted = np.flatnonzero(ballots.chose == 0)
    chosen = (ballots.chosen.sum(axis=1) > 0).astype(np.float64)
    wrong = ballots.choice[:, None] != np.arange(len(ballots.classes))  # (R, K)
    beliefs = shares(ballots.chosen)
    for _ in range(steps):
        before = beliefs
        counted = (
            ballots.heard @ beliefs
        )  # (R, K): how often this (person, class) was said of each true class
        whole = ballots.by_person @ counted + prior * len(ballots.classes)  # (W, K)
        logs = np.log(counted + prior) - np.log(whole)[ballots.person]
        balance = np.einsum("ik,i->k", beliefs, chosen) + prior
        against = denials(ballots, error_rate(counted[wrong].sum(), counted.sum()))
        beliefs = softmax(ballots.said @ logs + against + np.log(balance / balance.sum()))
        beliefs[unvoted] = 0
        if np.count_nonzero(np.abs(beliefs - before) >= tol) <= _STRAGGLERS * beliefs.size:
            break
    return beliefs
