"""What a model suggests about a face, and on which faces each voter does not see it.

Hidden by a hash of campaign, face and person, not by a coin thrown each time: whoever comes back to a face
finds it as it was, every process agrees, and each person's shown and hidden faces are a random split.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from db.records.campaigns import Campaign
from db.store import Store


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A run's strongest class for a face and its probability, 0 to 1; ``hidden`` from this voter."""

    run_id: str
    label: str
    share: float
    hidden: bool

    def as_shown(self) -> dict[str, object]:
        """As a vote's ``shown`` keeps it."""
        return asdict(self)


def suggestions_for(
    store: Store, campaign: Campaign, annotator_id: int, face_ids: Sequence[int], *, also_hidden: bool = False
) -> Mapping[int, Suggestion]:
    """The suggestions for these faces by face id; none where the run never saw the face.

    Without ``also_hidden`` only those that this person may see before voting.
    """
    if campaign.suggest is None or not face_ids:
        return {}
    run_id, share = campaign.suggest.run_id, campaign.suggest.hidden_share
    found: dict[int, Suggestion] = {}
    for prediction in store.predictions.of_faces(run_id, face_ids):
        label, probability = max(prediction.probabilities.items(), key=lambda item: item[1])
        hidden = is_hidden(campaign, annotator_id, prediction.face_id, share)
        found[prediction.face_id] = Suggestion(run_id, label, round(probability, 4), hidden)
    return {face: made for face, made in found.items() if also_hidden or not made.hidden}


def is_hidden(campaign: Campaign, annotator_id: int, face_id: int, share: float) -> bool:
    """Whether the suggestion stays hidden: true for about ``share`` (0 to 1) of the faces of every person."""
    name = f"{campaign.seed}/{campaign.id}/{face_id}/{annotator_id}".encode()
    return int.from_bytes(hashlib.sha256(name).digest()[:8]) < share * 2**64
