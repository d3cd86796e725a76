"""Rules that count: every person's vote weighs the same."""

from __future__ import annotations

from dataclasses import dataclass

from curate.ballots import count, shares
from curate.outcome import DEFAULT, Consensus, Terms, outcomes
from curate.votes_table import VoteTable


@dataclass(frozen=True, slots=True)
class Majority:
    """Absolute majority: more than half of all who voted on the face chose the class, unsure votes included.

    The rule of the INSA Toulouse report (2025), section 2.1.4: four people vote, three must agree.
    """

    terms: Terms = DEFAULT

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        ballots = count(votes)
        most = ballots.counts.max(axis=1, initial=0)
        return outcomes(ballots, shares(ballots.counts), self.terms, 2 * most > ballots.voters + 1e-6)


@dataclass(frozen=True, slots=True)
class Plurality:
    """More votes than any other class."""

    terms: Terms = DEFAULT

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        ballots = count(votes)
        return outcomes(ballots, shares(ballots.counts), self.terms)
