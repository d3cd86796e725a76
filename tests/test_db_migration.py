"""A store from before campaigns keeps everything when it is opened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

import db.schema
from db.engine import Database, engine_for
from db.queue_rows import Wanted
from db.records.campaigns import MAIN_CAMPAIGN, NewCampaign
from db.records.votes import NewVote
from db.store import Store

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PEOPLE = ("Robot", "Ann", "Bob")
#        id, face, person, action, choice, flag, undoes
VOTES = [
    (1, 1, 2, "vote", "happy", None, None),
    (2, 1, 3, "vote", "happy", None, None),
    (3, 2, 2, "vote", "angry", None, None),
    (4, 2, 3, "vote", None, None, None),
    (5, 3, 2, "vote", None, "artificial", None),
    (6, 3, 2, "undo", None, None, 5),
    (7, 3, 2, "skip", None, None, None),
    (8, 1, 1, "vote", "angry", None, None),
    (9, 1, 1, "vote", 'dou"ble', None, None),
    (10, 1, 1, "undo", None, None, 9),
]
LABELS = [
    (1, 1, None, "majority: no agreement"),
    (2, 1, "happy", "majority"),
    (3, 3, None, "majority: artificial"),
]


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A store of the first schema with votes, opened by this version."""
    database = Database(engine_for(database_url))
    with database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(db.schema.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
    with database.write() as connection:
        write_old_rows(connection)
    database.engine.dispose()
    opened = Store.open(database_url)
    yield opened
    opened.close()


def write_old_rows(connection: Connection) -> None:
    def add(table: str, **values: object) -> None:
        names = ", ".join(f":{name}" for name in values)
        connection.execute(text(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({names})"), values)

    for i in (1, 2, 3, 4):
        size = {"width": 9, "height": 9, "suffix": ".jpg", "phash": "0" * 16, "size_bytes": 1}
        add("photo", id=i, sha256=str(i) * 64, added_at=NOON, **size)
        texts = dict.fromkeys(
            ("page_url", "owner", "title", "license_id", "license_name", "video", "split_hint"), ""
        )
        for native, found in ((f"a{i}", ""), (f"b{i}", "angry"), (f"c{i}", "happy")):
            add(
                "origin",
                photo_id=i,
                source="test",
                native_id=native,
                candidate_class=found,
                tags="[]",
                fetched_at=NOON,
                **texts,
            )
        box = {"ordinal": 0, "x1": 0, "y1": 0, "x2": 1, "y2": 1, "score": 1, "sharpness": 1}
        crop = {"crop_sha256": str(i) * 64, "crop_width": 9, "crop_height": 9, "votes": 0}
        add("face", id=i, photo_id=i, **box, **crop)
    for i, name in enumerate(PEOPLE, start=1):
        add("annotator", id=i, name=name, key=name.lower(), simulated=i == 1, note="", created_at=NOON)
    for i, face, who, action, choice, flag, undoes in VOTES:
        row = {
            "id": i,
            "face_id": face,
            "annotator_id": who,
            "action": action,
            "choice": choice,
            "flag": flag,
        }
        more = {
            "shown": '{"classes": ["happy"]}',
            "at": NOON + timedelta(seconds=i),
            "request_id": f"request-{i}",
        }
        add("vote", **row, **more, undoes_id=undoes, seconds=1.5)
    for annotator, face, vote in ((2, 1, 1), (3, 1, 2), (2, 2, 3), (3, 2, 4), (2, 3, 7), (1, 1, 8)):
        add("standing", annotator_id=annotator, face_id=face, vote_id=vote)
    for i, face, label, method in LABELS:
        row = {"id": i, "face_id": face, "label": label, "method": method, "at": NOON}
        add("label", **row, distribution="{}", confidence=0.5, votes=2)
    if connection.dialect.name == "postgresql":  # ids were written by hand
        for table in ("photo", "face", "annotator", "vote", "label"):
            connection.execute(text(f"SELECT setval('{table}_id_seq', 100)"))


def test_every_old_vote_is_kept_in_the_main_campaign(store: Store) -> None:
    rows = store.votes.history()
    old = [(r.id, r.face_id, r.annotator_id, r.action, r.choice, r.flag, r.undoes_id) for r in rows]
    assert old == VOTES
    assert {(r.campaign_id, r.seconds, r.denies) for r in rows} == {(MAIN_CAMPAIGN, 1.5, None)}
    assert rows[2].at == NOON + timedelta(seconds=3)
    assert (rows[2].request_id, dict(rows[2].shown)) == ("request-3", {"classes": ["happy"]})
    assert [r.id for r in store.votes.current()] == [1, 2, 3, 4, 8]
    assert store.votes.skips() == {2: 1}


def test_the_queue_knows_what_the_old_votes_leave_open(store: Store) -> None:
    assert store.queue.wanted(MAIN_CAMPAIGN, [1, 2, 3, 4]) == {
        1: Wanted(3, 1, True),
        2: Wanted(2, 2, True),
        3: Wanted(0, 2, False),
        4: Wanted(0, 2, False),
    }
    store.campaigns.change(MAIN_CAMPAIGN, seed=1)
    before = store.queue.take(MAIN_CAMPAIGN, 3, 9)
    store.queue.release(MAIN_CAMPAIGN, 3)
    store.campaigns.change(MAIN_CAMPAIGN, seed=0)
    assert [face.face_id for face in store.queue.take(MAIN_CAMPAIGN, 2, 9)] == [4]
    assert sorted(face.face_id for face in before) == [3, 4]


def test_people_faces_and_labels_say_what_is_new_about_them(store: Store) -> None:
    assert [who.role for who in store.annotators.all()] == ["voter", "owner", "voter"]
    assert {face.candidate_class for face in store.faces.all()} == {"angry"}
    assert [(label.face_id, label.label, label.state) for label in store.labels.current()] == [
        (1, "happy", "decided"),
        (3, None, "rejected"),
    ]
    assert [label.label for label in store.labels.history(1)] == [None, "happy"]


def test_undo_reaches_back_to_votes_from_before(store: Store) -> None:
    assert store.votes.undo(3) == 2
    assert store.votes.undo(3, of="request-2") == 1
    assert store.queue.wanted(MAIN_CAMPAIGN, [1, 2]) == {1: Wanted(2, 2, True), 2: Wanted(1, 1, False)}
    assert store.votes.cast(NewVote(1, 3, ("happy",)), request_id="request-1b") > 10
    assert store.campaigns.create(NewCampaign("second")).id == 2
