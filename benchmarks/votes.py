"""Many people voting at once, each from a process of their own: votes per second, lost, doubled, locked.

    python benchmarks/votes.py --writers 20 --votes 200 --faces 10000

Every writer asks for a face and votes on it, over and over, on one SQLite store in a temporary folder;
``--threads 5`` puts five writers into each process.
Every tenth vote is sent twice, as a browser does that lost the answer. Figures depend on the disk.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import click
from sqlalchemy import insert

from db.engine import Database, engine_for, sqlite_url
from db.errors import StoreError
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.votes import NewVote
from db.store import Store
from db.tables import face, photo

CLASSES = ("happy", "angry", "surprised", "neutral")


def make_faces(url: str, count: int) -> None:
    """A store with one photo and that many faces."""
    Store.open(url).close()
    engine = engine_for(url)
    one = {"id": 1, "sha256": "0" * 64, "suffix": ".jpg", "width": 9, "height": 9, "phash": "0" * 16}
    box = {"photo_id": 1, "x1": 0, "y1": 0, "x2": 1, "y2": 1, "score": 1, "sharpness": 1}
    crop = {"crop_width": 9, "crop_height": 9, "votes": 0}
    with Database(engine).write() as connection:
        connection.execute(insert(photo).values(**one, size_bytes=1, added_at=datetime.now(UTC)))
        rows = [{**box, **crop, "ordinal": i, "crop_sha256": f"{i:064x}"} for i in range(count)]
        connection.execute(insert(face), rows)
    engine.dispose()
    store = Store.open(url)
    store.queue.fill(MAIN_CAMPAIGN)
    store.close()


def write(url: str, number: int, votes: int, start: Barrier, results: multiprocessing.Queue) -> None:  # type: ignore[type-arg]
    """One writer: its latencies in seconds, and how many calls failed with a locked database."""
    store = Store.open(url)
    me = store.annotators.join(f"writer {number}").id
    seconds, locked = [], 0
    start.wait()
    for i in range(votes):
        begun = time.perf_counter()
        try:
            taken = store.queue.take(MAIN_CAMPAIGN, me, 1)
            if not taken:
                break  # no face wants another vote
            for _ in range(2 if i % 10 == 0 else 1):
                choice = CLASSES[(number + i) % len(CLASSES)]
                store.votes.cast(
                    NewVote(taken[0].face_id, me, (choice,)), request_id=f"writer-{number:04}-{i:06}"
                )
        except StoreError:
            locked += 1
        seconds.append(time.perf_counter() - begun)
    store.close()
    results.put((seconds, locked))


def write_in_threads(url: str, numbers: range, *work: Any) -> None:
    """Several writers in one process."""
    threads = [threading.Thread(target=write, args=(url, number, *work)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def measure(folder: Path, writers: int, votes: int, faces: int, threads: int = 1) -> dict[str, float]:
    """The figures of one run on a new store in ``folder``."""
    url = sqlite_url(folder / "votes.db")
    make_faces(url, faces)
    spawn = multiprocessing.get_context("spawn")
    start, results = spawn.Barrier(writers + 1), spawn.Queue()
    processes = [
        spawn.Process(
            target=write_in_threads, args=(url, range(writers)[i : i + threads], votes, start, results)
        )
        for i in range(0, writers, threads)
    ]
    for process in processes:
        process.start()
    start.wait()
    begun = time.perf_counter()
    outcomes = [results.get() for _ in range(writers)]
    elapsed = time.perf_counter() - begun
    for process in processes:
        process.join()
    store = Store.open(url)
    rows, holding = store.votes.history(), store.votes.current()
    store.close()
    each = Counter((row.annotator_id, row.face_id) for row in rows)
    latencies = sorted(second for seconds, _ in outcomes for second in seconds)
    return {
        "writers": writers,
        "votes": len(holding),
        "votes_per_s": round(len(holding) / elapsed, 1),
        "p50_ms": round(latencies[len(latencies) // 2] * 1000, 2),
        "p99_ms": round(latencies[len(latencies) * 99 // 100] * 1000, 2),
        "lost": len(latencies) - len(each),
        "doubled": len(rows) - len(each),
        "locked": sum(locked for _, locked in outcomes),
    }


@click.command(help=__doc__)
@click.option("--writers", default=20, show_default=True)
@click.option("--votes", default=200, show_default=True, help="Votes of each writer.")
@click.option("--faces", default=10_000, show_default=True)
@click.option("--threads", default=1, show_default=True, help="Writers in each process.")
def main(writers: int, votes: int, faces: int, threads: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        click.echo(json.dumps(measure(Path(folder), writers, votes, faces, threads)))


if __name__ == "__main__":
    main()
