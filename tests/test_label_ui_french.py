"""The pages for somebody whose browser is French: refusals, names of classes, typography."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from importlib.resources import files

import httpx
import pytest
from browser import Page, until
from label_server import Server, served
from new_workspace import new_workspace

from db.records.campaigns import NewCampaign
from db.records.votes import NewVote
from db.workspace import Workspace
from label_ui.page_answers import wanted_language
from label_ui.pages import strings
from label_ui.people import People

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
PASSWORD = "four words that rhyme"
PAGES = files("label_ui").joinpath("page")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, add_faces: AddFaces) -> Iterator[Server]:
    """Over a network; Olga owns it, she and Bob have judged four faces."""
    with new_workspace(tmp_path_factory.mktemp("french") / "faces") as workspace:
        faces = add_faces(workspace, 4)
        store = workspace.store
        olga, bob = store.annotators.add("Olga", role="owner"), store.annotators.add("Bob")
        for person, names in ((olga, ("angry", "happy")), (bob, ("angry", "neutral"))):
            for i, face in enumerate(faces):
                store.votes.cast(NewVote(face, person.id, choices=(names[i % 2],)))
        store.campaigns.create(NewCampaign("angry?", question="verify", about="angry"))
        with served(workspace, password=PASSWORD) as server:
            yield server


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    page = Page(tmp_path_factory.mktemp("browser"), "--accept-lang=fr")
    page.size(1280, 900)
    yield page
    page.driver.quit()


def link_of(server: Server) -> str:
    store = server.workspace.store
    olga = store.annotators.find("Olga")
    assert olga is not None
    return f"{server.url}/join/{People(store).invite(olga, role='voter').token}"


def refused(page: Page, url: str, name: str, password: str) -> str:
    """What the door says to this name and password."""
    page.driver.delete_all_cookies()
    page.driver.get(url)
    page.driver.find_element("id", "mq-name").send_keys(name)
    page.driver.find_element("id", "mq-password").send_keys(password + "\n")
    return str(until(lambda: page.text("#mq-error")))


def come_in(page: Page, server: Server) -> None:
    page.driver.delete_all_cookies()
    page.driver.get(f"{server.url}/login")
    page.driver.find_element("id", "mq-name").send_keys("Olga")
    page.driver.find_element("id", "mq-password").send_keys(PASSWORD + "\n")
    until(lambda: page.script("location.pathname") == "/")


def test_the_door_refuses_in_french(page: Page, server: Server) -> None:
    login, invitation = f"{server.url}/login", link_of(server)
    assert refused(page, login, "Olga", "wrong").startswith("Le nom et le mot de passe ne vont pas ensemble")
    assert refused(page, invitation, "Bob", "").startswith("Quelqu’un porte déjà ce nom")
    short = refused(page, invitation, "Zoé", "court")
    assert short.startswith("Un mot de passe a de 8 à 256 caractères\u202f; le vôtre en a 5.")
    assert page.focused() == "mq-password"


def test_a_link_used_up_meanwhile_says_so_in_french(page: Page, server: Server) -> None:
    invitation = link_of(server)
    page.driver.delete_all_cookies()
    page.driver.get(invitation)
    httpx.post(invitation, json={"name": "Faster", "password": ""})
    page.driver.find_element("id", "mq-name").send_keys("Slower\n")
    until(lambda: page.text("#mq-error").startswith("Ce lien ne laisse plus entrer personne"))


def test_too_many_tries_are_told_in_french(page: Page, server: Server) -> None:
    for _ in range(12):
        httpx.post(f"{server.url}/login", json={"username": "Nobody", "password": "wrong"})
    said = refused(page, f"{server.url}/login", "Nobody", "wrong")
    assert re.match(r"Trop d’essais – attendez (\d+ secondes|une seconde)\.", said)


def test_english_pages_and_programs_hear_the_same_refusals_in_english(server: Server) -> None:
    answer = httpx.post(f"{server.url}/login", json={"username": "Bob", "password": "wrong"}).json()
    assert answer["error"] == "name and password do not match" and answer["code"] == "no_match"


def test_every_refusal_with_a_code_has_its_text() -> None:
    sources = [file.read_text("utf-8") for file in files("label_ui").iterdir() if file.name.endswith(".py")]
    codes = {code for source in sources for code in re.findall(r'\bcode="(\w+)"', source)}
    assert {"no_match", "name_taken", "password_length", "too_often", "link_closed"} <= codes
    assert {f"error_{code}" for code in codes} <= set(strings()["fr"])


def test_an_address_without_a_page_answers_in_the_browsers_language(server: Server) -> None:
    asked = {"Accept": "text/html", "Accept-Language": "fr-FR,fr;q=0.9,en;q=0.8"}
    with httpx.Client(base_url=server.url, headers=asked) as guest:
        guest.post("/login", json={"username": "Olga", "password": PASSWORD})
        answer = guest.get("/nowhere")
    assert answer.status_code == 404 and '<html lang="fr">' in answer.text
    assert "Il n’y a pas de page ici" in answer.text and "Aller à l’atelier" in answer.text


@pytest.mark.parametrize(
    ("accepted", "lang"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("de, fr;q=0.5, en;q=0.7", "en"),
        ("fr-CA, en", "fr"),
        ("fr;q=0, en;q=0.1", "en"),
        ("de;q=x, fr;q=nonsense", "en"),
        ("*", "en"),
    ],
)
def test_the_language_a_browser_likes_best(accepted: str, lang: str) -> None:
    assert wanted_language(accepted, ("en", "fr")) == lang


def test_classes_have_their_french_names_on_every_page(page: Page, server: Server) -> None:
    come_in(page, server)
    page.driver.get(f"{server.url}/agreement")
    until(lambda: "colère" in page.text("#mq-ag-body table"))
    assert "angry" not in page.text("#mq-ag-body")
    page.driver.get(f"{server.url}/team")
    until(lambda: page.text("#mq-team-classes b") == "joie")
    page.driver.get(f"{server.url}/campaigns")
    asks = "[...document.querySelectorAll('.mq-asks')].map((at) => at.textContent)"
    until(lambda: page.shown(".mq-asks"))
    assert set(page.script(asks)) == {
        "Quelle expression ce visage montre‑t‑il\u202f? joie, colère, surprise, neutre",
        "Ce visage montre‑t‑il l’expression «\u00a0colère\u00a0»\u202f?",
    }


def test_a_form_whose_numbers_contradict_each_other_says_so_in_words(page: Page, server: Server) -> None:
    come_in(page, server)
    page.driver.get(f"{server.url}/campaigns")
    until(lambda: page.shown("#mq-new"))
    page.driver.find_element("id", "mq-new").click()
    until(lambda: page.shown("#mq-campaign-form"))
    assert "colère" in page.text("#mq-campaign-form") and "angry" not in page.text("#mq-campaign-form")
    page.driver.switch_to.active_element.send_keys("upside down")
    most = page.driver.find_element("xpath", "//label[span = 'au plus']/input")
    most.clear()
    most.send_keys("1\n")
    until(
        lambda: page.text("#mq-campaign-form .mq-error").startswith(
            "Au moins 2 votes par visage, mais 1 au plus"
        )
    )
    assert server.workspace.store.campaigns.by_name("upside down") is None
    most.clear()
    most.send_keys("3\n")
    made = until(lambda: server.workspace.store.campaigns.by_name("upside down"))
    server.workspace.store.campaigns.close(made.id)


@pytest.mark.parametrize("name", sorted(p.name for p in PAGES.iterdir() if p.name.startswith("strings")))
def test_french_texts_keep_their_signs_on_the_line(name: str) -> None:
    texts = json.loads(PAGES.joinpath(name).read_text("utf-8"))["fr"]
    assert {key: text for key, text in texts.items() if re.search(r" [?!:;»%]|« |'", text)} == {}
