"""What a trained model thinks of the items, as a consensus rule may use it: weighed, never taken at its word.

The model's probabilities q of an item become its prior: softmax(b · log q + c). The trust b, 0 or more, and the
offsets c (one a class) are those under which the people's votes are most probable, so a model that says nothing
about the votes ends at b = 0 and changes nothing, and one that is too sure of itself is toned down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curate.ballots import Floats, softmax

ANCHOR = 400.0  # as many faces' worth of belief that the classes are as common as the votes for them
_MOST_TRUST = 2.0
_LEAST = 1e-4  # a probability below this tells no more than this


@dataclass(slots=True, eq=False)
class ModelView:
    """A model's view ``logs`` (I, K) of the items that it saw (``known``, (I,)), and the balance of the votes (K,).

    ``trust`` and ``offsets`` are learnt, and kept from one step to the next.
    """

    logs: Floats
    known: NDArray[np.bool_]
    balance: Floats
    trust: float = 1.0
    offsets: Floats = field(default_factory=lambda: np.empty(0))

    def log_prior(self, likelihood: Floats, beliefs: Floats, voted: NDArray[np.bool_]) -> Floats:
        """The prior of each item (I, K), as logs, given the votes' likelihood and the beliefs so far (I, K)."""
        common = beliefs[voted].sum(axis=0) + ANCHOR * self.balance
        plain = np.broadcast_to(np.log(common / common.sum()), likelihood.shape)
        use = self.known & voted
        if not use.any():
            return plain
        self._learn(likelihood[use], self.logs[use])
        weighed = np.log(softmax(self.trust * self.logs + self.offsets))
        return np.where(self.known[:, None], weighed, plain)

    def _learn(self, likelihood: Floats, logs: Floats) -> None:
        """Trust and offsets under which the votes are most probable, with the anchor as further faces."""
        from scipy.optimize import minimize

        if not len(self.offsets):
            self.offsets = np.log(self.balance)
        mean = logs.mean(axis=0)
        likelihood = likelihood - likelihood.max(axis=1, keepdims=True)

        def loss(numbers: Floats) -> tuple[float, Floats]:
            prior = softmax(numbers[0] * logs + numbers[1:])  # (i, K)
            joint = prior * np.exp(likelihood)
            total = joint.sum(axis=1, keepdims=True)
            usual = softmax((numbers[0] * mean + numbers[1:])[None])[0]
            value = np.log(total).sum() + ANCHOR * (self.balance * np.log(usual)).sum()
            pull = joint / total - prior  # (i, K): d value / d logit
            drawn = ANCHOR * (self.balance - usual)
            slope = np.concatenate([[(pull * logs).sum() + drawn @ mean], pull.sum(axis=0) + drawn])
            return -float(value) / len(logs), -slope / len(logs)

        bounds = [(0.0, _MOST_TRUST)] + [(-20.0, 20.0)] * len(self.balance)
        start = np.concatenate([[self.trust], self.offsets])
        found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 30})
        self.trust, self.offsets = float(found.x[0]), found.x[1:]


def no_view(items: int, seen: Floats) -> ModelView:
    """The view of nobody: only the balance of the votes, counted by class (K,)."""
    return ModelView(np.zeros((items, len(seen))), np.zeros(items, np.bool_), _balance(seen))


def view_of(probabilities: Floats, known: NDArray[np.bool_], seen: Floats) -> ModelView:
    """A model's probabilities (I, K) of the items that are ``known`` to it (I,); votes by class as in `no_view`."""
    return ModelView(np.log(np.clip(probabilities, _LEAST, 1.0)), known, _balance(seen))


def _balance(seen: Floats) -> Floats:
    """Shares of the votes, with one more vote for each class (Laplace): one vote is no proof of a rule."""
    balance: Floats = (seen + 1) / (seen.sum() + max(len(seen), 1))
    return balance
