"""How far the team is: consensus so far and simple agreement."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from db.records import NewVote
from db.workspace import Workspace
from label_ui.team import team_progress

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


def test_without_faces_everything_is_zero(workspace: Workspace) -> None:
    team = team_progress(workspace.store, workspace.settings.classes)
    assert (team.faces, team.votes, team.unvoted, team.agreement, team.people) == (0, 0, 0, None, ())


def test_every_face_is_counted_in_one_place(workspace: Workspace, add_faces: AddFaces) -> None:
    faces = add_faces(workspace, 4)
    store = workspace.store
    people = [store.annotators.join(name).id for name in ("Ann", "Bob")]
    simulated = store.annotators.join("robot", simulated=True, note="errs 10 %").id
    for who, choice in zip([*people, simulated], ["happy", "happy", "angry"], strict=True):
        store.votes.cast(NewVote(faces[0], who, choice))
    for who, choice in zip(people, ["happy", "neutral"], strict=True):
        store.votes.cast(NewVote(faces[1], who, choice))
    store.votes.cast(NewVote(faces[2], people[0], None, flag="artificial"))
    store.votes.skip(NewVote(faces[3], people[0], None))
    team = team_progress(store, workspace.settings.classes)
    assert team.by_class == {"happy": 1, "angry": 0, "surprised": 0, "neutral": 0}
    assert (team.undecided, team.rejected, team.unvoted) == (1, 1, 1)
    assert sum(team.by_class.values()) + team.undecided + team.rejected + team.unvoted == team.faces == 4
    assert team.pairs == 4 and team.agreement == pytest.approx(1 / 4)
    assert [(p.name, p.votes, p.skips, p.simulated) for p in team.people] == [
        ("Ann", 3, 1, False),
        ("Bob", 2, 0, False),
        ("robot", 1, 0, True),
    ]
