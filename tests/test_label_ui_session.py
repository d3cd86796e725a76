"""The session: one person's sitting, without a screen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.errors import InputError, NotFoundError
from db.workspace import Workspace
from label_ui.desk import Desk, envelope
from label_ui.session import Ballot, FaceView, Session

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture
def session(workspace: Workspace, add_faces: AddFaces) -> Session:
    add_faces(workspace, 6)
    return sit(workspace, "Ann")


def sit(workspace: Workspace, name: str) -> Session:
    annotator = workspace.store.annotators.join(name)
    return Session(workspace.store, workspace.blobs, workspace.settings.classes, annotator)


def ballot(view: FaceView, request: str, choice: str | None = "happy") -> Ballot:
    return Ballot(view.face_id, view.crop_name, f"request-{request}", choice)


def test_every_face_is_shown_once_and_then_none(session: Session) -> None:
    seen = []
    while views := session.next():
        seen.append(views[0].face_id)
        session.vote(ballot(views[0], str(len(seen))))
    assert len(seen) == len(set(seen)) == 6
    assert session.progress().voted == 6


def test_faces_on_the_screen_are_not_sent_again(session: Session) -> None:
    first = session.next(4)
    rest = session.next(4, exclude=[view.face_id for view in first])
    assert len(first) == 4 and len(rest) == 2
    assert not {view.face_id for view in first} & {view.face_id for view in rest}


def test_a_view_shows_the_picture_and_nothing_that_sways(session: Session) -> None:
    (view,) = session.next()
    assert view.crop.startswith(b"\xff\xd8")
    assert {"candidate", "votes", "label"}.isdisjoint(FaceView.__slots__)


def test_a_skipped_face_does_not_come_back_until_undone(session: Session) -> None:
    (view,) = session.next()
    session.skip(ballot(view, "1", None))
    assert view.face_id not in [v.face_id for v in session.next(9)]
    undone = session.undo("request-2")
    assert undone is not None and undone.face_id == view.face_id
    assert view.face_id in [v.face_id for v in session.next(9)]


def test_undo_goes_back_any_number_of_steps(session: Session) -> None:
    views = session.next(4)
    for i, view in enumerate(views):
        session.vote(ballot(view, f"vote-{i}"))
    back = [session.undo(f"request-undo-{i}") for i in range(5)]
    assert [view.face_id for view in back[:4] if view] == [view.face_id for view in reversed(views)]
    assert back[4] is None
    assert session.progress().voted == 0


def test_a_ballot_that_arrives_twice_counts_once(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    assert session.vote(ballot(view, "1")) == session.vote(ballot(view, "1", "angry"))
    assert [vote.choice for vote in workspace.store.votes.current()] == ["happy"]


def test_what_is_no_answer_is_refused_and_nothing_is_stored(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    good = ballot(view, "1")
    for bad in (replace(good, choice="hapy"), replace(good, flag="ugly"), replace(good, request_id="x")):
        with pytest.raises(InputError):
            session.vote(bad)
    with pytest.raises(NotFoundError, match="not the picture"):
        session.vote(replace(good, crop_name="0" * 16))
    with pytest.raises(NotFoundError, match="no face"):
        session.vote(replace(good, face_id=10_000))
    assert workspace.store.votes.history() == ()


@pytest.mark.parametrize(
    ("told", "kept"), [(None, None), (2.5, 2.5), (-1.0, 0.0), (float("nan"), None), (1e12, 86_400.0)]
)
def test_the_seconds_a_screen_tells_are_kept_within_reason(
    session: Session, workspace: Workspace, told: float | None, kept: float | None
) -> None:
    (view,) = session.next()
    session.vote(replace(ballot(view, "1"), seconds=told))
    assert workspace.store.votes.current()[0].seconds == kept


def test_a_face_whose_picture_is_missing_is_passed_over(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    face = workspace.store.faces.by_ids([view.face_id])[0]
    (workspace.path / "blobs" / face.crop_sha256[:2] / f"{face.crop_sha256}.jpg").unlink()
    assert view.face_id not in [v.face_id for v in session.next(9)]
    assert len(session.next(9)) == 5


def test_the_photo_comes_with_the_box_as_shares_of_its_size(session: Session) -> None:
    (view,) = session.next()
    photo = session.photo(view.face_id)
    assert photo.photo.startswith(b"\xff\xd8")
    assert photo.box == (8 / 80, 6 / 60, 40 / 80, 54 / 60)
    with pytest.raises(NotFoundError):
        session.photo(10_000)


def test_faces_added_later_are_shown(session: Session, workspace: Workspace, add_faces: AddFaces) -> None:
    for i, view in enumerate(session.next(9)):
        session.vote(ballot(view, f"vote-{i}"))
    assert session.next() == ()
    (new,) = add_faces(workspace, 1)
    assert [view.face_id for view in session.next(9)] == [new]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)
@given(steps=st.lists(st.sampled_from(["vote", "skip", "undo", "look"]), max_size=20))
def test_nobody_is_asked_twice_however_two_tabs_interleave(
    session: Session, workspace: Workspace, steps: list[str]
) -> None:
    tabs = [session, sit(workspace, "Ann")]
    while session.undo(f"request-{len(workspace.store.votes.history())}-clean"):
        pass
    judged: list[int] = []
    for i, step in enumerate(steps):
        tab = tabs[i % 2]
        shown = tab.next(2)
        assert not {view.face_id for view in shown} & set(judged)
        request = f"{len(workspace.store.votes.history())}-{i}"
        if step == "undo":
            undone = tab.undo(f"request-{request}")
            assert (undone.face_id if undone else None) == (judged.pop() if judged else None)
        elif step != "look" and shown:
            (tab.vote if step == "vote" else tab.skip)(ballot(shown[0], request))
            judged.append(shown[0].face_id)


@pytest.mark.parametrize("face", [10**30, -(10**30)])
def test_a_face_number_no_store_can_hold_is_a_bad_request(workspace: Workspace, face: int) -> None:
    desk = Desk(workspace)
    desk.join("Ann")
    answer = envelope(desk.photo, {"annotator": "Ann", "face": face})
    assert answer["again"] is False and answer["error"]
