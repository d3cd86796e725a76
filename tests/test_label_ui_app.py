"""The real workbench: the `label` command, driven by gradio_client and by headless Chromium."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser
import pytest
from browser import until
from label_server import Server, served
from new_workspace import new_workspace

from db.overlap import Overlap
from db.records.campaigns import GoldMix, NewCampaign, Picks
from db.workspace import Workspace, create_workspace, open_workspace
from label_ui.people import People

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture(scope="module")
def label(tmp_path_factory: pytest.TempPathFactory, add_faces: AddFaces) -> Iterator[Server]:
    with new_workspace(tmp_path_factory.mktemp("label") / "faces") as workspace:
        add_faces(workspace, 30)
        with served(workspace) as label:
            yield label


def votes_of(label: Server, name: str) -> list[tuple[str | None, str | None]]:
    who = label.workspace.store.annotators.find(name)
    current = label.workspace.store.votes.current()
    return [(vote.choice, vote.flag) for vote in current if who and vote.annotator_id == who.id]


# ---- through gradio_client ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(label: Server) -> Iterator[Any]:
    from gradio_client import Client

    client = Client(label.url, verbose=False)
    yield client
    client.close()


def test_a_client_joins_votes_skips_and_undoes(client: Any, label: Server) -> None:
    assert client.predict("Client", api_name="/join")["name"] == "Client"
    (main,) = client.predict("Client", api_name="/open_campaigns")
    assert (main["question"], main["faces"], main["voted"]) == ("choose", 30, 0)
    face, other = client.predict("Client", main["id"], 2, [], api_name="/next")
    vote = {"annotator": "Client", "campaign": 1, "face": face["face"], "crop": face["crop"]}
    first = client.predict(**vote, request_id="client-0001", choices=["happy"], api_name="/vote")
    assert client.predict(**vote, request_id="client-0001", choices=["happy"], api_name="/vote") == first
    assert votes_of(label, "Client") == [("happy", None)]
    skip = {"annotator": "Client", "campaign": 1, "face": other["face"], "crop": other["crop"]}
    client.predict(**skip, request_id="client-0002", api_name="/skip")
    assert client.predict("Client", 1, "client-0003", api_name="/undo")["face"]["face"] == other["face"]
    assert client.predict("Client", 1, "client-0004", api_name="/undo")["face"]["face"] == face["face"]
    assert votes_of(label, "Client") == []
    client.predict("Client", 1, [face["face"], other["face"]], api_name="/leave")


def test_a_face_comes_without_search_word_and_votes_and_paths(label: Server) -> None:
    import httpx

    with httpx.Client(base_url=label.url) as person:
        token = person.post("/api/join", json={"name": "Blind"}).json()["ok"]["token"]
        headers = {"X-Mimique-Token": token}
        answer = person.post("/api/next", json={"campaign": 1}, headers=headers)
        (face,) = answer.json()["ok"]
        picture = person.get(face["picture"])
    assert set(face) == {"face", "crop", "picture", "width", "height"}
    assert picture.content.startswith(b"\xff\xd8")
    told = answer.text + str(answer.headers) + str(picture.headers)
    assert "angry" not in told and str(label.workspace.path) not in told


def test_a_client_hears_what_was_wrong(client: Any) -> None:
    with pytest.raises(Exception, match="nobody called 'Stranger' has joined"):
        client.predict("Stranger", 1, 1, [], api_name="/next")
    with pytest.raises(Exception, match="needs a name"):
        client.predict("  ", api_name="/join")
    client.predict("Voter", api_name="/join")
    with pytest.raises(Exception, match="role curator"):
        client.predict("Voter", {"name": "mine"}, api_name="/campaign_make")


def test_no_file_of_the_machine_is_served(label: Server) -> None:
    import httpx

    config = label.workspace.path / "mimique.toml"
    assert httpx.get(f"{label.url}/gradio_api/file={config}").status_code in (403, 404)


def test_a_page_that_points_its_own_name_here_is_turned_away(label: Server) -> None:
    import httpx

    assert httpx.get(f"{label.url}/config").status_code == 200
    assert httpx.get(f"{label.url}/config", headers={"Host": "evil.example"}).status_code == 400


# ---- in a browser ---------------------------------------------------------------------------------------


class Page(browser.Page):
    """The workbench in French, and every request and message of the browser."""

    def __init__(self, profile: Path) -> None:
        super().__init__(profile, "--accept-lang=fr", logs=("performance", "browser"))

    def sent_all(self) -> bool:
        """Whether the server's answer to every vote has come: none waits in the browser's memory."""
        return not self.script("Object.keys(localStorage).some((key) => key.startsWith('mimique.vote.'))")

    def click(self, selector: str) -> None:
        self.driver.find_element("css selector", selector).click()

    def join(self, url: str, name: str, campaign: str = "") -> None:
        """Come in anew under this name, through the first visit's explanation, to a face of the campaign."""
        self.driver.get(f"{url}/me")  # the same origin, without the workbench running
        self.script("localStorage.clear()")
        self.driver.delete_all_cookies()
        self.enter(url, name)
        until(lambda: self.shown("#mq-message-buttons .is-primary"))
        if campaign:
            self.choose(campaign)
            until(lambda: self.shown("#mq-message-buttons .is-primary"))
        self.click("#mq-message-buttons .is-primary")
        until(lambda: self.shown("#mq-stage img"))

    def enter(self, url: str, name: str) -> None:
        """Come in under this name, as far as the page lets one."""
        self.driver.get(url)
        until(lambda: self.shown("#mq-join"))
        self.driver.find_element("id", "mq-name").send_keys(name + "\n")

    def show_keys(self) -> None:
        """Open the window in which keys are shown and changed."""
        self.press("?", next_face=False)
        until(lambda: self.shown(".mq-key"))

    def choose(self, campaign: str) -> None:
        from selenium.webdriver.support.select import Select

        Select(self.driver.find_element("id", "mq-campaign")).select_by_visible_text(campaign)

    def face(self) -> str:
        return str(
            self.script(
                "document.querySelector('#mq-ballot').hidden || document.querySelector('#mq-stage img')?.src"
            )
        )

    def press(self, key: str, *, next_face: bool = True) -> None:
        """Press a key no sooner than a person could; wait for the next face."""
        from selenium.webdriver.common.action_chains import ActionChains

        before = self.face()
        self.act(ActionChains(self.driver).send_keys(key).perform, before if next_face else "")

    def act(self, action: Callable[[], object], before: str) -> None:
        """Do it, and again if the face (painted late on a busy machine) was too new to be judged."""
        for _ in range(10):
            time.sleep(0.3)
            action()
            end = time.monotonic() + 2
            while before and self.face() == before and time.monotonic() < end:
                time.sleep(0.02)
            if self.face() != before:
                return
        raise AssertionError("the next face did not come")


def opened(folder: Path) -> Iterator[Page]:
    page = Page(folder)
    page.size(1280, 800)
    yield page
    page.driver.quit()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    yield from opened(tmp_path_factory.mktemp("browser"))


@pytest.fixture
def other_page(tmp_path: Path) -> Iterator[Page]:
    yield from opened(tmp_path)


def test_voting_by_keyboard_reaches_the_store_and_nothing_leaves_the_machine(
    page: Page, label: Server
) -> None:
    from selenium.webdriver.common.keys import Keys

    page.join(label.url, "Kay")
    for key in ("1", "2", "u", " "):
        page.press(key)
    page.press("f", next_face=False)
    until(lambda: page.shown("#mq-window"))
    page.press("2")
    expected = [("happy", None), ("angry", None), (None, None), (None, "artificial")]
    until(lambda: votes_of(label, "Kay") == expected)
    undone = [page.face()]
    for _ in range(3):  # the flag, the skip and the "unsure"
        page.press(Keys.BACKSPACE)
        undone.append(page.face())
    assert len(set(undone)) == 4
    until(lambda: votes_of(label, "Kay") == expected[:2])
    page.press("3")
    until(lambda: votes_of(label, "Kay") == [*expected[:2], ("surprised", None)])
    kay = label.workspace.store.annotators.join("Kay").id
    mine = [vote for vote in label.workspace.store.votes.current() if vote.annotator_id == kay]
    assert all(vote.seconds and vote.seconds >= 0.25 for vote in mine)
    assert all(vote.shown["by"] == "key" and vote.shown["lang"] == "fr" for vote in mine)
    assert [entry for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith((label.url, "data:", "chrome:"))] == []


def test_undo_reaches_back_past_a_reload(page: Page, label: Server) -> None:
    from selenium.webdriver.common.keys import Keys

    page.join(label.url, "Again")
    first = page.face()
    page.press("1")
    until(lambda: votes_of(label, "Again") == [("happy", None)])
    page.driver.refresh()
    until(lambda: page.shown("#mq-stage img"))
    page.press(Keys.BACKSPACE)
    assert page.face() == first
    until(lambda: votes_of(label, "Again") == [])


def test_an_undo_whose_answer_was_lost_takes_back_one_vote_when_it_is_asked_again(
    page: Page, label: Server
) -> None:
    from selenium.webdriver.common.keys import Keys

    page.join(label.url, "Lossy")
    page.press("1")
    second = page.face()
    page.press("2")
    until(lambda: votes_of(label, "Lossy") == [("happy", None), ("angry", None)])
    until(lambda: page.sent_all())
    page.driver.refresh()
    until(lambda: page.shown("#mq-stage img"))
    page.driver.execute_script(
        """const real = window.fetch;
        window.fetch = async (url, ...more) => {
          const answer = await real(url, ...more);
          if (!String(url).endsWith("/api/undo")) return answer;
          window.fetch = real;
          window.lost = true;
          throw new TypeError("the answer was lost");
        };"""
    )
    page.press(Keys.BACKSPACE, next_face=False)
    until(lambda: page.script("window.lost"))
    until(lambda: votes_of(label, "Lossy") == [("happy", None)])
    time.sleep(0.3)
    page.press(Keys.BACKSPACE)
    assert page.face() == second and votes_of(label, "Lossy") == [("happy", None)]


def press_after(page: Page, *keys_ms: tuple[str, int]) -> None:
    """Press keys one after the other, each so many milliseconds after the one before, by the page's own clock."""
    page.driver.execute_async_script(
        """const [keys, done] = arguments;
        const send = (key) => document.dispatchEvent(new KeyboardEvent("keydown",
          {key, code: /\\d/.test(key) ? `Digit${key}` : key, bubbles: true, cancelable: true}));
        (async () => {
          for (const [key, ms] of keys) {
            if (ms) await new Promise((passed) => setTimeout(passed, ms));
            send(key);
          }
          done();
        })();""",
        list(keys_ms),
    )


@pytest.mark.parametrize("ms", [80, 160, 240])
def test_a_face_that_an_undo_brings_back_is_judged_at_once(page: Page, label: Server, ms: int) -> None:
    page.join(label.url, f"Quick {ms}")
    page.press("1")
    page.press("1")
    time.sleep(0.4)
    press_after(page, ("Backspace", 0), ("2", ms))
    until(lambda: votes_of(label, f"Quick {ms}") == [("happy", None), ("angry", None)])


def test_a_key_that_comes_too_soon_is_told_and_not_counted(page: Page, label: Server) -> None:
    page.join(label.url, "Bouncing")
    time.sleep(0.4)
    press_after(page, ("1", 0), ("2", 0))
    assert page.text(".mq-told") == "Trop rapide\u00a0: non compté"
    until(lambda: page.text("#mq-live").endswith("joie. Visage suivant. Trop rapide\u00a0: non compté"))
    until(lambda: not page.shown(".mq-told"))
    until(lambda: page.sent_all())
    assert votes_of(label, "Bouncing") == [("happy", None)]


def test_every_quick_backspace_after_a_reload_takes_back_a_vote(page: Page, label: Server) -> None:
    page.join(label.url, "Hasty")
    faces = []
    for key in ("1", "2", "3", "4"):
        faces.append(page.face())
        page.press(key)
    until(lambda: len(votes_of(label, "Hasty")) == 4 and page.sent_all())
    page.driver.refresh()
    until(lambda: page.shown("#mq-stage img"))
    time.sleep(0.4)
    press_after(page, *[("Backspace", 50)] * 4, ("2", 50))  # the last key means the face that comes back last
    until(lambda: votes_of(label, "Hasty") == [("angry", None)])
    until(lambda: page.face() == faces[1])


def test_a_backspace_waits_for_what_is_still_on_its_way(page: Page, label: Server) -> None:
    page.join(label.url, "Underway")
    first = page.face()
    page.press("1")
    until(lambda: votes_of(label, "Underway") == [("happy", None)] and page.sent_all())
    page.driver.refresh()
    until(lambda: page.shown("#mq-stage img"))
    time.sleep(0.4)
    press_after(page, ("2", 0), ("Backspace", 20), ("Backspace", 20))
    until(lambda: votes_of(label, "Underway") == [] and page.face() == first)


def test_a_key_pressed_while_nothing_can_be_undone_is_no_vote(page: Page, label: Server) -> None:
    page.join(label.url, "Empty-handed")
    time.sleep(0.4)
    press_after(page, ("Backspace", 0), ("1", 0))
    until(lambda: page.text("#mq-last") == "Rien à annuler.")
    until(lambda: page.text("#mq-live") == "Rien à annuler. Non compté")
    page.press("2")
    until(lambda: votes_of(label, "Empty-handed") == [("angry", None)])


def test_a_double_click_or_a_held_key_is_one_vote(page: Page, label: Server) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    page.join(label.url, "Double")
    button = page.driver.find_element("css selector", "[data-answer='class:happy']")
    page.act(ActionChains(page.driver).double_click(button).perform, page.face())
    time.sleep(0.6)
    held = "new KeyboardEvent('keydown', {key: '2', code: 'Digit2', bubbles: true, repeat: %s})"
    page.driver.execute_script(
        f"for (const again of [false, true, true, true]) document.dispatchEvent({held % 'again'})"
    )
    until(lambda: len(votes_of(label, "Double")) >= 2)
    assert votes_of(label, "Double") == [("happy", None), ("angry", None)]


def test_keys_can_be_changed_and_stay_changed(page: Page, label: Server) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    page.join(label.url, "Own keys")
    page.show_keys()
    page.click(".mq-key")  # the first is that of "happy"
    ActionChains(page.driver).send_keys("z").perform()
    until(lambda: page.text(".mq-key") == "z")
    page.driver.refresh()
    until(lambda: page.shown("#mq-stage img"))
    page.press("z")
    until(lambda: votes_of(label, "Own keys") == [("happy", None)])


def test_a_key_is_learnt_past_shift_and_by_the_button_clicked_last(page: Page, label: Server) -> None:
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    page.join(label.url, "Shifty")
    page.show_keys()
    first, second = page.driver.find_elements("css selector", ".mq-key")[:2]
    first.click()
    second.click()
    assert page.text(".mq-key") == "1" and second.text not in ("", "2")
    ActionChains(page.driver).key_down(Keys.SHIFT).send_keys("k").key_up(Keys.SHIFT).perform()
    until(lambda: page.script("document.querySelectorAll('.mq-key')[1].innerText") == "k")
    assert page.text(".mq-key") == "1"


def test_on_a_phone_in_french_everything_fits_and_works_by_touch(page: Page, label: Server) -> None:
    page.size(400, 800)
    page.join(label.url, "Toucher")
    assert page.text("#mq-question").startswith("Quelle expression")
    assert page.script("document.documentElement.scrollWidth") <= 400
    smallest = "Math.min(...[...document.querySelectorAll('#mq-ballot button')].map(b => b.offsetHeight))"
    assert page.script(smallest) >= 44
    page.act(page.driver.find_element("css selector", "[data-answer='class:neutral']").click, page.face())
    until(lambda: votes_of(label, "Toucher") == [("neutral", None)])
    page.click("[data-answer=photo]")
    until(lambda: page.script("document.querySelector('.mq-photo img')?.naturalWidth") == 80)
    page.size(1280, 800)


def test_votes_cast_without_a_server_wait_and_arrive_when_it_is_back(page: Page, label: Server) -> None:
    page.join(label.url, "Offline")
    page.press("1")
    until(lambda: votes_of(label, "Offline") == [("happy", None)])
    until(lambda: page.sent_all())
    label.stop(signal.SIGKILL)
    page.press("2")
    page.press("3")
    until(lambda: page.shown("#mq-waiting"))
    assert "2 votes en attente" in page.text("#mq-waiting")
    page.driver.refresh()  # even a closed page keeps them
    label.start()
    page.driver.get(label.url)
    until(lambda: len(votes_of(label, "Offline")) == 3)
    assert votes_of(label, "Offline") == [("happy", None), ("angry", None), ("surprised", None)]


def test_votes_cast_after_the_login_has_ended_arrive_after_logging_in(page: Page, label: Server) -> None:
    page.join(label.url, "Nora")
    People(label.workspace.store).set_password("Nora", "a phrase of Nora")  # and every login of hers ends
    page.press("1")
    page.press("2")
    until(lambda: "2 votes en attente" in page.text("#mq-waiting"))
    page.driver.refresh()
    until(lambda: page.script("location.pathname") == "/login")
    page.driver.find_element("id", "mq-name").send_keys("Nora")
    page.driver.find_element("id", "mq-password").send_keys("a phrase of Nora\n")
    until(lambda: votes_of(label, "Nora") == [("happy", None), ("angry", None)])


def test_votes_that_a_campaign_no_longer_takes_are_kept_until_it_does(page: Page, label: Server) -> None:
    campaigns = label.workspace.store.campaigns
    page.join(label.url, "Barred")
    page.press("1")
    until(lambda: votes_of(label, "Barred") == [("happy", None)])
    campaigns.change(1, voters=(label.workspace.store.annotators.join("Kay").id,))
    try:
        page.press("2")
        until(lambda: "does not ask Barred" in page.text("#mq-waiting"))
        assert page.text("#mq-waiting").startswith("1 vote en attente")
        page.driver.refresh()  # even a closed page keeps them
        until(lambda: "does not ask Barred" in page.text("#mq-waiting"))
        assert votes_of(label, "Barred") == [("happy", None)]
    finally:
        campaigns.change(1, voters=())
    page.driver.refresh()
    until(lambda: votes_of(label, "Barred") == [("happy", None), ("angry", None)])


def test_two_people_at_once_give_each_face_the_one_vote_it_wants(
    page: Page, other_page: Page, label: Server
) -> None:
    ids = tuple(face.id for face in label.workspace.store.faces.all())[:6]
    made = label.workspace.store.campaigns.create(
        NewCampaign("once", overlap=Overlap("fixed", most=1), picks=Picks(face_ids=ids))
    )
    page.join(label.url, "Left", "once")
    until(lambda: page.script("document.querySelectorAll('#mq-stage img').length") == 1)
    for _ in range(3):
        page.press("1")
    page.driver.get(f"{label.url}/me")  # leaves: what waited in the deck is free at once
    other_page.join(label.url, "Right", "once")
    for _ in range(3):
        other_page.press("2")
    until(lambda: other_page.shown("#mq-message"))
    until(lambda: len(label.workspace.store.votes.current(made.id)) == 6)
    votes = label.workspace.store.votes.current(made.id)
    assert sorted(vote.face_id for vote in votes) == sorted(ids)
    label.workspace.store.campaigns.close(made.id)


def test_two_tabs_of_one_person_never_hold_the_same_face(page: Page, label: Server) -> None:
    page.join(label.url, "Tabs")
    first = page.driver.current_window_handle
    page.driver.switch_to.new_window("tab")
    page.driver.get(label.url)
    until(lambda: page.shown("#mq-stage img"))
    seen = []
    for _ in range(2):
        for tab in page.driver.window_handles[::-1]:
            page.driver.switch_to.window(tab)
            seen.append(page.face())
            page.press("1")
    assert len(set(seen)) == 4
    until(lambda: len(votes_of(label, "Tabs")) == 4)
    page.driver.switch_to.window(next(tab for tab in page.driver.window_handles if tab != first))
    page.driver.close()
    page.driver.switch_to.window(first)


def test_verify_takes_yes_no_and_unsure_and_tells_known_answers_at_once(page: Page, label: Server) -> None:
    store = label.workspace.store
    ids = tuple(face.id for face in store.faces.all())[:4]
    store.gold.set(ids, set_by=store.annotators.join("Kay").id, answer="angry")
    made = store.campaigns.create(
        NewCampaign(
            "angry?",
            question="verify",
            about="angry",
            gold=GoldMix(0.5, "at once"),
            picks=Picks(face_ids=ids),
            blind=False,
        )
    )
    page.join(label.url, "Verifier", "angry?")
    assert "colère" in page.text("#mq-question")
    page.press("o")
    until(lambda: page.text("#mq-aside").startswith("Juste\u00a0: colère"))
    page.press("n")
    until(lambda: page.text("#mq-aside").startswith("Ce visage est connu\u00a0: colère"))
    page.press("3")
    until(lambda: len(store.votes.current(made.id)) == 3)
    assert [(v.choices, v.denies) for v in store.votes.current(made.id)] == [
        (("angry",), None),
        ((), "angry"),
        ((), None),
    ]
    page.press("m", next_face=False)
    until(lambda: page.shown(".mq-confusion"))
    assert "1 / 3" in page.text("#mq-window")
    store.campaigns.close(made.id)
    store.gold.remove(ids)


def test_several_classes_are_chosen_and_confirmed(page: Page, label: Server) -> None:
    store = label.workspace.store
    made = store.campaigns.create(NewCampaign("mixed", several=True))
    page.join(label.url, "Several", "mixed")
    for key in ("1", "2", "3", "2"):  # the second "2" takes it out again
        page.press(key, next_face=False)
    page.press("\n")
    until(lambda: store.votes.current(made.id))
    assert store.votes.current(made.id)[0].choices == ("happy", "surprised")
    store.campaigns.close(made.id)


@pytest.mark.parametrize("reload", [False, True], ids=["on the page", "past a reload"])
def test_undoing_several_classes_shows_them_chosen(page: Page, label: Server, reload: bool) -> None:
    store = label.workspace.store
    made = store.campaigns.create(NewCampaign(f"mixed {reload}", several=True))
    chosen = "[...document.querySelectorAll('[aria-pressed=true]')].map((at) => at.dataset.answer)"
    try:
        page.join(label.url, "Severine", made.name)
        for key in ("1", "3"):
            page.press(key, next_face=False)
        page.press("\n")
        until(lambda: store.votes.current(made.id) and page.sent_all())
        if reload:
            page.driver.refresh()
            until(lambda: page.shown("#mq-stage img"))
        assert page.script(chosen) == []
        page.press("\ue003")  # Backspace
        assert page.script(chosen) == ["class:happy", "class:surprised"]
        page.press("1", next_face=False)  # takes one out again
        page.press("\n")
        until(lambda: [vote.choices for vote in store.votes.current(made.id)] == [("surprised",)])
    finally:
        store.campaigns.close(made.id)


def test_a_curator_makes_changes_and_closes_a_campaign(page: Page, label: Server) -> None:
    store = label.workspace.store
    store.annotators.set_role(store.annotators.join("Cura").id, "curator")
    page.join(label.url, "Cura")
    page.driver.get(f"{label.url}/campaigns")
    until(lambda: page.shown(".mq-campaign"))
    page.click("#mq-new")
    until(lambda: page.shown("#mq-campaign-form"))
    page.driver.switch_to.active_element.send_keys("by form\n")
    made = until(lambda: store.campaigns.by_name("by form"))
    assert (made.question, made.overlap, made.blind) == ("choose", Overlap(), True)
    until(lambda: "by form" in page.text(".mq-campaign h2"))
    page.script(
        f"document.querySelector('[data-focus=change{made.id}]').click()"
    )  # the list may be drawn anew
    until(lambda: page.shown("#mq-campaign-form input[type=number]"))
    most = page.driver.find_elements("css selector", "#mq-campaign-form input[type=number]")[2]
    most.clear()
    most.send_keys("7\n")
    until(lambda: store.campaigns.get(made.id).overlap.most == 7)
    until(lambda: not page.shown("#mq-campaign-dialog"))
    page.script(f"document.querySelector('[data-focus=close{made.id}]').click()")
    until(lambda: store.campaigns.get(made.id).closed_at)


def test_an_empty_workspace_says_what_to_type(page: Page, workspace: Workspace) -> None:
    with served(workspace) as empty:
        page.enter(empty.url, "Ann")
        until(lambda: "curate faces" in page.text("#mq-message pre"))


def test_after_choosing_a_campaign_keys_vote_again(page: Page, label: Server) -> None:
    from selenium.webdriver.common.keys import Keys

    store = label.workspace.store
    first, second = (store.campaigns.create(NewCampaign(name)) for name in ("Jolly", "Zeal"))
    chosen = "document.querySelector('#mq-campaign').selectedOptions[0].text"
    try:
        page.join(label.url, "Chloe", "Jolly")
        page.choose("Zeal")
        until(lambda: page.shown("#mq-stage img"))
        until(lambda: page.focused() != "mq-campaign")
        page.press("1")
        until(lambda: len(store.votes.current(second.id)) == 1)

        page.script("document.querySelector('#mq-campaign').focus()")  # as Tab does
        page.keys(Keys.ARROW_UP)
        until(lambda: page.script(chosen) == "Jolly" and page.shown("#mq-stage img"))
        page.keys(Keys.ARROW_DOWN)  # the list is still in the hand
        until(lambda: page.script(chosen) == "Zeal" and page.shown("#mq-stage img"))
        assert page.focused() == "mq-campaign"
        page.keys(Keys.ENTER)
        until(lambda: page.focused() == "mq-stage")
        page.press("2")
        until(lambda: len(store.votes.current(second.id)) == 2)

        page.click("#mq-campaign")  # only looked, and away again
        page.keys(Keys.ESCAPE)
        page.press("j", next_face=False)
        assert page.script(chosen) == "Zeal" and page.focused() == "mq-stage"
        assert [vote.choice for vote in store.votes.current(first.id)] == []
    finally:
        for made in (first, second):
            store.campaigns.close(made.id)


def test_without_a_server_another_campaign_says_so_and_counts_nothing(page: Page, label: Server) -> None:
    store = label.workspace.store
    made = store.campaigns.create(NewCampaign("afar"))
    try:
        page.join(label.url, "Farid", "afar")
        for key in ("1", "2"):
            page.press(key)
        until(lambda: len(votes_of(label, "Farid")) == 2 and page.sent_all())
        page.choose("main")
        until(lambda: page.shown("#mq-stage img"))
        label.stop(signal.SIGKILL)
        page.choose("afar")
        until(lambda: page.shown("#mq-waiting"))
        assert page.text("#mq-waiting") == "l’atelier ne répond pas, nouvel essai"
        assert page.text("#mq-message-title") == "Chargement des visages…" and page.text("#mq-count") == ""
        label.start()
        until(lambda: page.shown("#mq-stage img") and page.text("#mq-count").startswith("2 par vous"))
        until(lambda: not page.shown("#mq-waiting"))
    finally:
        store.campaigns.close(made.id)


def test_on_a_phone_the_first_card_names_buttons_and_an_undo_moves_nothing(page: Page, label: Server) -> None:
    store = label.workspace.store
    name = "Everything that was collected in the summer, second round"
    made = store.campaigns.create(NewCampaign(name))
    page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    page.size(400, 800)
    try:
        page.driver.get(f"{label.url}/me")
        page.script("localStorage.clear()")
        page.driver.delete_all_cookies()
        page.driver.get(label.url)
        until(lambda: page.shown("#mq-join"))
        page.driver.find_element("id", "mq-name").send_keys("Tania\n")
        until(lambda: page.shown(".mq-welcome"))
        assert page.text("#mq-message-title") == "Un visage, un geste"
        assert "Annuler" in page.text(".mq-welcome") and not page.shown(".mq-welcome kbd")
        for name in ("joie", "colère", "surprise", "neutre"):
            assert name in page.text(".mq-welcome li")
        page.click("#mq-message-buttons .is-primary")
        until(lambda: page.shown("#mq-stage img"))
        assert page.script("document.querySelector('#mq-campaign').offsetWidth") >= 360
        place = "document.querySelector('#mq-stage').getBoundingClientRect().top"
        before = page.script(place)
        page.act(page.driver.find_element("css selector", "[data-answer='class:neutral']").click, page.face())
        page.click("[data-answer=undo]")
        until(lambda: page.text("#mq-last") == "Annulé")
        assert page.script(place) == before
        assert "Jugez à nouveau" in page.text("#mq-live")
        assert page.script("document.documentElement.scrollHeight") <= 800
        page.click("[data-answer=flag]")
        until(lambda: page.shown("#mq-window .mq-flags"))
        assert not page.script("[...document.querySelectorAll('kbd')].some((cap) => cap.checkVisibility())")
    finally:
        store.campaigns.close(made.id)
        page.driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": False})
        page.size(1280, 800)


def test_an_empty_workspace_offers_ones_own_photos_first(page: Page, workspace: Workspace) -> None:
    with served(workspace) as empty:
        page.enter(empty.url, "Ann")
        until(lambda: "curate faces" in page.text("#mq-message pre"))
        typed = page.script("[...document.querySelectorAll('#mq-message pre')].map((at) => at.innerText)")
    own, to_try = (text.splitlines() for text in typed)
    assert own[0].startswith("collect folder PHOTOS") and own[1].startswith("collect flickr --class angry")
    assert len(to_try) == 1 and to_try[0].startswith("collect sample")


def test_a_phone_on_its_side_shows_the_face_and_every_answer(page: Page, label: Server) -> None:
    page.size(740, 360)
    try:
        page.join(label.url, "Flat")
        lowest = """Math.max(...[...document.querySelectorAll('#mq-stage, #mq-answers button')]
          .map((at) => at.getBoundingClientRect().bottom))"""
        assert page.script(lowest) <= 360
        assert page.script("document.querySelector('#mq-stage img').offsetHeight") >= 200
        assert page.script("document.documentElement.scrollWidth") <= 740
    finally:
        page.size(1280, 800)


@pytest.mark.parametrize("width", [400, 360])
@pytest.mark.parametrize("preset", ["7", "8"])
def test_no_name_of_a_class_is_cut_on_a_narrow_page(
    page: Page, tmp_path: Path, add_faces: AddFaces, preset: str, width: int
) -> None:
    workspace = open_workspace(create_workspace(tmp_path / "faces", preset).parent)
    lines = """[...document.querySelectorAll('#mq-answers span')].map((at) => {
      const range = document.createRange();
      range.selectNodeContents(at);
      return new Set([...range.getClientRects()].map((line) => line.top)).size;
    })"""
    page.size(width, 800)
    try:
        add_faces(workspace, 4)
        with served(workspace) as label:
            page.driver.get(label.url)
            page.script("localStorage.setItem('mimique.lang', 'en')")
            page.join(label.url, "Nell")
            page.script("localStorage.setItem('mimique.lang', 'en')")
            page.driver.refresh()
            until(lambda: page.shown("#mq-stage img"))
            assert set(page.script(lines)) == {1}
            assert page.shown("#mq-answers kbd")
            sticks_out = """[...document.querySelectorAll('#mq-answers button')]
              .some((at) => at.scrollWidth > at.clientWidth)"""
            assert not page.script(sticks_out)
    finally:
        page.script("localStorage.clear()")
        page.size(1280, 800)
        workspace.store.close()
