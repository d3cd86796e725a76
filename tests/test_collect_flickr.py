"""Flickr harvests against a local server: pages, slices, licences, trouble, photos taken away, resuming."""

from collections.abc import Iterator

import cv2
import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from flickr_server import FakeFlickr, FakePhoto, Server

from collect.cli import main
from collect.flickr import FREE_LICENSES, FlickrSource, collect_flickr
from collect.flickr_api import FlickrApi
from collect.harvest import HarvestTally, harvest
from collect.polite import Pacer, Politeness
from db.errors import ConfigError, ServiceError
from db.workspace import Workspace


def picture(number: int) -> bytes:
    image = np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)
    return cv2.imencode(".jpg", image)[1].tobytes()


def photos(count: int, text: str = "protest", **also: object) -> list[object]:
    return [
        FakePhoto(
            f"{text[0]}{k}", text, uploaded=1_600_000_000 - k, picture=picture(hash_of(text) + k), **also
        )
        for k in range(count)
    ]


def hash_of(text: str) -> int:
    return sum(text.encode()) * 1000


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    served = FakeFlickr()
    with Server(served):
        monkeypatch.setenv("FLICKR_API_KEY", "good")
        monkeypatch.setenv("FLICKR_API_SECRET", "hushhush")
        monkeypatch.setenv("MIMIQUE_FLICKR_URL", served.url)
        yield served


class Waits:
    """A clock that jumps: sleeping takes no time but is written down."""

    def __init__(self) -> None:
        self.now, self.slept = 0.0, list[float]()

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.slept.append(round(seconds, 3))

    def pacer(self, interval_s: float = 0.0) -> Pacer:
        return Pacer(Politeness(interval_s), self.sleep, lambda: self.now)


def run(workspace: Workspace, fake: object, *queries: str, limit: int | None = None, waits: Waits | None = None,
        licenses: tuple[str, ...] = FREE_LICENSES, candidate_class: str = "angry") -> HarvestTally:  # fmt: skip
    """One harvest without waiting, as collect_flickr does it."""
    waits = waits or Waits()
    api = FlickrApi("good", "hushhush", fake.url, waits.pacer())
    with httpx.Client(follow_redirects=True, timeout=5) as client:
        rows = {row.query: row.cursor for row in workspace.store.harvests.all()}
        source = FlickrSource(
            api, client, queries or ("protest",), candidate_class=candidate_class, licenses=licenses,
            skip=workspace.store.photos.known("flickr", candidate_class), cursors=rows, pacer=waits.pacer(),
        )  # fmt: skip
        try:
            return harvest(workspace, source, limit=limit)
        finally:
            api.close()


def test_nothing_found_stores_nothing(workspace, fake) -> None:
    assert run(workspace, fake).counts() == {"new": 0, "linked": 0, "known": 0, "failed": 0}


def test_a_photo_keeps_its_page_owner_title_licence_tags_and_date(workspace, fake) -> None:
    fake.photos = photos(1)
    run(workspace, fake)
    [(_, origin)] = workspace.store.photos.origins()
    assert (origin.native_id, origin.owner, origin.title) == ("p0", "p0@N00", "title p0")
    assert origin.page_url == "https://www.flickr.com/photos/p0@N00/p0/"
    assert origin.license_id == "4"
    assert origin.license_name.startswith(
        "cc-by: Attribution License (https://creativecommons.org/licenses/by/2.0/"
    )
    assert origin.tags == ("protest", "street")
    assert origin.taken_at is not None and origin.taken_at.isoformat() == "2019-05-01T12:30:00+00:00"
    assert origin.candidate_class == "angry"
    assert fake.downloads == ["/pictures/p0_l.jpg"]


def test_every_page_and_every_slice_beyond_the_cap_is_read(workspace, fake) -> None:
    fake.photos, fake.most_results = photos(1_260), 1_000
    api = FlickrApi("good", "hushhush", fake.url, Waits().pacer())
    with httpx.Client() as client:
        found = [c.origin.native_id for c in FlickrSource(api, client, ("protest",)).candidates()]
    api.close()
    assert found == [f"p{k}" for k in range(1_260)]
    assert {asked["per_page"] for asked in fake.asked[1:]} == {"500"}


def test_many_photos_of_one_second_do_not_stop_the_slices(workspace, fake) -> None:
    fake.most_results = 20
    fake.photos = [FakePhoto(f"p{k:02}", "protest", uploaded=1_600_000_000 - (k >= 20)) for k in range(30)]
    api = FlickrApi("good", "hushhush", fake.url, Waits().pacer())
    with httpx.Client() as client:
        found = {c.origin.native_id for c in FlickrSource(api, client, ("protest",)).candidates()}
    api.close()
    assert found == {f"p{k:02}" for k in range(30)}


def test_queries_take_turns_so_that_all_get_their_share(workspace, fake) -> None:
    fake.photos = photos(30) + photos(4, "debate")
    assert run(workspace, fake, "protest", "debate", limit=12).new == 12
    ids = [origin.native_id for _, origin in workspace.store.photos.origins()]
    assert sum(id_.startswith("d") for id_ in ids) == 4


def test_a_licence_that_was_not_asked_for_is_refused_photo_by_photo(workspace, fake) -> None:
    fake.photos = [
        *photos(2),
        FakePhoto("x0", "protest", license="0", obeys_license=False, picture=picture(1)),
        FakePhoto("x1", "protest", license="2", obeys_license=False, picture=picture(2)),
    ]
    tally = run(workspace, fake)
    assert tally.new == 2 and tally.passed_over == {"refused by licence": 2}
    assert not any("x" in path for path in fake.downloads)
    assert fake.asked[1]["license"] == "10,11,4,9"


def test_a_missing_licence_is_asked_for_and_then_checked(workspace, fake) -> None:
    fake.photos = [
        FakePhoto("a", "protest", license="9", tells_license=False, picture=picture(1)),
        FakePhoto("b", "protest", license="0", tells_license=False, obeys_license=False, picture=picture(2)),
    ]
    tally = run(workspace, fake)
    assert (tally.new, dict(tally.passed_over)) == (1, {"refused by licence": 1})
    [(_, origin)] = workspace.store.photos.origins()
    assert origin.license_id == "9"
    assert fake.calls["photos.getInfo"] == 2
    run(workspace, fake)
    assert fake.calls["photos.getInfo"] == 3  # the stored one is not asked about again


def test_licence_names_are_those_flickr_lists_today(workspace, fake) -> None:
    fake.photos = [FakePhoto("c", "protest", license="2", picture=picture(1))]
    assert run(workspace, fake, licenses=("cc-by-nc",)).new == 1
    with pytest.raises(ConfigError, match="no licence cc-bye") as raised:
        run(workspace, fake, licenses=("cc-bye",))
    assert "cc-by, cc-by-nc, cc0" in raised.value.hint


@pytest.mark.parametrize("fate", ["404", "410", "placeholder"])
def test_a_photo_taken_away_after_the_search_is_noted_once_and_never_asked_for_again(
    fate, workspace, fake
) -> None:
    fake.photos = photos(3)
    fake.take_away("p1", fate)
    tally = run(workspace, fake)
    assert (tally.new, tally.failed) == (2, 1)
    [failure] = workspace.store.failures.all("collect")
    assert failure.item == "flickr:p1" and failure.reason.startswith(
        "gone: title p1: the photo was taken away"
    )
    asked = len(fake.downloads)
    assert run(workspace, fake).given_up == 1
    assert len(fake.downloads) == asked


@pytest.mark.parametrize(
    ("fate", "reason"), [("html", "gives text/html, not a picture"), ("cut", "failed 5 times")]
)
def test_a_bad_download_is_noted_with_its_reason_and_tried_in_three_runs(
    fate, reason, workspace, fake
) -> None:
    fake.photos = photos(2)
    fake.take_away("p0", fate)
    tallies = [run(workspace, fake) for _ in range(4)]
    assert [(t.failed, t.given_up) for t in tallies] == [(1, 0), (1, 0), (1, 0), (0, 1)]
    [failure] = workspace.store.failures.all("collect")
    assert reason in failure.reason and failure.tries == 3


def test_a_failure_that_mends_itself_leaves_the_ledger(workspace, fake) -> None:
    fake.photos = photos(2)
    fake.take_away("p0", "html")
    run(workspace, fake)
    fake.take_away("p0", "")
    assert run(workspace, fake).new == 1
    assert workspace.store.failures.all() == ()


def test_a_busy_flickr_is_waited_for_as_long_as_it_says(workspace, fake) -> None:
    fake.photos, waits = photos(1), Waits()
    fake.trouble = {
        "photos.search": [
            (429, {"Retry-After": "17"}),
            503,
            {"stat": "fail", "code": 105, "message": "busy"},
        ],
        "download": [429, 500],
    }
    assert run(workspace, fake, waits=waits).new == 1
    assert waits.slept == [17.0, 2.0, 4.0, 1.0, 2.0]


def test_a_flickr_that_never_answers_stops_the_run_with_what_to_do(workspace, fake) -> None:
    fake.trouble = {"photos.search": [500] * 5}
    with pytest.raises(ServiceError, match=r"photos.search failed 5 times, the last with: HTTP 500"):
        run(workspace, fake)


def test_downloads_that_all_fail_stop_the_run_and_blame_no_photo(workspace, fake) -> None:
    fake.photos = photos(9)
    fake.trouble = {"download": [503] * 100}
    with pytest.raises(ServiceError, match="5 fetches in a row failed"):
        run(workspace, fake)
    assert workspace.store.failures.all() == ()
    fake.trouble = {}
    assert run(workspace, fake).new == 9


def test_calls_keep_their_interval(workspace, fake) -> None:
    waits = Waits()
    pacer = waits.pacer(interval_s=1.0)
    for _ in range(3):
        pacer.call(lambda: None, "a call")
    assert waits.slept == [1.0, 1.0]


def test_an_address_left_out_of_the_search_is_asked_for(workspace, fake) -> None:
    fake.photos = photos(1, tells_url=False)
    assert run(workspace, fake).new == 1
    assert fake.downloads == ["/pictures/p0_l.jpg"]  # the largest of at most 2048 pixels


def test_another_class_links_the_stored_photo_without_a_download(workspace, fake) -> None:
    fake.photos = photos(3)
    run(workspace, fake)
    tally = run(workspace, fake, candidate_class="surprised")
    assert (tally.new, tally.linked) == (0, 3)
    assert len(fake.downloads) == 3
    assert workspace.store.photos.count() == 3


def test_a_second_run_goes_on_where_the_limit_stopped_the_first(workspace, fake) -> None:
    fake.photos = photos(20)
    assert run(workspace, fake, limit=8).new == 8
    [row] = workspace.store.harvests.all()
    assert row.cursor == str(1_600_000_000 - 7)
    tally = run(workspace, fake, limit=8)
    assert (tally.new, tally.known) == (8, 1)
    assert run(workspace, fake).new == 4
    assert len(fake.downloads) == 20


def test_a_wrong_key_is_said_without_showing_the_secret(workspace, fake, monkeypatch) -> None:
    monkeypatch.setenv("FLICKR_API_KEY", "bad")
    with pytest.raises(ConfigError, match="does not accept the key") as raised:
        collect_flickr(workspace, "angry")
    assert "hushhush" not in str(raised.value) + raised.value.hint


def test_an_interrupted_limit_is_finished_not_begun_anew(workspace, fake) -> None:
    fake.photos = photos(12)
    fake.trouble = {"photos.search": [{"stat": "fail", "code": 3, "message": "no"}]}
    with pytest.raises(ServiceError):
        collect_flickr(workspace, "angry", ("protest",), limit=4, pacer=Waits().pacer())
    run(workspace, fake, limit=3)  # as a run that was killed after three photos
    assert collect_flickr(workspace, "angry", ("protest",), limit=4, pacer=Waits().pacer()).new == 1
    assert collect_flickr(workspace, "angry", ("protest",), limit=4, pacer=Waits().pacer()).new == 4


def test_the_command_searches_the_keywords_and_prints_a_tally(tmp_path, fake) -> None:
    fake.photos = photos(2) + photos(1, "debate")
    result = CliRunner().invoke(
        main, ["flickr", "--class", "angry", "-w", str(tmp_path / "w"), "--limit", "3", "--json"]
    )
    assert result.exit_code == 0, result.output
    assert '{"new": 3, "linked": 0, "known": 0, "failed": 0}' in result.stdout
    assert {asked["text"] for asked in fake.asked if "text" in asked} == {"protest", "debate"}


def test_the_command_without_a_key_says_where_to_get_one(tmp_path, fake, monkeypatch) -> None:
    monkeypatch.delenv("FLICKR_API_KEY")
    result = CliRunner().invoke(main, ["flickr", "--class", "angry", "-w", str(tmp_path / "w")])
    assert result.exit_code == 1
    assert "FLICKR_API_KEY" in result.stderr and "flickr.com/services/apps/create" in result.stderr
    assert "hushhush" not in result.output


def collect(workspace: Workspace, *queries: str, limit: int, **also: object) -> int:
    """How many new photos the function behind the command brings."""
    return collect_flickr(workspace, "angry", queries, limit=limit, pacer=Waits().pacer(), **also).new


def test_another_licence_starts_from_the_newest_photo(workspace, fake) -> None:
    newer = [FakePhoto(f"b{k}", "protest", uploaded=1_700_000_000 - k, picture=picture(k)) for k in range(10)]
    fake.photos = [*newer, *photos(10, license="9")]
    assert collect(workspace, "protest", limit=5, licenses=("cc0",)) == 5
    assert collect(workspace, "protest", limit=5, licenses=("cc-by",)) == 5
    assert collect(workspace, "protest", limit=9, licenses=("cc0",)) == 5  # and goes on where cc0 stopped


def test_an_interrupted_limit_is_finished_after_another_query_ran(workspace, fake) -> None:
    fake.photos = photos(20) + photos(20, "carnival")
    fake.trouble = {"photos.search": [{"stat": "fail", "code": 3, "message": "no"}]}
    with pytest.raises(ServiceError):
        collect(workspace, "protest", limit=10)
    run(workspace, fake, limit=4)  # as a run that was killed after four photos
    assert collect(workspace, "carnival", limit=10) == 10
    assert collect(workspace, "protest", limit=10) == 6
    assert collect(workspace, "protest", limit=10) == 10


def test_a_broken_compressed_answer_is_one_failure_and_the_others_are_taken(workspace, fake) -> None:
    fake.photos = photos(2)
    fake.take_away("p0", "bad gzip")
    tally = run(workspace, fake)
    assert (tally.new, tally.failed) == (1, 1)
    [failure] = workspace.store.failures.all("collect")
    assert "came damaged" in failure.reason
