"""Votes and labels from the store into a file, and by kind what the format had no place for."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from db.errors import ConfigError, NotFoundError
from db.progress import progress
from db.records.votes import Vote
from db.whole_file import whole_file
from db.workspace import Workspace
from label_ui.exchange import (
    CampaignRow,
    GoldRow,
    LabelRow,
    LedgerRow,
    LeftOut,
    Row,
    VoteFormat,
    VoteRow,
)
from label_ui.exchange_names import Names

What = Literal["all", "votes", "labels"]
T = TypeVar("T", bound=LedgerRow)


@dataclass(frozen=True, slots=True)
class ExportReport:
    """How many rows of each kind are in the file, and what the format left out, counted by kind.

    ``labels`` are what holds by a rule, and in a format with the whole history all decisions of curators too.
    """

    votes: int
    labels: int
    left_out: LeftOut
    gold: int = 0
    campaigns: int = 0

    def counts(self) -> dict[str, int]:
        """The figures under names for people."""
        more = {"known faces": self.gold, "campaigns": self.campaigns}
        return {"votes": self.votes, "labels": self.labels} | {n: count for n, count in more.items() if count}


@contextlib.contextmanager
def _no_collector() -> Iterator[None]:
    """Without Python's search for cycles, which rows never make: it took an eighth of an export's time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@_no_collector()
def export_votes(
    workspace: Workspace, kind: VoteFormat, out: Path, *, campaign: str = "", what: What = "all"
) -> ExportReport:
    """Write the votes of all campaigns, or of one, and what was decided; the file appears whole or not at all.

    ``out`` ``-`` is standard output. Errors: ConfigError for labels alone in a format that has no place for any,
    NotFoundError for an unknown campaign, InputError, also when ``out`` is a file of the workspace's own, StoreError
    when the disk is full.
    """
    if what == "labels" and not (kind.holds_history or kind.holds_labels):
        raise ConfigError(
            f"{kind.name} has no place for labels, so the file would be empty",
            hint="leave out --what labels, or choose another --format",
        )
    workspace.check_not_own(out)
    job = _Export(workspace, kind, _campaign_id(workspace, campaign), what)
    with whole_file(out) as file:
        if kind.holds_history:
            left_out = kind.write(
                progress(job.counted(job.history()), "exporting"), file, workspace.settings.classes
            )
        else:
            left_out = kind.write(
                progress(job.counted(job.by_face()), "exporting"), file, workspace.settings.classes
            )
    for reason, count in job.left_out.items():
        left_out.add(reason, count)
    votes, labels = job.votes - left_out.votes, job.labels - left_out.labels
    return ExportReport(votes, labels, left_out, job.gold, job.campaigns)


class _Export:
    """One export under way: the rows in the order the format needs, counted as they go."""

    def __init__(self, workspace: Workspace, kind: VoteFormat, campaign_id: int | None, what: What) -> None:
        self._store, self._kind, self._campaign_id, self._what = workspace.store, kind, campaign_id, what
        self._names = Names(workspace, kind.names_by == "origin")
        self.votes = self.labels = self.gold = self.campaigns = 0
        self.left_out = LeftOut()

    def counted(self, rows: Iterable[T]) -> Iterator[T]:
        """The rows, counted by kind."""
        for row in rows:
            self.votes += isinstance(row, VoteRow)
            self.labels += isinstance(row, LabelRow)
            self.gold += isinstance(row, GoldRow)
            self.campaigns += isinstance(row, CampaignRow)
            yield row

    def history(self) -> Iterator[LedgerRow]:
        """The campaigns, every row of the ledger as it was written, then what is decided, then the known faces."""
        if self._what != "labels":
            yield from self._asked()
            yield from self._cast()
        if self._what != "votes":
            for label in self._store.labels.current():
                if label.by_id is None:
                    yield self._names.label(label)
            for past in self._store.label_rows.all():
                yield self._names.decision(past)
            for mark in self._store.gold.all():
                yield self._names.gold(mark)

    def _asked(self) -> Iterator[CampaignRow]:
        harvests = {one.id: one for one in self._store.harvests.all()}
        for one in self._store.campaigns.all():
            if self._campaign_id in (None, one.id):
                yield self._names.asked(one, harvests)

    def _cast(self) -> Iterator[VoteRow]:
        withdrawn, ids = self._store.vote_rows.withdrawn(), dict[int, str]()
        for vote in self._store.votes.iterate(self._campaign_id, everything=True):
            row = self._names.vote(vote, ids.get(vote.undoes_id or 0, ""))
            if vote.id in withdrawn:
                ids[vote.id] = row.id
            yield row

    def by_face(self) -> Iterator[Row]:
        """The votes that hold and the label of each face, photo by photo."""
        votes_wanted, labels_wanted = self._what != "labels", self._what != "votes"
        labels = {one.face_id: one for one in self._store.labels.current()} if labels_wanted else {}
        held = 0
        for faces in self._names.chunks():
            found = self._store.vote_rows.of_faces(faces, self._campaign_id) if votes_wanted else ()
            held += len(found)
            of_face: dict[int, dict[int, Vote]] = {}
            for vote in found:  # oldest first: of one person's votes in several campaigns the newest stays
                of_face.setdefault(vote.face_id, {})[vote.annotator_id] = vote
            kept = sum(map(len, of_face.values()))
            self.left_out.add("votes of people who voted again in another campaign", len(found) - kept)
            for face_id in faces:
                for vote in of_face.get(face_id, {}).values():
                    yield self._names.vote(vote, "")
                if face_id in labels:
                    yield self._names.label(labels[face_id])
        if votes_wanted:
            self._count_history(held)
        if labels_wanted:
            reviewed = sum(one.by_id is not None for one in labels.values())
            decisions = sum(1 for _ in self._store.label_rows.all())
            self.left_out.add("curators' decisions that no longer hold", decisions - reviewed)
            self.left_out.add("marks of known faces", len(self._store.gold.all()))

    def _count_history(self, held: int) -> None:
        rows = self._store.vote_rows.counts(self._campaign_id)
        if self._campaign_id is None:  # "main" is in every store
            self.left_out.add("settings of campaigns beside main", len(self._store.campaigns.all()) - 1)
        self.left_out.add("skips", rows.get("skip", 0))
        self.left_out.add("undos", rows.get("undo", 0))
        self.left_out.add("votes undone or replaced", rows.get("vote", 0) - held)


def _campaign_id(workspace: Workspace, name: str) -> int | None:
    if not name:
        return None
    found = workspace.store.campaigns.by_name(name)
    if found is None:
        there = ", ".join(one.name for one in workspace.store.campaigns.all())
        raise NotFoundError(f"there is no campaign {name!r}", hint=f"there are: {there}")
    return found.id
