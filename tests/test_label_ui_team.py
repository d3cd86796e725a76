"""Who is in the team and how far it is: figures and the Team page's counter."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import InputError, NotFoundError
from db.overlap import Overlap
from db.records.campaigns import MAIN_CAMPAIGN, ClassCount
from db.records.labels import Label
from db.records.people import Annotator
from db.records.votes import NewVote
from db.workspace import Workspace
from label_ui.team import Progress, TimeLeft, people_of, progress_of, time_left
from label_ui.team_desk import TeamDesk

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


def progress(workspace: Workspace, **when: datetime) -> Progress:
    people = people_of(workspace.store, MAIN_CAMPAIGN, **when)
    return progress_of(workspace.store, MAIN_CAMPAIGN, people, **when)


def test_an_empty_workspace_has_nobody_and_nothing_to_do(workspace: Workspace) -> None:
    assert people_of(workspace.store) == ()
    found = progress(workspace)
    assert (found.done, found.open, found.votes, found.by_class) == (0, 0, 0, {})
    assert found.time_left == TimeLeft(0.0, 0.0)


def voted(workspace: Workspace, faces: tuple[int, ...], *people: str) -> None:
    for name in people:
        who = workspace.store.annotators.join(name).id
        for face in faces:
            workspace.store.votes.cast(NewVote(face, who, ("happy",)))


def test_people_come_with_votes_skips_and_share_the_busiest_first(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    faces = add_faces(workspace, 4)
    store = workspace.store
    voted(workspace, faces[:3], "Ann")
    voted(workspace, faces[:1], "Bob")
    robot = store.annotators.join("robot", simulated=True, note="errs 10 %").id
    store.votes.skip(NewVote(faces[3], store.annotators.join("Bob").id))
    store.annotators.disable(store.annotators.join("Cem").id)
    assert [(p.name, p.role, p.votes, p.skips, p.share, p.votes_last_hour) for p in people_of(store, 1)] == [
        ("Ann", "owner", 3, 0, 0.75, 3),
        ("Bob", "voter", 1, 1, 0.25, 1),
        ("robot", "voter", 0, 0, 0.0, 0),
        ("Cem", "voter", 0, 0, 0.0, 0),
    ]
    assert [(p.simulated, p.note, p.disabled) for p in people_of(store)][2:] == [
        (True, "errs 10 %", False),
        (False, "", True),
    ]
    assert robot


def test_the_last_hour_counts_the_votes_that_hold(workspace: Workspace, add_faces: AddFaces) -> None:
    voted(workspace, add_faces(workspace, 3), "Ann")
    store = workspace.store
    store.votes.undo(store.annotators.join("Ann").id, request_id="taken-back-1")
    (ann,) = people_of(store, MAIN_CAMPAIGN)
    assert (ann.votes, ann.votes_last_hour) == (2, 2)


def test_faces_with_votes_await_a_decision_until_one_is_there(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    faces = add_faces(workspace, 3)
    voted(workspace, faces[:2], "Ann")
    desk, ann = TeamDesk(workspace), workspace.store.annotators.join("Ann")
    assert desk.undecided(ann) == {"faces": 2}
    workspace.store.labels.decide([Label(faces[0], "happy", {"happy": 1.0}, 1.0, 1, "majority")])
    assert desk.undecided(ann) == {"faces": 1}


def test_progress_counts_faces_done_and_open_by_class_and_what_is_labelled(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    faces = add_faces(workspace, 5)
    store = workspace.store
    voted(workspace, faces[:2], "Ann", "Bob")
    voted(workspace, faces[2:3], "Ann")
    now = datetime.now(UTC)
    store.labels.decide([Label(faces[0], "happy", {"happy": 1.0}, 1.0, 2, "auto", now)])
    found = progress(workspace)
    assert (found.done, found.open, found.votes) == (2, 3, 5)
    assert found.by_class == {"angry": ClassCount(open=3, done=2)}
    assert (found.done_last_hour, found.votes_last_hour) == (2, 5)
    assert found.labels == {"happy": 1} and (found.undecided, found.rejected) == (0, 0)
    assert found.time_left is not None
    later = progress(workspace, now=now + timedelta(hours=2))
    assert (later.done_last_hour, later.votes_last_hour, later.time_left) == (0, 0, None)


def test_a_campaign_that_is_not_there_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="campaign"):
        progress_of(workspace.store, 999, ())


@pytest.mark.parametrize(
    ("open_faces", "needs", "done", "votes", "expected"),
    [
        (0, 0, 0, 0, TimeLeft(0.0, 0.0)),
        (10, 20, 0, 0, None),
        (10, 20, 0, 5, TimeLeft(4.0, None)),
        (10, 20, 5, 40, TimeLeft(0.5, 2.0)),
        (10, 20, 40, 5, TimeLeft(0.25, 4.0)),
    ],
)
def test_the_time_left_is_a_range_from_two_paces(
    open_faces: int, needs: int, done: int, votes: int, expected: TimeLeft | None
) -> None:
    assert time_left(open_faces, needs, done, votes) == expected


@given(st.integers(0, 10**6), st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**6))
def test_the_time_left_never_runs_backwards(open_faces: int, needs: int, done: int, votes: int) -> None:
    left = time_left(open_faces, needs, done, votes)
    assert left is None or left.high is None or 0 <= left.low <= left.high


# ---- the counter ----------------------------------------------------------------------------------------------


@pytest.fixture
def desk(workspace: Workspace) -> TeamDesk:
    workspace.store.annotators.add("Olga")
    workspace.store.annotators.add("Bob")
    return TeamDesk(workspace)


def person(desk: TeamDesk, name: str) -> Annotator:
    found = desk.workspace.store.annotators.find(name)
    assert found is not None
    return found


def test_the_page_shows_everybody_and_the_campaigns(desk: TeamDesk) -> None:
    shown = desk.team(person(desk, "Bob"))
    assert [p["name"] for p in shown["people"]] == ["Bob", "Olga"] and shown["me"] == "Bob"
    assert [c["name"] for c in shown["campaigns"]] == ["main"]
    assert shown["progress"]["campaign"] == "main"


def test_a_link_is_shown_once_and_listed_without_its_token(desk: TeamDesk) -> None:
    olga = person(desk, "Olga")
    made = desk.invite(olga, role="curator", name=" Ana  Maria ", days=2)
    (listed,) = desk.invitations(olga)
    assert (listed["name"], listed["role"], listed["by"], listed["uses_left"]) == (
        "Ana Maria",
        "curator",
        "Olga",
        1,
    )
    assert made["token"] not in str(listed) and "token" not in listed
    desk.invite_revoke(olga, listed["id"])
    assert desk.invitations(olga) == []


def test_roles_change_and_somebody_always_stays_owner(desk: TeamDesk) -> None:
    olga = person(desk, "Olga")
    assert desk.person_role(olga, "Bob", "curator") == {"name": "Bob", "role": "curator", "disabled": False}
    with pytest.raises(InputError, match="must stay owner"):
        desk.person_role(olga, "Olga", "voter")
    with pytest.raises(InputError, match="is no role"):
        desk.person_role(olga, "Bob", "king")
    with pytest.raises(NotFoundError, match="nobody is called"):
        desk.person_role(olga, "Eve", "voter")


def test_a_change_is_seen_at_once_and_nobody_shuts_themselves_out(desk: TeamDesk) -> None:
    olga = person(desk, "Olga")
    desk.team(olga)
    desk.person_disable(olga, "Bob")
    assert [p["name"] for p in desk.team(olga)["people"] if p["disabled"]] == ["Bob"]
    with pytest.raises(InputError, match="cannot shut yourself out"):
        desk.person_disable(olga, "Olga")
    desk.person_enable(olga, "Bob")
    assert [p["name"] for p in desk.team(olga)["people"] if p["disabled"]] == []


def test_forty_people_of_many_scripts_are_listed(desk: TeamDesk) -> None:
    names = [
        "محمد عبد الله",
        "יעל כהן",
        "山田太郎",
        "x" * 64,
        "<b>bold</b>",
        *(f"Person {i}" for i in range(35)),
    ]
    for name in names:
        desk.workspace.store.annotators.add(name)
    assert {p["name"] for p in desk.team(person(desk, "Olga"))["people"]} == {"Olga", "Bob", *names}


def test_a_campaign_with_another_overlap_counts_by_it(workspace: Workspace, add_faces: AddFaces) -> None:
    faces = add_faces(workspace, 2)
    workspace.store.campaigns.change(MAIN_CAMPAIGN, overlap=Overlap("fixed", most=1))
    voted(workspace, faces[:1], "Ann")
    found = progress(workspace)
    assert (found.done, found.open, found.needs) == (1, 1, 1)
