"""Labels: what was decided about a face, by a rule or a curator."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from db.records.votes import FLAGS

LabelState = Literal["undecided", "tie", "rejected", "decided"]
STATES: tuple[LabelState, ...] = ("undecided", "tie", "rejected", "decided")
SENT_BACK = "send back"  # the method of a curator's row that lets go of a face: the rules decide it again


@dataclass(frozen=True, slots=True)
class Label:
    """What was decided about a face; ``label`` None means "no agreement" or "not usable".

    ``method`` is the rule that decided, with its reason after a colon, or for a curator what they did; ``by_id``
    is the curator's annotator id, ``batch`` names the bulk action it was part of. ``id`` and ``undoes_id`` are
    given by the store; a row with ``undoes_id`` only withdraws that row.
    """

    face_id: int
    label: str | None
    distribution: Mapping[str, float]
    confidence: float
    votes: int
    method: str
    at: datetime | None = None
    by_id: int | None = None
    reason: str = ""
    batch: str | None = None
    id: int | None = None
    undoes_id: int | None = None

    @property
    def state(self) -> LabelState:
        """ "decided" with a label; else "rejected" for a flag, "undecided" for too few or no votes, "tie"."""
        reason = self.reason or self.method.partition(": ")[2]
        if self.label is not None:
            return "decided"
        if reason in FLAGS or self.method == "reject":
            return "rejected"
        return "undecided" if reason in ("too few votes", "no votes") else "tie"


@dataclass(frozen=True, slots=True)
class LabelBatch:
    """One action of a curator: ``method`` on so many ``faces``; ``batch`` names it to ``store.labels.undo``."""

    batch: str
    method: str
    label: str | None
    reason: str
    faces: int
    by_id: int | None
    at: datetime
