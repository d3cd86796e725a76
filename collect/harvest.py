"""Bring a source's pictures into the store, once each, so that a kill at any point loses and doubles nothing.

For each candidate: known already → skip (fetch it again if its file was lost); given up → skip; the picture
is here under another class → link; else fetch, check that it decodes, write the blob, add the photo. The blob
comes first: a photo in the store always has its picture, and what a kill leaves between the two is found
again by its name.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Literal

from collect.image import decode, phash, size_wh, suffix_of
from collect.source import Candidate, GoneError, Source
from db.blobs import FolderBlobs, sha256_of
from db.errors import InputError, ServiceError
from db.photos import StoredFile
from db.progress import progress
from db.records.photos import Harvest, NewPhoto
from db.workspace import Workspace

STAGE = "collect"
MAX_TRIES = 3
MAX_SERVICE_ERRORS = 5
SAVE_EVERY = 25
_GONE = "gone: "

Outcome = Literal["new", "linked", "known", "failed", "given up", "restored"]
OUTCOMES: tuple[Outcome, ...] = ("new", "linked", "known", "failed", "given up", "restored")


@dataclass(frozen=True, slots=True)
class HarvestTally:
    """What became of the candidates of one run.

    ``new``: pictures the store did not have · ``linked``: pictures it had, found one more way (another class,
    an exact copy) · ``known``: nothing to do · ``failed``: in the failure ledger, tried again by the
    next run · ``given_up``: failed too often · ``restored``: known, but its file had been lost ·
    ``passed_over``: left out by the source, by reason.
    """

    new: int = 0
    linked: int = 0
    known: int = 0
    failed: int = 0
    given_up: int = 0
    restored: int = 0
    passed_over: Mapping[str, int] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """All numbers in a fixed order; those that are usually zero only when they are not."""
        counts = {"new": self.new, "linked": self.linked, "known": self.known, "failed": self.failed}
        if self.given_up:
            counts["given up"] = self.given_up
        if self.restored:
            counts["restored"] = self.restored
        return {**counts, **self.passed_over}

    def __add__(self, other: HarvestTally) -> HarvestTally:
        return HarvestTally(
            self.new + other.new,
            self.linked + other.linked,
            self.known + other.known,
            self.failed + other.failed,
            self.given_up + other.given_up,
            self.restored + other.restored,
            dict(Counter(self.passed_over) + Counter(other.passed_over)),
        )


def harvest(workspace: Workspace, source: Source, *, limit: int | None = None) -> HarvestTally:
    """Store what ``source`` offers, up to ``limit`` new or linked pictures, and say what became of it.

    Failures go to the ledger (stage ``collect``) and are tried in up to three runs; what its owner deleted
    is tried once. Interrupt or kill it at any point: the next run goes on, and ends with the same store.
    Errors: ServiceError when five fetches in a row fail on the other side; StoreError.
    """
    run = _Run(workspace, source.name)
    stream = progress(source.candidates(), source.name, source.total)
    try:
        with closing(stream):  # type: ignore[type-var]  # a generator: closing it closes the source's files
            if limit is None or limit > 0:
                for candidate in stream:
                    run.take(candidate)
                    if limit is not None and run.stored >= limit:
                        break
                else:
                    run.reached_end()
        run.keep_failures()
    finally:
        run.save()
    return run.tally(source.passed_over)


def describe(data: bytes) -> NewPhoto:
    """What the store keeps of a picture file: hash, kind, upright size, pHash. Errors: InputError."""
    image = decode(data)
    width, height = size_wh(image)
    return NewPhoto(sha256_of(data), suffix_of(data), width, height, phash(image), len(data))


@dataclass(slots=True)
class _Job:
    """The ledger row of one query, and how far this run got with it."""

    row: Harvest
    cursor: str
    held: bool = False  # an earlier candidate failed: the cursor must not move past it
    counts: Counter[str] = field(default_factory=Counter)


class _Run:
    """One harvest under way."""

    def __init__(self, workspace: Workspace, source_name: str) -> None:
        self._store, self._blobs, self._name = workspace.store, workspace.blobs, source_name
        self._failures = {failure.item: failure for failure in self._store.failures.all(STAGE)}
        self._known: dict[str, dict[str, StoredFile | None]] = {}  # class → native id → file, None: just now
        self._jobs: dict[tuple[str, str], _Job] = {}
        self._service_errors: list[tuple[str, str]] = []
        self._taken = 0

    @property
    def stored(self) -> int:
        return sum(job.counts["new"] + job.counts["linked"] for job in self._jobs.values())

    def take(self, candidate: Candidate) -> None:
        job = self._job(candidate)
        outcome = self._outcome(candidate, job.row.id)
        job.counts[outcome] += 1
        if outcome == "failed":
            job.held = True
        elif candidate.cursor and not job.held:
            job.cursor = candidate.cursor
        self._taken += 1
        if self._taken % SAVE_EVERY == 0:
            self.save()

    def reached_end(self) -> None:
        """The source has no more: the next run starts from the top, where new pictures appear."""
        for job in self._jobs.values():
            job.cursor = ""

    def keep_failures(self) -> None:
        """Write down the service errors of a run that was not stopped by them."""
        for item, reason in self._service_errors:
            self._store.failures.record(STAGE, item, reason)
        self._service_errors.clear()

    def save(self) -> None:
        for job in self._jobs.values():
            self._store.harvests.save(job.row.id, cursor=job.cursor, tally=job.counts)

    def tally(self, passed_over: Mapping[str, int]) -> HarvestTally:
        total: Counter[str] = sum((job.counts for job in self._jobs.values()), Counter())
        new, linked, known, failed, given_up, restored = (total[name] for name in OUTCOMES)
        return HarvestTally(new, linked, known, failed, given_up, restored, dict(passed_over))

    def _job(self, candidate: Candidate) -> _Job:
        key = (candidate.query, candidate.origin.candidate_class)
        if key not in self._jobs:
            row = self._store.harvests.start(self._name, *key)
            self._jobs[key] = _Job(row, row.cursor)
        return self._jobs[key]

    def _outcome(self, candidate: Candidate, harvest_id: int) -> Outcome:
        origin = candidate.origin
        known, item = self._known_of(origin.candidate_class), f"{origin.source}:{origin.native_id}"
        if origin.native_id in known:
            return self._known_again(candidate, known[origin.native_id], item)
        if self._hopeless(item):
            return "given up"
        if self._store.photos.link(origin, harvest_id=harvest_id):
            outcome: Outcome = "linked"
        else:
            outcome = self._fetched(candidate, item, harvest_id)
        if outcome != "failed":
            known[origin.native_id] = None
        return outcome

    def _known_again(self, candidate: Candidate, stored: StoredFile | None, item: str) -> Outcome:
        """A picture of an earlier run: its split if that was not asked for then, its file if it was lost."""
        if stored is None:
            return "known"
        if candidate.origin.split_hint and not stored.split_hint:
            self._store.photos.hint_split(candidate.origin)
        # Only in a local folder: asking an object store about every known picture takes a call each.
        if not isinstance(self._blobs, FolderBlobs) or self._blobs.exists(stored.sha256, stored.suffix):
            return "known"
        return "given up" if self._hopeless(item) else self._restored(candidate, stored, item)

    def _known_of(self, candidate_class: str) -> dict[str, StoredFile | None]:
        if candidate_class not in self._known:
            self._known[candidate_class] = dict(self._store.photos.files(self._name, candidate_class))
        return self._known[candidate_class]

    def _hopeless(self, item: str) -> bool:
        failure = self._failures.get(item)
        return failure is not None and (failure.tries >= MAX_TRIES or failure.reason.startswith(_GONE))

    def _fetched(self, candidate: Candidate, item: str, harvest_id: int) -> Outcome:
        picture = self._picture(candidate, item)
        if picture is None:
            return "failed"
        data, new = picture
        self._blobs.put(data, new.suffix)
        added = self._store.photos.add(new, candidate.origin, harvest_id=harvest_id)
        self._clear_failure(item)
        return "new" if added else "linked"

    def _restored(self, candidate: Candidate, stored: StoredFile, item: str) -> Outcome:
        picture = self._picture(candidate, item, stored.sha256)
        if picture is None:
            return "failed"
        self._blobs.put(picture[0], stored.suffix)
        self._clear_failure(item)
        return "restored"

    def _picture(self, candidate: Candidate, item: str, sha256: str = "") -> tuple[bytes, NewPhoto] | None:
        """The fetched bytes and what they show, those named by ``sha256`` if given; None: noted as failed."""
        try:
            data = candidate.fetch()
            new = describe(data)
            if sha256 not in ("", new.sha256):
                raise InputError("the picture was lost, and what is there now is not the stored one")
        except ServiceError as error:
            self._service_failed(item, candidate, error)
            return None
        except InputError as error:
            gone = _GONE if isinstance(error, GoneError) else ""
            self._store.failures.record(STAGE, item, f"{gone}{_named(candidate)}{error}")
            return None
        self.keep_failures()
        return data, new

    def _clear_failure(self, item: str) -> None:
        if item in self._failures:
            self._store.failures.clear(STAGE, item)

    def _service_failed(self, item: str, candidate: Candidate, error: ServiceError) -> None:
        """Hold the failure back: when everything fails the network is down, and no item is to blame."""
        self._service_errors.append((item, f"{_named(candidate)}{error}"))
        if len(self._service_errors) >= MAX_SERVICE_ERRORS:
            raise ServiceError(
                f"{MAX_SERVICE_ERRORS} fetches in a row failed, the last with: {error}",
                hint="look at the network, then run the same command again: it goes on from here",
            ) from error


def storable(name: str) -> str:
    """A file's name as text that a database takes; bytes of it that are no UTF-8 become �."""
    return os.fsencode(name).decode("utf-8", "replace")


def _named(candidate: Candidate) -> str:
    return f"{candidate.origin.title}: " if candidate.origin.title else ""
