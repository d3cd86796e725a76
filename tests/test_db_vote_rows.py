"""Rows of the vote ledger that come from files: at most once, in any batches, with all that follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_store import on_one_store
from sqlalchemy import update

from db.engine import engine_for
from db.errors import NotFoundError
from db.records.campaigns import NewCampaign
from db.records.votes import NewVote, Vote
from db.store import Store
from db.tables import vote
from db.vote_rows import PastVote

START = datetime(2026, 1, 1, tzinfo=UTC)


def past(number: int, face: int, who: int, *choices: str, **more: object) -> PastVote:
    return PastVote(face, who, f"row-{number}", START + timedelta(seconds=number), choices=choices, **more)  # type: ignore[arg-type]


def what_holds(store: Store, campaign_id: int) -> list[tuple[int, int, tuple[str, ...]]]:
    return sorted((v.face_id, v.annotator_id, v.choices) for v in store.votes.current(campaign_id))


STEP = st.tuples(
    st.integers(0, 1),
    st.integers(0, 2),
    st.integers(0, 1),
    st.sampled_from(["vote", "vote", "skip", "undo"]),
    st.sampled_from(["happy", "angry", ""]),
)


@on_one_store(12)
@given(steps=st.lists(STEP, max_size=14), cuts=st.lists(st.integers(1, 4), max_size=14))
def test_a_ledger_that_comes_in_batches_holds_what_the_same_votes_cast_here_hold(
    store: Store, faces: tuple[int, ...], steps: list[tuple[int, int, int, str, str]], cuts: list[int]
) -> None:
    number = len(store.campaigns.all())
    cast, brought = (store.campaigns.create(NewCampaign(f"{kind} {number}")) for kind in ("cast", "brought"))
    people = [store.annotators.join(name).id for name in ("Ann", "Bob")]
    for place, (who, face, _, action, choice) in enumerate(steps):
        request = f"cast-{number}-{place:04}"
        new = NewVote(faces[face], people[who], (choice,) if choice else (), campaign_id=cast.id)
        if action == "undo":
            store.votes.undo(people[who], request_id=request, campaign_id=cast.id)
        else:
            (store.votes.cast if action == "vote" else store.votes.skip)(new, request_id=request)
    rows = copied(store.votes.history(cast.id), brought.id)
    left = list(rows)
    for cut in [*cuts, len(rows) + 1]:
        batch, left = left[:cut], left[cut:]
        assert store.vote_rows.add(batch).added == len(batch)
    assert what_holds(store, brought.id) == what_holds(store, cast.id)
    assert store.votes.skips(brought.id) == store.votes.skips(cast.id)
    assert store.queue.counts(brought.id) == store.queue.counts(cast.id)
    assert store.vote_rows.counts(brought.id) == store.vote_rows.counts(cast.id)
    again = store.vote_rows.add(rows)
    assert (again.added, again.known) == (0, len(rows))


BEFORE_OR_AFTER = st.tuples(
    st.integers(0, 1),
    st.sampled_from(["cast", "cast", "skip", "undo", "old row", "old row", "row of a wrong clock"]),
    st.integers(0, 400),
    st.sampled_from(["happy", "angry"]),
)


@on_one_store(25)
@given(steps=st.lists(BEFORE_OR_AFTER, max_size=14))
def test_rows_from_files_take_their_place_in_time_whatever_is_cast_and_undone_around_them(
    store: Store, faces: tuple[int, ...], steps: list[tuple[int, str, int, str]]
) -> None:
    number = len(store.campaigns.all())
    campaign = store.campaigns.create(NewCampaign(f"mixed {number}")).id
    ann = store.annotators.join("Ann").id
    model: list[
        tuple[datetime, int, int, tuple[str, ...] | None]
    ] = []  # time, place, face, choices or a skip
    for place, (face, action, days, choice) in enumerate(steps):
        now = datetime.now(UTC)
        if action == "undo":
            last = max(model, default=None)
            undone = store.votes.undo(ann, campaign_id=campaign)
            assert undone == (None if last is None else faces[last[2]])
            model = [one for one in model if one is not last]
        elif action in ("cast", "skip"):
            choices = (choice,) if action == "cast" else ()
            new = NewVote(faces[face], ann, choices, campaign_id=campaign)
            (store.votes.cast if action == "cast" else store.votes.skip)(new)
            model.append((now, place, face, choices or None))
        else:
            at = START + timedelta(days=days - 400) if action == "old row" else now + timedelta(days=days)
            name = f"mixed-{number}-{place}"
            row = PastVote(faces[face], ann, name, at, choices=(choice,), campaign_id=campaign)
            assert store.vote_rows.add([row]).added == 1
            model.append((min(at, now), place, face, (choice,)))
        holds = {one[2]: one[3] for one in sorted(model)}
        mine = store.votes.current(campaign)
        assert {vote.face_id: vote.choices for vote in mine} == {
            faces[face]: choices for face, choices in holds.items() if choices is not None
        }


def test_an_old_row_from_a_file_displaces_no_newer_vote_in_any_view(
    store: Store, faces: tuple[int, ...]
) -> None:
    ann = store.annotators.join("Ann").id
    elsewhere = store.campaigns.create(NewCampaign("elsewhere")).id
    store.votes.cast(NewVote(faces[0], ann, ("happy",)))
    store.votes.cast(NewVote(faces[1], ann, ("neutral",)))
    store.vote_rows.add(
        [past(1, faces[0], ann, "angry"), past(2, faces[0], ann, "angry", campaign_id=elsewhere)]
    )
    held = store.votes.held(ann, faces[0])
    assert held is not None and held.choices == ("happy",)
    assert [vote.choices for vote in store.votes.current() if vote.face_id == faces[0]] == [("happy",)]
    assert [vote.choices for vote in store.votes.bare() if vote.face_id == faces[0]] == [("happy",)]
    assert [vote.choices for vote in store.votes.of_annotator(ann, 2)] == [("neutral",), ("happy",)]
    assert store.votes.undo(ann) == faces[1]
    assert store.votes.undo(ann) == faces[0]
    held = store.votes.held(ann, faces[0])
    assert held is not None and held.choices == ("angry",)  # what the file tells held before


def test_a_vote_cast_after_the_clock_jumped_back_still_supersedes(
    store: Store, faces: tuple[int, ...], database_url: str
) -> None:
    ann = store.annotators.join("Ann").id
    store.votes.cast(NewVote(faces[0], ann, ("neutral",)))
    store.votes.cast(NewVote(faces[1], ann, ("neutral",)))
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    engine = engine_for(database_url)
    with engine.begin() as connection:  # as if the clock had been a day ahead
        connection.execute(update(vote).values(at=tomorrow))
    engine.dispose()
    store.vote_rows.add([past(1, faces[2], ann, "angry")])
    store.votes.cast(NewVote(faces[0], ann, ("happy",)))
    store.votes.cast(NewVote(faces[1], ann, ("happy",)))
    store.vote_rows.add([past(2, faces[0], ann, "angry")])  # what holds is looked up anew
    held = [store.votes.held(ann, face) for face in faces]
    assert [row.choices for row in held if row] == [("happy",), ("happy",), ("angry",)]
    undone = [store.votes.undo(ann) for _ in range(7)]
    assert undone == [faces[1], faces[0], faces[1], faces[0], faces[0], faces[2], None]


def copied(history: Sequence[Vote], campaign_id: int) -> list[PastVote]:
    names = {row.id: f"brought-{row.id}" for row in history}
    return [
        PastVote(
            row.face_id,
            row.annotator_id,
            names[row.id],
            row.at,
            row.action,
            row.choices,
            campaign_id=campaign_id,
            undoes=names[row.undoes_id] if row.undoes_id else "",
        )
        for row in history
    ]


def test_what_came_in_keeps_who_when_and_how_and_counts_on_the_face(
    store: Store, faces: tuple[int, ...]
) -> None:
    ann, bob = (store.annotators.join(name).id for name in ("Ann", "Bob"))
    row = past(1, faces[0], ann, "b", "a", seconds=0.25, shown={"zoom": 2}, flag="artificial")
    store.vote_rows.add([row, past(2, faces[0], bob, denies="a"), past(3, faces[1], bob)])
    first, second = store.votes.of_face(faces[0])
    assert (first.choices, first.seconds, first.shown, first.flag) == (
        ("a", "b"),
        0.25,
        {"zoom": 2},
        "artificial",
    )
    assert (first.at, first.request_id, second.denies) == (START + timedelta(seconds=1), "row-1", "a")
    fewest = store.faces.page(order="fewest votes")
    assert [row.face.id for row in fewest] == [faces[2], faces[1], faces[0]]
    assert store.vote_rows.of_faces(faces[:1]) == (first, second)


def test_an_undo_that_comes_later_withdraws_and_leaves_no_vote_behind(
    store: Store, faces: tuple[int, ...]
) -> None:
    ann = store.annotators.join("Ann").id
    undo = past(2, faces[0], ann, action="undo", undoes="row-1")
    early = store.vote_rows.add([undo])
    assert (early.added, early.orphans) == (0, (0,))
    store.vote_rows.add([past(1, faces[0], ann, "happy")])
    assert store.vote_rows.add([undo]).added == 1
    assert store.votes.of_face(faces[0]) == ()
    assert len(store.vote_rows.withdrawn()) == 1
    twice = past(3, faces[0], ann, action="undo", undoes="row-1")
    assert store.vote_rows.add([twice, undo]).known == 2


def test_rows_that_contradict_a_stored_row_are_refused_and_named(
    store: Store, faces: tuple[int, ...]
) -> None:
    ann, bob = (store.annotators.join(name).id for name in ("Ann", "Bob"))
    store.vote_rows.add([past(1, faces[0], ann, "happy")])
    others = [
        past(1, faces[1], ann, "happy"),
        past(1, faces[0], bob, "happy"),
        past(4, faces[0], bob, action="undo", undoes="row-1"),
        past(5, faces[1], bob, "angry"),
    ]
    done = store.vote_rows.add(others)
    assert (done.added, done.known, done.clashes) == (1, 0, (0, 1, 2))


def test_a_vote_cast_here_without_a_request_id_is_known_again_by_its_time(
    store: Store, faces: tuple[int, ...]
) -> None:
    ann = store.annotators.join("Ann").id
    store.votes.cast(NewVote(faces[0], ann, ("happy",)))
    (row,) = store.votes.history()
    same = PastVote(faces[0], ann, "named-later", row.at, choices=("happy",))
    assert store.vote_rows.add([same]).known == 1
    later = PastVote(faces[0], ann, "another", row.at + timedelta(microseconds=1), choices=("happy",))
    assert store.vote_rows.add([later]).added == 1


def test_a_batch_with_an_unknown_campaign_adds_nothing(store: Store, faces: tuple[int, ...]) -> None:
    ann = store.annotators.join("Ann").id
    with pytest.raises(NotFoundError):
        store.vote_rows.add([past(1, faces[0], ann), past(2, faces[1], ann, campaign_id=99)])
    assert store.votes.history() == ()
    assert store.vote_rows.add([]).added == 0
    with pytest.raises(ValueError, match="at most"):
        store.vote_rows.add([past(1, faces[0], ann)] * 5001)
