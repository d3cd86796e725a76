"""The human ceiling that stands beside a run's figures."""

from collections.abc import Callable

import pytest

from db.records.snapshots import SnapshotMember
from db.records.votes import NewVote
from db.workspace import Workspace
from train.people import people_in_words, people_of, people_on_class

CLASSES = ("happy", "angry", "surprised", "neutral")


def member(face_id: int, label: str) -> SnapshotMember:
    return SnapshotMember(face_id, f"{face_id:064x}", label, "test", f"{face_id}", {label: 1.0})


@pytest.fixture
def members(
    workspace: Workspace, add_faces: Callable[[Workspace, int], tuple[int, ...]]
) -> list[SnapshotMember]:
    """Twelve faces that three people judged: all happy but for one vote; one more face nobody judged."""
    *judged, unjudged = add_faces(workspace, 13)
    for name in ("Ada", "Ben", "Cem"):
        person = workspace.store.annotators.join(name).id
        for face in judged:
            odd = name == "Cem" and face == judged[0]
            workspace.store.votes.cast(NewVote(face, person, ("angry" if odd else "happy",)))
    return [member(face, "happy") for face in (*judged, unjudged)]


def test_the_ceiling_of_a_part_is_over_its_own_faces(
    workspace: Workspace, members: list[SnapshotMember]
) -> None:
    people = people_of(workspace, CLASSES)
    found = people.ceiling(members)
    assert found is not None
    assert found["faces"] == 12 and 0.85 < found["share"] <= 1
    assert found["bounds"][0] < found["share"] <= found["bounds"][1]
    assert found["by_class"]["angry"]["share"] is None
    assert people.ceiling(members[12:]) is None and people.ceiling([]) is None


def test_without_votes_there_is_no_ceiling(workspace: Workspace) -> None:
    assert people_of(workspace, CLASSES).ceiling([member(1, "happy")]) is None


def test_a_run_says_what_people_reach_and_an_older_one_nothing() -> None:
    one = {"faces": 9, "share": 0.9, "bounds": [0.8, 0.95]}
    scores = {"people": {**one, "by_class": {"happy": one, "angry": {**one, "share": None}}}}
    assert people_in_words(scores) == "; people 90% (80% to 95%)"
    assert [people_on_class(scores, label) for label in ("happy", "angry", "gone")] == ["0.90", "", ""]
    assert people_in_words({}) == people_in_words({"people": None}) == people_on_class({}, "happy") == ""
