"""How long the store takes for a vote and the next face, a campaign's counts, a gallery page and its filters.

    python benchmarks/next_face.py --faces 100000 --votes 300000 --rounds 40

One person has voted on nearly every face and 19 others on the rest. Then 20 newcomers vote in turns, then the one
who has nearly finished; each vote is followed by asking for the next face, as the page does with 8 faces ahead.
Times are milliseconds in this process, one call at a time. ``--database postgresql://…`` measures an empty
database there instead of a SQLite file in a temporary folder. The votes are drawn with ``--seed``.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from sqlalchemy import Connection, Table, insert, text

from db.engine import Database, engine_for, sqlite_url
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.gallery import FaceFilter
from db.records.labels import Label
from db.records.votes import NewVote
from db.store import Store
from db.tables import annotator, detection, face, harvest, origin, photo, vote

CLASSES = ("happy", "angry", "surprised", "neutral", "sad", "fear", "disgust")
PEOPLE = 20
AHEAD = 8
AT_ONCE = 10_000


def fill_store(url: str, faces: int, votes: int, seed: int) -> None:
    """Photos of one face each, the people, their votes and what a rule decided, written in bulk.

    Without ``votes`` there are only the faces.
    """
    Store.open(url).close()
    rng = np.random.default_rng(seed)
    database = Database(engine_for(url))
    with database.write() as connection:
        add_faces(connection, faces, rng)
        if votes:
            add_votes(connection, faces, votes, rng)
        connection.execute(
            text(
                "INSERT INTO standing (campaign_id, annotator_id, face_id, vote_id) "
                "SELECT campaign_id, annotator_id, face_id, id FROM vote"
            )
        )
        connection.execute(
            text("UPDATE face SET votes = (SELECT count(*) FROM standing s WHERE s.face_id = face.id)")
        )
    database.engine.dispose()
    store = Store.open(url)
    store.queue.fill(MAIN_CAMPAIGN)
    shares = dict.fromkeys(CLASSES, 1 / len(CLASSES))
    decided = [
        Label(i, None if i % 9 == 0 else CLASSES[i % 7], shares, (i % 100) / 100, 3, "majority")
        for i in range(1, faces * 7 // 10)
    ]
    store.labels.decide(decided if votes else [])
    store.close()


def add_faces(connection: Connection, count: int, rng: np.random.Generator) -> None:
    now = datetime.now(UTC)
    search = {"source": "flickr", "query": "party", "started_at": now, "cursor": "", "tally": {}}
    write(connection, harvest, [search | {"id": i + 1, "candidate_class": c} for i, c in enumerate(CLASSES)])
    ids = range(1, count + 1)
    sha = [hashlib.sha256(str(i).encode()).hexdigest() for i in ids]
    size = {"width": 640, "height": 480, "suffix": ".jpg", "phash": "0" * 16, "size_bytes": 90_000}
    write(connection, photo, [size | {"id": i, "sha256": sha[i - 1], "added_at": now} for i in ids])
    write(connection, detection, [{"photo_id": i, "detector": "x", "faces": 1, "at": now} for i in ids])
    owners = rng.integers(0, 4000, count)
    found = {
        "source": "flickr",
        "fetched_at": now,
        "page_url": "https://example.org/photo",
        "tags": ["party"],
    }
    write(
        connection,
        origin,
        [
            {
                **found,
                "photo_id": i,
                "harvest_id": i % 7 + 1,
                "native_id": str(i),
                "candidate_class": CLASSES[i % 7],
                "owner": f"owner {owners[i - 1]}",
            }
            for i in ids
        ],
    )
    box = {"ordinal": 0, "x1": 9.5, "y1": 9.5, "x2": 99.5, "y2": 99.5, "score": 0.9, "sharpness": 40.0}
    crop = {"crop_width": 160, "crop_height": 160, "landmarks": [[10.5, 20.5]] * 5, "votes": 0}
    write(
        connection,
        face,
        [
            {
                **box,
                **crop,
                "id": i,
                "photo_id": i,
                "crop_sha256": sha[i - 1],
                "candidate_class": CLASSES[i % 7],
            }
            for i in ids
        ],
    )


def add_votes(connection: Connection, faces: int, count: int, rng: np.random.Generator) -> None:
    """The first person's on all faces but 500, the others' on faces drawn anew for each."""
    now = datetime.now(UTC)
    person = {"simulated": False, "note": "", "created_at": now, "role": "voter"}
    names = [f"voter {i}" for i in range(2 * PEOPLE)]
    write(connection, annotator, [person | {"name": name, "key": name} for name in names])
    mine = rng.permutation(np.arange(1, faces + 1))[: max(faces - 500, faces // 2)]
    each = (count - len(mine)) // (PEOPLE - 1)
    who = [(1, mine)]
    who += [(i, rng.choice(np.arange(1, faces + 1), each, replace=False)) for i in range(2, PEOPLE + 1)]
    empty = {"campaign_id": MAIN_CAMPAIGN, "action": "vote", "at": now, "seconds": 1.5, "shown": {}}
    for annotator_id, face_ids in who:
        wrong = rng.random(len(face_ids)) < 0.25
        flagged = rng.random(len(face_ids)) < 0.02
        rows = [
            {
                **empty,
                "annotator_id": annotator_id,
                "face_id": int(i),
                "choices": [] if bad else [CLASSES[(i + miss) % 7]],
                "flag": "artificial" if bad else None,
            }
            for i, miss, bad in zip(face_ids, wrong, flagged, strict=True)
        ]
        write(connection, vote, rows)


def write(connection: Connection, table: Table, rows: list[dict[str, object]]) -> None:
    for i in range(0, len(rows), AT_ONCE):
        connection.execute(insert(table), rows[i : i + AT_ONCE])


class Voter:
    """A page: the faces ahead, a vote on the first, and the next one asked for."""

    def __init__(self, store: Store, annotator_id: int) -> None:
        self._store, self._me = store, annotator_id
        self._ahead = [f.face_id for f in store.queue.take(MAIN_CAMPAIGN, annotator_id, AHEAD)]

    def vote(self) -> tuple[float, float, float]:
        """Seconds for the vote, for the next face, and of the processor for both."""
        shown = self._ahead.pop(0)
        begun, cpu = time.perf_counter(), time.thread_time()
        self._store.votes.cast(NewVote(shown, self._me, (CLASSES[shown % 7],)))
        voted = time.perf_counter()
        taken = self._store.queue.take(MAIN_CAMPAIGN, self._me, 1, exclude=self._ahead)
        end = time.perf_counter()
        self._ahead += [f.face_id for f in taken]
        return voted - begun, end - voted, time.thread_time() - cpu


def percentiles(seconds: list[float]) -> dict[str, float]:
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99])
    return {"p50_ms": round(p50, 2), "p95_ms": round(p95, 2), "p99_ms": round(p99, 2)}


def vote_times(store: Store, people: list[int], rounds: int) -> dict[str, object]:
    """What voting takes: the votes, the next faces, both together, and the processor's part of that (what it
    would take on an idle machine); ``first`` is opening the page.
    """
    begun = time.perf_counter()
    voters = [Voter(store, person) for person in people]
    first = (time.perf_counter() - begun) / len(people)
    times = [voter.vote() for _ in range(rounds) for voter in voters]
    return {
        "votes": len(times),
        "first_ms": round(first * 1000, 1),
        "vote": percentiles([vote for vote, _, _ in times]),
        "next": percentiles([following for _, following, _ in times]),
        "vote + next": percentiles([vote + following for vote, following, _ in times]),
        "vote + next, processor": percentiles([cpu for _, _, cpu in times]),
    }


FILTERS: dict[str, FaceFilter] = {
    "class": FaceFilter(label="angry"),
    "candidate class": FaceFilter(candidate_class="sad"),
    "harvest": FaceFilter(harvest_id=3),
    "person": FaceFilter(owner="owner 7"),
    "source": FaceFilter(source="flickr"),
    "confidence": FaceFilter(least_confidence=0.2, most_confidence=0.4),
    "flag": FaceFilter(flag="artificial"),
    "votes": FaceFilter(least_votes=4, most_votes=5),
    "undecided": FaceFilter(state="undecided"),
    "tie": FaceFilter(state="tie"),
    "voted by": FaceFilter(voted_by=1),
    "several at once": FaceFilter(label="happy", candidate_class="happy", flag="any", least_votes=3),
}


def look_times(store: Store) -> dict[str, object]:
    """Milliseconds of the best of three looks: a page of 100 and how many there are, for every filter."""

    def page_and_count(only: FaceFilter) -> None:
        store.faces.page(only, limit=100)
        store.faces.count(only)

    return {
        "counts_ms": best(lambda: store.queue.counts(MAIN_CAMPAIGN)),
        "tally_ms": best(lambda: store.votes.tally(MAIN_CAMPAIGN, 1)),
        "first_page_ms": best(lambda: page_and_count(FaceFilter())),
        "least_sure_page_ms": best(lambda: store.faces.page(order="least sure", limit=100)),
        "last_page_ms": best(lambda: store.faces.page(offset=store.faces.count() - 100, limit=100)),
        "filter_ms": {name: best(lambda only=only: page_and_count(only)) for name, only in FILTERS.items()},  # type: ignore[misc]
    }


def best(call: Callable[[], object]) -> float:
    times = []
    for _ in range(3):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return round(min(times) * 1000, 1)


def measure(url: str, faces: int, votes: int, rounds: int, seed: int) -> dict[str, object]:
    begun = time.perf_counter()
    fill_store(url, faces, votes, seed)
    filled = time.perf_counter() - begun
    store = Store.open(url)
    try:
        return {
            "backend": store.backend,
            "faces": faces,
            "votes": votes,
            "written_s": round(filled, 1),
            "20 newcomers": vote_times(store, list(range(PEOPLE + 1, 2 * PEOPLE + 1)), rounds),
            "one who has nearly finished": vote_times(store, [1], rounds * 10),
            **look_times(store),
        }
    finally:
        store.close()


@click.command(help=__doc__)
@click.option("--faces", default=100_000, show_default=True)
@click.option("--votes", default=300_000, show_default=True)
@click.option("--rounds", default=40, show_default=True, help="Votes of each newcomer.")
@click.option("--seed", default=0, show_default=True)
@click.option("--database", default="", help="An empty PostgreSQL database.")
def main(faces: int, votes: int, rounds: int, seed: int, database: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = database or sqlite_url(Path(folder) / "queue.db")
        click.echo(json.dumps(measure(url, faces, votes, rounds, seed), indent=2))


if __name__ == "__main__":
    main()
