"""Votes in the store: what holds, undo, resending, who is shown what, many writers at once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_store import on_one_store

from db.errors import InputError, NotFoundError
from db.records.votes import NewVote
from db.store import Store
from db.workspace import Workspace

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
Choices = tuple[str, ...]
CHOICES: tuple[Choices, ...] = (("happy",), ("angry",), ())


@pytest.fixture
def workspace(database_workspace: Workspace) -> Workspace:
    """On SQLite, then on PostgreSQL."""
    return database_workspace


@pytest.fixture
def faces(workspace: Workspace, add_faces: AddFaces) -> tuple[int, ...]:
    return add_faces(workspace, 4)


def held(store: Store) -> dict[tuple[int, int], tuple[str, ...]]:
    return {(vote.annotator_id, vote.face_id): vote.choices for vote in store.votes.current()}


class Model:
    """The same ledger in plain Python: a stack of what each person did."""

    def __init__(self) -> None:
        self.done: dict[int, list[tuple[int, str, Choices]]] = {}

    def act(self, who: int, face: int, action: str, choice: Choices) -> None:
        if action != "undo":
            self.done.setdefault(who, []).append((face, action, choice))
        elif self.done.get(who):
            self.done[who].pop()

    def standing(self) -> dict[tuple[int, int], tuple[str, Choices]]:
        return {
            (who, face): (action, choice) for who, rows in self.done.items() for face, action, choice in rows
        }


STEP = st.tuples(
    st.integers(0, 2),
    st.integers(0, 3),
    st.sampled_from(["vote", "vote", "skip", "undo"]),
    st.sampled_from(CHOICES),
)


@on_one_store(25)
@given(steps=st.lists(STEP, max_size=25))
def test_undo_restores_exactly_what_held_before_after_any_steps(
    store: Store, faces: tuple[int, ...], steps: list[tuple[int, int, str, Choices]]
) -> None:
    people = [store.annotators.join(name).id for name in ("Ann", "Bob", "Cem")]
    for person in people:  # what an earlier example left behind
        while store.votes.undo(person) is not None:
            pass
    model = Model()
    for who, face, action, choice in steps:
        person, face_id = people[who], faces[face]
        new = NewVote(face_id, person, choice if action == "vote" else ())
        if action == "undo":
            store.votes.undo(person)
        else:
            (store.votes.cast if action == "vote" else store.votes.skip)(new)
        model.act(person, face_id, action, new.choices)
    standing = model.standing()
    assert held(store) == {key: choice for key, (action, choice) in standing.items() if action == "vote"}
    for person in people:
        mine = [action for (who, _), (action, _) in standing.items() if who == person]
        assert store.votes.counts().get(person, 0) == mine.count("vote")
        assert store.votes.skips().get(person, 0) == mine.count("skip")


@on_one_store(15)
@given(order=st.permutations(range(8)))
def test_the_order_of_votes_does_not_matter_to_what_holds(
    store: Store, faces: tuple[int, ...], order: list[int]
) -> None:
    people = [store.annotators.join(name).id for name in ("Ann", "Bob")]
    for person in people:
        while store.votes.undo(person) is not None:
            pass
    ballots = [NewVote(face, person, CHOICES[face % 3]) for face in faces for person in people]
    for i in order:
        store.votes.cast(ballots[i])
    assert held(store) == {(b.annotator_id, b.face_id): b.choices for b in ballots}


def test_voting_again_replaces_and_undo_brings_the_earlier_vote_back(
    store: Store, faces: tuple[int, ...]
) -> None:
    ann = store.annotators.join("Ann").id
    store.votes.cast(NewVote(faces[0], ann, ("happy",)))
    store.votes.cast(NewVote(faces[0], ann, ("angry",)))
    assert held(store) == {(ann, faces[0]): ("angry",)}
    assert store.votes.undo(ann) == faces[0]
    assert held(store) == {(ann, faces[0]): ("happy",)}
    assert store.votes.undo(ann) == faces[0]
    assert held(store) == {}
    assert store.votes.undo(ann) is None
    assert [row.action for row in store.votes.history()] == ["vote", "vote", "undo", "undo"]


def test_the_same_request_again_stores_nothing(store: Store, faces: tuple[int, ...]) -> None:
    ann = store.annotators.join("Ann").id
    first = store.votes.cast(NewVote(faces[0], ann, ("happy",)), request_id="request-1")
    assert store.votes.cast(NewVote(faces[0], ann, ("angry",)), request_id="request-1") == first
    assert held(store) == {(ann, faces[0]): ("happy",)}
    store.votes.cast(NewVote(faces[1], ann, ("happy",)), request_id="request-2")
    assert store.votes.undo(ann, request_id="request-3") == faces[1]
    assert store.votes.undo(ann, request_id="request-3") == faces[1]
    assert held(store) == {(ann, faces[0]): ("happy",)}


def test_a_request_id_of_another_face_is_refused(store: Store, faces: tuple[int, ...]) -> None:
    ann = store.annotators.join("Ann").id
    store.votes.cast(NewVote(faces[0], ann, ("happy",)), request_id="request-1")
    with pytest.raises(InputError, match="was for face"):
        store.votes.cast(NewVote(faces[1], ann, ("happy",)), request_id="request-1")


def test_a_request_id_of_another_action_or_person_is_refused(store: Store, faces: tuple[int, ...]) -> None:
    ann, bob = (store.annotators.join(name).id for name in ("Ann", "Bob"))
    new = NewVote(faces[0], ann, ("happy",))
    store.votes.cast(new, request_id="request-1")
    store.votes.cast(NewVote(faces[1], bob, ("happy",)))
    for refused in (
        lambda: store.votes.skip(new, request_id="request-1"),
        lambda: store.votes.undo(ann, request_id="request-1"),
        lambda: store.votes.undo(bob, request_id="request-1"),
    ):
        with pytest.raises(InputError, match="vote of annotator"):
            refused()
    store.votes.undo(ann, request_id="request-2")
    with pytest.raises(InputError, match="undo of annotator"):
        store.votes.undo(bob, request_id="request-2")
    with pytest.raises(InputError, match="not face 1 in 99"):
        store.votes.undo(ann, request_id="request-2", campaign_id=99)
    assert held(store) == {(bob, faces[1]): ("happy",)}


def test_undo_of_a_named_request_leaves_later_votes_alone(store: Store, faces: tuple[int, ...]) -> None:
    ann = store.annotators.join("Ann").id
    store.votes.cast(NewVote(faces[0], ann, ("happy",)), request_id="request-1")
    store.votes.cast(NewVote(faces[1], ann, ("angry",)), request_id="request-2")
    assert store.votes.undo(ann, of="request-1") == faces[0]
    assert store.votes.undo(ann, of="request-1") is None
    assert store.votes.undo(ann, of="never sent") is None
    assert held(store) == {(ann, faces[1]): ("angry",)}


def test_one_person_cannot_undo_another(store: Store, faces: tuple[int, ...]) -> None:
    ann, bob = store.annotators.join("Ann").id, store.annotators.join("Bob").id
    store.votes.cast(NewVote(faces[0], ann, ("happy",)), request_id="request-1")
    assert store.votes.undo(bob) is None
    assert store.votes.undo(bob, of="request-1") is None
    assert held(store) == {(ann, faces[0]): ("happy",)}


def test_an_unknown_face_or_annotator_is_named(store: Store, faces: tuple[int, ...]) -> None:
    ann = store.annotators.join("Ann").id
    with pytest.raises(NotFoundError, match="no face 999"):
        store.votes.cast(NewVote(999, ann, ("happy",)))
    with pytest.raises(NotFoundError, match="no annotator 999"):
        store.votes.skip(NewVote(faces[0], 999))


def test_a_name_is_one_person_whatever_its_case_and_spaces(store: Store) -> None:
    assert store.annotators.join("Ana  Léa").id == store.annotators.join(" ana le\u0301a ").id
    found = store.annotators.find("ANA LÉA")
    assert found is not None and found.name == "Ana Léa"
    assert store.annotators.find("Bob") is None
    with pytest.raises(ValueError, match="at most 64"):
        store.annotators.join("x" * 65)


def test_twenty_writers_in_threads_and_processes_lose_and_double_nothing() -> None:
    script = Path(__file__).parent.parent / "benchmarks" / "votes.py"
    options = ["--writers", "20", "--threads", "5", "--votes", "50", "--faces", "1000"]
    result = subprocess.run(
        [sys.executable, str(script), *options], capture_output=True, text=True, timeout=300, check=True
    )
    figures = json.loads(result.stdout)
    assert figures["votes"] == 20 * 50
    assert {name: figures[name] for name in ("lost", "doubled", "locked")} == {
        "lost": 0,
        "doubled": 0,
        "locked": 0,
    }


def test_two_stores_on_one_database_see_each_others_votes(
    workspace: Workspace, faces: tuple[int, ...], database_url: str
) -> None:
    ann = workspace.store.annotators.join("Ann").id
    other = Store.open(database_url)
    other.votes.cast(NewVote(faces[0], ann, ("happy",)))
    assert workspace.store.votes.of_face(faces[0])[0].annotator_id == ann
    assert workspace.store.votes.undo(ann) == faces[0]
    assert other.votes.current() == ()
    other.close()
