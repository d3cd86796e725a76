"""What one more person would reach on the faces that a run is measured on: the human ceiling beside its accuracy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from curate.agreement_votes import asked_of
from curate.ceiling import Match, ceiling
from curate.kinds_of_faces import FittedKinds, kinds_of_faces
from curate.said import Said
from db.records.snapshots import SnapshotMember
from db.workspace import Workspace


@dataclass(frozen=True, slots=True, eq=False)
class People:
    """The votes of a workspace, ready to be asked about some of its faces."""

    votes: Said
    kinds: FittedKinds | None

    def ceiling(self, members: Sequence[SnapshotMember]) -> dict[str, Any] | None:
        """How often one more person says the label of these faces: ``faces`` that have votes, ``share``, its 95 %
        ``bounds``, and the same ``by_class``; None where people's votes do not say.
        """
        found = ceiling(self.votes, self.kinds, {member.face_id: member.label for member in members})
        if found.overall.share is None:
            return None
        by_class = {name: _record(match) for name, match in found.by_class.items()}
        return {**_record(found.overall), "by_class": by_class}


def people_of(workspace: Workspace, classes: Sequence[str]) -> People:
    """Everybody's votes between these classes that hold now."""
    votes = asked_of(workspace.store, classes).votes
    return People(votes, kinds_of_faces(votes.alike))


def people_in_words(scores: Mapping[str, Any]) -> str:
    """``; people 84% (80% to 88%)`` for the scores of a part, empty where it is not known."""
    people = scores.get("people")
    if not people:
        return ""
    low, high = people["bounds"]
    return f"; people {people['share']:.0%} ({low:.0%} to {high:.0%})"


def people_on_class(scores: Mapping[str, Any], label: str) -> str:
    """What one more person reaches on the faces of a class, as recall; empty where it is not known."""
    share = ((scores.get("people") or {}).get("by_class", {}).get(label) or {}).get("share")
    return "" if share is None else f"{share:.2f}"


def _record(match: Match) -> dict[str, Any]:
    return {"faces": match.faces, "share": match.share, "bounds": list(match.bounds)}
