"""Votes from a file into the store: each row at most once, in batches, so that a kill at any point loses nothing.

A row keeps the id its file gives it; one without is named by its content (who, which face by content, what, when,
and which of that person's rows on that face it is). So the same file again adds nothing, and an import that was
killed goes on when it is typed again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from db.annotators import name_key, tidy_name
from db.progress import progress
from db.records import MAIN_CAMPAIGN, Face, NewCampaign, Picks
from db.vote_rows import PastVote
from db.workspace import Workspace
from label_ui.exchange import ANONYMOUS, BadLine, LabelRow, Row, VoteFormat, VoteRow
from label_ui.exchange_faces import FaceIndex, UnknownFaceError
from label_ui.exchange_text import is_utf8
from label_ui.format_ferplus import NAMES

EXAMPLES = 5
BATCH = 1000  # rows of one transaction: people who vote meanwhile wait for one at most
_LONGEST_ID = 64


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
    reason. ``labels`` (decisions, predictions) are read past: the store decides its own.
    """

    read: int = 0
    added: int = 0
    known: int = 0
    labels: int = 0
    bad_lines: int = 0
    new_voters: int = 0
    new_campaigns: int = 0
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
            "labels read past": self.labels,
            "new voters": self.new_voters,
            "new campaigns": self.new_campaigns,
        }
        always = {"rows": self.read, "added": self.added, "known": self.known}
        return always | {what: count for what, count in seldom.items() if count}

    def as_json(self) -> dict[str, object]:
        """Every figure, the reasons behind it and the examples."""
        reasons = {"unknown_faces": self.unknown_faces, "unknown_classes": self.unknown_classes}
        return {"counts": self.counts(), **reasons, "examples": self.examples}


def import_votes(
    workspace: Workspace,
    path: Path,
    kind: VoteFormat,
    rule: ImportRule | None = None,
    *,
    files: Mapping[str, str] | None = None,
) -> ImportReport:
    """Add the votes of a file to the store; each batch is one transaction.

    ``files`` tells the SHA-256 of pictures by the names the file may use, beside those the store knows.
    Unknown voters are made, never as owner; unknown campaigns are made closed, so that they ask nobody.
    Errors: InputError when the file is none of that kind or breaks off (the rows before stay), StoreError.
    """
    job = _Import(workspace, path, rule or ImportRule(), files or {})
    for row in progress(kind.read(path), "importing"):
        job.take(row)
    job.flush()
    return job.report


class _Import:
    """One import under way."""

    def __init__(self, workspace: Workspace, path: Path, rule: ImportRule, files: Mapping[str, str]) -> None:
        self.report = ImportReport()
        self._store, self._rule, self._source = workspace.store, rule, path.stem
        self._now = datetime.now(UTC)
        self._faces = FaceIndex(workspace.store, files)
        self._campaigns = {name_key(one.name): one for one in workspace.store.campaigns.all()}
        self._main = name_key(workspace.store.campaigns.main().name)
        self._classes = set(workspace.settings.classes).union(
            *(one.classes for one in self._campaigns.values())
        )
        self._voters = {name_key(one.name): one.id for one in workspace.store.annotators.all()}
        self._anonymous: Counter[int] = Counter()  # unnamed votes so far, by face
        self._places = _Places()
        self._batch: list[tuple[PastVote, str]] = []

    def take(self, row: Row | BadLine) -> None:
        if isinstance(row, BadLine):
            self.report.bad_lines += 1
            self.report.show("bad lines", f"line {row.line}: {row.reason}")
        elif isinstance(row, LabelRow):
            self.report.labels += 1
        else:
            self.report.read += 1
            self._take_vote(row)
            if len(self._batch) == BATCH:
                self.flush()

    def flush(self) -> None:
        """Write what waits, in one transaction."""
        batch, self._batch = self._batch, []
        done = self._store.vote_rows.add([vote for vote, _ in batch])
        self.report.added += done.added
        self.report.known += done.known
        for place in done.clashes:
            self.report.leave_out("with the id of another row", batch[place][1])
        for place in done.orphans:
            self.report.leave_out("undos of rows that are not here", batch[place][1])

    def _take_vote(self, row: VoteRow) -> None:
        try:
            face = self._faces.find(row.face)
        except UnknownFaceError as error:
            self.report.unknown_faces[str(error)] += 1
            self.report.show(str(error), str(row.face))
            return
        row = self._named(row, face)
        said = self._said(row)
        if said is None:
            return
        try:
            voter = self._voter(said)
            vote = self._vote(said, face, voter, self._campaign(said.campaign))
        except ValueError as error:
            self.report.leave_out(str(error), f"line {row.line}")
            return
        self._batch.append((vote, f"line {row.line}: {row.face}"))

    def _named(self, row: VoteRow, face: Face) -> VoteRow:
        """An unnamed vote is the rule's voter's, or gets the next anonymous place on its face in this file."""
        if row.voter:
            return row
        if self._rule.voter:
            return replace(row, voter=self._rule.voter, kind="person")
        self._anonymous[face.id] += 1
        return replace(row, voter=f"{ANONYMOUS} {self._anonymous[face.id]} ({self._source})"[:64])

    def _said(self, row: VoteRow) -> VoteRow | None:
        """The row in this workspace's classes; None, and counted, when it names a class that is none."""
        choices = tuple(self._ours(name) for name in row.choices)
        denies = None if row.denies is None else self._ours(row.denies)
        strange = [name for name in (*choices, *([denies] if denies else [])) if name not in self._classes]
        if strange:
            self.report.unknown_classes[strange[0]] += 1
            self.report.show("unknown classes", f"line {row.line}: {strange[0]!r}")
            return None
        return replace(row, choices=choices, denies=denies)

    def _ours(self, name: str) -> str:
        if name in self._rule.classes:
            return self._rule.classes[name]
        return name if name in self._classes else NAMES.get(name, name)

    def _voter(self, row: VoteRow) -> int:
        """The annotator's id, made if new. Errors: ValueError for a name that is none."""
        key = name_key(tidy_name(row.voter))
        if key not in self._voters:
            if not is_utf8(key) or "\0" in key:
                raise ValueError("with a name that is no text")
            if not 1 <= len(tidy_name(row.voter)) <= 64:
                raise ValueError("with a name of no or of over 64 characters")
            note = ANONYMOUS if row.kind == ANONYMOUS else f"imported from {self._source}"
            made = self._store.annotators.join(
                row.voter, simulated=row.kind == "simulated", note=note, elsewhere=True
            )
            self._voters[key] = made.id
            self.report.new_voters += 1
        return self._voters[key]

    def _campaign(self, name: str) -> tuple[int, str]:
        """(id, key) of the campaign a row belongs to, made closed if new. Errors: ValueError for a bad name."""
        name = self._rule.campaign or name
        if not name:
            return MAIN_CAMPAIGN, self._main
        key = name_key(tidy_name(name))
        if key not in self._campaigns:
            if not 1 <= len(tidy_name(name)) <= 64 or not is_utf8(name) or "\0" in name:
                raise ValueError("of a campaign whose name is none")
            made = self._store.campaigns.create(NewCampaign(name, several=True, picks=Picks(face_ids=())))
            self._campaigns[key] = self._store.campaigns.close(made.id)
            self.report.new_campaigns += 1
        return self._campaigns[key].id, key

    def _vote(self, row: VoteRow, face: Face, voter: int, campaign: tuple[int, str]) -> PastVote:
        return PastVote(
            face_id=face.id,
            annotator_id=voter,
            request_id=_storable_id(row.id) or self._content_id(row, face, campaign[1]),
            at=row.at or self._now,
            action=row.action,
            choices=row.choices,
            denies=row.denies,
            flag=row.flag,
            seconds=row.seconds,
            shown=row.shown or ({} if row.id else {"imported from": self._source}),
            campaign_id=campaign[0],
            undoes=_storable_id(row.undoes),
        )

    def _content_id(self, row: VoteRow, face: Face, campaign: str) -> str:
        whose = [name_key(tidy_name(row.voter)), face.photo_sha256, face.ordinal, campaign]
        what = [row.action, sorted(row.choices), row.denies, row.flag, row.seconds, str(row.at), row.undoes]
        return "c-" + _digest(json.dumps([*whose, *what, self._places.next(whose)]))


class _Places:
    """Counts the rows of each person on each face; eight bytes of a hash stand for the pair."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._more: Counter[int] = Counter()

    def next(self, whose: Iterable[object]) -> int:
        pair = int.from_bytes(blake2b(json.dumps(list(whose)).encode(), digest_size=8).digest(), "big")
        if pair not in self._seen:
            self._seen.add(pair)
            return 0
        self._more[pair] += 1
        return self._more[pair]


def _storable_id(text: str) -> str:
    """The file's id of a row as the store keeps it; a long or odd one becomes its hash. "" stays ""."""
    if not text or (len(text) <= _LONGEST_ID and text.isascii() and text.isprintable()):
        return text
    return "h-" + _digest(text)


def _digest(text: str) -> str:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=20).hexdigest()
