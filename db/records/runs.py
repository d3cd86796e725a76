"""Training runs, and what they think of faces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RunStatus = Literal["running", "done", "failed"]


@dataclass(frozen=True, slots=True)
class Run:
    """One training run; its files (weights, curves, plots) lie in ``runs/<id>/`` of the workspace."""

    id: str
    recipe: Mapping[str, object]
    snapshot_hash: str
    status: RunStatus
    metrics: Mapping[str, object]
    environment: Mapping[str, object]
    started_at: datetime
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a run thinks of a face; ``out_of_fold`` says the run never trained on it."""

    run_id: str
    face_id: int
    probabilities: Mapping[str, float]
    part: str
    out_of_fold: bool
