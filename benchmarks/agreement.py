"""The figures of agreement over simulated votes: time of each, and alpha and kappa beside the peers'.

    python benchmarks/agreement.py --votes 300000 --people 20
    python benchmarks/agreement.py --peer /tmp/peers/bin/python
    python benchmarks/agreement.py --votes-of ferplus/votes.csv

A peer is a Python that has `krippendorff` and `statsmodels` (`python -m venv /tmp/peers && /tmp/peers/bin/pip
install krippendorff statsmodels`); it is handed the very same votes. Faces get 2 to 5 votes, people have skills of
60 to 95 %, 3 % of the votes are unsure or flags.

``--votes-of`` takes real faces with ten votes or so each (counts as FER+ has them) instead: votes are drawn from each
face's until one answer leads by 2, 2 to 5 of them; the figures that follow from those alone stand beside what the
face's other votes say.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from curate.agreement import SEED, agreement
from curate.answers import read_answers
from curate.ceiling import ceiling
from curate.confusion import confusion, mix_ups
from curate.kinds_of_faces import kinds_of_faces
from curate.one_more_vote import one_more_vote
from curate.pairs import pairs
from curate.reliability import Reliability, fleiss, reliability
from curate.said import Said, group, said
from curate.voters import Timing, voters
from curate.votes_table import VoteTable
from db.overlap import Overlap

Given = TypeVar("Given")
CLASSES = ("happy", "angry", "surprised", "neutral", "sad", "fear", "disgust")

_PEER = """
import json, sys, time, warnings
import numpy as np
warnings.simplefilter("ignore")
import krippendorff
from statsmodels.stats.inter_rater import fleiss_kappa
counts, same = np.load(sys.argv[1]), np.load(sys.argv[2])
begun = time.perf_counter()
alpha = krippendorff.alpha(value_counts=counts, level_of_measurement="nominal")
middle = time.perf_counter()
kappa = fleiss_kappa(same)
end = time.perf_counter()
print(json.dumps({"krippendorff alpha": alpha, "ms": round((middle - begun) * 1000, 1),
    "statsmodels fleiss_kappa, faces of three votes": kappa, "fleiss ms": round((end - middle) * 1000, 1)}))
"""


def simulated(votes: int, people: int, seed: int) -> tuple[VoteTable, Timing]:
    """About that many votes."""
    rng = np.random.default_rng(seed)
    each = rng.choice([2, 3, 4, 5], max(votes // 3, 1), p=[0.5, 0.2, 0.1, 0.2])
    items = np.repeat(np.arange(len(each)), each)
    order = rng.random((len(each), people)).argsort(axis=1)  # who votes on each face
    who = order[items, np.arange(len(items)) - np.repeat(np.cumsum(each) - each, each)]
    truth, skill = rng.integers(0, len(CLASSES), len(each)), rng.uniform(0.6, 0.95, people)
    right = rng.random(len(items)) < skill[who]
    choices = np.where(right, truth[items], rng.integers(0, len(CLASSES), len(items)))
    choices[rng.random(len(items)) < 0.03] = -1
    flags = np.where((choices < 0) & (rng.random(len(items)) < 0.3), rng.integers(0, 4, len(items)), -1)
    timing = Timing(rng.gamma(4.0, 0.4, len(items)), np.arange(len(items)))
    return VoteTable(items, who, choices, flags, CLASSES), timing


def measure(votes: int, people: int, seed: int) -> tuple[dict[str, Any], Said]:
    """Milliseconds of each part and of all together, on the clock and of all cores, and what peers compute too."""
    table, timing = simulated(votes, people, seed)
    ms: dict[str, float] = {}
    cpu_ms: dict[str, float] = {}

    def lap(name: str, run: Callable[[], Given]) -> Given:
        begun, cpu = time.perf_counter(), time.process_time()
        given = run()
        ms[name] = round((time.perf_counter() - begun) * 1000, 1)
        cpu_ms[name] = round((time.process_time() - cpu) * 1000, 1)
        return given

    seen = lap("grouping", lambda: said(table))
    anew = lap("bootstrap draws", lambda: seen.alike.resampled(SEED))
    found = lap("alpha, kappa, agreement", lambda: reliability(seen.alike, anew))
    lap("confusion", lambda: confusion(seen.alike, seen.names))
    lap("classes mixed up", lambda: mix_ups(seen.alike, anew, CLASSES))
    lap("voters", lambda: voters(seen, timing))
    lap("pairs of people", lambda: pairs(seen))
    kinds = lap("kinds of faces", lambda: kinds_of_faces(seen.alike))
    lap("human ceiling", lambda: ceiling(seen, kinds))
    lap("one more vote", lambda: one_more_vote(seen, kinds))
    lap("all together", lambda: agreement(said(table), timing))
    return {
        "votes": len(table),
        "people": people,
        "ms": ms,
        "cpu_ms": cpu_ms,
        "alpha": found.alpha,
        "kappa": found.kappa,
    }, seen


def beside(peer: str, seen: Said) -> dict[str, Any]:
    """What the peers compute from the same counts, and our Fleiss' kappa of the faces with three votes."""
    counts = seen.alike.counts[seen.alike.of_row]  # (I, A)
    same = counts[counts.sum(axis=1) == 3]
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / name for name in ("counts.npy", "same.npy")]
        np.save(paths[0], counts)
        np.save(paths[1], same)
        done = subprocess.run([peer, "-c", _PEER, *paths], check=True, capture_output=True, text=True)
    return {**json.loads(done.stdout), "our kappa of those": fleiss(same)}


def replayed(path: Path, seed: int) -> dict[str, float | None]:
    """Figures from adaptive votes alone, and the same from each face's whole votes or its others."""
    table = read_answers(path).table
    whole = said(table)
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(whole)), whole.faces))
    ends = np.searchsorted(whole.faces, np.arange(len(whole.face_ids) + 1))
    kept: list[NDArray[np.int64]] = []
    matches, labelled = 0.0, 0
    for face in range(len(whole.face_ids)):
        votes = order[ends[face] : ends[face + 1]]
        asked = _asked(whole.answers[votes])
        kept.append(votes[:asked])
        counts = np.bincount(whole.answers[votes[:asked]])
        if (
            np.count_nonzero(counts == counts.max()) == 1
            and counts.argmax() < whole.classes
            and asked < len(votes)
        ):
            matches += float((whole.answers[votes[asked:]] == counts.argmax()).mean())
            labelled += 1
    rows = np.concatenate(kept)
    few = group(whole.faces[rows], rows, whole.answers[rows], whole.names, whole.classes)
    kinds, every = kinds_of_faces(few.alike), figures_of(whole)
    human = ceiling(few, kinds).overall
    return {
        "votes a face": round(len(rows) / len(kept), 2),
        "two people agree, from all votes": every.agreement,
        "from the adaptive ones": kinds.best.two_agree if kinds else None,
        "pairs of adaptive votes that agree": figures_of(few).agreement,
        "one more vote matches the label": matches / max(labelled, 1),
        "human ceiling from the adaptive ones": human.share,
        "held-out adaptive votes that match": human.held_out,
    }


def figures_of(votes: Said) -> Reliability:
    return reliability(votes.alike, votes.alike.resampled(SEED))


def _asked(answers: NDArray[np.int64]) -> int:
    """After how many of these answers the default overlap stops."""
    overlap, asked = Overlap(), 0
    while asked < len(answers) and overlap.wants_more(np.bincount(answers[:asked]).tolist(), asked):
        asked += 1
    return asked


@click.command(help=__doc__)
@click.option("--votes", default=300_000, show_default=True)
@click.option("--people", default=20, show_default=True)
@click.option("--seed", default=0, show_default=True)
@click.option("--peer", help="A Python that has krippendorff and statsmodels.")
@click.option("--votes-of", type=click.Path(path_type=Path), help="A file of counts to replay.")
def main(votes: int, people: int, seed: int, peer: str | None, votes_of: Path | None) -> None:
    if votes_of:
        click.echo(json.dumps(replayed(votes_of, seed), indent=2))
        return
    figures, seen = measure(votes, people, seed)
    click.echo(json.dumps(figures, indent=2))
    if peer:
        click.echo(json.dumps(beside(peer, seen), indent=2))


if __name__ == "__main__":
    main()
