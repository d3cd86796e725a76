"""How rows of a file are to be taken, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class ImportRule:
    """How rows are taken. ``classes``: the file's name for a class, and ours. ``campaign``: all into this one.

    ``voter`` is the person who gave the votes that the file gives nobody's name; "" leaves them anonymous.
    """

    classes: Mapping[str, str] = field(default_factory=dict)
    campaign: str = ""
    voter: str = ""


@dataclass(slots=True)
class ImportReport:
    """What became of a file. ``read`` counts rows of votes; bad lines and labels are not among them.

    ``left_out`` counts, by reason, the rows that could not be taken; ``examples`` shows the first few of each
    reason. ``labels`` (rules' decisions, predictions) are read past: the store decides its own. ``decisions`` are
    curators' and ``gold`` known faces, those that were new. ``rehearsed``: nothing was written, all was counted.
    ``no_face_here``: the file is about faces, and none of them is here; then nothing was written either.
    """

    read: int = 0
    added: int = 0
    known: int = 0
    labels: int = 0
    decisions: int = 0
    gold: int = 0
    bad_lines: int = 0
    new_voters: int = 0
    new_campaigns: int = 0
    rehearsed: bool = False
    no_face_here: bool = False
    unknown_classes: Counter[str] = field(default_factory=Counter)
    unknown_faces: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def leave_out(self, reason: str, example: str) -> None:
        self.left_out[reason] += 1
        self.show(reason, example)

    def show(self, reason: str, example: str) -> None:
        """Keep an example of a reason, if there are not enough."""
        shown = self.examples.setdefault(reason, [])
        if len(shown) < EXAMPLES and example not in shown:
            shown.append(example)

    def counts(self) -> dict[str, int]:
        """The figures under names for people; those that are usually zero only when they are not."""
        seldom = {
            "of unknown faces": self.unknown_faces.total(),
            "of unknown classes": self.unknown_classes.total(),
            **self.left_out,
            "bad lines": self.bad_lines,
            "curators' decisions added": self.decisions,
            "known faces added": self.gold,
            "labels read past": self.labels,
            "new voters": self.new_voters,
            "new campaigns": self.new_campaigns,
        }
        always = {"rows": self.read, "added": self.added, "known": self.known}
        return always | {what: count for what, count in seldom.items() if count}

    def as_json(self) -> dict[str, object]:
        """Every figure, the reasons behind it and the examples."""
        reasons = {"unknown_faces": self.unknown_faces, "unknown_classes": self.unknown_classes}
        written = not (self.rehearsed or self.no_face_here)
        return {"counts": self.counts(), "written": written, **reasons, "examples": self.examples}
