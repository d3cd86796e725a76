"""Votes from a file into the store: each row at most once, in batches, so that a kill at any point loses nothing.

A row keeps the id its file gives it; one without is named by its content (who, which face by content, what, when,
and which of that person's rows on that face it is). So the same file again adds nothing, and an import that was
killed goes on when it is typed again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

from db.annotators import name_key, tidy_name
from db.progress import progress
from db.records.faces import Face
from db.vote_rows import PastVote
from db.workspace import Workspace
from label_ui.exchange import (
    ANONYMOUS,
    BadLine,
    CampaignRow,
    GoldRow,
    LabelRow,
    LedgerRow,
    VoteFormat,
    VoteRow,
)
from label_ui.exchange_asked import Asked
from label_ui.exchange_decided import Decided
from label_ui.exchange_here import Here
from label_ui.exchange_report import ImportReport, ImportRule
from label_ui.exchange_voted import DIFFERS, DOUBLE, Voted, Waiting

BATCH = 1000  # rows of one transaction: people who vote meanwhile wait for one at most
_LONGEST_ID = 64


def import_votes(
    workspace: Workspace,
    path: Path,
    kind: VoteFormat,
    rule: ImportRule | None = None,
    *,
    files: Mapping[str, str] | None = None,
    dry_run: bool = False,
) -> ImportReport:
    """Add the votes of a file to the store; each batch is one transaction.

    A vote whose time the file does not say displaces none that its person has here, nor one in the file before it
    (``label_ui.exchange_voted``).
    A file about faces of which none is here leaves nothing behind, no campaign and no voter. With ``dry_run``
    everything is done on a copy of the store, and so counted as it would be.

    ``files`` tells the SHA-256 of pictures by the names the file may use, beside those the store knows.
    Unknown voters are made, never as owner. A campaign that the file describes comes as it was, open or closed;
    one of which it only says the name is made closed, so that it asks nobody. What is decided here stays.
    Errors: InputError when the file is none of that kind or breaks off (the rows before stay), StoreError.
    """
    if dry_run:
        with workspace.store.rehearsal() as store:
            tried = replace(workspace, store=store)
            report = import_votes(tried, path, kind, rule, files=files)
            report.rehearsed = True
            return report
    job = _Import(workspace, path, rule or ImportRule(), files or {})
    job.look_ahead(kind.read(path))
    for row in progress(kind.read(path), "importing"):
        job.take(row)
    job.flush()
    return job.report


class _Import:
    """One import under way."""

    def __init__(self, workspace: Workspace, path: Path, rule: ImportRule, files: Mapping[str, str]) -> None:
        self.report = ImportReport()
        self._store, self._rule, self._source = workspace.store, rule, path.stem
        self._here = Here(workspace, path.stem, rule, files, self.report)
        self._asked = Asked(self._here)
        self._decided = Decided(self._here, lambda name: self._asked.campaign(name)[0])
        self._anonymous: Counter[int] = Counter()  # unnamed votes so far, by face
        self._places = _Places()
        self._voted = Voted(workspace, self._here.somebody)
        self._batch: list[Waiting] = []

    def look_ahead(self, rows: Iterable[LedgerRow | BadLine]) -> None:
        """Note whether the rows are about faces of which none is here; stops at the first that is."""
        for row in rows:
            if isinstance(row, VoteRow | GoldRow) or (isinstance(row, LabelRow) and row.by):
                self.report.no_face_here = self._here.face_id(row.face) is None
                if not self.report.no_face_here:
                    return

    def take(self, row: LedgerRow | BadLine) -> None:
        if isinstance(row, BadLine):
            self.report.bad_lines += 1
            self.report.show("bad lines", f"line {row.line}: {row.reason}")
        elif isinstance(row, CampaignRow):
            if not self.report.no_face_here:
                self.flush()
                self._asked.take(row)
        elif isinstance(row, VoteRow):
            self.report.read += 1
            if len(self._batch) >= BATCH and not (row.counted and row.line == self._batch[-1].row.line):
                self._flush_votes()
            self._take_vote(row)
        elif isinstance(row, LabelRow) and not row.by:
            self.report.labels += 1
        else:
            self._decided.take(row)

    def flush(self) -> None:
        """Write what waits."""
        self._flush_votes()
        self._decided.flush()

    def _flush_votes(self) -> None:
        waiting, self._batch = self._batch, []
        news = self._voted.news(waiting)
        for one, new in zip(waiting, news, strict=True):
            if new in ("differs", "double"):
                self.report.leave_out(DIFFERS if new == "differs" else DOUBLE, one.place)
        batch = [one for one, new in zip(waiting, news, strict=True) if new == "new"]
        done = self._store.vote_rows.add([self._vote(one) for one in batch])
        self.report.known += news.count("known")
        self.report.added += done.added
        self.report.known += done.known
        for place in done.clashes:
            self.report.leave_out("with the id of another row", batch[place].place)
        for place in done.orphans:
            self.report.leave_out("undos of rows that are not here", batch[place].place)

    def _take_vote(self, row: VoteRow) -> None:
        face = self._here.face(row.face)
        said = None if face is None else self._said(self._named(row, face))
        if face is None or said is None:
            return
        try:
            self._here.check_name(said.voter)
            campaign_id, campaign = self._asked.campaign(said.campaign, said.denies)
        except ValueError as error:
            self.report.leave_out(str(error), f"line {row.line}")
            return
        request_id = _storable_id(said.id) or self._content_id(said, face, campaign)
        anywhere = not (said.campaign or self._rule.campaign)
        self._batch.append(Waiting(said, face.id, campaign_id, request_id, anywhere))

    def _named(self, row: VoteRow, face: Face) -> VoteRow:
        """An unnamed vote is the rule's voter's, or gets the next anonymous place on its face in this file."""
        if row.voter:
            return row
        if self._rule.voter:
            return replace(row, voter=self._rule.voter, kind="person", counted=False)
        self._anonymous[face.id] += 1
        return replace(row, voter=f"{ANONYMOUS} {self._anonymous[face.id]} ({self._source})"[:64])

    def _said(self, row: VoteRow) -> VoteRow | None:
        """The row in this workspace's classes; None, and counted, when it names a class that is none."""
        choices = tuple(self._here.ours(name) for name in row.choices)
        denies = None if row.denies is None else self._here.ours(row.denies)
        if not self._here.known((*choices, *([denies] if denies else [])), row.line):
            return None
        return replace(row, choices=choices, denies=denies)

    def _vote(self, one: Waiting) -> PastVote:
        row = one.row
        return PastVote(
            face_id=one.face_id,
            annotator_id=self._here.person(row.voter, row.kind),
            request_id=one.request_id,
            at=row.at or self._here.now,
            action=row.action,
            choices=row.choices,
            denies=row.denies,
            flag=row.flag,
            seconds=row.seconds,
            shown=row.shown or ({} if row.id else {"imported from": self._source}),
            campaign_id=one.campaign_id,
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
