"""How far each person has walked along a campaign's line: a memory of this process, only ever a hint.

Everyone walks the same line from its front, past what they have judged. Someone who has judged nearly all
would pass all of that again for every face, so a walk goes on from where it stopped, and begins at the front
again once it came to the end. Forgetting a walk costs one longer step, nothing else.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

MOST = 2000  # walks remembered


@dataclass(slots=True)
class Lane:
    """One of the two lines of a campaign: ``ahead`` are faces looked up but not yet handed out or passed.

    ``at`` is where the look-up stopped (rank, face id), None at the front. ``seen_at`` is when a walk from the
    front came to the end, by when the person had ``judged`` so many faces and this had happened (``stirs``).
    """

    ahead: deque[int] = field(default_factory=deque)
    at: tuple[float, int] | None = None
    seen_at: datetime | None = None
    stirs: int = 0
    judged: int = 0


@dataclass(slots=True)
class Walk:
    """One person's walk in one campaign; ``handed`` counts the faces, so that the two lanes take turns."""

    urgent: Lane = field(default_factory=Lane)
    others: Lane = field(default_factory=Lane)
    handed: int = 0


class Walks:
    """The walks of everyone, and how often something came back to a campaign's line (``stirs``)."""

    def __init__(self) -> None:
        self._walks: OrderedDict[tuple[int, int], Walk] = OrderedDict()
        self._stirs: dict[int, int] = {}

    def of(self, campaign_id: int, annotator_id: int) -> Walk:
        """This person's walk, a new one if it is not remembered."""
        key = (campaign_id, annotator_id)
        walk = self._walks.pop(key, None) or Walk()
        self._walks[key] = walk
        while len(self._walks) > MOST:
            self._walks.popitem(last=False)
        return walk

    def stir(self, campaign_id: int) -> None:
        """Say that a face came to the line, or back to it: who had seen all of it looks again."""
        self._stirs[campaign_id] = self.stirs(campaign_id) + 1

    def stirs(self, campaign_id: int) -> int:
        return self._stirs.get(campaign_id, 0)

    def forget(self, campaign_id: int) -> None:
        """Let everyone begin at the front again: the line was put in another order."""
        for key in self._keys(campaign_id):
            self._walks.pop(key, None)
        self.stir(campaign_id)

    def _keys(self, campaign_id: int) -> Iterator[tuple[int, int]]:
        return (key for key in tuple(self._walks) if key[0] == campaign_id)
