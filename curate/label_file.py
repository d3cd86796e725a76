"""Decides a file of votes into a file of labels, without any workspace.

The columns are ``question,label,confidence,votes,rule,reason`` and one ``p_CLASS`` for each class: the share of the
votes that chose it, or, from a rule that weighs people, its probability; empty where nobody chose a class. An empty
``label`` has its reason: "no agreement", "too few votes", or a flag.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from curate.answers import Answers, BadLine, read_answers
from curate.consensus import Consensus, Terms, aggregator, known_rule
from db.whole_file import whole_file

COLUMNS = ("question", "label", "confidence", "votes", "rule", "reason")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a file of votes was decided into; ``votes`` used, by ``workers`` (0: counts of nobody known).

    ``notes`` say which answers were not taken as they stand.
    """

    questions: int
    votes: int
    workers: int
    labelled: int
    bad: tuple[BadLine, ...]
    notes: tuple[str, ...]

    def counts(self) -> dict[str, int]:
        """The tally, for the terminal and for ``--json``."""
        return {
            "questions": self.questions,
            "votes": self.votes,
            "workers": self.workers,
            "labelled": self.labelled,
            "without a label": self.questions - self.labelled,
            "lines left out": len(self.bad),
        }


def decide_file(
    votes: Path, out: Path | IO[str], rule: str = "auto", terms: Terms | None = None
) -> LabelFile:
    """Decide every question of ``votes`` by ``rule`` and write the labels, in the order of the file.

    ``terms`` default to a label for every question, ties drawn by seed 0. ``out`` appears when it is complete.
    Errors: ConfigError for an unknown rule, InputError for a file that cannot be read or written, StoreError when
    the disk is full.
    """
    known_rule(rule)  # said before a long file is read
    return decide_answers(read_answers(votes), out, rule, terms)


def decide_answers(
    answers: Answers, out: Path | IO[str], rule: str = "auto", terms: Terms | None = None
) -> LabelFile:
    """The same of a file that is read already; of no votes at all comes a table without a line."""
    chosen = aggregator(rule, terms or Terms(ties="draw"))
    decisions = chosen.aggregate(answers.table)
    lines = _lines(answers, decisions, rule)
    if isinstance(out, Path):
        with whole_file(out) as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
    else:
        csv.writer(out, lineterminator="\n").writerows(lines)
    return LabelFile(
        questions=len(decisions),
        votes=round(float(answers.table.weights.sum())),
        workers=len(answers.workers),
        labelled=sum(decision.label is not None for decision in decisions),
        bad=answers.bad,
        notes=answers.notes,
    )


def _lines(answers: Answers, decisions: Sequence[Consensus], rule: str) -> Iterator[tuple[object, ...]]:
    classes = answers.table.classes
    yield (*COLUMNS, *(f"p_{name}" for name in classes))
    items = np.array([decision.item for decision in decisions], np.int64)
    nobody = ("",) * len(classes)
    for place in np.searchsorted(items, answers.asked):
        one = decisions[place]
        shares = [round(share, 6) for share in one.distribution.values()] or nobody
        name = answers.questions[one.item]
        yield (name, one.label or "", round(one.confidence, 6), one.votes, rule, one.reason, *shares)
