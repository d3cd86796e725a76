"""Vote tables as a test writes them down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from curate.votes_table import VoteTable
from db.records.votes import FLAGS

CLASSES = ("happy", "angry", "surprised", "neutral")
Answer = str | None
Row = tuple[int, int, Answer]


def table(rows: Sequence[Row]) -> VoteTable:
    """(face, annotator, answer) rows; an answer is a class, a flag, or None for unsure."""
    choices = [CLASSES.index(a) if a in CLASSES else -1 for _, _, a in rows]
    flags = [FLAGS.index(a) if a in FLAGS else -1 for _, _, a in rows]
    columns = [np.array(c, np.int64) for c in ([r[0] for r in rows], [r[1] for r in rows], choices, flags)]
    return VoteTable(columns[0], columns[1], columns[2], columns[3], CLASSES)
