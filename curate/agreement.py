"""How people agree: every figure of one set of votes, computed together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from curate.ceiling import Ceiling, ceiling
from curate.confusion import Confusion, MixUp, confusion, mix_ups
from curate.kinds_of_faces import FittedKinds, kinds_of_faces
from curate.one_more_vote import OneMoreVote, one_more_vote
from curate.pairs import PairFigures, pairs
from curate.reliability import Reliability, reliability
from curate.said import Said
from curate.voters import Timing, VoterFigures, voters

SEED = 0  # of the bootstrap intervals: the same votes always give the same figures


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """All figures of ``votes``; each is described where it is made."""

    votes: Said
    reliability: Reliability
    kinds: FittedKinds | None
    confusion: Confusion
    mix_ups: tuple[MixUp, ...]
    voters: tuple[VoterFigures, ...]
    pairs: tuple[PairFigures, ...]
    ceiling: Ceiling
    one_more_vote: OneMoreVote


def agreement(
    votes: Said,
    timing: Timing | None = None,
    gold: Mapping[int, str] | None = None,
    first: Said | None = None,
    *,
    unvoted: int = 0,
) -> Agreement:
    """The figures of these votes; none at all gives figures of None and empty tables.

    ``timing`` belongs to the rows of the table the votes came from, ``gold`` gives known answers by face id,
    ``first`` what each person said first on such faces (see `voters`), and ``unvoted`` is how many faces have no
    vote yet.
    """
    resampled = votes.alike.resampled(SEED)
    kinds = kinds_of_faces(votes.alike, SEED)
    return Agreement(
        votes=votes,
        reliability=reliability(votes.alike, resampled),
        kinds=kinds,
        confusion=confusion(votes.alike, votes.names),
        mix_ups=mix_ups(votes.alike, resampled, votes.names[: votes.classes]),
        voters=voters(votes, timing or Timing.unknown(len(votes)), gold, first),
        pairs=pairs(votes),
        ceiling=ceiling(votes, kinds),
        one_more_vote=one_more_vote(votes, kinds, unvoted),
    )
