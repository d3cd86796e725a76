"""Curators' decisions, known faces and campaigns of another store: added once, none over a newer one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from db.label_rows import PastLabel
from db.records.faces import NewFace
from db.records.labels import Label
from db.records.photos import NewPhoto, Origin
from db.records.votes import Gold
from db.store import Store

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store with two faces on one photo and the curator Cleo."""
    opened = Store.open(database_url)
    opened.photos.add(NewPhoto("a" * 64, ".jpg", 80, 60, "0" * 16, 5), Origin("test", "1"))
    (photo,) = opened.photos.without_detection()
    boxes = ((8, 6, 40, 54), (48, 6, 60, 54))
    faces = [NewFace(box, 0.9, crop * 64, (8, 8), 1.0) for box, crop in zip(boxes, "bc", strict=True)]
    opened.faces.record_detection(photo.id, "by hand", faces)
    opened.annotators.join("Cleo")
    yield opened
    opened.close()


def decision(face: int, who: int, name: str, days: int) -> Label:
    return Label(face, name, {name: 1.0}, 1.0, 0, "relabel", NOW - days * DAY, by_id=who, batch="relabel-1")


def test_old_decisions_are_added_once_and_stay_under_what_is_newer(store: Store) -> None:
    first, second = (face.id for face in store.faces.all())
    who = store.annotators.all()[0].id
    store.labels.decide([replace(decision(first, who, "happy", 0), at=None)])
    rows = [PastLabel(decision(face, who, "angry", 2)) for face in (first, second)]
    rows += [PastLabel(decision(second, who, "neutral", 1), NOW, who)]
    assert [store.label_rows.add(rows) for _ in range(2)] == [3, 0]
    assert [one.label for one in store.labels.current()] == ["happy", "angry"]
    assert [(past.label.label, past.undone_at) for past in store.label_rows.all()] == [
        ("happy", None),
        ("angry", None),
        ("angry", None),
        ("neutral", NOW),
    ]
    store.label_rows.add([replace(rows[1], undone_at=NOW)])
    assert [one.face_id for one in store.labels.current()] == [first]


def test_a_mark_that_is_there_or_was_taken_back_since_stays_so(store: Store) -> None:
    first, second = (face.id for face in store.faces.all())
    who = store.annotators.all()[0].id
    marked = replace(decision(first, who, "angry", 2), method="gold")
    store.label_rows.add([PastLabel(marked, NOW - DAY, who)])
    store.gold.set([second], set_by=who, answer="happy")
    old = [Gold(face, "angry", None, who, NOW - 2 * DAY) for face in (first, second)]
    assert store.gold.add_past(old) == 0
    assert store.gold.add_past([replace(old[0], at=NOW)]) == 1
    assert [(mark.face_id, mark.answer) for mark in store.gold.all()] == [(first, "angry"), (second, "happy")]


def test_a_campaign_comes_with_its_times_anew_or_in_the_place_of_another(store: Store) -> None:
    main = store.campaigns.main()
    past = replace(main, name="Ours", blind=False, ordering="random", created_at=NOW - DAY)
    assert store.campaigns.restore(past, instead_of=main.id) == replace(past, id=main.id)
    assert store.queue.counts(main.id).open == 2
    closed = store.campaigns.restore(replace(past, name="Old", closed_at=NOW))
    assert closed.closed_at == NOW and store.campaigns.by_name("old") == closed
