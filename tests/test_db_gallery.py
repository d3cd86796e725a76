"""Pages of faces: every filter and order agrees with a plain walk over the store."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from db.errors import InputError
from db.records.campaigns import MAIN_CAMPAIGN, ClassCount
from db.records.faces import NewFace
from db.records.gallery import FaceFilter, FaceRow
from db.records.labels import Label
from db.records.photos import NewPhoto, Origin
from db.records.votes import NewVote
from db.store import Store
from db.workspace import Workspace

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
CLASSES = ("happy", "angry")


@pytest.fixture
def store(database_workspace: Workspace) -> Store:
    """Twelve faces, two a photo, some voted on, decided, flagged or known."""
    fill(database_workspace.store)
    return database_workspace.store


def fill(store: Store) -> None:
    ann, bob = store.annotators.join("Ann").id, store.annotators.join("Bob").id
    for i in range(6):
        harvest = store.harvests.start("test", f"query {i % 2}", CLASSES[i % 2])
        photo = NewPhoto(f"{i:064x}", ".jpg", 80, 60, "0" * 16, 1)
        origin = Origin("test", str(i), CLASSES[i % 2] if i < 4 else "", owner=f"owner {i % 3}")
        store.photos.add(photo, origin, harvest_id=harvest.id)
    for photo in store.photos.without_detection():
        boxes = [NewFace((8 * k, 6, 40, 54), 0.9, f"{photo.id:063x}{k}", (80, 60), 1.0) for k in (0, 1)]
        store.faces.record_detection(photo.id, "by hand", boxes)
    faces = store.faces.ids()
    for i, face in enumerate(faces[:9]):
        flag = "artificial" if i % 4 == 0 else None
        store.votes.cast(NewVote(face, ann, () if flag else (CLASSES[i % 2],), flag))
        if i % 3 == 0:
            store.votes.cast(NewVote(face, bob, ("happy",)))
    labels = ["happy", "angry", None, "happy", None, None]
    methods = ["m", "m", "m: no agreement", "m", "m: artificial", "m: too few votes"]
    store.labels.decide(
        [
            Label(f, la, {}, i / 10, 2, m)
            for i, (f, la, m) in enumerate(zip(faces[1:7], labels, methods, strict=True))
        ]
    )
    store.labels.decide([Label(faces[8], "happy", {}, 1.0, 0, "relabel", by_id=ann)])
    store.gold.set(faces[2:4], set_by=ann, answer="happy")


def state(row: FaceRow) -> str:
    return "undecided" if row.label is None else row.label.state


def confidence(row: FaceRow) -> float:
    return -1.0 if row.label is None else row.label.confidence


Fits = Callable[[FaceRow], bool]
FILTERS: dict[str, tuple[FaceFilter, Fits]] = {
    "all": (FaceFilter(), lambda row: True),
    "label": (FaceFilter(label="happy"), lambda row: bool(row.label and row.label.label == "happy")),
    "candidate class": (FaceFilter(candidate_class="angry"), lambda row: row.face.candidate_class == "angry"),
    "no candidate class": (FaceFilter(candidate_class=""), lambda row: row.face.candidate_class == ""),
    "harvest": (FaceFilter(harvest_id=1), lambda row: (row.face.photo_id - 1) % 2 == 0),
    "owner": (FaceFilter(owner="owner 1", source="test"), lambda row: (row.face.photo_id - 1) % 3 == 1),
    "another source": (FaceFilter(source="flickr"), lambda row: False),
    "flag": (FaceFilter(flag="artificial"), lambda row: "artificial" in row.flags),
    "any flag": (FaceFilter(flag="any"), lambda row: bool(row.flags)),
    "another flag": (FaceFilter(flag="offensive"), lambda row: False),
    "undecided": (FaceFilter(state="undecided"), lambda row: state(row) == "undecided"),
    "tie": (FaceFilter(state="tie"), lambda row: state(row) == "tie"),
    "rejected": (FaceFilter(state="rejected"), lambda row: state(row) == "rejected"),
    "decided": (FaceFilter(state="decided"), lambda row: state(row) == "decided"),
    "reviewed": (FaceFilter(reviewed=True), lambda row: bool(row.label and row.label.by_id)),
    "not reviewed": (FaceFilter(reviewed=False), lambda row: not (row.label and row.label.by_id)),
    "confidence": (
        FaceFilter(least_confidence=0.1, most_confidence=0.3),
        lambda row: 0.1 <= confidence(row) <= 0.3,
    ),
    "votes": (FaceFilter(least_votes=1, most_votes=1), lambda row: row.votes == 1),
    "gold": (FaceFilter(gold=True), lambda row: row.gold),
    "not gold": (FaceFilter(gold=False), lambda row: not row.gold),
    "of a campaign": (FaceFilter(campaign_id=MAIN_CAMPAIGN), lambda row: True),
    "of no campaign": (FaceFilter(campaign_id=99), lambda row: False),
    "by id": (FaceFilter(face_ids=(1, 3, 99)), lambda row: row.face.id in (1, 3)),
    "several": (
        FaceFilter(label="happy", candidate_class="happy", least_votes=1),
        lambda row: (
            bool(row.label and row.label.label == "happy")
            and row.face.candidate_class == "happy"
            and row.votes >= 1
        ),
    ),
}


def test_every_filter_finds_what_a_plain_walk_finds(store: Store) -> None:
    everything = store.faces.page(limit=100)
    assert len(everything) == 12
    assert {row.face.id: row.votes for row in everything}[everything[0].face.id] == 2
    for name, (only, fits) in FILTERS.items():
        expected = [row for row in everything if fits(row)]
        assert list(store.faces.page(only, limit=100)) == expected, name
        assert store.faces.count(only) == len(expected), name
        assert store.faces.ids(only) == tuple(row.face.id for row in expected), name


def test_the_votes_of_one_person_are_found(store: Store) -> None:
    bob = store.annotators.join("Bob").id
    assert store.faces.count(FaceFilter(voted_by=bob)) == 3


def test_orders_and_places(store: Store) -> None:
    ids = store.faces.ids()
    newest = [row.face.id for row in store.faces.page(order="newest", limit=12)]
    assert newest == list(reversed(ids))
    sure = [confidence(row) for row in store.faces.page(order="most sure", limit=12)]
    assert sure == sorted(sure, reverse=True)
    unsure = [confidence(row) for row in store.faces.page(order="least sure", limit=12)]
    assert unsure == sorted(c for c in sure if c >= 0) + [-1.0] * sure.count(-1.0)
    votes = [row.votes for row in store.faces.page(order="most votes", limit=12)]
    assert votes == sorted(votes, reverse=True)
    assert [r.face.id for r in store.faces.page(order="newest", offset=2, limit=3)] == newest[2:5]
    assert store.faces.page(offset=12) == ()
    with pytest.raises(InputError, match="no order"):
        store.faces.page(order="by mood")  # type: ignore[arg-type]


def test_a_filter_that_makes_no_sense_is_refused() -> None:
    for wrong in ({"flag": "ugly"}, {"state": "done"}):
        with pytest.raises(ValueError, match="is one of"):
            FaceFilter(**wrong)  # type: ignore[arg-type]


def test_a_face_gets_the_class_of_the_first_search_that_names_one(store: Store) -> None:
    last = store.faces.ids()[-1]
    before = store.faces.by_ids([last])[0]
    assert before.candidate_class == ""
    for found in ("angry", "happy"):
        store.photos.link(Origin("test", "5", found))
    assert store.faces.by_ids([last])[0].candidate_class == "angry"
    assert store.queue.counts(MAIN_CAMPAIGN).by_class["angry"] == ClassCount(open=5, done=1)
