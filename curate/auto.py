"""The default rule: pooled confusion matrices, and a run's out-of-fold view of the faces where one is given."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.ballots import Ballots, Floats, count, shares
from curate.model_view import ModelView, view_of
from curate.outcome import DEFAULT, Consensus, Terms, outcomes
from curate.pooled import fit_pooled
from curate.votes_table import VoteTable
from db.records.runs import Prediction


@dataclass(frozen=True, slots=True, eq=False)
class Opinions:
    """What a model thinks: ``items`` (M,) ids, ascending, and ``probabilities`` (M, K) over the table's classes.

    Only of items that the model was not trained on: of the others it would repeat what their votes say.
    """

    items: NDArray[np.int64]
    probabilities: Floats


@dataclass(frozen=True, slots=True)
class Auto:
    """The most probable class, by people's skills as far as the votes show them; see `curate.pooled`.

    The confidence is the probability of the class times the share of those who voted that chose any class, or said
    "no" to one.
    """

    terms: Terms = DEFAULT
    opinions: Opinions | None = None

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        ballots = count(votes)
        view = None if self.opinions is None else _view(ballots, self.opinions)
        return outcomes(ballots, fit_pooled(ballots, view).beliefs, self.terms)


def opinions_of(predictions: Iterable[Prediction], classes: Sequence[str]) -> Opinions:
    """The out-of-fold predictions over these classes; a class the run does not know gets the least probability."""
    fresh = sorted((p for p in predictions if p.out_of_fold), key=lambda p: p.face_id)
    rows = [[float(p.probabilities.get(name, 0.0)) for name in classes] for p in fresh]
    told = np.array(rows, np.float64).reshape(-1, len(classes))
    some = told.sum(axis=1) > 0
    items = np.array([p.face_id for p in fresh], np.int64)
    return Opinions(items[some], shares(told[some]))


def _view(ballots: Ballots, opinions: Opinions) -> ModelView:
    known = np.isin(ballots.items, opinions.items)
    probabilities = np.zeros(ballots.counts.shape)
    probabilities[known] = opinions.probabilities[np.searchsorted(opinions.items, ballots.items[known])]
    return view_of(probabilities, known, shares(ballots.chosen).sum(axis=0))
