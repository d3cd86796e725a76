"""What people agree on: the rules that turn votes into one decision a face, by name.

A rule is a class that fits `Aggregator`, entered in `RULES` under the name that ``curate consensus --rule`` takes.
Every rule rejects a face that most people who voted on it flagged as unfit (`REJECTING`). docs/consensus.md
compares them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from curate.auto import Auto
from curate.crowd_kit import glad, is_installed, mace, not_installed
from curate.dawid_skene import DawidSkene
from curate.majority import Majority, Plurality
from curate.outcome import NO_AGREEMENT, REJECTING, TOO_FEW, Consensus, Terms
from curate.votes_table import VoteTable
from db.errors import ConfigError

__all__ = [
    "COUNTING",
    "NO_AGREEMENT",
    "REJECTING",
    "RULES",
    "TOO_FEW",
    "Aggregator",
    "Consensus",
    "Majority",
    "Plurality",
    "Terms",
    "aggregator",
    "known_rule",
    "usable_rule",
    "usable_rules",
]


class Aggregator(Protocol):
    """A rule."""

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        """One decision for each item that has votes, in order of item; the order of votes changes nothing."""
        ...


RULES: Mapping[str, Callable[[Terms], Aggregator]] = {
    "auto": Auto,
    "majority": Majority,
    "plurality": Plurality,
    "dawid-skene": DawidSkene,
    "glad": glad,
    "mace": mace,
}
NEED_CROWD_KIT = ("glad", "mace")
COUNTING = ("majority", "plurality")  # the others weigh people, and their confidence is a probability


def aggregator(rule: str, terms: Terms | None = None) -> Aggregator:
    """The rule of that name. Errors: ConfigError."""
    return RULES[known_rule(rule)](terms or Terms())


def usable_rules() -> tuple[str, ...]:
    """The rules that can run here: GLAD and MACE only with crowd-kit."""
    return tuple(rule for rule in RULES if rule not in NEED_CROWD_KIT or is_installed())


def usable_rule(rule: str) -> str:
    """The name itself. Errors: ConfigError when no rule has it, or when it cannot run here."""
    if known_rule(rule) not in usable_rules():
        raise not_installed(rule)
    return rule


def known_rule(rule: str) -> str:
    """The name itself. Errors: ConfigError when no rule has it."""
    if rule not in RULES:
        raise ConfigError(f"there is no consensus rule {rule!r}", hint=f"choose one of {', '.join(RULES)}")
    return rule
