"""Each voter beside the others: skill, speed, share of the work, and drift over time.

Skill is measured against the consensus of the *others* (leave one out): the answer that most of the other
people gave to the same face, counted as a part where several answers tie. It needs no truth, and says how
typical a person's answers are; where a team is wrong together, only gold shows it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curate.intervals import Bounds, difference_interval, wilson_interval
from curate.leave_one_out import leave_one_out
from curate.patterns import Floats, Ints
from curate.said import SEVERAL, Said

Bools = NDArray[np.bool_]
HURRIED_S = 0.5  # nobody looks at a face, decides and presses a key in less
LEAST_FOR_DRIFT = 30


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """When each vote came and how long it took, for the rows of a vote table.

    ``seconds`` (N,) is NaN where unknown; ``order`` (N,) rises with time, empty (0,) when nothing is known of it.
    """

    seconds: Floats
    order: Ints

    @classmethod
    def unknown(cls, votes: int) -> Timing:
        return cls(np.full(votes, np.nan), np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True)
class Hits:
    """``hits`` (parts where answers tie) of ``votes``; ``share`` and its 95 % bounds, None without votes."""

    hits: float
    votes: int

    @property
    def share(self) -> float | None:
        return self.hits / self.votes if self.votes else None

    @property
    def bounds(self) -> Bounds | None:
        return wilson_interval(self.hits, self.votes) if self.votes else None


@dataclass(frozen=True, slots=True)
class Drift:
    """Skill in the last third of a person's votes less skill in the first, with its 95 % interval."""

    change: float
    bounds: Bounds

    @property
    def verdict(self) -> str:
        """``worse``, ``better``, or ``steady`` while the interval holds 0."""
        low, high = self.bounds
        return "worse" if high < 0 else "better" if low > 0 else "steady"


@dataclass(frozen=True, slots=True)
class VoterFigures:
    """One voter. ``votes`` in all, ``share`` of everybody's.

    ``skill``: matches with the consensus of the others, on faces that others judged too. ``kappa``: the same
    beyond chance, so that always answering the commonest class scores 0 (None where it is not defined).
    ``gold``: matches of first answers with known ones; of several classes chosen one must be the known one.
    ``median_s`` seconds a vote, ``hurried`` the share of votes under 0.5 s; both None when no time is known.
    ``drift`` needs 30 comparable votes and their order in time; faces that came later may also have been harder.
    """

    person: int
    votes: int
    share: float
    skill: Hits
    kappa: float | None
    gold: Hits
    median_s: float | None
    hurried: float | None
    drift: Drift | None


def voters(
    votes: Said, timing: Timing, gold: Mapping[int, str] | None = None, first: Said | None = None
) -> tuple[VoterFigures, ...]:
    """Every known voter in order of id. ``gold`` gives known answers (a class or a flag) by face id.

    ``first`` is what each person said first on such a face, undone and corrected votes too: who is told at once
    whether it was right may correct it. Without it ``votes`` are all that was ever said.
    """
    matches, compared, kappas = _against_others(votes)
    golden = _against_gold(votes if first is None else first, gold or {})
    seconds = timing.seconds[votes.rows]
    when = timing.order[votes.rows] if len(timing.order) else None
    by_person = np.argsort(votes.people, kind="stable")
    ends = np.searchsorted(votes.people[by_person], np.arange(len(votes.person_ids) + 1))
    figures = []
    for place, person in enumerate(votes.person_ids):
        if person < 0:
            continue
        mine = by_person[ends[place] : ends[place + 1]]
        both = mine[compared[mine]]
        figures.append(
            VoterFigures(
                person=int(person),
                votes=len(mine),
                share=len(mine) / len(votes),
                skill=Hits(float(matches[both].sum()), len(both)),
                kappa=kappas[place],
                gold=golden.get(int(person), Hits(0, 0)),
                **_speed(seconds[mine]),
                drift=None if when is None else _drift(matches[both[np.argsort(when[both], kind="stable")]]),
            )
        )
    return tuple(figures)


def _against_others(votes: Said) -> tuple[Floats, Bools, list[float | None]]:
    """For each vote its match with the others' consensus, 0 to 1, and whether there is one; kappa a person."""
    others = leave_one_out(votes)
    consensus = others.consensus  # (R, A)
    alike = votes.alike_votes
    own = np.arange(len(consensus)) % max(len(votes.names), 1)
    matches = np.asarray(consensus[np.arange(len(consensus)), own][alike], np.float64)
    compared: Bools = (others.leaders.sum(axis=1) > 0)[alike]
    return matches, compared, _kappas(votes, consensus, matches, compared)


def _kappas(votes: Said, consensus: Floats, matches: Floats, compared: Bools) -> list[float | None]:
    """Cohen's kappa of each person with the consensus of the others."""
    people, answers = len(votes.person_ids), len(votes.names)
    who, what, alike = votes.people[compared], votes.answers[compared], votes.alike_votes[compared]
    total = np.bincount(who, minlength=people)
    observed = np.bincount(who, matches[compared], minlength=people)
    own = np.bincount(who * answers + what, minlength=people * answers).reshape(people, answers)
    theirs = np.zeros((people, answers))
    for answer in range(answers):
        theirs[:, answer] = np.bincount(who, consensus[alike, answer], minlength=people)
    expected = (own * theirs).sum(axis=1) / np.maximum(total, 1)  # in votes, as observed
    beyond = np.maximum(total - expected, 0)
    return [
        float((observed[p] - expected[p]) / beyond[p]) if beyond[p] > 1e-9 else None for p in range(people)
    ]


def _against_gold(votes: Said, gold: Mapping[int, str]) -> dict[int, Hits]:
    """By person, of their votes on faces with a known answer those that gave it.

    Of several classes chosen one must be the known one, as voters are told (`label_ui.feedback.is_right`).
    """
    place = {name: i for i, name in enumerate(votes.names)}
    unheard = len(votes.names)
    known = np.full(len(votes.face_ids), -1, np.int64)
    for face, answer in gold.items():
        at = int(np.searchsorted(votes.face_ids, face))
        if at < len(known) and votes.face_ids[at] == face:
            known[at] = place.get(answer, unheard)
    right = np.eye(unheard + 1, dtype=np.bool_)
    for i, name in enumerate(votes.names[votes.classes :], votes.classes):
        right[i, [place[one] for one in name.split(SEVERAL) if one in place]] = True
    told = known[votes.faces] >= 0
    who, what, truth = votes.people[told], votes.answers[told], known[votes.faces][told]
    asked = np.bincount(who, minlength=len(votes.person_ids))
    hits = np.bincount(who, right[what, truth], minlength=len(votes.person_ids))
    return {int(p): Hits(float(h), int(n)) for p, h, n in zip(votes.person_ids, hits, asked, strict=True)}


def _speed(seconds: Floats) -> dict[str, float | None]:
    timed = seconds[~np.isnan(seconds)]
    if not len(timed):
        return {"median_s": None, "hurried": None}
    return {"median_s": float(np.median(timed)), "hurried": float((timed < HURRIED_S).mean())}


def _drift(matches: Floats) -> Drift | None:
    """From one person's matches in order of time."""
    if len(matches) < LEAST_FOR_DRIFT:
        return None
    third = len(matches) // 3
    first, last = float(matches[:third].sum()), float(matches[-third:].sum())
    return Drift((last - first) / third, difference_interval((first, third), (last, third)))
