"""What people agree on: rules that turn votes into one decision a face, with the share of every class.

A rule is a class that fits `Aggregator`, entered in `RULES` under the name that ``curate consensus --rule``
takes. Every rule rejects a face that most people who voted on it flagged as unfit (`REJECTING`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from curate.votes_table import VoteTable
from db.errors import ConfigError
from db.records import FLAGS

REJECTING = ("not_a_face", "artificial", "unusable")
NO_AGREEMENT = "no agreement"
TOO_FEW = "too few votes"


@dataclass(frozen=True, slots=True)
class Consensus:
    """What a rule decided about one item.

    ``label`` is a class, or None with the ``reason``: "no agreement", "too few votes", or the flag that
    rejected the face. ``distribution`` gives every class its share of the votes that chose a class (sum 1;
    empty when nobody did); ``confidence`` is the share of all voters, 0 to 1, behind the decision, or behind
    the strongest class where there is none; ``votes`` how many people voted.
    """

    item: int
    label: str | None
    distribution: Mapping[str, float]
    confidence: float
    votes: int
    reason: str = ""


class Aggregator(Protocol):
    """A rule."""

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        """One decision for each item that has votes, in order of item; the order of votes changes nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Majority:
    """Absolute majority: more than half of all who voted on the face chose the class, unsure votes included.

    The rule of the INSA Toulouse report (2025), section 2.1.4: four people vote, three must agree.
    """

    min_votes: int = 1

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        return _decide(votes, self.min_votes, lambda counts, voters: 2 * int(counts.max()) > voters)


@dataclass(frozen=True, slots=True)
class Plurality:
    """More votes than any other class; a tie for the first place is no agreement."""

    min_votes: int = 1

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        return _decide(votes, self.min_votes, lambda counts, _: int((counts == counts.max()).sum()) == 1)


RULES: Mapping[str, Callable[[int], Aggregator]] = {"majority": Majority, "plurality": Plurality}


def aggregator(rule: str, min_votes: int = 1) -> Aggregator:
    """The rule of that name; faces with fewer than `min_votes` voters stay undecided. Errors: ConfigError."""
    if rule not in RULES:
        raise ConfigError(f"there is no consensus rule {rule!r}", hint=f"choose one of {', '.join(RULES)}")
    return RULES[rule](min_votes)


_Agreed = Callable[[NDArray[np.int64], int], bool]


def _decide(votes: VoteTable, min_votes: int, agreed: _Agreed) -> list[Consensus]:
    items, rows = np.unique(votes.items, return_inverse=True)
    voters = np.bincount(rows, minlength=len(items))  # (I,)
    counts = _counted(rows, votes.choices, len(items), len(votes.classes))  # (I, K)
    flags = _counted(rows, votes.flags, len(items), len(FLAGS))  # (I, F)
    decided = []
    for i, item in enumerate(items):
        label, reason = _outcome(counts[i], flags[i], int(voters[i]), min_votes, votes.classes, agreed)
        strongest = _rejections(flags[i]) if reason in REJECTING else int(counts[i].max(initial=0))
        decided.append(
            Consensus(
                item=int(item),
                label=label,
                distribution=_shares(counts[i], votes.classes),
                confidence=strongest / int(voters[i]),
                votes=int(voters[i]),
                reason=reason,
            )
        )
    return decided


def _outcome(
    counts: NDArray[np.int64],
    flags: NDArray[np.int64],
    voters: int,
    min_votes: int,
    classes: tuple[str, ...],
    agreed: _Agreed,
) -> tuple[str | None, str]:
    """(label, reason) of one item."""
    if voters < min_votes:
        return None, TOO_FEW
    if 2 * _rejections(flags) > voters:
        return None, max(REJECTING, key=lambda name: (flags[FLAGS.index(name)], name))
    if counts.sum() == 0 or not agreed(counts, voters):
        return None, NO_AGREEMENT
    return classes[int(counts.argmax())], ""


def _counted(rows: NDArray[np.intp], values: NDArray[np.int64], items: int, kinds: int) -> NDArray[np.int64]:
    """How often each kind (0 to kinds-1; -1 is not counted) was said of each item: (items, kinds)."""
    said = values >= 0
    flat = np.bincount(rows[said] * kinds + values[said], minlength=items * kinds)
    return flat.reshape(items, kinds).astype(np.int64)


def _rejections(flags: NDArray[np.int64]) -> int:
    return sum(int(flags[FLAGS.index(name)]) for name in REJECTING)


def _shares(counts: NDArray[np.int64], classes: tuple[str, ...]) -> dict[str, float]:
    total = int(counts.sum())
    return {name: int(n) / total for name, n in zip(classes, counts, strict=True)} if total else {}
