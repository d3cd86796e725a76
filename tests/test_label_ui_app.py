"""The real workbench: the `label` command, driven by gradio_client and by headless Chromium."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from db.workspace import Workspace, create_workspace, open_workspace

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
CHROMEDRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --disable-dev-shm-usage --accept-lang=fr"
)
DEADLINE_S = 60.0


class Label:
    """A `label` process that can be killed and started again on its port."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        with socket.socket() as door:
            door.bind(("127.0.0.1", 0))
            self.port = int(door.getsockname()[1])
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", "from label_ui.cli import main; main()", "--no-browser"]
        place = ["--workspace", str(self.workspace.path), "--port", str(self.port)]
        self.process = subprocess.Popen([*command, *place], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url == f"http://127.0.0.1:{self.port}"

    def stop(self, sign: signal.Signals) -> int:
        self.process.send_signal(sign)
        code = self.process.wait(30)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def label(tmp_path_factory: pytest.TempPathFactory, add_faces: AddFaces) -> Iterator[Label]:
    path = tmp_path_factory.mktemp("label") / "faces"
    create_workspace(path)
    workspace = open_workspace(path)
    add_faces(workspace, 30)
    label = Label(workspace)
    yield label
    assert label.stop(signal.SIGTERM) == 0
    workspace.store.close()


def votes_of(label: Label, name: str) -> list[tuple[str | None, str | None]]:
    who = label.workspace.store.annotators.find(name)
    current = label.workspace.store.votes.current()
    return [(vote.choice, vote.flag) for vote in current if who and vote.annotator_id == who.id]


def until(condition: Callable[[], Any]) -> Any:
    """Wait for the page or the server, which work on their own time; fails after a minute."""
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not happen within a minute")


# ---- through gradio_client ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def client(label: Label) -> Iterator[Any]:
    from gradio_client import Client

    client = Client(label.url, verbose=False)
    yield client
    client.close()


def test_a_client_joins_votes_undoes_and_reads_the_progress(client: Any, label: Label) -> None:
    assert client.predict("Client", api_name="/join") == {
        "name": "Client",
        "faces": 30,
        "voted": 0,
        "skipped": 0,
    }
    face, other = client.predict("Client", 2, [], api_name="/next")
    vote = {"annotator": "Client", "face": face["face"], "crop": face["crop"], "request_id": "client-0001"}
    first = client.predict(**vote, choice="happy", api_name="/vote")
    assert client.predict(**vote, choice="happy", api_name="/vote") == first
    assert votes_of(label, "Client") == [("happy", None)]
    skip = {"annotator": "Client", "face": other["face"], "crop": other["crop"], "request_id": "client-0002"}
    client.predict(**skip, api_name="/skip")
    assert client.predict("Client", "client-0003", api_name="/undo")["face"]["face"] == other["face"]
    assert client.predict("Client", "client-0004", api_name="/undo")["face"]["face"] == face["face"]
    assert votes_of(label, "Client") == []
    assert client.predict(api_name="/progress")["faces"] == 30


def test_a_face_comes_without_search_word_and_votes_and_paths(client: Any, label: Label) -> None:
    client.predict("Blind", api_name="/join")
    (face,) = client.predict("Blind", 1, [], api_name="/next")
    assert set(face) == {"face", "crop", "picture", "width", "height"}
    assert face["picture"].startswith("data:image/jpeg;base64,")
    assert str(label.workspace.path) not in json.dumps(face)


def test_a_client_hears_what_was_wrong(client: Any) -> None:
    with pytest.raises(Exception, match="nobody called 'Stranger' has joined"):
        client.predict("Stranger", 1, [], api_name="/next")
    with pytest.raises(Exception, match="needs a name"):
        client.predict("  ", api_name="/join")


def test_no_file_of_the_machine_is_served(label: Label) -> None:
    import httpx

    config = label.workspace.path / "mimique.toml"
    assert httpx.get(f"{label.url}/gradio_api/file={config}").status_code in (403, 404)


def test_a_page_that_points_its_own_name_here_is_turned_away(label: Label) -> None:
    import httpx

    assert httpx.get(f"{label.url}/config").status_code == 200
    assert httpx.get(f"{label.url}/config", headers={"Host": "evil.example"}).status_code == 400


# ---- in a browser ---------------------------------------------------------------------------------------


class Page:
    """The workbench in headless Chromium."""

    def __init__(self, folder: Path) -> None:
        from selenium import webdriver

        options = webdriver.ChromeOptions()
        options.binary_location = str(CHROMIUM)
        for flag in [*FLAGS.split(), f"--user-data-dir={folder}"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(CHROMEDRIVER))

    def size(self, width: int, height: int) -> None:
        values = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", values)

    def script(self, code: str) -> Any:
        return self.driver.execute_script(f"return ({code})")

    def shown(self, selector: str) -> bool:
        return bool(self.script(f"document.querySelector({selector!r})?.checkVisibility()"))

    def join(self, url: str, name: str) -> None:
        self.driver.get(f"{url}/config")  # the same origin, without the workbench running
        self.script("localStorage.clear()")
        self.driver.get(url)
        until(lambda: self.shown("#mq-join"))
        self.driver.find_element("id", "mq-name").send_keys(name + "\n")
        until(lambda: self.shown("#mq-stage img"))

    def face(self) -> str:
        return str(self.script("document.querySelector('#mq-stage img')?.src"))

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


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if not CHROMIUM or not CHROMEDRIVER:
        pytest.skip("no Chromium with chromedriver here: apt install chromium chromium-driver")
    page = Page(tmp_path_factory.mktemp("browser"))
    yield page
    page.driver.quit()


def test_voting_by_keyboard_reaches_the_store_and_nothing_leaves_the_machine(
    page: Page, label: Label
) -> None:
    from selenium.webdriver.common.keys import Keys

    page.size(1280, 800)
    page.join(label.url, "Kay")
    for key in ("1", "2", "u", " "):
        page.press(key)
    page.press("f", next_face=False)
    until(lambda: page.shown("#mq-window"))
    page.press("2")
    expected = [("happy", None), ("angry", None), (None, None), (None, "artificial")]
    until(lambda: votes_of(label, "Kay") == expected)
    undone = []
    for _ in range(3):  # the flag, the skip and the "unsure"
        page.press(Keys.BACKSPACE)
        undone.append(page.face())
    assert len(set(undone)) == 3
    until(lambda: votes_of(label, "Kay") == expected[:2])
    page.press("3")
    until(lambda: votes_of(label, "Kay") == [*expected[:2], ("surprised", None)])
    kay = label.workspace.store.annotators.join("Kay").id
    mine = [vote for vote in label.workspace.store.votes.current() if vote.annotator_id == kay]
    assert all(vote.seconds and vote.seconds >= 0.25 for vote in mine)

    page.driver.find_element("id", "mq-tab-progress").click()
    until(lambda: "Kay" in (page.script("document.querySelector('.mq-people')?.innerText") or ""))
    assert [entry for entry in page.driver.get_log("browser") if entry["level"] == "SEVERE"] == []
    events = [json.loads(entry["message"])["message"] for entry in page.driver.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert [url for url in asked if not url.startswith((label.url, "data:", "chrome:"))] == []


def test_a_double_click_or_a_held_key_is_one_vote(page: Page, label: Label) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    page.join(label.url, "Double")
    button = page.driver.find_element("css selector", "[data-answer=happy]")
    page.act(ActionChains(page.driver).double_click(button).perform, page.face())
    time.sleep(0.6)
    held = "new KeyboardEvent('keydown', {key: '2', code: 'Digit2', bubbles: true, repeat: %s})"
    page.driver.execute_script(
        f"for (const again of [false, true, true, true]) document.dispatchEvent({held % 'again'})"
    )
    until(lambda: len(votes_of(label, "Double")) >= 2)
    assert votes_of(label, "Double") == [("happy", None), ("angry", None)]


def test_on_a_phone_in_french_everything_fits_and_works_by_touch(page: Page, label: Label) -> None:
    page.size(400, 800)
    page.join(label.url, "Toucher")
    assert page.script("document.querySelector('#mq-question').innerText").startswith("Quelle expression")
    assert page.script("document.documentElement.scrollWidth") <= 400
    smallest = "Math.min(...[...document.querySelectorAll('#mq-classes button')].map(b => b.offsetHeight))"
    assert page.script(smallest) >= 44
    page.act(page.driver.find_element("css selector", "[data-answer=neutral]").click, page.face())
    until(lambda: votes_of(label, "Toucher") == [("neutral", None)])
    page.driver.find_element("css selector", "[data-answer=photo]").click()
    until(lambda: page.shown(".mq-photo img"))


def test_votes_cast_without_a_server_wait_and_arrive_when_it_is_back(page: Page, label: Label) -> None:
    page.join(label.url, "Offline")
    page.press("1")
    until(lambda: votes_of(label, "Offline") == [("happy", None)])
    label.stop(signal.SIGKILL)
    page.press("2")
    page.press("3")
    until(lambda: page.shown("#mq-waiting"))
    assert "2 votes en attente" in page.script("document.querySelector('#mq-waiting').innerText")
    page.driver.refresh()  # even a closed page keeps them
    label.start()
    page.driver.get(label.url)
    until(lambda: len(votes_of(label, "Offline")) == 3)
    assert votes_of(label, "Offline") == [("happy", None), ("angry", None), ("surprised", None)]


def test_an_empty_workspace_says_what_to_type(page: Page, workspace: Workspace) -> None:
    empty = Label(workspace)
    try:
        page.driver.get(empty.url)
        until(lambda: page.shown("#mq-join"))
        page.driver.find_element("id", "mq-name").send_keys("Ann\n")
        until(lambda: page.shown("#mq-message-commands"))
        assert "curate faces" in page.script("document.querySelector('#mq-message-commands').innerText")
    finally:
        empty.stop(signal.SIGTERM)
