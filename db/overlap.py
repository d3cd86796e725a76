"""When a face has votes enough: the policy that stops asking, apart from who is asked and from the screen.

Three policies. *Adaptive*: at least `least` people, more only until one answer leads by `lead`, at most
`most`. *Fixed*: `most` people, always. *Majority*: a team of `team` people, until one answer holds more than
half of the team or none can any more (INSA Toulouse report, 2025, section 2.1.4).

An answer is whatever one vote says: a class (a set of classes, where several may be chosen), "unsure" or a
flag; the policy does not know which. Two people who are both unsure agree that the face is unclear.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OverlapKind = Literal["adaptive", "fixed", "majority"]
_N = TypeVar("_N", int, "NDArray[np.int64]")


@dataclass(frozen=True, slots=True)
class Overlap:
    """How many people vote on one face.

    ``least``, ``lead`` and ``most`` steer "adaptive" (1 <= least <= most, lead >= 1), ``most`` alone "fixed",
    ``team`` alone "majority" (1 or more people). Errors: ValueError for numbers outside these ranges.
    """

    kind: OverlapKind = "adaptive"
    least: int = 2
    lead: int = 2
    most: int = 5
    team: int = 0

    def __post_init__(self) -> None:
        if self.kind == "majority":
            _check(self.team >= 1, f"a majority needs a team of 1 or more people, got {self.team}")
        elif self.kind == "fixed":
            _check(self.most >= 1, f"a face needs 1 vote or more, got most={self.most}")
        elif self.kind == "adaptive":
            _check(self.least >= 1, f"a face needs 1 vote or more, got least={self.least}")
            _check(
                self.least <= self.most,
                f"at least {self.least} votes a face but at most {self.most}: most must not be less than least",
            )
            _check(self.lead >= 1, f"the lead is 1 or more, got {self.lead}")
        else:
            raise ValueError(f"an overlap is adaptive, fixed or majority, got {self.kind!r}")

    def wants_more(self, counts: Sequence[int], voters: int) -> bool:
        """Whether one more person should be asked about a face.

        ``counts`` are the votes per answer, in any order, unheard answers left out or 0; ``voters`` is how
        many people voted. No votes yet: True. The order in which votes came never matters.
        """
        top, second = _two_highest(counts)
        return bool(self._open(top, second, voters))

    def wanting(self, counts: NDArray[np.int64], voters: NDArray[np.int64]) -> NDArray[np.bool_]:
        """`wants_more` of many faces at once: ``counts`` (I, A) and ``voters`` (I,) give (I,) booleans."""
        import numpy as np  # only here: a page or a command that asks no policy starts without it

        if counts.shape[1] < 2:
            counts = np.pad(counts, ((0, 0), (0, 2 - counts.shape[1])))
        ranked = np.partition(counts, -2, axis=1)[:, -2:]  # (I, 2): second, top
        return np.asarray(self._open(ranked[:, 1], ranked[:, 0], voters), np.bool_)

    def least_more(self, counts: Sequence[int], voters: int) -> int:
        """How many more votes this face takes at the least; 0 when it has enough.

        So many people may be asked about it at the same time without wasting a vote.
        """
        top, second = _two_highest(counts)
        if not self._open(top, second, voters):
            return 0
        if self.kind == "fixed":
            return self.most - voters
        if self.kind == "adaptive":
            return min(max(self.least - voters, self.lead - (top - second)), self.most - voters)
        hopeless = max(top, 1) + self.team - voters - self._half + 1  # all of them for answers still unheard
        return min(self._half - top, hopeless, self.team - voters)

    def _open(self, top: _N, second: _N, voters: _N) -> bool | NDArray[np.bool_]:
        if self.kind == "fixed":
            return voters < self.most
        if self.kind == "adaptive":
            return (voters < self.least) | ((voters < self.most) & (top - second < self.lead))
        return (voters < self.team) & (top < self._half) & (top + self.team - voters >= self._half)

    @property
    def _half(self) -> int:
        return self.team // 2 + 1  # the fewest votes that are more than half of the team


def _two_highest(counts: Sequence[int]) -> tuple[int, int]:
    top, second, *_ = (*sorted(counts, reverse=True), 0, 0)
    return top, second


def _check(condition: bool, message: str) -> None:
    if not condition:
        raise ValueError(message)
