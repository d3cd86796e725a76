"""The queue: nobody twice, the last wanted vote on one screen only, leases, undo, a changed overlap, gold."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from at_once import at_once
from hypothesis import given
from hypothesis import strategies as st
from one_store import on_one_store

from db.errors import InputError, NotFoundError
from db.overlap import Overlap
from db.queue_rows import Wanted
from db.records.campaigns import MAIN_CAMPAIGN, Campaign, GoldMix, NewCampaign, Picks, QueuedFace
from db.records.faces import NewFace
from db.records.photos import NewPhoto, Origin
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot
from db.records.votes import NewVote
from db.store import Store
from db.workspace import Workspace

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
names = itertools.count()


@pytest.fixture
def workspace(database_workspace: Workspace) -> Workspace:
    """On SQLite, then on PostgreSQL."""
    return database_workspace


@pytest.fixture
def faces(workspace: Workspace, add_faces: AddFaces) -> tuple[int, ...]:
    return add_faces(workspace, 5)


@pytest.fixture
def people(store: Store) -> tuple[int, ...]:
    return tuple(store.annotators.join(name).id for name in ("Ann", "Bob", "Cem"))


def campaign_with(store: Store, **values: object) -> Campaign:
    return store.campaigns.create(NewCampaign(f"campaign {next(names)}", **values))  # type: ignore[arg-type]


def vote(store: Store, campaign: Campaign, who: int, face: int, *choices: str) -> int:
    return store.votes.cast(NewVote(face, who, choices, campaign_id=campaign.id))


def taken(store: Store, campaign: Campaign, who: int, count: int = 9, **more: object) -> list[int]:
    return [face.face_id for face in store.queue.take(campaign.id, who, count, **more)]  # type: ignore[arg-type]


class Model:
    """The same queue in plain Python: everything looked up anew from what each person did."""

    def __init__(self, overlap: Overlap, faces: tuple[int, ...]) -> None:
        self.overlap, self.faces, self.now = overlap, faces, NOON
        self.done: dict[int, list[tuple[int, tuple[str, ...] | None]]] = {}  # None is a skip
        self.leases: dict[tuple[int, int], datetime] = {}
        self.asked: dict[int, int] = {}

    def judged(self, who: int) -> set[int]:
        return {face for face, _ in self.done.get(who, [])}

    def answers(self, face: int) -> Counter[tuple[str, ...]]:
        held = [dict(rows).get(face) for rows in self.done.values()]
        return Counter(choices for choices in held if choices is not None)

    def wanted(self, face: int) -> Wanted:
        answers = self.answers(face)
        voters, asked = answers.total(), self.asked.get(face, 0)
        needs = max(self.overlap.least_more(list(answers.values()), voters), asked - voters, 0)
        return Wanted(voters, needs, needs > 0 and (len(answers) > 1 or asked > voters))

    def leased_to_others(self, who: int, face: int) -> int:
        return sum(
            until > self.now for (them, it), until in self.leases.items() if it == face and them != who
        )

    def may_take(self, who: int) -> set[int]:
        return {
            face
            for face in set(self.faces) - self.judged(who)
            if self.wanted(face).needs > self.leased_to_others(who, face)
        }

    def judge(self, who: int, face: int, choices: tuple[str, ...] | None) -> None:
        self.done.setdefault(who, []).append((face, choices))
        self.leases.pop((who, face), None)


WHO, FACE = st.integers(0, 2), st.integers(0, 4)
CHOICES = st.sampled_from([("happy",), ("happy",), ("angry",), ()])
OVERLAPS = st.sampled_from(
    [Overlap(), Overlap("fixed", most=1), Overlap("fixed", most=3), Overlap("majority", team=3)]
)
STEP = st.one_of(
    st.tuples(st.just("take"), WHO, st.integers(1, 4)),
    st.tuples(st.just("vote on a face taken"), WHO, CHOICES),
    st.tuples(st.just("vote on any face"), WHO, FACE, CHOICES),
    st.tuples(st.just("skip"), WHO, FACE),
    st.tuples(st.just("undo"), WHO),
    st.tuples(st.just("wait"), st.sampled_from([60, 120, 200])),
    st.tuples(st.just("change"), OVERLAPS),
    st.tuples(st.just("ask more"), FACE, st.integers(1, 2)),
    st.tuples(st.just("leave"), WHO),
)


@on_one_store(60)
@given(overlap=OVERLAPS, steps=st.lists(STEP, max_size=30))
def test_the_queue_agrees_with_a_plain_model_after_any_steps(
    store: Store,
    people: tuple[int, ...],
    faces: tuple[int, ...],
    overlap: Overlap,
    steps: list[tuple[object, ...]],
) -> None:
    """Nobody is asked twice, no wanted vote is on too many screens, and nobody waits while a face is open."""
    campaign = campaign_with(store, overlap=overlap)
    model = Model(overlap, faces)
    for step in steps:
        model.now += timedelta(seconds=3)
        act(store, campaign, model, people, step)
    assert store.queue.wanted(campaign.id, faces) == {face: model.wanted(face) for face in faces}
    counts = store.queue.counts(campaign.id)
    needs = [model.wanted(face).needs for face in faces]
    assert (counts.open, counts.done, counts.needs) == (sum(n > 0 for n in needs), needs.count(0), sum(needs))


def act(
    store: Store, campaign: Campaign, model: Model, people: tuple[int, ...], step: tuple[object, ...]
) -> None:
    """One step on the store and on the model."""
    match step:
        case ("take", int(who), int(count)):
            check_take(store, campaign, model, people[who], count)
        case ("vote on a face taken", int(who), tuple(choices)):
            mine = sorted(face for them, face in model.leases if them == people[who])
            if mine:
                vote(store, campaign, people[who], mine[0], *choices)
                model.judge(people[who], mine[0], choices)
        case ("vote on any face", int(who), int(face), tuple(choices)):
            vote(store, campaign, people[who], model.faces[face], *choices)
            model.judge(people[who], model.faces[face], choices)
        case ("skip", int(who), int(face)):
            store.votes.skip(NewVote(model.faces[face], people[who], campaign_id=campaign.id))
            model.judge(people[who], model.faces[face], None)
        case ("undo", int(who)):
            undone = store.votes.undo(people[who], campaign_id=campaign.id)
            expected = model.done[people[who]].pop()[0] if model.done.get(people[who]) else None
            assert undone == expected
            if expected is not None:
                model.leases.pop((people[who], expected), None)
        case ("wait", int(seconds)):
            model.now += timedelta(seconds=seconds)
        case ("change", Overlap() as overlap):
            store.campaigns.change(campaign.id, overlap=overlap)
            model.overlap = overlap
        case ("ask more", int(face), int(votes)):
            store.queue.ask_more(campaign.id, [model.faces[face]], votes)
            model.asked[model.faces[face]] = model.wanted(model.faces[face]).voters + votes
        case ("leave", int(who)):
            store.queue.release(campaign.id, people[who])
            model.leases = {key: until for key, until in model.leases.items() if key[0] != people[who]}


def check_take(store: Store, campaign: Campaign, model: Model, who: int, count: int) -> None:
    may = model.may_take(who)
    got = taken(store, campaign, who, count, now=model.now)
    assert len(set(got)) == len(got) == min(count, len(may))
    assert set(got) <= may
    mine = [key for key, until in model.leases.items() if key[0] == who and until > model.now]
    for face in {*got, *(face for _, face in mine if face in may)}:  # what waits on the screen is renewed
        if model.leases.get((who, face), model.now) < model.now + timedelta(seconds=90):
            model.leases[who, face] = model.now + timedelta(seconds=180)


@on_one_store(15)
@given(order=st.permutations(range(8)))
def test_any_order_of_the_same_votes_leaves_the_same_queue(
    store: Store, people: tuple[int, ...], faces: tuple[int, ...], order: list[int]
) -> None:
    campaign = campaign_with(store)
    ballots = [
        (who, face, ("happy", "angry")[(who + face) % 3 == 0]) for who in people for face in faces[:3]
    ][:8]
    for i in order:
        vote(store, campaign, *ballots[i][:2], ballots[i][2])
    seen = store.queue.wanted(campaign.id, faces), store.queue.counts(campaign.id)
    again = campaign_with(store)
    for ballot in ballots:
        vote(store, again, *ballot[:2], ballot[2])
    assert seen == (store.queue.wanted(again.id, faces), store.queue.counts(again.id))


def test_the_last_wanted_vote_is_on_one_screen_only_until_its_lease_ends(
    store: Store, people: tuple[int, ...], faces: tuple[int, ...]
) -> None:
    ann, bob, _ = people
    campaign = campaign_with(store, overlap=Overlap("fixed", most=1))
    first = taken(store, campaign, ann, 2, now=NOON)
    second = taken(store, campaign, bob, now=NOON)
    assert len(first) == 2
    assert sorted(first + second) == list(faces)
    assert taken(store, campaign, people[2], now=NOON) == []
    later = NOON + timedelta(seconds=100)
    assert taken(store, campaign, ann, 9, exclude=first, now=later) == []  # renews what the screen shows
    last = NOON + timedelta(seconds=181)
    assert sorted(taken(store, campaign, people[2], now=last)) == sorted(second)


def test_a_vote_that_comes_after_its_lease_or_on_a_finished_face_or_in_a_closed_campaign_counts(
    store: Store, people: tuple[int, ...]
) -> None:
    ann, bob, cem = people
    campaign = campaign_with(store, overlap=Overlap("fixed", most=1))
    [face] = taken(store, campaign, ann, 1, now=NOON)
    assert taken(store, campaign, bob, 1, now=NOON + timedelta(hours=1)) == [face]
    vote(store, campaign, bob, face, "happy")
    vote(store, campaign, ann, face, "happy")
    store.campaigns.close(campaign.id)
    assert taken(store, campaign, cem) == []
    vote(store, campaign, cem, face, "angry")
    assert [v.choices for v in store.votes.of_face(face, campaign.id)] == [("happy",), ("happy",), ("angry",)]
    assert store.queue.wanted(campaign.id, [face]) == {face: Wanted(3, 0, False)}
    store.campaigns.reopen(campaign.id)
    assert len(taken(store, campaign, cem)) == 4


def test_a_page_that_was_reloaded_gets_the_same_faces_again(store: Store, people: tuple[int, ...]) -> None:
    campaign = campaign_with(store)
    before = taken(store, campaign, people[0], 3, now=NOON)
    assert sorted(taken(store, campaign, people[0], 3, now=NOON)) == sorted(before)
    assert not set(before) & set(taken(store, campaign, people[0], 2, exclude=before, now=NOON))


def test_renewing_says_which_faces_on_the_screen_are_not_wanted_any_more(
    store: Store, people: tuple[int, ...]
) -> None:
    ann, bob, _ = people
    campaign = campaign_with(store, overlap=Overlap("fixed", most=1))
    shown = taken(store, campaign, ann, 3, now=NOON)
    vote(store, campaign, bob, shown[0], "happy")
    vote(store, campaign, ann, shown[1], "happy")
    assert store.queue.renew(campaign.id, ann, shown, now=NOON) == tuple(shown[:2])
    store.queue.release(campaign.id, ann, shown[2:])
    assert shown[2] in taken(store, campaign, bob, now=NOON)
    assert store.queue.renew(campaign.id, ann, shown[2:], now=NOON) == (shown[2],)


def test_urgent_faces_take_turns_with_the_others_where_the_order_is_to_teach(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    store, faces = workspace.store, add_faces(workspace, 8)
    ann, bob, cem = (store.annotators.join(name).id for name in ("Ann", "Bob", "Cem"))
    campaign = campaign_with(store)
    for face in faces[:3]:
        vote(store, campaign, ann, face, "happy")
        vote(store, campaign, bob, face, "angry")
    shown = store.queue.take(campaign.id, cem, 8)
    assert [face.urgent for face in shown] == [True, False, True, False, True, False, False, False]
    by_age = campaign_with(store, ordering="age")
    vote(store, by_age, ann, faces[4], "happy")
    vote(store, by_age, bob, faces[4], "angry")
    assert taken(store, by_age, cem, 8) == list(faces)
    store.queue.ask_more(by_age.id, [faces[6]], 1)
    store.queue.release(by_age.id, cem)
    assert taken(store, by_age, bob, 1) == [faces[6]]


def test_two_people_in_a_row_meet_at_the_same_faces_so_that_faces_finish_early(
    store: Store, people: tuple[int, ...]
) -> None:
    campaign = campaign_with(store)
    for who in people[:2]:
        for face in taken(store, campaign, who, 2):
            vote(store, campaign, who, face, "happy")
        store.queue.release(campaign.id, who)
    assert store.queue.counts(campaign.id).done == 2


def test_faces_that_a_run_doubts_come_first(
    store: Store, people: tuple[int, ...], faces: tuple[int, ...]
) -> None:
    predicted(store, {face: 0.5 + i / 10 for i, face in enumerate(faces)})
    campaign = campaign_with(store)
    assert store.queue.rank_by_doubt(campaign.id, "run", most_margin=0.25) == 2
    shown = store.queue.take(campaign.id, people[0], 3)
    assert [face.face_id for face in shown if face.urgent] == list(faces[:2])
    assert store.queue.rank_by_doubt(campaign.id, "run", most_margin=0.05) == 1


def predicted(store: Store, strongest: dict[int, float]) -> None:
    """A run that gave each face this share for happy and the rest to angry."""
    store.snapshots.add(Snapshot("5" * 64, ("happy", "angry"), (8, 1, 1), 0, NOON))
    store.runs.start(Run("run", {}, "5" * 64, "done", {}, {}, NOON))
    rows = [Prediction("run", i, {"happy": p, "angry": 1 - p}, "train", True) for i, p in strongest.items()]
    store.predictions.replace("run", rows)


def test_a_campaign_asks_about_the_faces_it_picks_and_only_the_people_it_names(
    store: Store, people: tuple[int, ...], faces: tuple[int, ...]
) -> None:
    predicted(store, {face: 0.5 + i / 10 for i, face in enumerate(faces)})
    round_of_two = campaign_with(store, picks=Picks(face_ids=faces[1:3]), voters=people[:1])
    assert sorted(taken(store, round_of_two, people[0])) == list(faces[1:3])
    assert taken(store, round_of_two, people[1]) == []
    assert store.queue.counts(campaign_with(store, picks=Picks(candidate_class="sad")).id).open == 0
    assert store.queue.counts(campaign_with(store, picks=Picks(candidate_class="angry")).id).open == 5
    doubted = campaign_with(store, picks=Picks(run_id="run", most_margin=0.25))
    assert sorted(taken(store, doubted, people[0])) == list(faces[:2])


def test_a_new_face_joins_the_campaigns_that_ask_about_its_kind(
    workspace: Workspace, add_faces: AddFaces, store: Store, people: tuple[int, ...]
) -> None:
    angry = campaign_with(store, picks=Picks(candidate_class="angry"))
    sad = campaign_with(store, picks=Picks(candidate_class="sad"))
    assert taken(store, angry, people[0], 5, now=NOON)
    [new] = add_faces(workspace, 1)
    shown = tuple(store.faces.ids())[:5]
    assert taken(store, angry, people[0], 5, exclude=shown, now=NOON) == [new]
    assert store.queue.counts(sad.id).open == 0
    assert store.queue.counts(MAIN_CAMPAIGN).by_class["angry"].open == 6
    assert store.queue.fill(angry.id) == 0


def test_known_faces_are_mixed_in_at_the_share_asked_for(workspace: Workspace, add_faces: AddFaces) -> None:
    store, faces = workspace.store, add_faces(workspace, 150)
    ann, bob = (store.annotators.join(name).id for name in ("Ann", "Bob"))
    store.gold.set(faces[:40], set_by=ann, answer="happy")
    picks = Picks(face_ids=faces[40:])
    campaign = campaign_with(store, picks=picks, gold=GoldMix(0.2), ordering="age")
    seen = {}
    for who in (ann, bob):
        shown: list[QueuedFace] = []
        while len(shown) < 120 and (
            more := store.queue.take(campaign.id, who, 7, exclude=[f.face_id for f in shown])
        ):
            shown += more
        seen[who] = [face.face_id for face in shown if face.gold]
        assert [face.face_id for face in shown if not face.gold] == list(
            faces[40 : 40 + len(shown) - len(seen[who])]
        )
        assert 0.1 < len(seen[who]) / len(shown) < 0.3
        store.queue.release(campaign.id, who)
    assert seen[ann] != seen[bob]


def test_a_known_face_is_shown_to_each_person_once(
    store: Store, people: tuple[int, ...], faces: tuple[int, ...]
) -> None:
    ann = people[0]
    store.gold.set(faces[:2], set_by=ann, flag="not_a_face")
    campaign = campaign_with(
        store, picks=Picks(face_ids=faces[2:]), gold=GoldMix(0.5), overlap=Overlap("fixed", most=2)
    )
    seen: list[int] = []
    while shown := store.queue.take(campaign.id, ann, 1):
        seen.append(shown[0].face_id)
        vote(store, campaign, ann, shown[0].face_id, "happy")
    assert len(set(seen)) == len(seen)
    assert set(faces[2:]) <= set(seen)
    assert store.queue.counts(campaign.id).open == 3


def test_people_who_take_and_vote_at_once_waste_no_vote(
    workspace: Workspace, add_faces: AddFaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, faces = workspace.store, add_faces(workspace, 24)
    people = [store.annotators.join(f"voter {i}").id for i in range(6)]
    campaign = campaign_with(store, overlap=Overlap("fixed", most=2))

    def work(who: int) -> None:
        while store.queue.counts(campaign.id).open:
            for face in taken(store, campaign, who, 3):
                vote(store, campaign, who, face, "happy")

    at_once(*(partial(work, who) for who in people))
    assert {face: w.voters for face, w in store.queue.wanted(campaign.id, faces).items()} == dict.fromkeys(
        faces, 2
    )


def test_voters_and_curators_at_once_hinder_nobody(store: Store, faces: tuple[int, ...]) -> None:
    """Where changing a campaign kept leases of it waiting, PostgreSQL found deadlocks between the two."""
    people = [store.annotators.join(f"voter {i}").id for i in range(4)]
    campaign = campaign_with(store, overlap=Overlap("fixed", most=3))

    def votes(who: int) -> None:
        for _ in range(25):
            for face in taken(store, campaign, who, 2):
                vote(store, campaign, who, face, "happy")
            store.votes.undo(who, campaign_id=campaign.id)

    def curates(who: int) -> None:
        for i in range(30):
            store.queue.ask_more(campaign.id, [faces[(who + i) % 5], faces[i % 5]], i % 3)
            store.campaigns.change(campaign.id, overlap=Overlap("fixed", most=2 + i % 3))

    busy = enumerate([*people, *people[:2]])
    at_once(*(partial(curates if i % 2 else votes, who) for i, who in busy))


def test_a_face_without_a_class_is_not_asked_whether_it_shows_it(
    workspace: Workspace, store: Store, faces: tuple[int, ...], people: tuple[int, ...]
) -> None:
    bare = add_bare_face(workspace)
    store.gold.set([bare], set_by=people[0], flag="not_a_face")
    verify = campaign_with(store, question="verify", gold=GoldMix(0.5))
    store.queue.ask_more(verify.id, [bare, faces[0]], 1)
    assert sorted(taken(store, verify, people[0])) == list(faces)
    named = campaign_with(store, question="verify", about="angry")
    assert sorted(taken(store, named, people[0])) == [*faces, bare]
    alone = NewCampaign("alone", question="verify", picks=Picks(face_ids=(bare,)))
    with pytest.raises(InputError, match="would ask about no face") as refused:
        store.campaigns.create(alone, may_wait=False)
    assert "name the class" in str(refused.value.hint)
    assert store.campaigns.by_name("alone") is None
    assert store.queue.counts(store.campaigns.create(alone).id).open == 0  # it waits for faces


def test_a_request_for_more_votes_is_told_in_all_and_can_be_put_back_as_it_stood(
    store: Store, people: tuple[int, ...], faces: tuple[int, ...]
) -> None:
    campaign = campaign_with(store, overlap=Overlap("fixed", most=1))
    vote(store, campaign, people[0], faces[0], "happy")
    before = store.queue.wanted(campaign.id, faces[:2])
    first = store.queue.ask_more(campaign.id, faces[:2], 2)
    assert first == {faces[0]: 3, faces[1]: 2}
    asked = store.queue.wanted(campaign.id, faces[:2])
    assert store.queue.ask_more(campaign.id, faces[:1], 4) == {faces[0]: 5}
    store.queue.set_asked(campaign.id, first)
    assert store.queue.wanted(campaign.id, faces[:2]) == asked
    store.queue.set_asked(campaign.id, dict.fromkeys(faces[:2], 0))
    assert store.queue.wanted(campaign.id, faces[:2]) == before and not store.queue.asked()


def add_bare_face(workspace: Workspace) -> int:
    """A face that no search for a class found."""
    store = workspace.store
    sha256 = workspace.blobs.put(b"bare", ".jpg")
    store.photos.add(NewPhoto(sha256, ".jpg", 80, 60, "0" * 16, 4), Origin("folder", "bare"))
    [photo] = store.photos.without_detection()
    store.faces.record_detection(photo.id, "by hand", [NewFace((8, 6, 40, 54), 0.9, sha256, (80, 60), 1.0)])
    return max(store.faces.ids())


def test_unknown_campaigns_people_and_fields_are_refused(store: Store, people: tuple[int, ...]) -> None:
    with pytest.raises(NotFoundError, match="campaign 999"):
        store.queue.take(999, people[0], 1)
    with pytest.raises(NotFoundError, match="annotator 999"):
        store.queue.take(MAIN_CAMPAIGN, 999, 1)
    with pytest.raises(InputError, match="no 'colour'"):
        store.campaigns.change(MAIN_CAMPAIGN, colour="red")
    with pytest.raises(InputError, match="'MAIN' already"):
        store.campaigns.create(NewCampaign(" MAIN "))
    with pytest.raises(InputError, match="1 to 64"):
        store.campaigns.create(NewCampaign("  "))


def test_a_campaign_is_stored_as_it_was_made(store: Store, people: tuple[int, ...]) -> None:
    new = NewCampaign(
        "Is it anger?",
        question="verify",
        about="angry",
        classes=("angry", "happy"),
        overlap=Overlap("majority", team=4),
        picks=Picks(candidate_class="angry", face_ids=(1, 2)),
        voters=people,
        gold=GoldMix(0.1, "at once"),
        ordering="class",
        seed=7,
    )
    made = store.campaigns.create(new)
    assert (
        made
        == store.campaigns.get(made.id)
        == store.campaigns.by_name("is it  ANGER?")
        == store.campaigns.all()[-1]
    )
    assert (made.picks, made.overlap, made.gold, made.voters) == (
        new.picks,
        new.overlap,
        new.gold,
        new.voters,
    )
    assert store.campaigns.change(made.id, seed=8) == store.campaigns.get(made.id)
    assert store.campaigns.by_name("none of these") is None
    assert store.campaigns.main().name == "main"
