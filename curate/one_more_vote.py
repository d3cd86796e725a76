"""What one more vote on a face is worth: how likely it changes the label, and how much accuracy it should add.

The model is the one-coin model: a person gives a face's true answer with probability ``skill``, and each of the
others with the same small probability; votes are independent given the truth, and before any vote the answers
are as common as they are among the votes. The skill follows from how often two people asked anew agree
(`curate.kinds_of_faces`). The gain is the
expected value of one more observation, looking one step ahead.

Sources: A. P. Dawid and A. M. Skene, Applied Statistics 28 (1979), with one error rate for all; V. Sheng, F. Provost
and P. Ipeirotis, Get another label?, KDD 2008; E. Kamar, S. Hacker and E. Horvitz, Combining human and machine
intelligence in large-scale crowdsourcing, AAMAS 2012 (value of one more vote).

"Unsure" says nothing about which answer is true and is left out; flags are answers like classes. The model knows
no ambiguous faces: where a team is torn for good, it promises more than votes can give.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from curate.kinds_of_faces import FittedKinds, Kinds
from curate.patterns import Floats, Ints, patterns
from curate.said import UNSURE_NAME, Said

_LEAST_DOUBT = 1e-3


@dataclass(frozen=True, slots=True)
class Stage:
    """Faces whose votes stand alike: ``standing`` (2, 1) means two for one answer and one for another.

    ``right``, ``gain`` and ``changes`` are means over them. () is a face without a vote that says anything.
    """

    standing: tuple[int, ...]
    faces: int
    right: float
    gain: float
    changes: float


@dataclass(frozen=True, slots=True, eq=False)
class OneMoreVote:
    """The value of one more vote, by face.

    ``skill`` is the probability, 0 to 1, that a vote is right under the model; ``expected`` the share of labels that
    should be right now, over the faces that have votes. For each of ``face_ids`` (I,): ``right`` is the chance that
    its likeliest answer is right now, ``gain`` what one more vote should add to that chance (in sum: faces more
    that are right), ``changes`` the chance that this vote changes the label, a tie being no label. A vote that could
    only confirm the label has a gain of 0. ``stages`` are the same by how votes stand, most gain first.
    """

    skill: float | None
    expected: float | None
    face_ids: Ints
    right: Floats
    gain: Floats
    changes: Floats
    stages: tuple[Stage, ...]

    @property
    def gain_in_faces(self) -> float:
        """How many more labels should be right when every face got one more vote."""
        return float(self.gain.sum())


def one_more_vote(votes: Said, kinds: FittedKinds | None, unvoted: int = 0) -> OneMoreVote:
    """The value of one more vote on each face that has one; ``unvoted`` faces without any join ``stages``.

    ``kinds`` were fitted to the same votes and say how often people agree; None (nobody shares a face), or a single
    answer, leaves the skill unknown: it is None, and every gain 0.
    """
    telling = np.array([place for place, name in enumerate(votes.names) if name != UNSURE_NAME], np.int64)
    faces = patterns(votes.alike.counts[:, telling], votes.alike.times)
    if kinds is None or len(telling) < 2:
        nothing = np.zeros(len(votes.face_ids))
        return OneMoreVote(None, None, votes.face_ids, nothing, nothing, nothing, ())
    skill, prior = _skill(kinds.best, telling), _prior(faces.counts, faces.times)
    now, gain, changes = value_of_a_vote(faces.counts, skill, prior)
    return OneMoreVote(
        skill,
        float(np.average(now, weights=faces.times)),
        votes.face_ids,
        now[faces.of_row[votes.alike.of_row]],
        gain[faces.of_row[votes.alike.of_row]],
        changes[faces.of_row[votes.alike.of_row]],
        _stages(faces.counts, faces.times, unvoted, skill, prior),
    )


def value_of_a_vote(counts: Ints, skill: float, prior: Floats) -> tuple[Floats, Floats, Floats]:
    """(chance that the best answer is right, what one more vote adds to it, chance that it changes the label).

    ``counts`` (U, A), ``prior`` (A,) above 0 with sum 1, ``skill`` above 0 and below 1; each result is (U,).
    """
    answers = counts.shape[1]
    wrong = (1 - skill) / (answers - 1)
    score = np.log(prior) + counts * math.log(skill / wrong)  # (U, A)
    belief = np.exp(score - score.max(axis=1, keepdims=True))
    belief /= belief.sum(axis=1, keepdims=True)
    said = np.full((answers, answers), wrong)  # (truth, vote)
    np.fill_diagonal(said, skill)
    now = belief.max(axis=1)
    then = np.zeros(len(counts))
    changes = np.zeros(len(counts))
    before = _label(counts)
    for vote in range(answers):
        joint = belief * said[:, vote]  # (U, A): truth and this vote
        then += joint.max(axis=1)
        after = counts.copy()
        after[:, vote] += 1
        changes += joint.sum(axis=1) * (_label(after) != before)
    return now, np.maximum(then - now, 0.0), changes


def _label(counts: Ints) -> Ints:
    """The answer with most votes, -1 where several tie or there is none."""
    top = counts.max(axis=1)
    clear = (counts == top[:, None]).sum(axis=1) == 1
    return np.where(clear, counts.argmax(axis=1), -1)


def _skill(kinds: Kinds, telling: Ints) -> float:
    """The skill under which two people agree as often as they do: agreement = s² + (1 - s)² / (A - 1)."""
    answers = len(telling)
    root = math.sqrt(max((answers - 1) * (answers * kinds.two_agree_on(telling) - 1), 0.0))
    return min(max((1 + root) / answers, 1 / answers + _LEAST_DOUBT), 1 - _LEAST_DOUBT)


def _prior(counts: Ints, times: Ints) -> Floats:
    """How common each answer is among the votes, one vote for each added so that none is impossible."""
    common = (times @ counts + 1).astype(np.float64)
    return np.asarray(common / common.sum(), np.float64)


def _stages(counts: Ints, times: Ints, unvoted: int, skill: float, prior: Floats) -> tuple[Stage, ...]:
    if unvoted:
        counts = np.vstack([counts, np.zeros((1, counts.shape[1]), np.int64)])
        times = np.append(times, unvoted)
    figures = np.column_stack(value_of_a_vote(counts, skill, prior))  # (U, 3)
    standing = patterns(-np.sort(-counts, axis=1), times)
    means = np.zeros((len(standing.times), 3))
    np.add.at(means, standing.of_row, figures * times[:, None])
    means /= standing.times[:, None]
    found = [
        Stage(tuple(int(n) for n in row if n), int(faces), *(float(mean) for mean in mine))
        for row, faces, mine in zip(standing.counts, standing.times, means, strict=True)
    ]
    return tuple(sorted(found, key=lambda stage: (-round(stage.gain, 9), stage.right, stage.standing)))
