"""Harvesting stores each picture once, keeps failures with reasons, and survives kills at any point."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import pytest

from collect.harvest import HarvestTally, harvest
from collect.source import Candidate, GoneError
from db.errors import InputError, ServiceError
from db.records.photos import Origin
from db.workspace import Workspace, create_workspace, open_workspace


def picture(number: int) -> bytes:
    image = np.random.default_rng(number).integers(0, 255, (20, 30, 3), np.uint8)
    return cv2.imencode(".png", image)[1].tobytes()


@dataclass
class ListSource:
    """A source over a list: (native id, class, what fetching gives or raises)."""

    items: list[tuple[str, str, bytes | Exception]]
    name: str = "list"
    passed_over: dict[str, int] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    offered: int = 0

    @property
    def total(self) -> int:
        return len(self.items)

    def candidates(self) -> Iterator[Candidate]:
        for number, (native_id, candidate_class, content) in enumerate(self.items):
            self.offered += 1
            origin = Origin(self.name, native_id, candidate_class)
            yield Candidate(origin, self._fetch(native_id, content), "all", cursor=str(number))

    def _fetch(self, native_id: str, content: bytes | Exception) -> Callable[[], bytes]:
        def fetch() -> bytes:
            self.fetched.append(native_id)
            if isinstance(content, Exception):
                raise content
            return content

        return fetch


def contents(workspace: Workspace) -> tuple[object, ...]:
    """All that must agree between two stores: pictures, origins, blobs."""
    photos = {p.id: p for p in workspace.store.photos.all()}
    plain = sorted((p.sha256, p.suffix, p.width, p.height, p.phash, p.size_bytes) for p in photos.values())
    origins = sorted((photos[id_].sha256, repr(origin)) for id_, origin in workspace.store.photos.origins())
    blobs = sorted(p.name for p in (workspace.path / "blobs").rglob("*") if p.is_file() and p.name[0] != ".")
    return plain, origins, blobs


def test_an_empty_source_stores_nothing(workspace: Workspace) -> None:
    assert harvest(workspace, ListSource([])) == HarvestTally()


def test_a_picture_is_stored_with_size_hash_and_blob(workspace: Workspace) -> None:
    data = picture(1)
    assert harvest(workspace, ListSource([("a", "happy", data)])).new == 1
    [photo] = workspace.store.photos.all()
    assert (photo.width, photo.height, photo.suffix, photo.size_bytes) == (30, 20, ".png", len(data))
    assert len(photo.phash) == 16
    assert workspace.blobs.read(photo.sha256, photo.suffix) == data


def test_known_pictures_are_not_fetched_again(workspace: Workspace) -> None:
    items = [("a", "happy", picture(1)), ("b", "happy", picture(2))]
    harvest(workspace, ListSource(items))
    again = ListSource([*items, ("c", "happy", picture(3))])
    assert harvest(workspace, again).counts() == {"new": 1, "linked": 0, "known": 2, "failed": 0}
    assert again.fetched == ["c"]


def test_a_lost_picture_is_fetched_again_if_it_is_still_the_same(workspace: Workspace) -> None:
    items: list[tuple[str, str, bytes | Exception]] = [("a", "", picture(1)), ("b", "", picture(2))]
    harvest(workspace, ListSource(items))
    before = contents(workspace)
    for lost in (workspace.path / "blobs").rglob("*.png"):
        lost.unlink()
    changed = ListSource([("a", "", picture(1)), ("b", "", picture(3))])
    assert harvest(workspace, changed).counts() == {
        "new": 0, "linked": 0, "known": 0, "failed": 1, "restored": 1
    }  # fmt: skip
    assert "is not the stored one" in workspace.store.failures.all("collect")[0].reason
    again = ListSource(items)
    assert harvest(workspace, again).counts()["restored"] == 1 and again.fetched == ["b"]
    assert contents(workspace) == before and workspace.store.failures.all() == ()


def test_exact_copies_are_one_photo_with_two_origins(workspace: Workspace) -> None:
    tally = harvest(workspace, ListSource([("a", "happy", picture(1)), ("b", "happy", picture(1))]))
    assert (tally.new, tally.linked, workspace.store.photos.count()) == (1, 1, 1)
    assert [origin.native_id for _, origin in workspace.store.photos.origins()] == ["a", "b"]


def test_a_photo_found_for_another_class_is_linked_without_fetching(workspace: Workspace) -> None:
    harvest(workspace, ListSource([("a", "happy", picture(1))]))
    source = ListSource([("a", "surprised", picture(1))])
    assert harvest(workspace, source).linked == 1
    assert source.fetched == []


def test_a_bad_picture_is_counted_kept_with_its_reason_and_tried_in_three_runs(workspace: Workspace) -> None:
    items: list[tuple[str, str, bytes | Exception]] = [
        ("cut", "happy", picture(1)[:60]), ("no", "happy", InputError("it is locked")), ("ok", "happy", picture(2))
    ]  # fmt: skip
    tallies = [harvest(workspace, ListSource(items)) for _ in range(4)]
    assert [(t.new, t.failed, t.given_up) for t in tallies] == [(1, 2, 0), (0, 2, 0), (0, 2, 0), (0, 0, 2)]
    reasons = {
        failure.item: (failure.reason, failure.tries) for failure in workspace.store.failures.all("collect")
    }
    assert reasons["list:no"] == ("it is locked", 3)
    assert "damaged" in reasons["list:cut"][0]


def test_what_was_taken_away_is_tried_once(workspace: Workspace) -> None:
    source = ListSource([("a", "", GoneError("deleted by its owner"))])
    assert (harvest(workspace, source).failed, harvest(workspace, source).given_up) == (1, 1)
    assert source.fetched == ["a"]


def test_a_success_clears_the_failure(workspace: Workspace) -> None:
    harvest(workspace, ListSource([("a", "", InputError("not today"))]))
    assert harvest(workspace, ListSource([("a", "", picture(1))])).new == 1
    assert workspace.store.failures.all() == ()


def test_single_service_errors_are_failures_five_in_a_row_stop_the_run(workspace: Workspace) -> None:
    down = ServiceError("no route")
    assert (
        harvest(workspace, ListSource([("a", "", down), ("b", "", picture(1)), ("c", "", down)])).failed == 2
    )
    assert len(workspace.store.failures.all()) == 2
    source = ListSource([(f"d{k}", "", down) for k in range(20)])
    with pytest.raises(ServiceError, match="5 fetches in a row failed, the last with: no route"):
        harvest(workspace, source)
    assert len(source.fetched) == 5
    assert len(workspace.store.failures.all()) == 2  # the network was down: no item is to blame


def test_the_limit_counts_what_was_stored_and_fetches_no_more(workspace: Workspace) -> None:
    source = ListSource([(str(k), "", picture(k) if k % 2 else InputError("bad")) for k in range(20)])
    assert harvest(workspace, source, limit=3).new == 3
    assert source.offered == 6
    assert harvest(workspace, ListSource([("z", "", picture(99))]), limit=0) == HarvestTally()


def test_the_cursor_waits_for_failures_and_starts_over_at_the_end(workspace: Workspace) -> None:
    items: list[tuple[str, str, bytes | Exception]] = [(str(k), "", picture(k)) for k in range(8)]
    harvest(workspace, ListSource(items), limit=3)
    assert workspace.store.harvests.all()[0].cursor == "2"
    items[4] = ("4", "", InputError("bad"))
    harvest(workspace, ListSource(items), limit=4)
    assert workspace.store.harvests.all()[0].cursor == "3"
    harvest(workspace, ListSource(items))
    assert workspace.store.harvests.all()[0].cursor == ""
    assert workspace.store.harvests.all()[0].tally == {"known": 7, "failed": 1}


def test_an_interrupt_keeps_what_is_done(workspace: Workspace) -> None:
    items: list[tuple[str, str, bytes | Exception]] = [("a", "", picture(1)), ("b", "", picture(2))]

    class Interrupted(ListSource):
        def candidates(self) -> Iterator[Candidate]:
            yield from list(super().candidates())[:1]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        harvest(workspace, Interrupted(items))
    assert workspace.store.harvests.all()[0].tally["new"] == 1
    assert harvest(workspace, ListSource(items)).counts() == {"new": 1, "linked": 0, "known": 1, "failed": 0}


def start_sampling(folder: Path, count: int) -> subprocess.Popen[bytes]:
    program = "from collect.cli import main; main()"
    arguments = ["sample", "--count", str(count), "--workspace", str(folder)]
    quiet = subprocess.DEVNULL
    return subprocess.Popen([sys.executable, "-c", program, *arguments], stderr=quiet, stdout=quiet)


def blob_count(folder: Path) -> int:
    return sum(1 for _ in (folder / "blobs").glob("*/*.jpg"))


def test_ten_kills_at_random_points_leave_the_store_of_an_undisturbed_run(tmp_path: Path) -> None:
    count, rng = 16, random.Random(7)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        create_workspace(folder)
    assert start_sampling(whole, count).wait(120) == 0
    for _ in range(10):
        running, goal = start_sampling(killed, count), blob_count(killed) + rng.randint(0, 2)
        while blob_count(killed) < goal and running.poll() is None:
            time.sleep(0.002)
        time.sleep(rng.uniform(0, 0.08))
        running.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        running.wait(30)
    assert 0 < blob_count(killed) < count  # the kills came in the midst of the work
    assert start_sampling(killed, count).wait(120) == 0
    stores = [open_workspace(folder) for folder in (whole, killed)]
    undisturbed, disturbed = (contents(opened) for opened in stores)
    for opened in stores:
        opened.store.close()
    assert disturbed == undisturbed
    assert blob_count(whole) == count
