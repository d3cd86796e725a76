"""A workspace for pictures of the pages: drawn people, a simulated team's votes, a simulated run. No real person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from collect.harvest import harvest
from collect.sample_source import SampleSource
from curate.decide import decide_labels
from curate.detect import load_detector
from curate.faces import find_faces
from curate.snapshots import make_snapshot
from db.overlap import Overlap
from db.records.campaigns import MAIN_CAMPAIGN, GoldMix, NewCampaign, Picks, Suggest
from db.records.runs import Prediction, Run
from db.vote_rows import PastVote
from db.workspace import Workspace, create_workspace, open_workspace
from mimique.simulated import ballots, true_faces

OWNER = "Zofia"
RUN = "simulated-run"
SECONDS_A_VOTE = 3.0


def drawn_team(path: Path, photos: int, fresh: int, seed: int) -> Workspace:
    """Photos that a team has voted on and decided, ``fresh`` ones that nobody has seen, and four campaigns."""
    create_workspace(path)
    workspace = open_workspace(path)
    store, classes = workspace.store, workspace.settings.classes
    store.annotators.add(OWNER, role="owner")
    detector = load_detector()
    harvest(workspace, SampleSource(photos, classes, seed))
    find_faces(workspace, detector)
    cast_all(workspace, seed)
    decide_labels(workspace)
    simulated_run(workspace, seed)
    known_answers(workspace)
    harvest(workspace, SampleSource(photos + fresh, classes, seed))
    find_faces(workspace, detector)
    store.queue.rank_by_doubt(MAIN_CAMPAIGN, RUN)
    store.campaigns.create(
        NewCampaign(
            "is it anger?",
            "verify",
            about="angry",
            picks=Picks(candidate_class="angry"),
            ordering="random",
            seed=2,
            overlap=Overlap("majority", team=5),
        )
    )
    store.campaigns.create(NewCampaign("mixed feelings", several=True, suggest=Suggest(RUN, 0.2)))
    doubts = Picks(run_id=RUN, most_margin=0.3)
    store.campaigns.create(NewCampaign("the run's doubts", picks=doubts, gold=GoldMix(0.1, "at once")))
    return workspace


def cast_all(workspace: Workspace, seed: int) -> None:
    """The simulated team's votes, as if they had been cast up to now at the pace of people."""
    by_person: dict[int, list[PastVote]] = {}
    now = datetime.now(UTC)
    for new in ballots(workspace, seed):
        row = PastVote(
            new.face_id,
            new.annotator_id,
            f"drawn-{new.annotator_id}-{new.face_id}",
            now,
            choices=new.choices,
            flag=new.flag,
            seconds=new.seconds,
            shown=new.shown,
        )
        by_person.setdefault(new.annotator_id, []).append(row)
    for rows in by_person.values():
        begun = now - timedelta(seconds=SECONDS_A_VOTE * len(rows))
        workspace.store.vote_rows.add(
            [replace(row, at=begun + timedelta(seconds=SECONDS_A_VOTE * i)) for i, row in enumerate(rows)]
        )


def simulated_run(workspace: Workspace, seed: int) -> None:
    """A run that was never trained: what it sees is the truth with noise, so that pages have a model's view."""
    store, classes = workspace.store, workspace.settings.classes
    snapshot = make_snapshot(workspace).snapshot
    now = datetime.now(UTC)
    store.runs.start(Run(RUN, {"recipe": "simulated"}, snapshot.hash, "done", {}, {}, now, now))
    rng = np.random.default_rng(seed)
    seen = []
    for face_id, truth in true_faces(workspace).items():
        shows = np.array([truth is not None and truth.expression == name for name in classes], float)
        strength = np.exp(2.2 * shows + rng.normal(0, 1.0, len(classes)))
        shares = (strength / strength.sum()).round(4)
        seen.append(Prediction(RUN, face_id, dict(zip(classes, shares.tolist(), strict=True)), "train", True))
    store.predictions.replace(RUN, seen)


def known_answers(workspace: Workspace) -> None:
    """Twelve faces whose answer the owner knows."""
    owner = workspace.store.annotators.find(OWNER)
    assert owner is not None
    truths = true_faces(workspace)
    sure = [(i, truth.expression) for i, truth in truths.items() if truth is not None and truth.real]
    for face_id, expression in sure[::8][:12]:
        workspace.store.gold.set([face_id], answer=expression, set_by=owner.id)
