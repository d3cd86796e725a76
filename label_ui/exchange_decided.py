"""Curators' decisions and known faces from a file into the store: each once, and none over a newer one."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace

from db.label_rows import PastLabel
from db.records import check
from db.records.faces import Face
from db.records.labels import SENT_BACK, Label
from db.records.votes import Gold
from label_ui.exchange import GoldRow, LabelRow
from label_ui.exchange_here import Here
from label_ui.exchange_text import is_utf8

GOLD = "gold"  # the method of a decision that marks a face as known
BATCH = 1000  # rows of one transaction
_LONGEST_METHOD, _LONGEST_BATCH = 32, 64
_OF_THE_STORE = re.compile("(round|send)-")  # names that say the id of a campaign
_SENT = re.compile(r"send-\d+-(.+)")


class Decided:
    """The curators' part of one import. ``campaign`` gives the id of the campaign of that name, made if new."""

    def __init__(self, here: Here, campaign: Callable[[str], int]) -> None:
        self._here, self._campaign = here, campaign
        self._decisions: list[PastLabel] = []
        self._gold: list[Gold] = []

    def take(self, row: LabelRow | GoldRow) -> None:
        """Keep a row until some are there to write; what cannot be taken is counted."""
        face = self._here.face(row.face)
        name = row.label if isinstance(row, LabelRow) else row.answer
        ours = None if name is None else self._here.ours(name)
        if face is None or not self._here.known([] if ours is None else [ours], row.line):
            return
        try:
            if isinstance(row, LabelRow):
                self._decisions.append(self._decision(replace(row, label=ours), face))
            else:
                self._gold.append(self._mark(row, face, ours))
        except (ValueError, TypeError) as error:
            self._here.report.leave_out(str(error), f"line {row.line}")
        if len(self._decisions) + len(self._gold) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what waits, a transaction each."""
        decisions, self._decisions = self._decisions, []
        gold, self._gold = self._gold, []
        if decisions:
            self._here.report.decisions += self._here.store.label_rows.add(self._apart(decisions))
        if gold:
            self._here.report.gold += self._here.store.gold.add_past(gold)

    def _apart(self, decisions: list[PastLabel]) -> list[PastLabel]:
        """Those about faces that somebody else marked as known here leave their bulk action: its undo would take
        that mark away too.
        """
        marks = self._here.store.gold.of([one.label.face_id for one in decisions if one.label.method == GOLD])
        return [
            replace(one, label=replace(one.label, batch=None))
            if one.label.method == GOLD
            and (mark := marks.get(one.label.face_id))
            and mark.set_by != one.label.by_id
            else one
            for one in decisions
        ]

    def _mark(self, row: GoldRow, face: Face, answer: str | None) -> Gold:
        return Gold(face.id, answer, row.flag, self._here.person(row.by, row.kind), row.at or self._here.now)

    def _decision(self, row: LabelRow, face: Face) -> PastLabel:
        _check_decision(row)
        if row.at is None or row.at > self._here.now:
            raise ValueError("decisions of no time, or of a time to come")
        label = Label(
            *(face.id, row.label, dict(row.distribution), row.confidence, row.votes, row.method, row.at),
            by_id=self._here.person(row.by, row.kind),
            reason=row.reason,
            batch=self._batch(row),
        )
        undone_by = self._here.person(row.undone_by, "person") if row.undone_by else None
        return PastLabel(label, row.undone_at, undone_by if row.undone_at else None)

    def _batch(self, row: LabelRow) -> str | None:
        """The bulk action's name; one that would say the id of a campaign says the one it has here."""
        if row.method == SENT_BACK and row.campaign and row.batch:
            return f"send-{self._campaign(row.campaign)}-{row.batch}"
        return _OF_THE_STORE.sub(r"\1 ", row.batch)[:_LONGEST_BATCH] or None


def batch_of(label: Label) -> tuple[str, int | None]:
    """A bulk action's name without the id of the campaign that faces were sent back to, and that id."""
    sent = _SENT.fullmatch(label.batch or "") if label.method == SENT_BACK else None
    if sent is None:
        return label.batch or "", None
    return sent[1], int((label.batch or "").split("-")[1])


def _check_decision(row: LabelRow) -> None:
    texts = (row.method, row.reason, row.batch, row.campaign, *row.distribution)
    check(all(is_utf8(text) and "\0" not in text for text in texts), "decisions that are no text")
    check(1 <= len(row.method) <= _LONGEST_METHOD and row.method != "undo", "decisions of no known method")
    check(len(row.batch) <= 40 or row.method != SENT_BACK, "decisions of a bulk action with a long name")
    numbers = (row.confidence, *row.distribution.values())
    check(
        all(math.isfinite(number) for number in numbers) and row.votes >= 0, "decisions that are no numbers"
    )
