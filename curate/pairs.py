"""How far every two people agree: on which faces, how often, and Cohen's kappa.

Source: J. Cohen, A coefficient of agreement for nominal scales, Educational and Psychological Measurement 20
(1960): chance is what the two people's own answers on their common faces would give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from curate.intervals import Bounds, wilson_interval
from curate.patterns import Ints
from curate.said import Said

MOST_PEOPLE = 300


@dataclass(frozen=True, slots=True)
class PairFigures:
    """Two people who judged ``faces`` in common; ``kappa`` None when both always gave one and the same answer."""

    first: int
    second: int
    faces: int
    agreement: float
    bounds: Bounds
    kappa: float | None


def pairs(votes: Said, least_faces: int = 1) -> tuple[PairFigures, ...]:
    """Every two people with at least ``least_faces`` faces in common, least agreement first.

    The order is that of the upper bounds, so that two people who met on three faces do not come before all others.
    Of more than 300 people the 300 with most votes are paired.
    """
    kept, place = _most_active(votes)
    people, answers = len(kept), len(votes.names)
    common = np.zeros(people * people, np.int64)
    same = np.zeros(people * people, np.int64)
    said = np.zeros((2, people * people * answers), np.int64)  # by the first of the pair, by the second
    rows = np.flatnonzero(place[votes.people] >= 0)
    faces, who, what = votes.faces[rows], place[votes.people[rows]], votes.answers[rows]
    for step in range(1, int(np.bincount(faces).max(initial=0))):
        together = np.flatnonzero(faces[step:] == faces[:-step])
        if not len(together):
            break
        a, b = together, together + step  # people rise within a face, so who[a] < who[b]
        pair = who[a] * people + who[b]
        common += np.bincount(pair, minlength=people * people)
        same += np.bincount(pair[what[a] == what[b]], minlength=people * people)
        for side, one in enumerate((a, b)):
            said[side] += np.bincount(pair * answers + what[one], minlength=people * people * answers)
    chance = (said[0] * said[1]).reshape(-1, answers).sum(axis=1)
    return _figures(votes.person_ids[kept], common, same, chance, least_faces)


def _figures(
    person_ids: Ints, common: Ints, same: Ints, chance: Ints, least_faces: int
) -> tuple[PairFigures, ...]:
    people = len(person_ids)
    found = []
    for place in np.flatnonzero(common >= max(least_faces, 1)):
        n, agree = int(common[place]), int(same[place])
        expected = int(chance[place]) / n
        found.append(
            PairFigures(
                int(person_ids[place // people]),
                int(person_ids[place % people]),
                n,
                agree / n,
                wilson_interval(agree, n),
                (agree - expected) / (n - expected) if n - expected > 1e-9 else None,
            )
        )
    return tuple(sorted(found, key=lambda pair: (pair.bounds[1], pair.first, pair.second)))


def _most_active(votes: Said) -> tuple[Ints, Ints]:
    """The places of the people who are paired, in order, and for everybody the place among those, or -1."""
    total = np.bincount(votes.people, minlength=len(votes.person_ids))
    known = np.argsort(-total, kind="stable")
    kept = np.sort(known[votes.person_ids[known] >= 0][:MOST_PEOPLE])
    place = np.full(len(total), -1, np.int64)
    place[kept] = np.arange(len(kept))
    return kept, place
