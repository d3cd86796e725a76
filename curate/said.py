"""What each vote says, as one number a vote: the form that every figure of agreement takes.

"Unsure" and each flag are answers like the classes: two people who are both unsure agree, and one who flags
a face while the other names a class disagree. A vote that names a class counts as that class, whatever flag it
carries beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from curate.patterns import Ints, Patterns, patterns
from curate.votes_table import VoteTable
from db.records.votes import FLAGS

UNSURE_NAME = "unsure"
SEVERAL = " + "  # joins the classes of a vote for several, which is an answer of its own


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Votes in order of (face, person); row i of each (N,) column is one vote.

    ``faces`` are places in ``face_ids`` (I,), ``people`` in ``person_ids`` (P,), ``answers`` in ``names`` (A):
    the classes first, all of them, then "unsure" and those flags that somebody gave. A person -1 is nobody known,
    who may vote on a face many times. ``rows`` says where
    each vote stood in the table it came from. ``alike`` groups the faces by how often each answer was given to
    them: counts (U, A). No votes: N = I = P = U = 0, and A is the number of classes.
    """

    faces: Ints
    people: Ints
    answers: Ints
    rows: Ints
    face_ids: Ints
    person_ids: Ints
    names: tuple[str, ...]
    classes: int
    alike: Patterns

    def __len__(self) -> int:
        return len(self.faces)

    @property
    def alike_votes(self) -> Ints:
        """For each vote, pattern · A + answer: (N,). Votes that share it stand alike to all others on their face."""
        return self.alike.of_row[self.faces] * len(self.names) + self.answers


def said(votes: VoteTable) -> Said:
    """The table's votes as answers; the order of its rows changes nothing but ``rows``.

    A row of nobody known counts as often as it weighs. Errors: ValueError for a vote of several rows: a store's
    votes come through `curate.agreement_votes`, which keeps each such vote whole.
    """
    if len(votes) and (votes.weights < 1).any():
        raise ValueError("a vote that chose several classes is one answer, not several rows")
    answers, names = _answers(votes)
    times = votes.weights.round().astype(np.int64)
    rows = np.repeat(np.arange(len(votes)), times)
    grouped = group(votes.items[rows], votes.annotators[rows], answers[rows], names, len(votes.classes))
    return replace(grouped, rows=rows[grouped.rows])


def group(items: Ints, annotators: Ints, answers: Ints, names: tuple[str, ...], classes: int) -> Said:
    """Three columns (N,) of ids and of places in ``names``, one vote a (item, annotator), grouped by item.

    The first ``classes`` names are the classes.
    """
    order = np.lexsort((annotators, items))
    face_ids, faces = np.unique(items[order], return_inverse=True)
    person_ids, people = np.unique(annotators[order], return_inverse=True)
    answers = answers[order]
    flat = np.bincount(faces * len(names) + answers, minlength=len(face_ids) * len(names))
    return Said(
        faces=faces.astype(np.int64),
        people=people.astype(np.int64),
        answers=answers,
        rows=order.astype(np.int64),
        face_ids=face_ids,
        person_ids=person_ids,
        names=names,
        classes=classes,
        alike=patterns(flat.reshape(len(face_ids), len(names)).astype(np.int64)),
    )


def _answers(votes: VoteTable) -> tuple[Ints, tuple[str, ...]]:
    """(N,) places among all answers, and the names of those that are classes or occur."""
    classes = len(votes.classes)
    answers = np.where(votes.choices >= 0, votes.choices, classes + 1 + votes.flags)  # unsure: classes
    every = (*votes.classes, UNSURE_NAME, *FLAGS)
    heard = np.bincount(answers, minlength=len(every)) > 0
    heard[:classes] = True
    place = np.cumsum(heard) - 1  # answers nobody gave leave no gap
    return place[answers], tuple(name for name, kept in zip(every, heard, strict=True) if kept)
