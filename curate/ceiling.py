"""The human ceiling: how often one more person says what a face is labelled as.

A classifier is scored against the label that people agreed on; nobody can ask it to match better than one more
person would. That person is not among the voters, so it is computed from what people at large would say of each face
(`curate.kinds_of_faces`). Holding out one vote of the few that a face has is the plain way, and kept beside it
as ``held_out``; it flatters, most of all where asking stops as soon as people agree. Faces on which no class leads have
no label and are left out. "Unsure" or a flag matches no class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.intervals import Bounds, wilson_interval
from curate.kinds_of_faces import FittedKinds
from curate.leave_one_out import leave_one_out
from curate.patterns import Floats, Ints
from curate.said import Said

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Match:
    """``share``, 0 to 1, of people who would say the label of these ``faces``, with its 95 % bounds.

    ``held_out`` is the share of votes, every face weighing at most one, that match the one class that leads among
    the other votes on their face. Without faces the shares are None and the bounds 0 to 1.
    """

    faces: int
    share: float | None
    bounds: Bounds
    held_out: float | None


@dataclass(frozen=True, slots=True)
class Ceiling:
    """The human ceiling over all labelled faces, and for each class they are labelled as (comparable with recall)."""

    overall: Match
    by_class: Mapping[str, Match]

    def as_record(self) -> dict[str, Any]:
        """As plain values for JSON."""
        return asdict(self)


def ceiling(votes: Said, kinds: FittedKinds | None, labels: Mapping[int, str] | None = None) -> Ceiling:
    """The ceiling on the faces with these ``labels`` (class by face id) that have votes.

    Without ``labels`` every face is labelled by the one class with most votes. ``kinds`` were fitted to the same
    votes; None (nobody shares a face) gives no shares.
    """
    labelled = _by_pattern(votes, _leading(votes) if labels is None else _places(votes, labels))  # (U, K)
    held, matched = _held_out(votes, labels)  # (K,), (K,)
    all_classes = np.ones(votes.classes, np.bool_)
    return Ceiling(
        _match(votes, kinds, labelled, all_classes, held, matched),
        {
            name: _match(votes, kinds, labelled, np.arange(votes.classes) == place, held, matched)
            for place, name in enumerate(votes.names[: votes.classes])
        },
    )


def _match(
    votes: Said, kinds: FittedKinds | None, labelled: Floats, chosen: Bools, held: Floats, matched: Floats
) -> Match:
    mine = labelled * chosen  # (U, K)
    faces = int(mine.sum())
    whole = float(held @ chosen)
    held_out = float(matched @ chosen) / whole if whole else None
    if kinds is None or not faces:
        return Match(faces, None, (0.0, 1.0), held_out)
    share = _share(kinds.best.expected, mine)
    each = mine / votes.alike.times[:, None]
    anew = [
        _share(k.expected, each * times[:, None]) for k, times in zip(kinds.anew, kinds.times, strict=True)
    ]
    variance = float(np.nanvar(anew, ddof=1)) if np.isfinite(anew).sum() > 1 else 0.0
    spread = share * (1 - share)
    worth = (
        min(spread / variance, votes.alike.times @ votes.alike.counts.sum(axis=1))
        if variance > 1e-12
        else faces
    )
    return Match(faces, share, wilson_interval(share * worth, worth), held_out)


def _share(expected: Floats, labelled: Floats) -> float:
    whole = float(labelled.sum())
    return (
        min(float((expected[:, : labelled.shape[1]] * labelled).sum()) / whole, 1.0)
        if whole
        else float("nan")
    )


def _leading(votes: Said) -> Ints:
    """The place of each face's one leading answer, -1 where several lead or it is no class: (I,)."""
    counts = votes.alike.counts
    top = counts.max(axis=1, initial=0)
    clear = (counts == top[:, None]).sum(axis=1) == 1
    first = counts.argmax(axis=1) if counts.size else np.zeros(0, np.int64)
    return np.where(clear & (first < votes.classes), first, -1)[votes.alike.of_row]


def _places(votes: Said, labels: Mapping[int, str]) -> Ints:
    place = {name: i for i, name in enumerate(votes.names[: votes.classes])}
    return np.array([place.get(labels.get(int(face), ""), -1) for face in votes.face_ids], np.int64)


def _by_pattern(votes: Said, places: Ints) -> Floats:
    """How many faces of each pattern carry each label: (U, K)."""
    kept = places >= 0
    flat = votes.alike.of_row[kept] * votes.classes + places[kept]
    shape = (len(votes.alike.times), votes.classes)
    return np.bincount(flat, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)


def _held_out(votes: Said, labels: Mapping[int, str] | None) -> tuple[Floats, Floats]:
    """By the class that leads among the others: weights of the held-out votes, and of those that match."""
    leaders = leave_one_out(votes).leaders
    alone = leaders.sum(axis=1) == 1
    consensus = np.where(alone, leaders.argmax(axis=1), votes.classes)[votes.alike_votes]  # (N,)
    clear = consensus < votes.classes
    if labels is not None:
        clear &= (_places(votes, labels) >= 0)[votes.faces]
    weights = clear / np.bincount(votes.faces, minlength=len(votes.face_ids))[votes.faces]
    slots = votes.classes + 1
    held = np.bincount(consensus, weights, minlength=slots)
    matched = np.bincount(consensus, weights * (consensus == votes.answers), minlength=slots)
    return held[: votes.classes].astype(np.float64), matched[: votes.classes].astype(np.float64)
