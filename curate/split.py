"""Leak-free splits: whole groups of faces go to one part, and every class keeps its ratios.

Faces tied by a photo, a photographer, a video or a near-duplicate group form one group (a connected
component). Groups are placed largest first, each in the part whose classes are furthest below target, then
moved and swapped while that brings the counts closer. Everything derives from content and a seed, and all
sums are integers, so any machine and any order of input give the same parts.

What the ratios promise, for a class of n faces that are tied to no other: every part holds its exact share
to within one face. Where that allows it, each part gets at least one face: at 20:4:1 this means train and
val from 2 faces on and all three parts from 5 on. Larger groups follow the ratios as well as they can.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

import numpy as np
from numpy.typing import NDArray

from curate.balance import balance
from curate.components import tied
from db.records.snapshots import PARTS, Part

Ratios = tuple[float, float, float]
Tie = tuple[str, str]
GLUED_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class SplitItem:
    """One face to place. ``key`` is its content hash, unique among the items.

    ``ties`` are (kind, value) pairs, e.g. ``("photo", sha256)``: items that share one stay together.
    ``hint`` pins its group to a part that a data set's own layout gave, None leaves it free.
    """

    key: str
    label: str
    ties: frozenset[Tie] = frozenset()
    hint: Part | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """Where everything went: part and group key (the smallest content hash in the group) by item key.

    ``notes`` say in plain words what a person should know: a group that swallows most of the data, hints
    that contradict each other.
    """

    parts: Mapping[str, Part]
    groups: Mapping[str, str]
    notes: tuple[str, ...] = ()


def split(items: Sequence[SplitItem], ratios: Ratios = (20, 4, 1), seed: int = 0) -> Assignment:
    """Place every item; no items give an empty assignment.

    Raises ValueError for ratios that are negative or all zero, and for two items with one key.
    """
    shares = whole_ratios(ratios)
    ordered = sorted(items, key=lambda item: item.key)
    if len({item.key for item in ordered}) != len(ordered):
        raise ValueError("two items have the same key; exact copies are to be given once")
    if not ordered:
        return Assignment({}, {})
    members = _groups(ordered, seed)
    vectors = _class_counts(members)
    pinned, conflicts = _pinned(members)
    placed = balance(vectors, shares, pinned)
    parts = {item.key: PARTS[part] for group, part in zip(members, placed, strict=True) for item in group}
    groups = {item.key: group[0].key for group in members for item in group}
    return Assignment(parts, groups, (*_glue_note(members, len(ordered)), *_conflict_note(conflicts)))


def leaks(items: Sequence[SplitItem], parts: Mapping[str, Part]) -> list[Tie]:
    """The ties whose items lie in more than one part, sorted; empty for every result of `split`.

    Looks at nothing but ties and parts, so that it checks the grouping rather than repeats it.
    """
    seen: dict[Tie, set[Part]] = defaultdict(set)
    for item in items:
        for tie in item.ties:
            seen[tie].add(parts[item.key])
    return sorted(tie for tie, where in seen.items() if len(where) > 1)


def whole_ratios(ratios: Ratios) -> tuple[int, int, int]:
    """The ratios as the smallest whole numbers, to three decimals: (0.8, 0.16, 0.04) gives (20, 4, 1)."""
    if any(r < 0 for r in ratios) or sum(ratios) <= 0:
        raise ValueError(f"ratios are numbers from 0, not all of them 0, got {ratios}")
    exact = [Fraction(r).limit_denominator(1000) for r in ratios]
    scale = lcm(*(f.denominator for f in exact))
    whole = [int(f * scale) for f in exact]
    common = gcd(*whole) or 1
    return whole[0] // common, whole[1] // common, whole[2] // common


def _groups(ordered: Sequence[SplitItem], seed: int) -> list[list[SplitItem]]:
    """The groups, each sorted by key; largest first, equal sizes in an order that the seed shuffles."""
    by_root: dict[int, list[SplitItem]] = defaultdict(list)
    for item, root in zip(ordered, tied([sorted(item.ties) for item in ordered]), strict=True):
        by_root[int(root)].append(item)

    def rank(group: list[SplitItem]) -> tuple[int, str]:
        return -len(group), hashlib.sha256(f"{seed}:{group[0].key}".encode()).hexdigest()

    return sorted(by_root.values(), key=rank)


def _class_counts(members: Sequence[Sequence[SplitItem]]) -> NDArray[np.int64]:
    """How many faces of each class every group holds: (groups, classes), classes in sorted order."""
    classes = sorted({item.label for group in members for item in group})
    place = {name: i for i, name in enumerate(classes)}
    counts = np.zeros((len(members), len(classes)), np.int64)
    for g, group in enumerate(members):
        for item in group:
            counts[g, place[item.label]] += 1
    return counts


def _pinned(members: Sequence[Sequence[SplitItem]]) -> tuple[NDArray[np.int64], int]:
    """The part each group is pinned to, -1 for free ones; and how many groups had contradicting hints."""
    pinned = np.full(len(members), -1, np.int64)
    conflicts = 0
    for g, group in enumerate(members):
        hints = Counter(item.hint for item in group if item.hint is not None)
        if hints:
            pinned[g] = max(range(len(PARTS)), key=lambda p: (hints[PARTS[p]], -p))
            conflicts += len(hints) > 1
    return pinned, conflicts


def _glue_note(members: Sequence[Sequence[SplitItem]], total: int) -> list[str]:
    largest = members[0]
    if len(members[0]) <= GLUED_SHARE * total or total < 3:
        return []
    ties = Counter(tie for item in largest for tie in item.ties)
    shared = sorted(((count, tie) for tie, count in ties.items() if count > 1), reverse=True)
    if not shared:
        return []
    count, (kind, value) = shared[0]
    return [
        f"one group holds {len(largest):,} of {total:,} faces, so the parts cannot follow the ratios; "
        f"what ties most of it together is the {kind} {value!r} ({count:,} faces). "
        f"Collect from more photographers or videos"
    ]


def _conflict_note(conflicts: int) -> list[str]:
    if not conflicts:
        return []
    groups = "1 group lies" if conflicts == 1 else f"{conflicts:,} groups lie"
    return [
        f"{groups} in several parts of their data set's own split (a leak in that data set); "
        f"each went whole to the part that most of its faces name"
    ]
