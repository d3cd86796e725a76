"""The Store on SQLite and, where a server can be started, on PostgreSQL: one suite for both."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from db.errors import NotFoundError, StoreError
from db.records.faces import NewFace
from db.records.labels import Label
from db.records.photos import NewPhoto, Origin
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot, SnapshotMember
from db.records.votes import NewVote
from db.store import Store

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    opened = Store.open(database_url)
    yield opened
    opened.close()


def photo(digit: str) -> NewPhoto:
    return NewPhoto(digit * 64, ".jpg", 640, 480, "00ff" * 4, 1000)


def origin(native_id: str, candidate_class: str = "happy") -> Origin:
    return Origin("flickr", native_id, candidate_class, owner="ann", tags=("a", "b"), taken_at=NOW)


def new_face(digit: str = "f") -> NewFace:
    eyes = ((1.0, 2.0), (3.0, 2.0), (2.0, 3.0), (1.0, 4.0), (3.0, 4.0))
    return NewFace((0.0, 0.0, 10.0, 12.0), 0.9, digit * 64, (12, 14), 3.5, eyes)


def add_face(store: Store, digit: str = "a") -> int:
    store.photos.add(photo(digit), origin(digit))
    stored = next(p for p in store.photos.all() if p.sha256 == digit * 64)
    store.faces.record_detection(stored.id, "test", [new_face(digit)])
    return next(f.id for f in store.faces.all() if f.photo_id == stored.id)


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.photos.all() == ()
    assert store.faces.all() == ()
    assert store.votes.current() == ()
    assert store.labels.current() == ()
    assert store.snapshots.all() == ()
    assert store.runs.all() == ()
    assert store.failures.all() == ()


def test_an_exact_copy_is_stored_once_with_both_origins(store: Store) -> None:
    assert store.photos.add(photo("a"), origin("1")) is True
    assert store.photos.add(photo("a"), origin("2")) is False
    assert store.photos.count() == 1
    assert [o.native_id for _, o in store.photos.origins()] == ["1", "2"]


def test_origins_come_back_as_they_went_in(store: Store) -> None:
    store.photos.add(photo("a"), origin("1"))
    [(_, found)] = store.photos.origins()
    assert found == origin("1")


def test_a_photo_found_for_a_second_class_is_linked_without_its_bytes(store: Store) -> None:
    store.photos.add(photo("a"), origin("1", "happy"))
    assert store.photos.link(origin("1", "angry")) is True
    assert store.photos.link(origin("9", "angry")) is False
    assert store.photos.known("flickr", "angry") == {"1"}


def test_a_photo_without_a_face_is_seen_once_and_not_tried_again(store: Store) -> None:
    store.photos.add(photo("a"), origin("1"))
    [unseen] = store.photos.without_detection()
    assert store.faces.record_detection(unseen.id, "test", []) is True
    assert store.photos.without_detection() == ()
    assert store.faces.record_detection(unseen.id, "test", [new_face()]) is False
    assert store.faces.photos_seen() == (1, 1)
    assert store.faces.count() == 0


def test_faces_keep_box_landmarks_and_candidate_class(store: Store) -> None:
    face_id = add_face(store)
    [face] = store.faces.by_ids([face_id, 999])
    assert (face.xyxy, face.landmarks, face.candidate_class) == (
        new_face().xyxy,
        new_face().landmarks,
        "happy",
    )


def test_joining_twice_gives_the_same_annotator(store: Store) -> None:
    assert store.annotators.join(" Ann ").id == store.annotators.join("Ann").id
    with pytest.raises(ValueError, match="needs a name"):
        store.annotators.join("  ")


def test_a_vote_for_a_missing_face_is_refused(store: Store) -> None:
    ann = store.annotators.join("Ann")
    with pytest.raises(NotFoundError, match="no face 7"):
        store.votes.cast(NewVote(7, ann.id, ("happy",)))


def test_deciding_the_same_again_adds_nothing_and_history_is_kept(store: Store) -> None:
    face_id = add_face(store)
    happy = Label(face_id, "happy", {"happy": 1.0}, 1.0, 3, "majority")
    angry = Label(face_id, "angry", {"angry": 1.0}, 1.0, 4, "majority")
    assert [store.labels.decide([label]) for label in (happy, happy, angry)] == [1, 0, 1]
    assert [label.label for label in store.labels.current()] == ["angry"]
    assert [label.label for label in store.labels.history(face_id)] == ["happy", "angry"]


def test_a_snapshot_is_added_once_and_found_by_the_start_of_its_hash(store: Store) -> None:
    face_id = add_face(store)
    member = SnapshotMember(face_id, "a" * 64, "happy", "train", "g", {"happy": 1.0})
    snapshot = Snapshot("c0ffee" + "0" * 58, ("happy", "angry"), (20, 4, 1), 0, NOW, (member,))
    assert [store.snapshots.add(snapshot), store.snapshots.add(snapshot)] == [True, False]
    assert store.snapshots.load("c0f") == snapshot == store.snapshots.load()
    with pytest.raises(NotFoundError, match="no snapshots begin with 'x'"):
        store.snapshots.load("x")


def test_a_snapshot_made_again_is_the_newest(store: Store) -> None:
    first, second = (Snapshot(digit * 64, ("happy",), (1, 0, 0), 0, NOW) for digit in "ab")
    assert [store.snapshots.add(each) for each in (first, second, first)] == [True, True, False]
    assert store.snapshots.load() == first
    assert store.snapshots.all() == (second, first)


def test_the_newest_finished_run_is_the_default(store: Store) -> None:
    test_a_snapshot_is_added_once_and_found_by_the_start_of_its_hash(store)
    with pytest.raises(NotFoundError, match="no finished run"):
        store.runs.load()
    for name in ("one", "two"):
        store.runs.start(Run(name, {"lr": 1}, store.snapshots.all()[0].hash, "running", {}, {}, NOW))
    store.runs.finish("one", "done", {"accuracy": 0.5})
    assert store.runs.load().id == "one"
    assert store.runs.load("tw").status == "running"


def test_predictions_of_a_run_are_replaced_as_a_whole(store: Store) -> None:
    test_the_newest_finished_run_is_the_default(store)
    face_id = store.faces.all()[0].id
    first = Prediction("one", face_id, {"happy": 0.75, "angry": 0.25}, "val", True)
    store.predictions.replace("one", [first])
    store.predictions.replace("one", [first])
    assert store.predictions.of_run("one") == (first,)


def test_a_failure_counts_its_tries_until_it_is_cleared(store: Store) -> None:
    store.failures.record("flickr", "1", "429")
    store.failures.record("flickr", "1", "gone")
    [failure] = store.failures.all("flickr")
    assert (failure.reason, failure.tries) == ("gone", 2)
    store.failures.clear("flickr", "1")
    assert store.failures.all() == ()


def test_a_harvest_goes_on_where_it_was_saved(store: Store) -> None:
    harvest = store.harvests.start("flickr", "party", "happy")
    store.harvests.save(harvest.id, cursor="page 3", tally={"new": 7})
    again = store.harvests.start("flickr", "party", "happy")
    assert (again.id, again.cursor, again.tally) == (harvest.id, "page 3", {"new": 7})


def test_opening_a_store_twice_keeps_what_is_in_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'mimique.db'}"
    Store.open(url).photos.add(photo("a"), origin("1"))
    assert Store.open(url).photos.count() == 1


def test_a_file_that_is_no_database_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "mimique.db").write_bytes(b"not a database at all, but long enough to look at" * 50)
    with pytest.raises(StoreError, match="damaged"):
        Store.open(f"sqlite:///{tmp_path / 'mimique.db'}")
