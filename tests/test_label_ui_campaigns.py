"""The Campaigns desk: from a form's values to a campaign, changes while people vote, known faces, sway."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from curate.intervals import difference_interval
from db.errors import InputError, MimiqueError, NotFoundError
from db.overlap import Overlap
from db.records.campaigns import GoldMix, NewCampaign, Picks, Suggest
from db.records.people import Annotator
from db.records.photos import NewPhoto, Origin
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot
from db.records.votes import NewVote
from db.workspace import Workspace
from label_ui.campaigns import CampaignDesk
from label_ui.my_answers import my_answers
from label_ui.roles import calls_of, role_needed

AddFaces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture
def desk(workspace: Workspace) -> CampaignDesk:
    return CampaignDesk(workspace)


@pytest.fixture
def cura(workspace: Workspace) -> Annotator:
    return workspace.store.annotators.join("Cura")


def add_run(workspace: Workspace, ids: tuple[int, ...]) -> None:
    store, now = workspace.store, workspace.store.campaigns.main().created_at
    store.snapshots.add(Snapshot("0" * 64, ("happy", "angry"), (1.0, 0.0, 0.0), 0, now))
    store.runs.start(Run("run-1", {}, "0" * 64, "done", {}, {}, now))
    views = [
        Prediction("run-1", i, {"happy": 0.5 + k / 10, "angry": 0.5 - k / 10}, "val", True)
        for k, i in enumerate(ids)
    ]
    store.predictions.replace("run-1", views)


def test_only_curators_reach_the_desk(desk: CampaignDesk) -> None:
    assert {role_needed(method) for method in calls_of(desk).values()} == {"curator"}
    public = {name for name in vars(CampaignDesk) if not name.startswith("_") and name != "workspace"}
    assert set(calls_of(desk)) == public


def test_a_name_alone_makes_the_usual_campaign(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    add_faces(workspace, 3)
    made = desk.campaign_make(cura, {"name": "one"})
    campaign = workspace.store.campaigns.get(made["campaign"])
    assert made["faces"] == 3
    assert (campaign.question, campaign.overlap, campaign.blind) == ("choose", Overlap(), True)


def test_everything_the_form_holds_reaches_the_campaign(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    add_run(workspace, add_faces(workspace, 4))
    form = {
        "name": "anger",
        "question": "verify",
        "about": "angry",
        "overlap": {"kind": "majority", "team": 4},
        "rule": "majority",
        "blind": False,
        "ordering": "random",
        "picks": {"candidate_class": "angry", "run_id": "run-1", "most_margin": 0.3},
        "voters": ["Cura"],
        "suggest": {"run_id": "run-1", "hidden_share": 0.5},
        "gold": {"share": 0.1, "feedback": "at once"},
    }
    made = desk.campaign_make(cura, form)
    campaign = workspace.store.campaigns.get(made["campaign"])
    assert (campaign.about, campaign.overlap) == ("angry", Overlap("majority", team=4))
    assert campaign.picks == Picks(candidate_class="angry", run_id="run-1", most_margin=0.3)
    assert (campaign.voters, campaign.suggest) == ((cura.id,), Suggest("run-1", 0.5))
    assert (campaign.gold, made["faces"]) == (GoldMix(0.1, "at once"), 2)
    shown = next(one for one in desk.campaigns(cura) if one["name"] == "anger")
    assert json.loads(json.dumps(shown))["voters"] == ["Cura"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "MAIN "},
        {"question": "guess"},
        {"classes": ["hapy"]},
        {"question": "verify", "about": "hapy"},
        {"question": "verify", "several": True},
        {"overlap": {"kind": "adaptive", "least": 5, "most": 2}},
        {"overlap": {"kind": "majority"}},
        {"overlap": 3},
        {"overlap": {"kind": "fixed", "most": "many"}},
        {"gold": {"share": 0.9}},
        {"rule": "dice"},
        {"picks": {"run_id": "no such run"}},
        {"picks": {"harvest_id": 99}},
        {"picks": {"colour": "blue"}},
        {"voters": ["Nobody"]},
        {"suggest": {"run_id": "no such run"}},
        {"colour": "blue"},
    ],
    ids=str,
)
def test_what_makes_no_campaign_is_refused_in_one_line(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, wrong: dict[str, Any]
) -> None:
    with pytest.raises(MimiqueError) as refused:
        desk.campaign_make(cura, {"name": "one", **wrong})
    assert "\n" not in str(refused.value) and str(refused.value)
    assert len(workspace.store.campaigns.all()) == 1


def test_a_campaign_that_asks_about_no_face_is_refused_unless_faces_may_come(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    picks = {"picks": {"candidate_class": "surprised"}}
    assert desk.campaign_make(cura, {"name": "before the photos", **picks})["faces"] == 0
    add_faces(workspace, 1)
    with pytest.raises(InputError, match="'after them' would ask about no face"):
        desk.campaign_make(cura, {"name": "after them", **picks})
    assert len(workspace.store.campaigns.all()) == 2


def test_the_overlap_changes_midway_and_finished_faces_open_again(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    (face,) = add_faces(workspace, 1)
    made = desk.campaign_make(cura, {"name": "one", "overlap": {"kind": "fixed", "most": 1}})["campaign"]
    workspace.store.votes.cast(NewVote(face, cura.id, ("happy",), campaign_id=made))
    assert workspace.store.queue.counts(made).done == 1
    desk.campaign_change(cura, made, {"overlap": {"kind": "fixed", "most": 2}})
    assert (workspace.store.queue.counts(made).open, workspace.store.queue.counts(made).needs) == (1, 1)
    assert len(workspace.store.votes.current(made)) == 1


def test_the_question_stays_as_it_is(desk: CampaignDesk, cura: Annotator) -> None:
    with pytest.raises(InputError, match="'question' of a campaign stays"):
        desk.campaign_change(cura, 1, {"question": "verify"})


def test_a_campaign_is_closed_and_opened_again(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace
) -> None:
    desk.campaign_close(cura, 1)
    assert workspace.store.campaigns.main().closed_at
    desk.campaign_close(cura, 1, closed=False)
    assert workspace.store.campaigns.main().closed_at is None
    with pytest.raises(NotFoundError):
        desk.campaign_close(cura, 99)


def test_the_form_offers_what_there_is(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    add_run(workspace, add_faces(workspace, 1))
    workspace.store.annotators.join("Robot", simulated=True, note="errs")
    offered = desk.campaign_form(cura)
    assert offered["classes"] == ["happy", "angry", "surprised", "neutral"]
    assert (offered["runs"], offered["people"]) == (["run-1"], ["Cura"])
    assert "majority" in offered["rules"]


def test_harvests_without_photos_are_not_offered(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace
) -> None:
    store = workspace.store
    empty, full = (store.harvests.start("sample", "seed 0", name) for name in ("happy", "angry"))
    photo = NewPhoto("1" * 64, ".jpg", 80, 60, "0" * 16, 9)
    store.photos.add(photo, Origin("sample", "drawn 1", "angry"), harvest_id=full.id)
    (offered,) = desk.campaign_form(cura)["harvests"]
    assert offered == {
        "id": full.id,
        "name": "sample seed 0",
        "candidate_class": "angry",
        "at": full.started_at.isoformat(),
    }
    assert [one.id for one in store.harvests.all()] == [empty.id, full.id]


def test_what_a_run_doubts_comes_first(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    ids = add_faces(workspace, 4)[::-1]  # the last face is the one doubted most
    add_run(workspace, ids)
    assert desk.campaign_doubts(cura, 1, "run-1") == {"faces": 2}
    (first,) = workspace.store.queue.take(1, cura.id, 1)
    assert first.face_id == ids[0]
    with pytest.raises(NotFoundError):
        desk.campaign_doubts(cura, 1, "no such run")


def test_known_faces_are_marked_and_unmarked(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    face, other = add_faces(workspace, 2)
    desk.gold_set(cura, [face], answer="happy")
    desk.gold_set(cura, [other], flag="artificial")
    assert [(known.answer, known.flag) for known in workspace.store.gold.all()] == [
        ("happy", None),
        (None, "artificial"),
    ]
    with pytest.raises(MimiqueError, match="no class"):
        desk.gold_set(cura, [face], answer="hapy")
    assert desk.gold_remove(cura, [face]) == {"removed": 1}


def test_the_interval_of_a_difference_is_newcombe_s() -> None:
    # Newcombe 1998, table II, method 10: 56/70 less 48/80 is 0.0524 to 0.3339, and 10/10 less 0/10 0.6075 to 1.
    assert difference_interval((48, 80), (56, 70)) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert difference_interval((0, 10), (10, 10)) == pytest.approx((0.6075, 1.0), abs=5e-5)
    assert difference_interval((0, 10), (0, 10)) == pytest.approx((-0.2775, 0.2775), abs=5e-5)


def test_an_answer_told_at_once_and_then_corrected_counts_as_it_was(
    desk: CampaignDesk, workspace: Workspace, cura: Annotator, add_faces: AddFaces
) -> None:
    store, faces = workspace.store, add_faces(workspace, 2)
    desk.gold_set(cura, list(faces[:2]), answer="angry")
    made = store.campaigns.create(NewCampaign("told", gold=GoldMix(0.5, "at once")))
    ann = store.annotators.join("Ann").id
    for face, words in ((faces[0], ("happy", "angry")), (faces[1], ("angry", "happy"))):
        for word in words:
            store.votes.cast(NewVote(face, ann, (word,), campaign_id=made.id), request_id=f"{face}-{word}")
            if word == words[0]:
                store.votes.undo(ann, request_id=f"{face}-undo", campaign_id=made.id)
    mine = my_answers(store, made, workspace.settings.classes, ann)
    assert (mine.gold.right, mine.gold.total, mine.voted) == (1, 2, 2)
    assert my_answers(store, store.campaigns.main(), workspace.settings.classes, ann).gold.total == 0


def test_the_sway_is_told_with_its_interval(
    desk: CampaignDesk, cura: Annotator, workspace: Workspace, add_faces: AddFaces
) -> None:
    for i, face in enumerate(add_faces(workspace, 40)):
        choice = "angry" if i % 2 == 0 or i % 4 == 1 else "happy"
        shown = {"suggestion": {"label": "angry", "hidden": i % 2 == 1}}
        workspace.store.votes.cast(NewVote(face, cura.id, (choice,), shown=shown))
    sway = desk.campaign_sway(cura, 1)
    assert (sway["shown_share"], sway["hidden_share"], sway["difference"]) == (1.0, 0.5, 0.5)
    low, high = sway["interval"]
    assert 0.2 < low < 0.5 < high < 0.75
    assert json.dumps(sway)
