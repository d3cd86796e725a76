"""How much a model's suggestions sway people: agreement with it where they saw it against where they did not.

Each suggestion is hidden on a random share of every person's faces, so the two sides differ by nothing but
having been seen. The interval of the difference is Newcombe's (R. G. Newcombe, Interval estimation for the
difference between independent proportions, Statistics in Medicine 17, 1998, method 10), from two Wilson
intervals: it holds with few votes and at shares of 0 and 1.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from db.records import Vote
from label_ui.feedback import Answer, answer_of

Z_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Share:
    """``agreeing`` of ``votes``."""

    agreeing: int
    votes: int

    @property
    def value(self) -> float | None:
        """0 to 1; None without a vote."""
        return self.agreeing / self.votes if self.votes else None

    def wilson(self, z: float = Z_95) -> tuple[float, float]:
        """The Wilson score interval; (0, 1) without a vote."""
        n = self.votes
        if n == 0:
            return 0.0, 1.0
        p = self.agreeing / n
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True, slots=True)
class Sway:
    """Agreement with the model where its view was ``shown`` and where it was ``hidden``.

    ``difference`` (shown less hidden, -1 to 1) and its 95 % interval are None while one side has no vote.
    """

    shown: Share
    hidden: Share
    difference: float | None
    interval: tuple[float, float] | None


def sway_of(votes: Iterable[Vote]) -> Sway:
    """The sway over votes of one campaign; those without a suggestion, and flags, are left out.

    "Unsure" agrees with nothing. A "no" agrees with a model that sees another class.
    """
    counted = {False: [0, 0], True: [0, 0]}  # hidden: [agreeing, votes]
    for vote in votes:
        suggestion = vote.shown.get("suggestion")
        if vote.flag is not None or not isinstance(suggestion, dict):
            continue
        side = counted[bool(suggestion.get("hidden"))]
        side[0] += agrees(answer_of(vote), str(suggestion.get("label")))
        side[1] += 1
    shown, hidden = Share(*counted[False]), Share(*counted[True])
    if shown.value is None or hidden.value is None:
        return Sway(shown, hidden, None, None)
    return Sway(shown, hidden, shown.value - hidden.value, newcombe(shown, hidden))


def agrees(answer: Answer, label: str) -> bool:
    """Whether an answer says what the model says."""
    if answer.denies is not None:
        return answer.denies != label
    return label in answer.choices


def newcombe(first: Share, second: Share) -> tuple[float, float]:
    """The 95 % interval of ``first`` less ``second``; both have votes."""
    assert first.value is not None and second.value is not None
    difference = first.value - second.value
    (low_1, high_1), (low_2, high_2) = first.wilson(), second.wilson()
    below = math.hypot(first.value - low_1, high_2 - second.value)
    above = math.hypot(high_1 - first.value, second.value - low_2)
    return difference - below, difference + above
