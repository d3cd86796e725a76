"""Simulated annotators: people with stated error rates, so that a demo's every later step can be measured.

They see the truth of the drawn people and answer as a person of their care would; their votes are stored
under names that say "simulated" and are shown so everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from collect.sample_scene import SceneFace
from collect.sample_source import truth
from curate.nms import overlaps
from db.progress import progress
from db.records.faces import Face
from db.records.votes import NewVote
from db.workspace import Workspace

MATCH_IOU = 0.3


@dataclass(frozen=True, slots=True)
class SimulatedAnnotator:
    """``error_rate``: share of faces answered wrongly; ``unsure_rate``: share with no class."""

    name: str
    error_rate: float
    unsure_rate: float

    @property
    def note(self) -> str:
        return f"simulated: {self.error_rate:.0%} wrong, {self.unsure_rate:.0%} unsure"


TEAM = (
    SimulatedAnnotator("Ada (simulated)", 0.04, 0.01),
    SimulatedAnnotator("Blaise (simulated)", 0.08, 0.02),
    SimulatedAnnotator("Chioma (simulated)", 0.14, 0.03),
    SimulatedAnnotator("Dmitri (simulated)", 0.22, 0.05),
)


def true_faces(workspace: Workspace) -> dict[int, SceneFace | None]:
    """For each stored face of a drawn photo, whom it shows; None where the detector saw a face in nothing."""
    natives = {pid: o.native_id for pid, o in workspace.store.photos.origins() if o.source == "sample"}
    scenes = {pid: truth(native).faces for pid, native in natives.items()}
    return {
        face.id: _best_match(face, scenes[face.photo_id])
        for face in workspace.store.faces.all()
        if face.photo_id in scenes
    }


def vote_all(workspace: Workspace, seed: int, team: tuple[SimulatedAnnotator, ...] = TEAM) -> int:
    """Let the team vote on every drawn face it has not judged yet; gives how many votes were cast."""
    cast = 0
    for new in ballots(workspace, seed, team):
        workspace.store.votes.cast(new)
        cast += 1
    return cast


def ballots(
    workspace: Workspace, seed: int, team: tuple[SimulatedAnnotator, ...] = TEAM
) -> Iterator[NewVote]:
    """What each of the team says of every drawn face they have not judged yet, one person after the other."""
    truths = true_faces(workspace)
    faces = {face.id: face for face in workspace.store.faces.all()}
    for place, member in enumerate(team):
        annotator = workspace.store.annotators.join(member.name, simulated=True, note=member.note)
        judged = {v.face_id for v in workspace.store.votes.current() if v.annotator_id == annotator.id}
        waiting = [face_id for face_id in truths if face_id not in judged]
        for face_id in progress(waiting, member.name, total=len(waiting)):
            # The answer derives from the picture, not from the order of asking.
            rng = np.random.default_rng([seed, place, int(faces[face_id].crop_sha256[:12], 16)])
            answer = _answer(member, truths[face_id], workspace.settings.classes, rng)
            yield NewVote(
                face_id, annotator.id, answer.choices, answer.flag, answer.seconds, {"simulated": True}
            )


@dataclass(frozen=True, slots=True)
class _Answer:
    choices: tuple[str, ...]
    flag: str | None
    seconds: float


def _answer(
    member: SimulatedAnnotator, face: SceneFace | None, classes: tuple[str, ...], rng: np.random.Generator
) -> _Answer:
    seconds = float(rng.gamma(4.0, 0.4))
    careful = rng.random() >= member.error_rate
    if face is None:
        return _Answer((), "not_a_face" if careful else "unusable", seconds)
    if not face.real and careful:
        return _Answer((), "artificial", seconds)
    if rng.random() < member.unsure_rate:
        return _Answer((), None, seconds)
    if careful and face.expression in classes:
        return _Answer((face.expression,), None, seconds)
    others = [name for name in classes if name != face.expression]
    return _Answer((str(rng.choice(others)),), None, seconds)


def _best_match(face: Face, people: tuple[SceneFace, ...]) -> SceneFace | None:
    if not people:
        return None
    shares = overlaps(boxes([face]), boxes(people))[0]  # (people,)
    best = int(shares.argmax())
    return people[best] if shares[best] >= MATCH_IOU else None


def boxes(faces: Sequence[Face | SceneFace]) -> NDArray[np.float64]:
    """(N, 4) pixel xyxy, of found or drawn faces."""
    return np.array([face.xyxy for face in faces], np.float64).reshape(-1, 4)
