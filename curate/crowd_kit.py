"""GLAD and MACE as crowd-kit has them: for comparison, and for those who know that they want them.

GLAD (Whitehill 2009) gives every face a difficulty, MACE (Hovy 2013) every person a chance to answer at random. Both
take minutes for a million votes. crowd-kit is an extra because it brings transformers and pandas.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np

from curate.ballots import Ballots, Floats, count, shares
from curate.outcome import DEFAULT, Consensus, Terms, outcomes
from curate.votes_table import VoteTable
from db.errors import ConfigError
from db.privacy import keep_dependencies_quiet


@dataclass(frozen=True, slots=True)
class CrowdKit:
    """One of crowd-kit's models. A vote that chose several classes counts for the first of them; a "no" is
    a voter without a class.

    Errors: ConfigError when crowd-kit is not installed.
    """

    model: Literal["GLAD", "MACE"]
    terms: Terms = DEFAULT

    def aggregate(self, votes: VoteTable) -> list[Consensus]:
        keep_dependencies_quiet()
        ballots = count(votes)
        beliefs = shares(ballots.chosen)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # crowd-kit's, about its own use of pandas
            model = _model(self.model)
            if (beliefs > 0).any(axis=0).sum() > 1:  # with a single class there is nothing to weigh
                beliefs = _fitted(model, ballots)
        return outcomes(ballots, beliefs, self.terms)


def glad(terms: Terms = DEFAULT) -> CrowdKit:
    """Faces differ in difficulty, people in ability."""
    return CrowdKit("GLAD", terms)


def mace(terms: Terms = DEFAULT) -> CrowdKit:
    """Some people answer at random, by habits of their own."""
    return CrowdKit("MACE", terms)


def is_installed() -> bool:
    """Whether there is a crowd-kit; nothing of it is imported, which takes seconds."""
    return find_spec("crowdkit") is not None


def not_installed(rule: str, why: str = "") -> ConfigError:
    """What to say of a rule that needs crowd-kit, where it is not installed."""
    because = f" ({why})" if why else ""
    return ConfigError(
        f"the rule {rule} needs crowd-kit, which is not installed{because}",
        hint="pip install 'mimique[crowd]', or use --rule auto",
    )


def _model(name: str) -> Any:
    try:
        from crowdkit import aggregation
    except ImportError as error:
        raise not_installed(name.lower(), str(error)) from error
    return getattr(aggregation, name)()


def _fitted(model: Any, ballots: Ballots) -> Floats:
    from pandas import DataFrame

    said = ballots.said.tocoo()
    rows = DataFrame(
        {
            "task": said.row.astype(np.int64),
            "worker": ballots.person[said.col],
            "label": ballots.choice[said.col],
        }
    ).drop_duplicates(["task", "worker"])
    told = model.fit_predict_proba(rows)
    beliefs = np.zeros(ballots.counts.shape)
    beliefs[np.ix_(told.index.to_numpy(), told.columns.to_numpy())] = told.to_numpy()
    return shares(beliefs)
