"""Votes and labels of a large store, out and in again: seconds, rows a second, peak memory.

    python benchmarks/export.py --faces 50000 --votes 3
    python benchmarks/export.py --faces 100000 --votes 10 --formats csv --back

Makes a SQLite store in a temporary folder with so many labelled faces, two on each photo, and votes of 20 people,
and exports it in every format; ``--back`` also imports each file into a second store with the same faces, and
once more, when nothing may be added.
"""

from __future__ import annotations

import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import click
from sqlalchemy import insert

from db.engine import Database, engine_for, sqlite_url
from db.records.labels import Label
from db.tables import face, photo
from db.vote_rows import AT_ONCE, PastVote
from db.workspace import Workspace, create_workspace, open_workspace
from label_ui.exchange_export import export_votes
from label_ui.exchange_formats import formats
from label_ui.exchange_import import import_votes

PEOPLE = 20
START = datetime(2026, 1, 1, tzinfo=UTC)


def make_faces(workspace: Workspace, count: int) -> None:
    """That many faces, two on a photo, without any picture file."""
    engine = engine_for(sqlite_url((workspace.path / "mimique.db").resolve()))
    shape = {
        "suffix": ".jpg",
        "width": 640,
        "height": 480,
        "phash": "0" * 16,
        "size_bytes": 1,
        "added_at": START,
    }
    box = {"y1": 40.5, "y2": 200.25, "score": 0.9, "sharpness": 50, "crop_width": 160, "crop_height": 160}
    with Database(engine).write() as connection:
        photos = [{"id": i + 1, "sha256": f"{i * 7919:064x}", **shape} for i in range((count + 1) // 2)]
        connection.execute(insert(photo), photos)
        rows = [
            {"photo_id": i // 2 + 1, "ordinal": i % 2, "crop_sha256": f"{i:064x}", "votes": 0, **box}
            | {"x1": 20.0 + 300 * (i % 2), "x2": 180.0 + 300 * (i % 2)}
            for i in range(count)
        ]
        connection.execute(insert(face), rows)
    engine.dispose()


def votes(people: list[int], faces: int, each: int, classes: tuple[str, ...]) -> Iterator[PastVote]:
    """``each`` people's votes on every face, as a workbench would have kept them."""
    draw = random.Random(0)
    for face_id in range(1, faces + 1):
        for number, person in enumerate(draw.sample(people, each)):
            at = START + timedelta(seconds=face_id * each + number)
            yield PastVote(
                face_id,
                person,
                f"request-{face_id:07}-{number}",
                at,
                choices=(draw.choice(classes),),
                seconds=round(draw.uniform(0.4, 4.0), 3),
                shown={"classes": list(classes), "question": "choose", "zoom": 1},
            )


def make(folder: Path, faces: int, each: int) -> Workspace:
    """A workspace with votes and labels."""
    create_workspace(folder)
    workspace = open_workspace(folder)
    make_faces(workspace, faces)
    people = [workspace.store.annotators.join(f"person {i}").id for i in range(PEOPLE)]
    classes = workspace.settings.classes
    stream = votes(people, faces, each, classes)
    while batch := list(islice(stream, AT_ONCE)):
        workspace.store.vote_rows.add(batch)
    shares = dict.fromkeys(classes, 1 / len(classes))
    labels = [Label(i, classes[i % len(classes)], shares, 0.8, each, "auto") for i in range(1, faces + 1)]
    workspace.store.labels.decide(labels)
    return workspace


def timed(name: str, work: Any, *arguments: Any) -> tuple[dict[str, float], Any]:
    """Seconds on the clock and of this process (they differ where others use the machine), and the result."""
    clock, process = time.perf_counter(), time.process_time()
    result = work(*arguments)
    took = (time.perf_counter() - clock, time.process_time() - process)
    return {f"{name}_s": round(took[0], 2), f"{name}_cpu_s": round(took[1], 2)}, result


@click.command(help=__doc__)
@click.option("--faces", default=50_000, show_default=True)
@click.option("--votes", "each", default=3, show_default=True, help="Votes on each face.")
@click.option("--formats", "names", default=",".join(formats()), show_default=True)
@click.option("--back", is_flag=True, help="Import each file into a second store, twice.")
def main(faces: int, each: int, names: str, back: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        seconds, workspace = timed("made", make, Path(folder) / "from", faces, each)
        click.echo(json.dumps({"faces": faces, "votes": faces * each, **seconds}))
        for name in names.split(","):
            kind = formats()[name]
            out = Path(folder) / f"{name}{kind.suffixes[0]}"
            seconds, done = timed("export", export_votes, workspace, kind, out)
            figures: dict[str, object] = {"format": name, **seconds, "votes": done.votes}
            figures |= {"labels": done.labels, "mb": round(out.stat().st_size / 1e6, 1)}
            if back:
                other = Path(folder) / name
                create_workspace(other)
                second = open_workspace(other)
                make_faces(second, faces)
                figures["import_s"], report = timed(import_votes, second, out, kind)
                figures["again_s"], again = timed(import_votes, second, out, kind)
                figures |= {
                    "added": report.added,
                    "added_again": again.added,
                    "left_out": dict(report.left_out),
                }
                second.store.close()
            figures["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
            click.echo(json.dumps(figures))
        workspace.store.close()


if __name__ == "__main__":
    main()
