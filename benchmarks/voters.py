"""Twenty people vote at once through the real HTTP server while a harvest writes: is a vote lost, or slow?

    python benchmarks/voters.py                                        ten minutes on a fresh store
    python benchmarks/voters.py --faces 100000 --votes 300000          … on a large one, filled as in next_face.py
    python benchmarks/voters.py --minutes 1.5 --kill                   kill -9 the server midway, and start it again

Every voter is a process of its own and does what the page does: a login cookie and the page's token, 12 faces
ahead with their pictures, leases renewed, votes in an outbox that sends again what was not acknowledged, under the
same request id. Each casts one vote every ``--every`` seconds and asks for the next face after each, which is more
often than the page asks. The server is the ``label`` command. Meanwhile ``collect sample`` and ``curate faces`` run
in a loop on the same workspace. Milliseconds: ``server`` is the time the server reports (Server-Timing), ``trip``
there and back at the voter, both on the wall clock of a machine whose load average stands beside them; the server's
processor time says what a request would take on an idle machine.

lost: acknowledged votes that the store has not. doubled: votes a person has twice on a face, or stored twice.
asked_twice: faces handed to somebody who had them or had answered. beyond_need: votes on faces that needed none.
The last line is JSON; exit code 1 when a vote was lost or doubled, or the store was locked.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from gallery import filled
from voting_page import Sitting, sit
from voting_processes import Harvest, Server

from db.records.votes import Vote
from db.workspace import Workspace, open_workspace

CROPS = 200
FIRST_FACES_S = 20.0  # from the start of the voters to their first vote
# Measured elsewhere on another machine, alone with one user and 10,000 tasks; quoted, never measured here.
PEER = "Label Studio 1.23, one user alone, 10,000 tasks, quoted: submit 40 ms + next 46 ms"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is asked for: how many voters vote for how long, and what happens meanwhile."""

    voters: int
    minutes: float
    every_s: float
    kill: bool
    photos: int
    seed: int

    @property
    def seconds(self) -> float:
        return self.minutes * 60


def measure(folder: Path, plan: Plan, faces: int, votes: int) -> dict[str, Any]:
    """The figures of one run on a store with so many faces and votes."""
    workspace = filled(folder / "faces", faces, votes, CROPS, plan.seed)
    before = len(workspace.store.votes.history())
    workspace.store.close()
    server = Server(workspace.path, folder / "server.log")
    server.start()
    harvest = Harvest(workspace.path, plan.photos)
    harvesting = threading.Thread(target=harvest.run)
    try:
        sittings, loads = vote(server, harvesting if plan.photos else None, plan)
    finally:
        server.stop(signal.SIGTERM)
        harvest.ended.set()
        if harvesting.ident:
            harvesting.join()
    workspace = open_workspace(workspace.path)
    try:
        return {
            "faces": faces,
            "votes_before": before,
            **vars_of(plan),
            **kept(workspace, before, sittings),
            "lock_errors": len(
                [line for line in (*server.complaints(), *harvest.complaints) if "lock" in line]
            ),
            "complaints": [*server.complaints(), *harvest.complaints][:10],
            **times(sittings),
            "server_cpu_ms_per_vote": round(1000 * server.cpu_s / sum(len(s.vote_ms) for s in sittings), 2),
            "server_start_s": server.started_s,
            "harvest": {"rounds": harvest.rounds, "new_faces": workspace.store.faces.count() - faces},
            "load_average": {"min": min(loads), "mean": round(float(np.mean(loads)), 1), "max": max(loads)},
            "cores": os.cpu_count(),
            "peer": PEER,
        }
    finally:
        workspace.store.close()


def vote(
    server: Server, harvesting: threading.Thread | None, plan: Plan
) -> tuple[list[Sitting], list[float]]:
    """Let them vote; gives what each did, and the load average every few seconds."""
    begin = time.monotonic() + FIRST_FACES_S
    end = begin + plan.seconds
    loads: list[float] = []
    with ProcessPoolExecutor(plan.voters, multiprocessing.get_context("fork")) as processes:
        sitting = [
            processes.submit(
                sit, server.port, f"benchmark {i}", i / plan.voters, begin, end, plan.every_s, plan.seed
            )
            for i in range(plan.voters)
        ]
        if harvesting is not None:
            harvesting.start()
        time.sleep(max(0.0, begin - time.monotonic()))
        server.count_cpu()
        killed = not plan.kill
        while time.monotonic() < end and not all(one.done() for one in sitting):
            time.sleep(2)
            loads.append(round(os.getloadavg()[0], 1))
            if not killed and time.monotonic() > begin + plan.seconds / 2:
                killed = True
                server.stop(signal.SIGKILL)
                server.start()
                server.count_cpu()
        return [one.result() for one in sitting], loads


def kept(workspace: Workspace, before: int, sittings: Sequence[Sitting]) -> dict[str, Any]:
    """What became of every vote, compared with the store."""
    people = {who.id: who.name for who in workspace.store.annotators.all()}
    rows = workspace.store.votes.history()
    sent = {request: (s.name, face) for s in sittings for request, face in s.sent.items()}
    acknowledged = {request: number for s in sittings for request, number in s.acknowledged.items()}
    mine = [row for row in rows if row.request_id in sent]
    stored = {row.request_id: row.id for row in mine}
    pairs = Counter((row.annotator_id, row.face_id) for row in mine)
    wrong = [row for row in mine if sent[row.request_id or ""] != (people[row.annotator_id], row.face_id)]
    refused = Counter(line for s in sittings for line in s.refused)
    return {
        "sent": len(sent),
        "posts": sum(s.posts for s in sittings),
        "acknowledged": len(acknowledged),
        "stored": len(mine),
        "lost": sum(stored.get(request) != number for request, number in acknowledged.items()),
        "not_acknowledged": len(sent) - len(acknowledged),
        "doubled": len(rows) - before - len(stored) + sum(n - 1 for n in pairs.values()) + len(wrong),
        "asked_twice": sum(s.asked_twice for s in sittings),
        "beyond_need": beyond_need(workspace, rows, set(stored.values())),
        "without_face": sum(s.without_face for s in sittings),
        "unreachable": sum(s.unreachable for s in sittings),
        "refused": dict(refused.most_common(10)),
    }


def beyond_need(workspace: Workspace, rows: Iterable[Vote], ours: set[int]) -> int:
    """Those of our votes that came when the face, by the campaign's overlap, needed no more."""
    overlap = workspace.store.campaigns.main().overlap
    said: dict[int, Counter[object]] = {}
    beyond = 0
    for row in rows:
        counts = said.setdefault(row.face_id, Counter())
        enough = not overlap.wants_more(tuple(counts.values()), counts.total())
        beyond += enough and row.id in ours
        counts[row.choices, row.flag] += 1
    return beyond


def times(sittings: Sequence[Sitting]) -> dict[str, Any]:
    kinds = {"vote": "vote_ms", "next": "next_ms", "vote + next": "both_ms", "picture": "picture_ms"}
    return {
        name: percentiles([pair for s in sittings for pair in getattr(s, of)]) for name, of in kinds.items()
    }


def percentiles(pairs: Sequence[tuple[float, float]]) -> dict[str, Any]:
    found = np.array(pairs, np.float64).reshape(-1, 2)
    named = {}
    for column, name in enumerate(("server", "trip")):
        p50, p95, p99, most = np.percentile(found[:, column], [50, 95, 99, 100]).round(1)
        named[name] = {"p50": p50, "p95": p95, "p99": p99, "max": most}
    return {"count": len(found), **named}


def vars_of(plan: Plan) -> dict[str, Any]:
    return {"voters": plan.voters, "minutes": plan.minutes, "every_s": plan.every_s, "killed": plan.kill}


@click.command(help=__doc__)
@click.option("--minutes", default=10.0, show_default=True)
@click.option("--voters", default=20, show_default=True)
@click.option("--every", default=1.0, show_default=True, help="Seconds between the votes of one voter.")
@click.option("--faces", type=int, help="In the store before. [default: as many as the votes can use]")
@click.option("--votes", default=0, show_default=True, help="In the store before.")
@click.option("--photos", default=20, show_default=True, help="Of each harvest; 0: no harvest.")
@click.option("--kill", is_flag=True, help="Kill -9 the server midway.")
@click.option("--seed", default=0, show_default=True)
def main(
    minutes: float,
    voters: int,
    every: float,
    faces: int | None,
    votes: int,
    photos: int,
    kill: bool,
    seed: int,
) -> None:
    plan = Plan(voters, minutes, every, kill, photos, seed)
    wanted = int(plan.seconds / every * voters) + 500 if faces is None else faces
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(Path(folder), plan, wanted, votes)
    click.echo(json.dumps(figures))
    if figures["lost"] or figures["doubled"] or figures["lock_errors"] or figures["not_acknowledged"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
