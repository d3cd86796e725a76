"""Curators' decisions and their undo, the Review and Gallery desks, roles over HTTP, and the keys in a browser."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser import Page, chromium, join, until
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from label_server import guest_at, served

from curate.decide import decide_labels, undo_decisions
from db.errors import ConfigError, InputError, NotFoundError
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.people import Annotator
from db.records.photos import NewPhoto, Origin
from db.records.votes import FLAGS, NewVote
from db.workspace import Workspace
from label_ui.decisions import Decisions
from label_ui.gallery_desk import GalleryDesk
from label_ui.pages import PAGES
from label_ui.review_desk import ReviewDesk
from label_ui.roles import calls_of, role_needed
from label_ui.thumbs import Thumbs

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture
def voted(workspace: Workspace, add_faces: AddFaces) -> Workspace:
    """Six faces: two agreed on, a tie, one rejected, one flagged by one of three, one without votes."""
    store = workspace.store
    f = add_faces(workspace, 6)
    people = [store.annotators.join(name).id for name in ("Ann", "Bob", "Cem")]
    ballots = {
        f[0]: ("happy", "happy", "happy"),
        f[1]: ("angry", "angry", "angry"),
        f[2]: ("happy", "angry", "neutral"),
        f[3]: ("!unusable", "!unusable", "!unusable"),
        f[4]: ("happy", "happy", "!offensive"),
    }
    for face, said in ballots.items():
        for person, word in zip(people, said, strict=True):
            flag = word[1:] if word.startswith("!") else None
            store.votes.cast(NewVote(face, person, () if flag else (word,), flag, seconds=1.5))
    decide_labels(workspace, "plurality")
    return workspace


def curator(workspace: Workspace, name: str = "Cleo") -> Annotator:
    return replace(workspace.store.annotators.join(name), role="curator")


def state(workspace: Workspace) -> object:
    """What holds: labels, known faces, and faces that wait for more votes."""
    store = workspace.store
    ids = store.faces.ids()
    held = store.labels.of_faces(ids)
    return (
        {i: (label.label, label.state, label.by_id, label.method) for i, label in held.items()},
        {i: (gold.answer, gold.flag) for i, gold in store.gold.of(ids).items()},
        store.queue.asked(),
    )


# ---- decisions ----------------------------------------------------------------------------------------------------


def test_accepting_confirms_what_holds_and_leaves_the_rest(voted: Workspace) -> None:
    decisions, ids = Decisions(voted, curator(voted)), voted.store.faces.ids()
    done = decisions.accept(ids)
    assert (done.faces, done.left_out) == (4, 2)
    held = voted.store.labels.of_faces(ids)
    assert held[ids[0]].label == "happy" and held[ids[0]].by_id and held[ids[3]].state == "rejected"
    assert held[ids[2]].by_id is None
    assert decisions.accept(ids[:1]).batch == "", "accepting again changes nothing"
    with pytest.raises(InputError, match="nothing is decided"):
        decisions.accept([ids[2]])


def test_a_curators_decision_holds_against_new_votes_until_sent_back(voted: Workspace) -> None:
    store, decisions = voted.store, Decisions(voted, curator(voted))
    face = store.faces.ids()[0]
    decisions.relabel([face], "neutral")
    store.votes.cast(NewVote(face, store.annotators.join("Dan").id, ("happy",)))
    decide_labels(voted, "plurality")
    assert store.labels.of_faces([face])[face].label == "neutral"
    decisions.send_back([face], 2)
    assert store.labels.of_faces([face])[face].label == "happy" and face in store.queue.asked()


def test_known_faces_are_never_overwritten(voted: Workspace) -> None:
    decisions, ids = Decisions(voted, curator(voted)), voted.store.faces.ids()
    decisions.gold([ids[0], ids[3]])
    marks = voted.store.gold.of(ids)
    assert (marks[ids[0]].answer, marks[ids[3]].flag) == ("happy", "unusable")
    done = decisions.gold([ids[0], ids[5]], "angry")
    assert done.faces == 1 and voted.store.gold.of(ids)[ids[0]].answer == "happy"
    assert decisions.undo(done.batch) == 1
    assert set(voted.store.gold.of(ids)) == {ids[0], ids[3]}
    with pytest.raises(InputError, match="known already"):
        decisions.gold([ids[0]])


def test_known_faces_follow_later_decisions_and_their_undo(voted: Workspace) -> None:
    decisions, ids = Decisions(voted, curator(voted)), voted.store.faces.ids()
    store = voted.store
    store.gold.set(ids[:1], set_by=curator(voted).id, answer="happy")  # as the page Campaigns does
    decisions.gold([ids[1]])
    before = state(voted)
    relabelled = decisions.relabel(ids[:3], "neutral")
    assert {i: known.answer for i, known in store.gold.of(ids).items()} == {
        ids[0]: "neutral",
        ids[1]: "neutral",
    }
    rejected = decisions.reject(ids[:2], "artificial")
    assert store.gold.of(ids) == {}
    decisions.undo(rejected.batch)
    assert {known.answer for known in store.gold.of(ids).values()} == {"neutral"}
    decisions.undo(relabelled.batch)
    assert state(voted) == before


def test_undoing_what_no_longer_holds_leaves_known_faces(voted: Workspace) -> None:
    decisions, ids = Decisions(voted, curator(voted)), voted.store.faces.ids()
    decisions.gold(ids[:1])
    earlier = decisions.relabel(ids[:1], "angry")
    decisions.relabel(ids[:1], "neutral")
    decisions.undo(earlier.batch)
    assert voted.store.gold.of(ids)[ids[0]].answer == "neutral"


def test_a_relabelling_round_is_a_campaign_and_its_undo_closes_it(voted: Workspace) -> None:
    decisions, ids = Decisions(voted, curator(voted)), voted.store.faces.ids()
    done = decisions.relabelling_round(ids[:3], "again")
    made = voted.store.campaigns.by_name("again")
    assert made is not None and made.picks.face_ids == ids[:3] and done.faces == 3
    assert voted.store.queue.counts(made.id).open == 3
    assert decisions.undo(done.batch) == 3
    assert voted.store.campaigns.get(made.id).closed_at is not None
    with pytest.raises(InputError, match="undone already"):
        decisions.undo(done.batch)


def test_what_cannot_be_done_is_refused_in_one_line(voted: Workspace) -> None:
    decisions, face = Decisions(voted, curator(voted)), voted.store.faces.ids()[0]
    before = state(voted)
    for wrong, error in (
        (lambda: decisions.relabel([face], "jolly"), ConfigError),
        (lambda: decisions.relabel([face, 999], "happy"), NotFoundError),
        (lambda: decisions.reject([face], "ugly"), InputError),
        (lambda: decisions.send_back([face], 0), InputError),
        (lambda: decisions.send_back([face], 2, campaign_id=77), NotFoundError),
        (lambda: decisions.undo("relabel-never-made"), InputError),
        (lambda: decisions.undo("send-x-y"), InputError),
    ):
        with pytest.raises(error) as caught:
            wrong()
        assert "\n" not in str(caught.value)
    assert state(voted) == before


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(("accept", "relabel", "reject", "gold", "send")),
        st.sets(st.integers(0, 5), min_size=1),
        st.integers(0, 3),
    ),
    max_size=6,
)


@pytest.mark.parametrize("first_undone", [0, 1])
def test_undoing_a_send_back_leaves_what_another_curator_asked_for(
    voted: Workspace, first_undone: int
) -> None:
    store, ids = voted.store, voted.store.faces.ids()[:2]
    asks = [(Decisions(voted, curator(voted)), 1), (Decisions(voted, curator(voted, "Dora")), 4)]
    before = store.queue.wanted(MAIN_CAMPAIGN, ids)
    batches, after = [], []
    for decisions, votes in asks:
        batches.append(decisions.send_back(ids, votes).batch)
        after.append(store.queue.wanted(MAIN_CAMPAIGN, ids))
    assert [[face.needs for face in wanted.values()] for wanted in after] == [[1, 1], [4, 4]]
    asks[0][0].undo(batches[first_undone])
    assert store.queue.wanted(MAIN_CAMPAIGN, ids) == after[1 - first_undone]
    asks[1][0].undo(batches[1 - first_undone])
    assert store.queue.wanted(MAIN_CAMPAIGN, ids) == before and not store.queue.asked()
    store.votes.undo(store.annotators.join("Ann").id, campaign_id=MAIN_CAMPAIGN)
    assert not store.queue.asked(), "a vote taken back later does not bring the request to life"


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=ACTIONS)
def test_undoing_everything_restores_exactly_what_held(
    voted: Workspace, plan: list[tuple[str, set[int], int]]
) -> None:
    decisions, ids = Decisions(voted, curator(voted)), voted.store.faces.ids()
    states, batches = [state(voted)], []
    for action, places, pick in plan:
        faces = [ids[place] for place in sorted(places) if ids[place] not in voted.store.queue.asked()]
        do: dict[str, Callable[[], Any]] = {
            "accept": lambda faces=faces: decisions.accept(faces),
            "relabel": lambda faces=faces, pick=pick: decisions.relabel(faces, voted.settings.classes[pick]),
            "reject": lambda faces=faces, pick=pick: decisions.reject(faces, FLAGS[pick]),
            "gold": lambda faces=faces: decisions.gold(faces),
            "send": lambda faces=faces, pick=pick: decisions.send_back(faces, pick + 1),
        }
        try:
            done = do[action]()
        except InputError:
            continue
        if done.batch:
            batches.append(done.batch)
            states.append(state(voted))
    for batch in reversed(batches):
        assert state(voted) == states.pop()
        decisions.undo(batch)
    assert state(voted) == states.pop() and not states


# ---- desks --------------------------------------------------------------------------------------------------------


def test_the_list_gives_reasons_and_shrinks_with_every_decision(voted: Workspace) -> None:
    desk, cleo = ReviewDesk(voted), curator(voted)
    ids = voted.store.faces.ids()
    seen = desk.review_list(cleo)
    reasons = {item["face"]: [reason["kind"] for reason in item["reasons"]] for item in seen["items"]}
    assert reasons[ids[4]][0] == "flagged" and reasons[ids[2]][0] in ("tie", "unsure")
    assert seen["counts"][""] == seen["total"] == len(seen["items"])
    desk.review_act(cleo, "relabel", faces=[ids[2]], label="happy")
    assert ids[2] not in [item["face"] for item in desk.review_list(cleo)["items"]]
    assert desk.review_list(cleo, kind="flagged")["total"] == 1


def test_a_face_shows_votes_by_person_and_the_history(voted: Workspace) -> None:
    desk, cleo = ReviewDesk(voted), curator(voted)
    face = voted.store.faces.ids()[4]
    batch = desk.review_act(cleo, "reject", faces=[face], flag="offensive")["batch"]
    seen = desk.review_face(cleo, face)
    assert [(vote["by"], vote["choices"], vote["flag"]) for vote in seen["votes"]] == [
        ("Ann", ["happy"], None),
        ("Bob", ["happy"], None),
        ("Cem", [], "offensive"),
    ]
    assert (seen["label"]["state"], seen["label"]["by"], seen["label"]["reason"]) == (
        "rejected",
        "Cleo",
        "offensive",
    )
    desk.review_undo(cleo, batch)
    again = desk.review_face(cleo, face)
    assert [row["undone_by"] for row in again["history"]] == [None, "Cleo"]
    assert again["label"]["label"] == "happy" and again["history"][0]["holds"]
    json.dumps(again, allow_nan=False)
    with pytest.raises(NotFoundError):
        desk.review_face(cleo, 999)


def test_a_face_says_that_people_voted_after_its_decision(voted: Workspace) -> None:
    desk, cleo = ReviewDesk(voted), curator(voted)
    face = voted.store.faces.ids()[0]
    assert desk.review_face(cleo, face)["outdated"] is False
    voted.store.votes.cast(NewVote(face, voted.store.annotators.join("Dan").id, ("angry",)))
    assert desk.review_face(cleo, face)["outdated"] is True
    desk.review_act(cleo, "accept", [face])
    assert desk.review_face(cleo, face)["outdated"] is False, "a curator's decision stays"


def test_more_than_a_hundred_faces_take_a_yes(workspace: Workspace, add_faces: AddFaces) -> None:
    add_faces(workspace, 120)
    desk, cleo = ReviewDesk(workspace), curator(workspace)
    every: dict[str, Any] = {"filter": {"candidate_class": "angry"}, "label": "angry"}
    with pytest.raises(InputError, match="120 faces"):
        desk.review_act(cleo, "relabel", **every)
    with pytest.raises(InputError, match="fit now, not 119"):
        desk.review_act(cleo, "relabel", **every, expect=119, sure=True)
    but = list(workspace.store.faces.ids()[:2])
    done = desk.review_act(cleo, "relabel", **every, but=but, expect=118, sure=True)
    assert done["faces"] == 118 and workspace.store.labels.tally() == {("decided", "angry"): 118}
    (log,) = desk.review_batches(cleo)
    assert (log["faces"], log["by"], log["method"], log["label"]) == (118, "Cleo", "relabel", "angry")
    assert desk.review_undo(cleo, done["batch"]) == {"faces": 118}
    assert workspace.store.labels.tally() == {} and desk.review_batches(cleo) == []


def test_the_gallery_pages_counts_and_filters(voted: Workspace) -> None:
    desk, cleo = GalleryDesk(voted), curator(voted)
    ids = voted.store.faces.ids()
    first = desk.gallery(cleo, limit=4)
    assert first["count"] == 6 and [cell["face"] for cell in first["faces"]] == list(ids[:4])
    flagged = desk.gallery(cleo, filter={"flag": "any"}, counted=False)
    assert {cell["face"] for cell in flagged["faces"]} == {ids[3], ids[4]} and "count" not in flagged
    assert desk.gallery_ids(cleo, order="newest", offset=1, limit=2) == [ids[4], ids[3]]
    assert desk.gallery_form(cleo)["sources"] == ["test"]
    for wrong in ({"mood": 1}, {"state": "odd"}, {"least_votes": "many"}, {"flag": "ugly"}):
        with pytest.raises(InputError):
            desk.gallery(cleo, filter=wrong)
    with pytest.raises(InputError, match="no order"):
        desk.gallery(cleo, order="by mood")


def test_thumbnails_are_kept_up_to_so_many_bytes() -> None:
    made: list[str] = []

    def read(sha256: str) -> bytes:
        made.append(sha256)
        image = np.random.default_rng(len(made)).integers(0, 256, (300, 200, 3), np.uint8)
        return bytes(cv2.imencode(".jpg", image)[1].tobytes())

    thumbs = Thumbs(read, most_bytes=1)
    small = cv2.imdecode(np.frombuffer(thumbs.of("a", 160), np.uint8), cv2.IMREAD_COLOR)
    assert small.shape == (160, 107, 3)
    thumbs.of("a", 160)
    assert made == ["a"], "the newest is always kept"
    thumbs.of("b", 160)
    thumbs.of("a", 160)
    assert made == ["a", "b", "a"]


# ---- roles --------------------------------------------------------------------------------------------------------


def test_every_call_needs_a_curator(voted: Workspace) -> None:
    for desk in (ReviewDesk(voted), GalleryDesk(voted)):
        assert {role_needed(call) for call in calls_of(desk).values()} == {"curator"}
    assert all(page.needs == "curator" for page in PAGES if page.name in ("review", "gallery"))


def test_over_http_a_voter_is_refused_and_nothing_changes(voted: Workspace) -> None:
    face = voted.store.faces.ids()[0]
    calls: dict[str, dict[str, Any]] = {
        "review_list": {},
        "review_face": {"face": face},
        "review_act": {"action": "relabel", "faces": [face], "label": "angry"},
        "review_undo": {"batch": "x"},
        "review_batches": {},
        "gallery": {},
        "gallery_ids": {},
        "gallery_form": {},
    }
    before = state(voted)
    with served(voted) as server, guest_at(server) as owner, guest_at(server) as voter:
        owner.join("Olga")
        voter.join("Vera")
        voted.store.annotators.set_role(voted.store.annotators.join("Olga").id, "owner")
        voted.store.annotators.set_role(voted.store.annotators.join("Vera").id, "voter")
        for name, values in calls.items():
            refused = voter.call(name, **values)
            assert refused.status_code == 403 and "curator" in refused.json()["error"], name
        assert state(voted) == before
        assert owner.call("gallery").json()["ok"]["count"] == 6
        assert "one line" not in owner.call("review_act", action="fly", faces=[face]).text
        assert owner.call("review_act", action="fly", faces=[face]).status_code == 400
        done = owner.call("review_act", **calls["review_act"]).json()["ok"]
        assert owner.call("review_undo", batch=done["batch"]).json() == {"ok": {"faces": 1}}
        assert state(voted) == before
        thumb = owner.http.get(f"/picture/thumb/{face}?size=160")
        assert "immutable" in thumb.headers["cache-control"] and len(thumb.content) < 8_000


# ---- the pages ------------------------------------------------------------------------------------------------------


def test_every_text_of_the_pages_is_there_in_both_languages() -> None:
    page = files("label_ui").joinpath("page")
    texts = json.loads(page.joinpath("strings_review.json").read_text(encoding="utf-8"))
    assert texts["en"].keys() == texts["fr"].keys()
    mine = [each for each in PAGES if each.name in ("review", "gallery")]
    names = {name for each in mine for name in (each.template, *each.scripts)}
    sources = "\n".join(page.joinpath(name).read_text(encoding="utf-8") for name in names)
    keys = set(re.findall(r'"((?:rv|gl|ac|dc)_[a-z_]+)"', sources))
    assert keys and keys <= texts["en"].keys(), sorted(keys - texts["en"].keys())
    for key, text in texts["en"].items():
        places = re.compile(r"\{(\w+)\}")
        assert sorted(places.findall(text)) == sorted(places.findall(texts["fr"][key])), key


def test_keys_decide_and_backspace_takes_back_in_a_browser(voted: Workspace, tmp_path: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    store, ids = voted.store, voted.store.faces.ids()
    store.annotators.add("Olga", role="owner")
    before = state(voted)

    def until(what: str, holds: Callable[[], Any]) -> None:
        end = time.monotonic() + 60
        while not holds():
            assert time.monotonic() < end, what
            time.sleep(0.05)

    def script(text: str) -> Any:
        return browser.execute_script(f"return {text}")

    def press(*keys: str) -> None:
        ActionChains(browser).send_keys(*keys).perform()

    def shown(face: int) -> Callable[[], Any]:
        return lambda: script(
            f"document.querySelector('#mq-review-face')?.alt.endsWith(' {face}')"
            " && document.querySelector('#mq-review-case').checkVisibility()"
        )

    with served(voted) as server, chromium(tmp_path / "profile") as browser:
        browser.get(f"{server.url}/review")
        join(browser, "Olga")
        browser.get(f"{server.url}/review?faces={ids[2]},{ids[0]},{ids[4]}")
        until("the first face", shown(ids[2]))
        press(Keys.ENTER)  # a tie has nothing to accept
        assert shown(ids[2])()
        press("2")
        until("relabelled", lambda: store.labels.of_faces([ids[2]])[ids[2]].label == "angry")
        until("the second face", shown(ids[0]))
        press("g")
        until("known", lambda: store.gold.of([ids[0]]))
        until("the third face", shown(ids[4]))
        press("x")
        press("4")
        until("rejected", lambda: store.labels.of_faces([ids[4]])[ids[4]].reason == "offensive")
        until("the end", lambda: script("document.querySelector('#mq-review-empty')?.checkVisibility()"))
        for face in (ids[4], ids[0], ids[2]):
            press(Keys.BACKSPACE)
            until("taken back", shown(face))
        until("all as before", lambda: state(voted) == before)
        phone = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        browser.get(f"{server.url}/gallery")
        until("the wall", lambda: script("document.querySelectorAll('.mq-tile img').length") == 6)
        assert script("document.documentElement.scrollWidth") <= 400
        press(" ", Keys.ARROW_RIGHT, " ", "1")
        until("both", lambda: store.labels.of_faces(ids)[ids[1]].method == "relabel")
        until(
            "an undo", lambda: script("document.querySelector('.mq-action-toast button')?.checkVisibility()")
        )
        script("document.querySelector('.mq-action-toast button').click()")
        until("one click takes it back", lambda: state(voted) == before)
        errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert [error for error in errors if "favicon" not in error] == []


def test_a_filter_and_a_tab_stand_after_a_reload(voted: Workspace, tmp_path: Path) -> None:
    voted.store.annotators.add("Olga", role="owner")
    with served(voted) as server, closing(Page(tmp_path / "profile")) as page:
        page.driver.get(f"{server.url}/gallery?state=decided")
        join(page.driver, "Olga")
        page.driver.refresh()
        until(lambda: "decided" in page.text(".mq-chip"))
        page.script("(document.querySelector('#mq-gallery-filters').open = true)")
        page.script(choosing("#mq-gallery-filters [name=label]", "angry"))
        page.script(choosing("#mq-gallery-order", "newest"))
        until(lambda: page.text("#mq-gallery-count") == "one face")
        page.driver.refresh()
        until(lambda: page.text("#mq-gallery-count") == "one face")
        assert page.script("location.pathname + location.search") == (
            "/gallery?label=angry&state=decided&order=newest"
        )
        page.driver.get(f"{server.url}/review")
        until(lambda: page.shown("[data-kind=flagged]"))
        page.script("document.querySelector('[data-kind=flagged]').click()")
        until(lambda: page.script("location.search") == "?kind=flagged")
        page.driver.refresh()
        until(lambda: page.script("document.querySelector('[data-kind=flagged]')?.ariaPressed") == "true")
        assert page.script("location.pathname") == "/review"


def test_the_history_says_what_was_undone_in_the_terminal(voted: Workspace, tmp_path: Path) -> None:
    voted.store.annotators.add("Olga", role="owner")
    undo_decisions(voted)
    face = voted.store.faces.ids()[0]
    with served(voted) as server, closing(Page(tmp_path / "profile")) as page:
        page.driver.get(f"{server.url}/review?faces={face}")
        join(page.driver, "Olga")
        for lang, said in (("en", "undone in the terminal"), ("fr", "annulé dans le terminal")):
            page.script(f"localStorage.setItem('mimique.lang', '{lang}')")
            page.driver.refresh()
            until(lambda said=said: said in page.text("#mq-review-history"))


def test_a_gallery_filters_by_harvests_that_can_be_told_apart(voted: Workspace, tmp_path: Path) -> None:
    voted.store.annotators.add("Olga", role="owner")
    made = bring_harvests(voted)
    expected = ["sample seed 0 · angry", "sample seed 0 · happy"]
    with served(voted) as server, closing(Page(tmp_path / "profile")) as page:
        page.driver.get(f"{server.url}/gallery")
        join(page.driver, "Olga")
        page.driver.refresh()
        listed = "[...document.querySelectorAll('[name=harvest_id] option')].slice(1).map((at) => at.text)"
        names = until(lambda: page.script(listed))
        assert [name.split(": ")[1].rsplit(" · ", 1)[0] for name in names] == expected
        assert all(re.search(r" · \w{3} \d+, 20\d\d, ", name) for name in names), names
        assert [int(name.split(":")[0]) for name in names] == made
        page.driver.get(f"{server.url}/campaigns")
        until(lambda: page.shown("#mq-new"))
        page.script("document.querySelector('#mq-new').click()")
        form = "[...document.querySelectorAll('#mq-campaign-form option')].map((at) => at.text)"
        until(lambda: page.shown("#mq-campaign-form"))
        assert [text for text in page.script(form) if "seed 0" in text] == names


@contextmanager
def closing(page: Page) -> Iterator[Page]:
    page.size(1280, 900)
    try:
        yield page
    finally:
        page.driver.quit()


def bring_harvests(workspace: Workspace) -> list[int]:
    """Four harvests of the same words, of which two brought a photo each; gives those two."""
    store = workspace.store
    made = {name: store.harvests.start("sample", "seed 0", name).id for name in ("", "angry", "happy", "sad")}
    for number, name in enumerate(("angry", "happy")):
        photo = NewPhoto(f"{number}" * 64, ".jpg", 80, 60, "0" * 16, 9)
        store.photos.add(photo, Origin("sample", f"drawn {number}", name), harvest_id=made[name])
    return [made["angry"], made["happy"]]


def choosing(selector: str, value: str) -> str:
    """A script that chooses this value of a select, as a person does."""
    return (
        f"((at) => {{ at.value = '{value}'; at.dispatchEvent(new Event('change', {{bubbles: true}})); }})"
        f"(document.querySelector('{selector}'))"
    )
