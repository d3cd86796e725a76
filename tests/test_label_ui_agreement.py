"""The Agreement page's desk: who sees what, what is kept, and the page's texts."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest
from at_once import at_once
from browser import chromium, join
from label_server import served

from curate.agreement import Agreement
from curate.agreement_votes import Asked, store_agreement
from db.errors import NotFoundError
from db.records.people import Annotator
from db.records.votes import NewVote
from db.store import Store
from db.workspace import Workspace
from label_ui.agreement_desk import CURATORS_ONLY, SHEETS, AgreementDesk
from label_ui.pages import PAGES
from label_ui.roles import calls_of, role_needed


def person(workspace: Workspace, name: str, role: str = "voter") -> Annotator:
    return replace(workspace.store.annotators.join(name), role=role)  # type: ignore[arg-type]


@pytest.fixture
def desk(workspace: Workspace, add_faces: Callable[[Workspace, int], tuple[int, ...]]) -> AgreementDesk:
    """Ada and Ben agree on two of three faces."""
    faces = add_faces(workspace, 3)
    for name, answers in (("Ada", ("happy", "angry", "happy")), ("Ben", ("happy", "angry", "neutral"))):
        who = workspace.store.annotators.join(name).id
        for face, answer in zip(faces, answers, strict=True):
            workspace.store.votes.cast(NewVote(face, who, (answer,), seconds=1.0))
    return AgreementDesk(workspace)


def test_a_voter_sees_the_totals_and_an_own_row(desk: AgreementDesk) -> None:
    seen = desk.agreement(person(desk.workspace, "Ada"))
    assert seen["summary"]["votes"] == 6 and seen["summary"]["people"] == 2
    assert [(row["voter"], row["me"]) for row in seen["voters"]] == [("Ada", True)]
    assert seen["pairs"] == [] and seen["faces"] == [] and seen["everybody"] is False
    assert "Ben" not in json.dumps(seen)


def test_a_curator_sees_everybody(desk: AgreementDesk) -> None:
    seen = desk.agreement(person(desk.workspace, "Cleo", "curator"))
    assert {row["voter"] for row in seen["voters"]} == {"Ada", "Ben"}
    assert seen["pairs"][0]["faces"] == 3 and seen["faces"][0]["gain"] > 0


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_table_as_csv_shows_no_more_than_the_page(desk: AgreementDesk, sheet: str) -> None:
    assert desk.agreement_csv(person(desk.workspace, "Cleo", "owner"), sheet)["name"] == f"{sheet}.csv"
    ada = person(desk.workspace, "Ada")
    if sheet in CURATORS_ONLY:
        with pytest.raises(NotFoundError):
            desk.agreement_csv(ada, sheet)
    else:
        assert "Ben" not in desk.agreement_csv(ada, sheet)["text"]


def test_unknown_campaigns_and_tables_are_refused(desk: AgreementDesk) -> None:
    ada = person(desk.workspace, "Ada")
    with pytest.raises(NotFoundError):
        desk.agreement(ada, campaign=77)
    with pytest.raises(NotFoundError):
        desk.agreement_csv(ada, "../secrets")


def test_every_call_has_a_role(desk: AgreementDesk) -> None:
    assert {name: role_needed(call) for name, call in calls_of(desk).items()} == {
        "agreement": "voter",
        "agreement_csv": "voter",
    }


def test_a_page_that_has_seen_it_all_is_told_so(desk: AgreementDesk) -> None:
    ada = person(desk.workspace, "Ada")
    first = desk.agreement(ada)
    assert desk.agreement(ada, seen=first["look"]) == {"look": first["look"]}
    assert desk.agreement(replace(ada, role="curator"), seen=first["look"])["everybody"]
    last = max(face.id for face in desk.workspace.store.faces.all())
    desk.workspace.store.votes.cast(NewVote(last, ada.id, ("neutral",)))
    anew = AgreementDesk(desk.workspace).agreement(ada, seen=first["look"])
    assert anew["summary"]["agreement"] == 1 and anew["look"] != first["look"]


def test_figures_grow_old(desk: AgreementDesk) -> None:
    looks: list[int] = []

    def counted(store: Store, classes: Sequence[str], campaign: int | None) -> tuple[Agreement, Asked]:
        looks.append(len(list(store.votes.bare())))
        return store_agreement(store, classes, campaign)

    always, ada = AgreementDesk(desk.workspace, 0.0, 0.0, counted), person(desk.workspace, "Ada")
    always.agreement(ada)
    assert always.agreement(ada)["summary"]["votes"] == 6 and looks == [
        6
    ]  # no new vote, nothing computed anew
    face = desk.workspace.store.faces.all()[0].id
    desk.workspace.store.votes.cast(NewVote(face, person(desk.workspace, "Cem").id, ("angry",)))
    assert always.agreement(ada)["summary"]["votes"] == 7 and looks == [6, 7]


def test_many_who_ask_at_once_are_answered_from_one_look(desk: AgreementDesk) -> None:
    looks: list[Store] = []

    def counted(store: Store, classes: Sequence[str], campaign: int | None) -> tuple[Agreement, Asked]:
        looks.append(store)
        return store_agreement(store, classes, campaign)

    shared, ada = AgreementDesk(desk.workspace, compute=counted), person(desk.workspace, "Ada")
    answers = at_once(*[lambda: shared.agreement(ada)] * 8)
    assert len(looks) == 1 and all(answer == answers[0] for answer in answers) and len(answers) == 8


def test_an_empty_workspace_has_nothing_to_show(workspace: Workspace) -> None:
    seen = AgreementDesk(workspace).agreement(person(workspace, "Ada", "owner"))
    assert seen["summary"]["votes"] == 0 and seen["voters"] == []
    json.dumps(seen, allow_nan=False)


def test_the_page_in_a_browser_fits_a_phone_and_hands_out_its_tables(
    desk: AgreementDesk, tmp_path: Path
) -> None:
    from selenium.webdriver.support.wait import WebDriverWait

    with served(desk.workspace) as server, chromium(tmp_path / "profile") as browser:
        phone = {"width": 400, "height": 800, "deviceScaleFactor": 1, "mobile": True}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", phone)
        browser.get(f"{server.url}/agreement")
        join(browser, "Ada")
        browser.get(f"{server.url}/agreement")
        wait = WebDriverWait(browser, 60)
        wait.until(
            lambda _: browser.execute_script("return document.querySelectorAll('.mq-ag-section').length >= 5")
        )
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 400
        assert "67%" in browser.find_element("css selector", "#mq-ag-body").text.replace("\u00a0", "")
        unnamed = (
            "return [...document.querySelectorAll('svg[role=img]')].filter((plot) => !plot.ariaLabel).length"
        )
        assert browser.execute_script(unnamed) == 0
        browser.execute_script(KEEP_DOWNLOAD)
        browser.execute_script("document.querySelector('[aria-labelledby=mq-ag-voters] .mq-ag-csv').click()")
        wait.until(lambda _: browser.execute_script("return window.kept?.startsWith('voter,votes,share')"))
        errors = [entry["message"] for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert [error for error in errors if "favicon" not in error] == []


KEEP_DOWNLOAD = """const make = URL.createObjectURL;
URL.createObjectURL = (blob) => { blob.text().then((text) => { window.kept = text; }); return make(blob); };"""


def test_every_text_of_the_page_is_there_in_both_languages() -> None:
    page = files("label_ui").joinpath("page")
    texts = json.loads(page.joinpath("strings_agreement.json").read_text(encoding="utf-8"))
    assert texts["en"].keys() == texts["fr"].keys()
    (mine,) = (each for each in PAGES if each.name == "agreement")
    sources = [page.joinpath(name).read_text(encoding="utf-8") for name in (mine.template, *mine.scripts)]
    keys = set(re.findall(r'"((?:ag|page)_[a-z_]+)"', "\n".join(sources)))
    assert keys and keys <= texts["en"].keys()
    for key, text in texts["en"].items():
        places = re.compile(r"\{(\w+)\}")
        assert sorted(places.findall(text)) == sorted(places.findall(texts["fr"][key])), key
