"""A vote table counted and indexed by item and by person, as sparse matrices; the order of votes is gone.

Row r of the narrow side stands for one (person, class) that occurs: "this person said that class". Both steps
of an expectation-maximization over confusion matrices are then one sparse product each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.votes_table import VoteTable
from db.records.votes import FLAGS

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Ballots:
    """``items`` (I,) and ``people`` (W,) are ids, ascending. Counts are float because a vote may be shared out.

    ``chosen`` (I, K) votes for each class, ``denied`` (I, K) votes that say "not this one", ``flags`` (I, F),
    ``voters`` (I,) all who voted, unsure ones included.
    ``said`` (I, R) sparse: the weight with which each (person, class) was said of each item; ``heard`` its
    transpose. ``person`` and ``choice`` (R,) tell what r stands for; ``by_person`` (W, R) sums over a person's rows.
    """

    classes: tuple[str, ...]
    items: Ints
    people: Ints
    chosen: Floats
    denied: Floats
    flags: Floats
    voters: Floats
    said: Any
    heard: Any
    person: Ints
    choice: Ints
    by_person: Any

    @property
    def chose(self) -> Floats:
        """How many votes say something about the classes, by choosing or by denying one, by item: (I,)."""
        return np.asarray(self.chosen.sum(axis=1) + self.denied.sum(axis=1))

    @property
    def counts(self) -> Floats:
        """The votes as rules that count take them, (I, K): a "no" is shared out among all other classes."""
        if not self.denied.any():
            return self.chosen
        others = self.denied.sum(axis=1, keepdims=True) - self.denied
        return np.asarray(self.chosen + others / max(len(self.classes) - 1, 1))


def count(votes: VoteTable) -> Ballots:
    """The table's ballots; any order of its rows gives the same numbers, to the last bit."""
    from scipy.sparse import csr_array

    classes = len(votes.classes)
    items, at = _places(votes.items)
    chose = votes.choices >= 0
    people, who = _places(votes.annotators[chose])
    keys, row = _places(who * max(classes, 1) + votes.choices[chose])
    shape = (len(items), len(keys))
    said = csr_array((votes.weights[chose], (at[chose], row)), shape=shape)
    said.sum_duplicates()  # sorts each item's votes: the same votes in any order are the same matrix
    person, choice = np.divmod(keys, max(classes, 1))
    ones = np.ones(len(keys))
    return Ballots(
        classes=votes.classes,
        items=items,
        people=people,
        chosen=np.asarray(said @ (choice[:, None] == np.arange(classes)).astype(np.float64)),
        denied=_tally(at, votes.denies, votes.weights, (len(items), classes)),
        flags=_tally(at, votes.flags, votes.weights, (len(items), len(FLAGS))),
        voters=_voters(at, votes.weights, len(items)),
        said=said,
        heard=said.T,  # by column: four times as fast here as a transposed copy by row
        person=person,
        choice=choice,
        by_person=csr_array((ones, (person, np.arange(len(keys)))), shape=(len(people), len(keys))),
    )


def shares(counts: Floats) -> Floats:
    """Rows (I, K) that sum to 1, or to 0 where nothing was counted."""
    total = counts.sum(axis=1, keepdims=True)
    shared: Floats = np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)
    return shared


def softmax(logs: Floats) -> Floats:
    """Rows (I, K) of probabilities, proportional to exp(logs)."""
    if not logs.size:
        return logs
    columns = np.ascontiguousarray(logs.T)  # (K, I): long rows are three times as fast as short ones
    columns -= columns.max(axis=0)
    np.exp(columns, out=columns)
    columns /= columns.sum(axis=0)
    return np.ascontiguousarray(columns.T)


def _places(ids: Ints) -> tuple[Ints, Ints]:
    """The distinct ids, ascending, and the place of each id among them, as `numpy.unique` has them.

    Ids that are mostly used, as a store's are, take a table of them instead of a sort: ten times faster.
    """
    if not len(ids) or ids.min() < 0 or ids.max() > 4 * len(ids):
        distinct, places = np.unique(ids, return_inverse=True)
        return distinct, places.astype(np.int64)
    used = np.zeros(int(ids.max()) + 1, np.bool_)
    used[ids] = True
    return np.flatnonzero(used).astype(np.int64), (np.cumsum(used) - 1)[ids]


def _voters(at: Ints, weights: Floats, items: int) -> Floats:
    summed = np.asarray(np.bincount(at, weights, minlength=items), np.float64)
    return np.round(summed, 6)


def _tally(at: Ints, said: Ints, weights: Floats, shape: tuple[int, int]) -> Floats:
    """How often each of the flags, or of the classes, was said (-1: not) of each item: (I, F) or (I, K)."""
    given = said >= 0
    flat = np.zeros(shape[0] * shape[1])
    if given.any():
        flat += np.bincount(at[given] * shape[1] + said[given], weights[given], minlength=len(flat))
        flat = np.round(flat, 6)
    return flat.reshape(shape)
