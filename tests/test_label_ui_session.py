"""The session: one person's sitting in one campaign, without a screen."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_store import on_one_store

from db.errors import InputError, NotFoundError
from db.overlap import Overlap
from db.records.campaigns import Campaign, GoldMix, NewCampaign, Picks, Suggest
from db.records.people import Annotator
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot
from db.workspace import Workspace
from label_ui.ballots import Ballot
from label_ui.desk import Desk, OtherPersonError
from label_ui.my_answers import my_answers
from label_ui.roles import NotAllowedError, calls_of
from label_ui.session import LEASE_S, FaceView, Session
from label_ui.suggestions import is_hidden
from label_ui.sway import sway_of

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture
def session(workspace: Workspace, add_faces: AddFaces) -> Session:
    add_faces(workspace, 6)
    return sit(workspace, "Ann")


def sit(workspace: Workspace, name: str, campaign: Campaign | None = None) -> Session:
    annotator = workspace.store.annotators.join(name)
    asked = campaign or workspace.store.campaigns.main()
    return Session(workspace.store, workspace.blobs, workspace.settings.classes, annotator, asked)


def ask(workspace: Workspace, name: str, **values: object) -> Campaign:
    return workspace.store.campaigns.create(NewCampaign(name, **values))  # type: ignore[arg-type]


def ballot(view: FaceView, request: str, choice: str | None = "happy") -> Ballot:
    return Ballot(view.face_id, view.crop_name, f"request-{request}", (choice,) if choice else ())


def faces(views: tuple[FaceView, ...]) -> list[int]:
    return [view.face_id for view in views]


# ---- showing, voting, undoing ---------------------------------------------------------------------------


def test_every_face_is_shown_once_and_then_none(session: Session) -> None:
    seen = []
    while views := session.next():
        seen.append(views[0].face_id)
        session.vote(ballot(views[0], str(len(seen))))
    assert len(seen) == len(set(seen)) == 6
    assert session.counts().voted == 6


def test_faces_on_the_screen_are_not_sent_again(session: Session) -> None:
    first = session.next(4)
    rest = session.next(4, exclude=faces(first))
    assert len(first) == 4 and len(rest) == 2
    assert not set(faces(first)) & set(faces(rest))


def test_a_view_says_nothing_that_sways(session: Session) -> None:
    (view,) = session.next()
    assert FaceView.__slots__ == ("face_id", "crop_name", "size_wh", "about", "suggestion")
    assert (view.about, view.suggestion) == ("", None)


def test_a_skipped_face_does_not_come_back_until_undone(session: Session) -> None:
    (view,) = session.next()
    session.skip(ballot(view, "1", None))
    assert view.face_id not in faces(session.next(9))
    undone = session.undo("request-2")
    assert undone is not None and undone.face_id == view.face_id
    assert view.face_id in faces(session.next(9))


def test_undo_goes_back_any_number_of_steps(session: Session) -> None:
    views = session.next(4)
    for i, view in enumerate(views):
        session.vote(ballot(view, f"vote-{i}"))
    back = [session.undo(f"request-undo-{i}") for i in range(5)]
    assert [view.face_id for view in back[:4] if view] == faces(views)[::-1]
    assert back[4] is None
    assert session.counts().voted == 0


def test_an_undo_is_a_row_of_its_own(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    vote = session.vote(ballot(view, "1")).vote_id
    session.undo("request-2")
    assert [(row.action, row.undoes_id) for row in workspace.store.votes.history()] == [
        ("vote", None),
        ("undo", vote),
    ]


def test_a_ballot_that_arrives_twice_counts_once(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    first, again = session.vote(ballot(view, "1")), session.vote(ballot(view, "1", "angry"))
    assert first.vote_id == again.vote_id
    assert [vote.choice for vote in workspace.store.votes.current()] == ["happy"]


def test_what_is_no_answer_is_refused_and_nothing_is_stored(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    good = ballot(view, "1")
    wrong = ({"choices": ("hapy",)}, {"flag": "ugly"}, {"request_id": "x"}, {"choices": ("happy", "angry")})
    for values in (*wrong, {"choices": ("happy", "happy")}, {"choices": (), "denies": "happy"}):
        with pytest.raises(InputError):
            session.vote(replace(good, **values))  # type: ignore[arg-type]
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


def test_of_what_a_screen_says_it_showed_only_what_is_known_is_kept(
    session: Session, workspace: Workspace
) -> None:
    (view,) = session.next()
    said = {"zoomed": True, "lang": "fr", "by": "x" * 99, "photo": "yes", "suggestion": {"label": "angry"}}
    session.vote(replace(ballot(view, "1"), shown=said))
    classes = ["happy", "angry", "surprised", "neutral"]
    assert workspace.store.votes.current()[0].shown == {"classes": classes, "zoomed": True, "lang": "fr"}


def test_a_face_whose_picture_is_missing_is_passed_over(session: Session, workspace: Workspace) -> None:
    (view,) = session.next()
    face = workspace.store.faces.by_ids([view.face_id])[0]
    (workspace.path / "blobs" / face.crop_sha256[:2] / f"{face.crop_sha256}.jpg").unlink()
    assert view.face_id not in faces(session.next(9))
    assert len(session.next(9)) == 5


def test_faces_added_later_are_shown(session: Session, workspace: Workspace, add_faces: AddFaces) -> None:
    for i, view in enumerate(session.next(9)):
        session.vote(ballot(view, f"vote-{i}"))
    assert session.next() == ()
    (new,) = add_faces(workspace, 1)
    assert faces(session.next(9)) == [new]


# ---- several people -------------------------------------------------------------------------------------


@on_one_store(15)
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
        assert not set(faces(shown)) & set(judged)
        request = f"{len(workspace.store.votes.history())}-{i}"
        if step == "undo":
            undone = tab.undo(f"request-{request}")
            assert (undone.face_id if undone else None) == (judged.pop() if judged else None)
        elif step != "look" and shown:
            (tab.vote if step == "vote" else tab.skip)(ballot(shown[0], request))
            judged.append(shown[0].face_id)


@on_one_store(15)
@given(
    turns=st.lists(st.tuples(st.integers(0, 4), st.sampled_from(["happy", "angry", None])), max_size=40),
    overlap=st.sampled_from([Overlap(), Overlap("fixed", most=2), Overlap("majority", team=3)]),
)
def test_no_face_gets_more_votes_than_its_overlap_wants(
    workspace: Workspace,
    add_faces: AddFaces,
    turns: list[tuple[int, str | None]],
    overlap: Overlap,
) -> None:
    if not workspace.store.faces.count():
        add_faces(workspace, 3)
    made = ask(workspace, f"round {len(workspace.store.campaigns.all())}", overlap=overlap)
    people = [sit(workspace, name, made) for name in ("Ann", "Bob", "Cat", "Dan", "Eve")]
    given_by_face: dict[int, list[str | None]] = {}
    for i, (who, choice) in enumerate(turns):
        for view in people[who].next():
            before = given_by_face.setdefault(view.face_id, [])
            assert overlap.wants_more(list(Counter(before).values()), len(before))
            people[who].vote(ballot(view, f"{made.id}-{i}", choice))
            before.append(choice)


def test_a_last_wanted_vote_is_on_one_screen_only_until_it_is_left(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 1)
    made = ask(workspace, "once", overlap=Overlap("fixed", most=1))
    ann, bob = sit(workspace, "Ann", made), sit(workspace, "Bob", made)
    shown = ann.next()
    assert bob.next() == ()
    assert ann.hold(faces(shown)) == ()
    ann.leave(faces(shown))
    assert faces(bob.next()) == faces(shown)
    assert ann.hold(faces(shown)) == tuple(faces(shown))  # gone: the last wanted vote is on Bob's screen


def test_a_lease_ends_by_itself_and_lasts_while_the_screen_renews_it(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 1)
    made = ask(workspace, "once", overlap=Overlap("fixed", most=1))
    now = [made.created_at]
    ann, bob = (
        Session(
            workspace.store, workspace.blobs, (), workspace.store.annotators.join(name), made, lambda: now[0]
        )
        for name in ("Ann", "Bob")
    )
    (face,) = faces(ann.next())
    for _ in range(3):
        now[0] += timedelta(seconds=0.9 * LEASE_S)
        assert bob.next() == ()
        assert ann.hold([face]) == ()
    now[0] += timedelta(seconds=1.1 * LEASE_S)
    assert faces(bob.next()) == [face]
    assert ann.hold([face]) == (face,)


def test_a_face_finished_by_others_is_gone_from_the_deck_yet_a_late_vote_counts(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 1)
    made = ask(workspace, "two", overlap=Overlap("fixed", most=2))
    ann, bob, cat = (sit(workspace, name, made) for name in ("Ann", "Bob", "Cat"))
    (view,) = ann.next()
    ann.leave([view.face_id])
    bob.next()
    cat.next()
    bob.vote(ballot(view, "bob"))
    cat.vote(ballot(view, "cat"))
    assert ann.hold([view.face_id]) == (view.face_id,)
    ann.vote(ballot(view, "ann"))
    assert len(workspace.store.votes.current(made.id)) == 3


def test_a_closed_campaign_hands_out_nothing_and_keeps_late_votes(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 2)
    made = ask(workspace, "short")
    (view,) = sit(workspace, "Ann", made).next()
    closed = workspace.store.campaigns.close(made.id)
    assert sit(workspace, "Ann", closed).next(2) == ()
    sit(workspace, "Ann", closed).vote(ballot(view, "late"))
    assert len(workspace.store.votes.current(made.id)) == 1


def test_a_campaign_for_some_people_asks_nobody_else(workspace: Workspace, add_faces: AddFaces) -> None:
    add_faces(workspace, 1)
    ann = workspace.store.annotators.join("Ann")
    made = ask(workspace, "for Ann", voters=(ann.id,))
    assert len(sit(workspace, "Ann", made).next()) == 1
    with pytest.raises(NotAllowedError, match="does not ask Bob"):
        sit(workspace, "Bob", made)
    desk, bob = Desk(workspace), workspace.store.annotators.join("Bob")
    assert [campaign["name"] for campaign in desk.open_campaigns(bob)] == ["main"]


# ---- questions ------------------------------------------------------------------------------------------


def test_verify_asks_about_one_class_and_takes_yes_no_and_unsure(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 3)
    made = ask(workspace, "angry?", question="verify", about="angry")
    ann = sit(workspace, "Ann", made)
    yes, no, unsure = ann.next(3)
    assert {view.about for view in (yes, no, unsure)} == {"angry"}
    ann.vote(ballot(yes, "yes", "angry"))
    ann.vote(replace(ballot(no, "no", None), denies="angry"))
    ann.vote(ballot(unsure, "unsure", None))
    with pytest.raises(InputError):
        ann.vote(ballot(yes, "other", "happy"))
    said = {(vote.choices, vote.denies) for vote in workspace.store.votes.current(made.id)}
    assert said == {(("angry",), None), ((), "angry"), ((), None)}


def test_verify_without_a_class_asks_about_each_face_s_own_candidate(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 1)
    (view,) = sit(workspace, "Ann", ask(workspace, "seed", question="verify")).next()
    assert view.about == "angry"


def test_faces_without_a_picture_are_passed_over_and_let_go_in_bounded_time(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    store, gone = workspace.store, add_faces(workspace, 4)
    for face in store.faces.by_ids(gone):
        workspace.blobs.path(face.crop_sha256, ".jpg").unlink()
    made = ask(workspace, "by age", ordering="age", overlap=Overlap("fixed", most=1))
    kept = add_faces(workspace, 2)
    ann = sit(workspace, "Ann", made)
    assert faces(ann.next(2)) == list(kept)
    assert faces(ann.next(2, exclude=kept)) == []
    bob = store.annotators.join("Bob").id
    assert sorted(face.face_id for face in store.queue.take(made.id, bob, 9)) == list(gone)


def test_several_classes_are_taken_where_the_campaign_allows_them(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 1)
    made = ask(workspace, "mixed", several=True)
    ann = sit(workspace, "Ann", made)
    (view,) = ann.next()
    ann.vote(replace(ballot(view, "1"), choices=("surprised", "happy")))
    assert workspace.store.votes.current(made.id)[0].choices == ("happy", "surprised")


# ---- after the vote: known answers, others' votes ---------------------------------------------------------


def known(workspace: Workspace, face_id: int, **answer: str) -> None:
    curator = workspace.store.annotators.join("Curator").id
    workspace.store.gold.set([face_id], set_by=curator, **answer)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("truth", "given", "right"),
    [
        ({"answer": "happy"}, {"choices": ("happy",)}, True),
        ({"answer": "angry"}, {"choices": ("happy",)}, False),
        ({"answer": "angry"}, {"choices": ()}, False),
        ({"flag": "artificial"}, {"flag": "artificial"}, True),
        ({"flag": "artificial"}, {"choices": ("happy",)}, False),
    ],
)
def test_a_known_face_tells_at_once_where_the_campaign_says_so(
    workspace: Workspace,
    add_faces: AddFaces,
    truth: dict[str, str],
    given: dict[str, object],
    right: bool,
) -> None:
    (face,) = add_faces(workspace, 1)
    known(workspace, face, **truth)
    for feedback in ("at once", "never"):
        made = ask(workspace, feedback, gold=GoldMix(0.1, feedback))  # type: ignore[arg-type]
        ann = sit(workspace, "Ann", made)
        (view,) = ann.next()
        cast = ann.vote(replace(ballot(view, feedback.replace(" ", "-"), None), **given))  # type: ignore[arg-type]
        assert (cast.feedback.right if cast.feedback else None) == (right if feedback == "at once" else None)


def test_a_no_to_another_class_than_the_known_one_is_right(workspace: Workspace, add_faces: AddFaces) -> None:
    (face,) = add_faces(workspace, 1)
    known(workspace, face, answer="happy")
    made = ask(workspace, "angry?", question="verify", about="angry", gold=GoldMix(0.1, "at once"))
    ann = sit(workspace, "Ann", made)
    (view,) = ann.next()
    cast = ann.vote(replace(ballot(view, "1", None), denies="angry"))
    assert cast.feedback is not None and cast.feedback.right


def test_others_votes_show_after_the_vote_in_an_open_campaign_only(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 1)
    for blind in (True, False):
        made = ask(workspace, f"blind {blind}", blind=blind)
        for name, choice in (("Ann", "happy"), ("Bob", "angry")):
            person = sit(workspace, name, made)
            (view,) = person.next()
            cast = person.vote(ballot(view, f"{name}-{made.id}-x", choice))
        assert [(answer.choices, votes) for answer, votes in cast.others] == (
            [] if blind else [(("happy",), 1)]
        )


def test_one_s_own_confusion_counts_known_faces_only(workspace: Workspace, add_faces: AddFaces) -> None:
    ids = add_faces(workspace, 4)
    for face, answer in zip(ids, ("happy", "happy", "angry"), strict=False):
        known(workspace, face, answer=answer)
    made = ask(workspace, "known", gold=GoldMix(0.1, "at once"))
    ann = sit(workspace, "Ann", made)
    for view in ann.next(9):
        ann.vote(replace(ballot(view, f"vote-{view.face_id}", "happy"), seconds=2.0))
    me = workspace.store.annotators.join("Ann")
    mine = my_answers(workspace.store, made, ann.classes, me.id)
    assert (mine.voted, mine.median_seconds, mine.gold.right, mine.gold.total) == (4, 2.0, 2, 3)
    assert [(row.truth, row.counts) for row in mine.gold.rows] == [
        ("happy", (2, 0, 0, 0)),
        ("angry", (1, 0, 0, 0)),
    ]
    secret = replace(made, gold=GoldMix(0.1, "never"))
    assert my_answers(workspace.store, secret, ann.classes, me.id).gold.hidden_until == 10


# ---- suggestions ----------------------------------------------------------------------------------------


def predict(workspace: Workspace, ids: tuple[int, ...]) -> None:
    store, now = workspace.store, workspace.store.campaigns.main().created_at
    store.snapshots.add(Snapshot("0" * 64, ("happy", "angry"), (1.0, 0.0, 0.0), 0, now))
    store.runs.start(Run("run-1", {}, "0" * 64, "done", {}, {}, now))
    view = {"happy": 0.3, "angry": 0.7}
    store.predictions.replace("run-1", [Prediction("run-1", face, view, "val", True) for face in ids])


def test_a_suggestion_is_shown_or_hidden_and_the_vote_says_which(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    predict(workspace, add_faces(workspace, 40))
    made = ask(workspace, "helped", suggest=Suggest("run-1", 0.5))
    ann = sit(workspace, "Ann", made)
    shown = {}
    for view in ann.next(40):
        shown[view.face_id] = view.suggestion
        ann.vote(ballot(view, f"vote-{view.face_id}", "angry" if view.suggestion else "happy"))
    assert 10 < sum(suggestion is None for suggestion in shown.values()) < 30
    for vote in workspace.store.votes.current(made.id):
        kept = vote.shown["suggestion"]
        assert isinstance(kept, dict) and (kept["label"], kept["share"]) == ("angry", 0.7)
        assert kept["hidden"] == (shown[vote.face_id] is None)
    sway = sway_of(workspace.store.votes.iterate(made.id))
    assert sway.difference == 1.0 and sway.interval is not None and sway.interval[0] > 0.5


def test_what_is_hidden_stays_so_for_a_person_and_differs_between_people(workspace: Workspace) -> None:
    main = workspace.store.campaigns.main()
    of_ann, of_bob = ([is_hidden(main, who, face, 0.3) for face in range(2000)] for who in (1, 2))
    assert of_ann == [is_hidden(main, 1, face, 0.3) for face in range(2000)] != of_bob
    assert sum(of_ann) / 2000 == pytest.approx(0.3, abs=0.04)
    assert not any(is_hidden(main, 1, face, 0.0) for face in range(50))
    assert all(is_hidden(main, 1, face, 1.0) for face in range(50))


def test_without_suggestions_there_is_no_sway() -> None:
    assert sway_of(()) == sway_of(iter(())) and sway_of(()).difference is None


# ---- the desk -------------------------------------------------------------------------------------------


@pytest.fixture
def ann(workspace: Workspace) -> Annotator:
    return workspace.store.annotators.join("Ann")


def test_every_method_of_the_desk_says_what_role_it_needs(workspace: Workspace) -> None:
    public = {name for name in vars(Desk) if not name.startswith("_") and name != "workspace"}
    assert set(calls_of(Desk(workspace))) == public


def test_the_photo_comes_with_the_box_as_shares_of_its_size(
    workspace: Workspace, add_faces: AddFaces, ann: Annotator
) -> None:
    (face,) = add_faces(workspace, 1)
    photo = Desk(workspace).photo(ann, face)
    assert photo["box"] == (8 / 80, 6 / 60, 40 / 80, 54 / 60)
    assert (photo["width"], photo["height"]) == (80, 60)
    with pytest.raises(NotFoundError):
        Desk(workspace).photo(ann, 10_000)


def test_what_reaches_a_voter_names_no_candidate_and_no_vote(
    workspace: Workspace, add_faces: AddFaces, ann: Annotator
) -> None:
    add_faces(workspace, 3)
    desk = Desk(workspace)
    bob = sit(workspace, "Bob")
    bob.vote(ballot(bob.next()[0], "bob", "angry"))
    told = desk.next(ann, 1, 9)
    assert all(set(face) == {"face", "crop", "picture", "width", "height"} for face in told)
    assert "angry" not in str(told)


def test_votes_that_another_person_left_in_the_browser_are_not_taken_for_one_s_own(
    workspace: Workspace, add_faces: AddFaces, ann: Annotator
) -> None:
    add_faces(workspace, 1)
    desk = Desk(workspace)
    (face,) = desk.next(ann, 1)
    with pytest.raises(OtherPersonError, match="wait for Bob"):
        desk.vote(ann, 1, face["face"], face["crop"], "request-1", ["happy"], person="Bob")
    assert desk.vote(ann, 1, face["face"], face["crop"], "request-1", ["happy"], person="Ann")["vote"] == 1


def test_picks_choose_the_faces(workspace: Workspace, add_faces: AddFaces) -> None:
    ids = add_faces(workspace, 4)
    made = ask(workspace, "some", picks=Picks(face_ids=ids[1:3]))
    assert set(faces(sit(workspace, "Ann", made).next(9))) == set(ids[1:3])


@pytest.mark.parametrize("face", [sys.maxsize * 4, -(10**30)])
def test_a_face_number_no_store_can_hold_is_a_bad_request(
    workspace: Workspace, ann: Annotator, face: int
) -> None:
    with pytest.raises((OverflowError, NotFoundError)):
        Desk(workspace).photo(ann, face)
