"""The one door to what Mimique knows: frozen records in and out, one public method = one transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from db.annotators import AnnotatorLedger
from db.campaigns import CampaignLedger
from db.engine import Database, engine_for
from db.faces import FaceLedger
from db.gold import GoldLedger
from db.harvests import FailureLedger, HarvestLedger
from db.invites import InviteLedger
from db.label_rows import LabelRowLedger
from db.labels import LabelLedger
from db.logins import LoginLedger
from db.photos import PhotoLedger
from db.queue import QueueLedger
from db.rehearsal import rehearsal
from db.runs import PredictionLedger, RunLedger
from db.schema import bring_up_to_date
from db.snapshots import SnapshotLedger
from db.vote_rows import VoteRowLedger
from db.votes import VoteLedger
from db.walks import Walks


class Store:
    """Everything a workspace keeps, by topic: ``store.photos``, ``store.faces``, ``store.votes``, …

    Safe to share between threads and to open from many processes at once.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self.harvests = HarvestLedger(database)
        self.failures = FailureLedger(database)
        self.photos = PhotoLedger(database)
        walks = Walks()
        self.faces = FaceLedger(database, walks)
        self.annotators = AnnotatorLedger(database)
        self.invites = InviteLedger(database)
        self.logins = LoginLedger(database)
        self.campaigns = CampaignLedger(database, walks)
        self.queue = QueueLedger(database, walks)
        self.gold = GoldLedger(database)
        self.votes = VoteLedger(database, walks)
        self.vote_rows = VoteRowLedger(database)
        self.labels = LabelLedger(database)
        self.label_rows = LabelRowLedger(database)
        self.snapshots = SnapshotLedger(database)
        self.runs = RunLedger(database)
        self.predictions = PredictionLedger(database)

    @classmethod
    def open(cls, url: str) -> Store:
        """Open (and make, or migrate) the store at a database address. Errors: StoreError."""
        database = Database(engine_for(url))
        bring_up_to_date(database)
        return cls(database)

    @contextlib.contextmanager
    def rehearsal(self) -> Iterator[Store]:
        """A store that begins as this one is now, to try something on; what is written into it is gone after.

        Errors: StoreError when there is no room for a copy.
        """
        with rehearsal(self._database) as database:
            yield Store(database)

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of a SQLite store, whether they are there now or not; () for any other."""
        name = self._database.engine.url.database
        if self.backend != "sqlite" or not name:
            return ()
        return tuple(Path(f"{name}{suffix}") for suffix in ("", "-wal", "-shm"))

    @property
    def backend(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._database.engine.dialect.name

    def close(self) -> None:
        self._database.engine.dispose()
