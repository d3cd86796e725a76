"""From what a rule believes about each face to one decision each: flags, too few votes, ties, confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from curate.ballots import Ballots, Floats
from db.errors import ConfigError
from db.records.votes import FLAGS

REJECTING = ("not_a_face", "artificial", "unusable")
NO_AGREEMENT = "no agreement"
TOO_FEW = "too few votes"
_ALIKE = 1e-7  # shares this close are a tie; rounding alone moves them by less
_REJECTING_AT = tuple(FLAGS.index(name) for name in REJECTING)


@dataclass(frozen=True, slots=True)
class Consensus:
    """What a rule decided about one item.

    ``label`` is a class, or None with the ``reason``: "no agreement", "too few votes", or the flag that
    rejected the face. ``distribution`` gives every class its share (sum 1; empty when nobody chose a class): of
    the votes, or, from a rule that weighs people, the probability that it is the true one. ``confidence``, 0 to
    1, is what stands behind the decision, or behind the strongest class where there is none, out of all voters,
    unsure ones included; ``votes`` how many people voted.
    """

    item: int
    label: str | None
    distribution: Mapping[str, float]
    confidence: float
    votes: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Terms:
    """When a decision holds, whatever the rule.

    Items with fewer than ``min_votes`` voters, or less confidence than ``least_confidence`` (0 to 1), stay
    undecided. A tie for the first place is left without a label, or drawn among the tied classes by ``seed`` and
    the item's id, so that no class gains by its name. Errors: ConfigError for numbers outside these ranges.
    """

    min_votes: int = 1
    least_confidence: float = 0.0
    ties: Literal["leave", "draw"] = "leave"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.min_votes < 1 or not 0 <= self.least_confidence <= 1:
            raise ConfigError(
                f"min_votes is 1 or more and least_confidence lies in 0..1, got {self.min_votes} "
                f"and {self.least_confidence}"
            )


DEFAULT = Terms()


def outcomes(
    ballots: Ballots, beliefs: Floats, terms: Terms, agreed: NDArray[np.bool_] | None = None
) -> list[Consensus]:
    """One decision an item, in order of item.

    ``beliefs`` (I, K) sum to 1 a row, or 0 where nobody chose a class; ``agreed`` (I,) says where the rule allows
    a decision at all (default: everywhere). The label is the most probable of the classes that somebody chose: one
    that nobody chose is none, however probable "no" votes, a model or people's habits make it. A face that most who
    voted flagged as unfit is rejected.
    """
    found = _settle(ballots, beliefs, terms, agreed)
    classes = ballots.classes
    return [
        Consensus(
            item=item,
            label=None if label < 0 else classes[label],
            distribution=dict(zip(classes, row, strict=True)) if chose else {},
            confidence=confidence,
            votes=votes,
            reason=reason,
        )
        for item, label, row, chose, confidence, votes, reason in zip(
            ballots.items.tolist(),
            found.labels.tolist(),
            beliefs.tolist(),
            (beliefs.max(axis=1, initial=0) > 0).tolist(),
            found.confidences.tolist(),
            np.round(ballots.voters).astype(int).tolist(),
            found.reasons,
            strict=True,
        )
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Settled:
    labels: NDArray[np.int64]  # (I,), -1 for none
    confidences: Floats
    reasons: list[str]


def _settle(ballots: Ballots, beliefs: Floats, terms: Terms, agreed: NDArray[np.bool_] | None) -> _Settled:
    voters, chose = ballots.voters, ballots.chose
    eligible = np.where(ballots.chosen > 0, beliefs, 0.0)
    top = eligible.max(axis=1, initial=0)
    labels, single = _first_places(eligible, top, ballots.items, terms.seed)
    confidences = top * np.divide(chose, voters, out=np.zeros_like(voters), where=voters > 0)
    holds = (top > 0) & (confidences >= terms.least_confidence - _ALIKE)
    if terms.ties == "leave":
        holds &= single
    if agreed is not None:
        holds &= agreed
    rejections = ballots.flags[:, _REJECTING_AT]
    rejected = 2 * rejections.sum(axis=1) > voters
    few = voters < terms.min_votes
    holds &= ~rejected & ~few
    reasons = np.where(holds, "", NO_AGREEMENT).astype(object)
    reasons[rejected] = np.array(REJECTING, object)[rejections.argmax(axis=1)][rejected]
    reasons[few] = TOO_FEW
    shown = np.where(rejected & ~few, rejections.sum(axis=1) / np.maximum(voters, 1), confidences)
    return _Settled(np.where(holds, labels, -1), shown, reasons.tolist())


def _first_places(
    beliefs: Floats, top: Floats, items: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(the strongest class, drawn where several share the first place; whether there is only one): (I,) each."""
    tied = beliefs >= top[:, None] - _ALIKE  # (I, K)
    count = tied.sum(axis=1)
    if not beliefs.shape[1]:
        return np.full(len(items), -1), count == 1
    nth = _draw(items, seed) % np.maximum(count, 1).astype(np.uint64)
    place = tied.cumsum(axis=1) > nth[:, None].astype(np.int64)
    return place.argmax(axis=1).astype(np.int64), count == 1


def _draw(items: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """A number an item that looks random and depends on its id and the seed only (splitmix64; Steele 2014)."""
    x = items.astype(np.uint64) + np.uint64((seed * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) % 2**64)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
