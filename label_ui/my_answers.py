"""One voter's own record in a campaign: how much, how fast, and right or wrong where the answer is known."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from db.records.campaigns import Campaign
from db.records.votes import Gold
from db.store import Store
from label_ui.feedback import Answer, answer_of, is_right

LATEST = 5_000  # votes looked at for speed
TOLD_FROM = 10  # where feedback is "never": from so many known faces on, so that no single one is given away


@dataclass(frozen=True, slots=True)
class ConfusionRow:
    """How often a face known to be ``truth`` was given each of the table's answers."""

    truth: str
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class OwnConfusion:
    """``rows`` by known answer, columns by given answer (``answers``); ``right`` of ``total``.

    ``hidden_until`` is not 0 when the table is kept back until so many known faces were judged. In a verify
    campaign both are "yes" and "no": whether the face shows, and was said to show, the class asked about.
    Of several chosen classes the known one counts, where it is among them.
    """

    answers: tuple[str, ...]
    rows: tuple[ConfusionRow, ...]
    right: int
    total: int
    hidden_until: int = 0


@dataclass(frozen=True, slots=True)
class MyAnswers:
    """``median_seconds`` is None without a timed vote."""

    voted: int
    skipped: int
    median_seconds: float | None
    gold: OwnConfusion


def my_answers(store: Store, campaign: Campaign, classes: Sequence[str], annotator_id: int) -> MyAnswers:
    """This person's record over the votes that hold now.

    Of each known face the first answer counts: who is told at once could else correct it.
    """
    votes = store.votes.of_annotator(annotator_id, LATEST, campaign.id)
    voted, skipped = store.votes.tally(campaign.id, annotator_id)
    seconds = [vote.seconds for vote in votes if vote.seconds is not None]
    known = {gold.face_id: gold for gold in store.gold.all()}
    first = store.votes.first_of(annotator_id, tuple(known), campaign.id)
    pairs = [(answer_of(vote), known[vote.face_id], vote.shown) for vote in first]
    if campaign.question == "verify":
        cells = [_verified(answer, gold, str(shown.get("about", ""))) for answer, gold, shown in pairs]
        order: tuple[str, ...] = ("yes", "no")
    else:
        cells = [_chosen(answer, gold) for answer, gold, _ in pairs]
        order = tuple(classes)
    right = sum(is_right(answer, gold) for answer, gold, _ in pairs)
    table = _hidden_when_few(campaign, confusion(cells, order, right))
    return MyAnswers(voted, skipped, statistics.median(seconds) if seconds else None, table)


def confusion(cells: Sequence[tuple[str, str]], order: Sequence[str], right: int) -> OwnConfusion:
    """The table of (truth, answer) pairs; answers that never occurred have no column beyond ``order``."""
    truths = (*order, *sorted({t for t, _ in cells} - set(order)))
    answers = (*order, *sorted({a for _, a in cells} - set(order)))
    counted = Counter(cells)
    rows = tuple(
        ConfusionRow(truth, tuple(counted[truth, answer] for answer in answers))
        for truth in truths
        if any(counted[truth, answer] for answer in answers)
    )
    return OwnConfusion(answers, rows, right, len(cells))


def _hidden_when_few(campaign: Campaign, table: OwnConfusion) -> OwnConfusion:
    if campaign.gold.feedback == "at once" or table.total >= TOLD_FROM:
        return table
    return OwnConfusion((), (), 0, 0, hidden_until=TOLD_FROM if campaign.gold.share else 0)


def _chosen(answer: Answer, gold: Gold) -> tuple[str, str]:
    truth = gold.answer or gold.flag or ""
    if answer.flag is not None:
        return truth, answer.flag
    if not answer.choices:
        return truth, "unsure"
    return truth, truth if truth in answer.choices else answer.choices[0]


def _verified(answer: Answer, gold: Gold, about: str) -> tuple[str, str]:
    truth = gold.flag or ("yes" if gold.answer == about else "no")
    if answer.flag is not None:
        return truth, answer.flag
    if answer.denies is not None:
        return truth, "no"
    return truth, "yes" if answer.choices else "unsure"
