"""Deciding by a rule in the browser: counts, the way back, one at a time, roles, a run's view, and the keys."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from browser import Page, join, until
from label_server import guest_at, served

from curate.decide import decide_labels
from db.errors import ConfigError, InputError
from db.records.people import Annotator
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot
from db.records.votes import NewVote
from db.workspace import Workspace
from label_ui.roles import calls_of, role_needed
from label_ui.rule_desk import RuleDesk

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture
def voted(workspace: Workspace, add_faces: AddFaces) -> Workspace:
    """Five faces: two with a clear answer, a tie, one rejected, one without votes. Nothing is decided."""
    f = add_faces(workspace, 5)
    vote(workspace, f[0], "happy", "happy", "happy")
    vote(workspace, f[1], "angry", "angry", "angry")
    vote(workspace, f[2], "happy", "angry", "neutral")
    vote(workspace, f[3], "!unusable", "!unusable", "!unusable")
    return workspace


def vote(workspace: Workspace, face: int, *said: str) -> None:
    store = workspace.store
    for name, word in zip(("Ann", "Bob", "Cem"), said, strict=False):
        person = store.annotators.join(name).id
        flag = word[1:] if word.startswith("!") else None
        store.votes.cast(NewVote(face, person, () if flag else (word,), flag, seconds=1.5))


def curator(workspace: Workspace, name: str = "Cleo") -> Annotator:
    return replace(workspace.store.annotators.join(name), role="curator")


def held(workspace: Workspace) -> dict[int, str | None]:
    return {label.face_id: label.label for label in workspace.store.labels.current()}


def with_run(workspace: Workspace, run_id: str, *, out_of_fold: bool) -> None:
    now = datetime.now(UTC)
    store, snapshot = workspace.store, (f"{run_id:-<64}", workspace.settings.classes)
    store.snapshots.add(Snapshot(*snapshot, (1, 0, 0), 0, now))
    store.runs.start(Run(run_id, {}, snapshot[0], "done", {}, {}, now, now))
    shares = {name: 0.91 if name == "happy" else 0.03 for name in workspace.settings.classes}
    seen = [Prediction(run_id, i, shares, "train", out_of_fold) for i in store.faces.ids()]
    store.predictions.replace(run_id, seen)


# ---- the desk -----------------------------------------------------------------------------------------------------


def test_a_decision_is_counted_and_taken_back(voted: Workspace) -> None:
    desk, cleo = RuleDesk(voted), curator(voted)
    asked = desk.decide_form(cleo)
    assert (asked["waiting"], asked["rule"], asked["run"], asked["last"]) == (4, "auto", "", None)
    assert asked["rules"][:4] == ["auto", "majority", "plurality", "dawid-skene"]
    done = desk.decide(cleo, "plurality")
    counts = ("decided", "no_agreement", "rejected", "changed", "confirmed")
    assert [done[name] for name in counts] == [2, 1, 1, 4, 0]
    again = desk.decide_form(cleo)
    assert again["waiting"] == 0 and again["last"]["batch"] == done["batch"] and again["last"]["faces"] == 4
    assert desk.decide(cleo, "plurality")["batch"] == "", "nothing is new, so there is nothing to take back"
    assert desk.decide_undo(cleo) == {"batch": done["batch"], "faces": 4}
    assert held(voted) == {} and desk.decide_form(cleo)["waiting"] == 4
    face = voted.store.faces.ids()[0]
    assert voted.store.labels.history(face)[-1].by_id == cleo.id, "the history says who took it back"


def test_a_curators_own_decision_stays(voted: Workspace) -> None:
    desk, cleo = RuleDesk(voted), curator(voted)
    face = voted.store.faces.ids()[0]
    desk.decide(cleo)
    label = replace(voted.store.labels.of_faces([face])[face], label="neutral", by_id=cleo.id, batch="mine")
    voted.store.labels.decide([label])
    vote(voted, face, "angry", "angry", "angry")
    desk.decide(cleo)
    assert held(voted)[face] == "neutral"


def test_only_the_newest_decision_is_taken_back(voted: Workspace) -> None:
    desk, cleo, dora = RuleDesk(voted), curator(voted), curator(voted, "Dora")
    first = desk.decide(cleo)
    vote(voted, voted.store.faces.ids()[4], "happy", "happy")
    second = desk.decide(dora)
    after = held(voted)
    with pytest.raises(InputError, match="newest no more"):
        desk.decide_undo(cleo, first["batch"])
    assert held(voted) == after
    assert desk.decide_undo(dora, second["batch"])["faces"] == second["changed"]
    assert desk.decide_undo(cleo, first["batch"])["faces"] == 4
    with pytest.raises(InputError, match="no decision is left"):
        desk.decide_undo(cleo)


def test_the_rule_is_the_main_campaigns_own_and_one_that_is_none_is_refused(voted: Workspace) -> None:
    desk, cleo, store = RuleDesk(voted), curator(voted), voted.store
    store.campaigns.change(store.campaigns.main().id, rule="majority")
    assert desk.decide_form(cleo)["rule"] == "majority"
    with pytest.raises(ConfigError, match="no consensus rule"):
        desk.decide(cleo, "dice")
    assert held(voted) == {}


def test_a_run_counts_only_when_it_is_chosen(voted: Workspace) -> None:
    desk, cleo = RuleDesk(voted), curator(voted)
    with_run(voted, "fresh", out_of_fold=True)
    with_run(voted, "later-but-trained-on-all", out_of_fold=False)
    assert desk.decide_form(cleo)["run"] == "fresh"
    face = voted.store.faces.ids()[0]
    desk.decide(cleo)
    assert voted.store.labels.of_faces([face])[face].method == "auto"
    desk.decide(cleo, run="fresh")
    assert voted.store.labels.of_faces([face])[face].method == "auto with fresh"
    with pytest.raises(ConfigError, match="only the rule auto"):
        desk.decide(cleo, "plurality", run="fresh")


def test_two_who_decide_at_once_decide_once_and_people_vote_meanwhile(voted: Workspace) -> None:
    desk, cleo, dora = RuleDesk(voted), curator(voted), curator(voted, "Dora")
    refused: list[str] = []

    def second() -> None:
        try:
            desk.decide(dora)
        except InputError as error:
            refused.append(str(error))

    with desk._alone(cleo):  # as long as the first decision takes
        others = threading.Thread(target=second)
        others.start()
        others.join(20)
        with pytest.raises(InputError, match="Cleo is deciding"):
            desk.decide_undo(dora)
        vote(voted, voted.store.faces.ids()[4], "happy")
    assert refused == ["Cleo is deciding at this moment"]
    assert desk.decide(dora)["changed"] == 5, "and afterwards it is anybody's turn"


# ---- over HTTP, and in a browser ------------------------------------------------------------------------------------


def test_every_call_needs_a_curator(voted: Workspace) -> None:
    assert {name: role_needed(call) for name, call in calls_of(RuleDesk(voted)).items()} == dict.fromkeys(
        ("decide", "decide_form", "decide_undo"), "curator"
    )


def test_over_http_and_as_gradio_api_curators_decide_and_voters_are_refused(voted: Workspace) -> None:
    from gradio_client import Client
    from gradio_client.exceptions import AppError

    store = voted.store
    store.annotators.add("Olga", role="owner")
    store.annotators.add("Cleo", role="curator")
    store.annotators.add("Vera", role="voter")
    with served(voted) as server, guest_at(server) as voter:
        voter.join("Vera")
        for name in ("decide", "decide_form", "decide_undo"):
            assert voter.call(name).status_code == 403
        assert held(voted) == {}
        client = Client(server.url, verbose=False)
        with pytest.raises(AppError, match="role curator"):
            client.predict("Vera", "auto", "", api_name="/decide")
        done: dict[str, Any] = client.predict("Cleo", "plurality", "", api_name="/decide")
        assert (done["decided"], done["changed"]) == (2, 4)
        assert client.predict("Cleo", done["batch"], api_name="/decide_undo")["faces"] == 4
        assert held(voted) == {}
        client.close()


def test_a_curator_decides_and_takes_it_back_by_keys(voted: Workspace, tmp_path: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    store = voted.store
    store.annotators.add("Cleo", role="curator")
    decide_labels(voted, "plurality")
    before = held(voted)
    face = store.faces.ids()[4]
    with served(voted) as server:
        page = Page(tmp_path / "profile")
        try:
            page.size(400, 860)
            page.driver.get(f"{server.url}/review")
            join(page.driver, "Cleo")
            vote(voted, face, "happy", "happy", "happy")
            page.driver.refresh()
            until(lambda: page.text(".mq-next").startswith("One face has votes"))
            until(lambda: page.shown("#mq-review-case"))
            page.keys("d")
            until(lambda: page.shown(".mq-rules"))
            assert page.script("document.activeElement.value") == "auto"
            assert page.script("document.documentElement.scrollWidth") <= 400
            page.keys("3", Keys.ENTER)
            until(lambda: page.text(".mq-action-toast").startswith("One decision is new"))
            assert held(voted) == before | {face: "happy"}
            assert store.labels.of_faces([face])[face].method == "plurality"
            until(lambda: not page.shown(".mq-next"))
            page.keys(Keys.BACKSPACE)
            until(lambda: "Undone on one face" in page.text(".mq-action-toast"))
            assert held(voted) == before
            until(lambda: page.shown(".mq-next"))
            page.driver.get(f"{server.url}/gallery")
            until(lambda: page.shown(".mq-next a") and page.shown(".mq-tile img"))
            page.script("document.querySelector('.mq-next a').click()")
            until(lambda: page.shown(".mq-rules"))
            page.keys(Keys.ENTER)
            until(lambda: held(voted).get(face) == "happy")
            until(lambda: not page.shown(".mq-next"))
            page.driver.get(f"{server.url}/review?decide")
            until(lambda: "Last decision" in page.text(".mq-rules"))
            assert page.script("location.search") == ""
            page.script("document.querySelector('.mq-rules-last button').click()")
            until(lambda: held(voted) == before)
            severe = [row["message"] for row in page.driver.get_log("browser") if row["level"] == "SEVERE"]
            assert [line for line in severe if "favicon" not in line] == []
        finally:
            page.driver.quit()


def test_relabelling_many_names_the_class_when_it_asks(
    workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    add_faces(workspace, 101)
    workspace.store.annotators.add("Cleo", role="curator")
    with served(workspace) as server:
        page = Page(tmp_path / "profile")
        try:
            page.size(1280, 900)
            page.driver.get(f"{server.url}/gallery")
            join(page.driver, "Cleo")
            asked = {
                "en": "Really relabel all 101 faces as angry?",
                "fr": "Vraiment réétiqueter les 101 visages en «\u00a0colère\u00a0»\u202f?",
            }
            for lang, question in asked.items():
                page.script(f"localStorage.setItem('mimique.lang', '{lang}')")
                page.driver.refresh()
                until(lambda: page.shown(".mq-tile img"))
                page.script(
                    "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'a', code: 'KeyA', ctrlKey: true}))"
                )
                page.keys("2")
                until(lambda: page.shown("#mq-action-title"))
                assert page.text("#mq-action-title") == question
        finally:
            page.driver.quit()
