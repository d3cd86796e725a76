"""How much a model's suggestions sway people: agreement with it where they saw it against where they did not.

Each suggestion is hidden on a random share of every person's faces, so the two sides differ by nothing but
having been seen.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from curate.intervals import difference_interval
from db.records.votes import Vote
from label_ui.feedback import Answer, answer_of


@dataclass(frozen=True, slots=True)
class Share:
    """``agreeing`` of ``votes``."""

    agreeing: int
    votes: int

    @property
    def value(self) -> float | None:
        """0 to 1; None without a vote."""
        return self.agreeing / self.votes if self.votes else None


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
    interval = difference_interval((hidden.agreeing, hidden.votes), (shown.agreeing, shown.votes))
    return Sway(shown, hidden, shown.value - hidden.value, interval)


def agrees(answer: Answer, label: str) -> bool:
    """Whether an answer says what the model says."""
    if answer.denies is not None:
        return answer.denies != label
    return label in answer.choices
