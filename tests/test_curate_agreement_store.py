"""Agreement from a store and from a file, its tables, and the command that prints them."""

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from curate.agreement import agreement
from curate.agreement_sheets import as_csv, sheets
from curate.agreement_text import headlines
from curate.agreement_votes import asked_of, store_agreement
from curate.cli import main
from curate.said import said
from curate.votes_table import VoteTable
from db.errors import NotFoundError
from db.records.campaigns import GoldMix, NewCampaign
from db.records.faces import NewFace
from db.records.photos import NewPhoto, Origin
from db.records.votes import NewVote
from db.store import Store
from db.workspace import Workspace
from label_ui.feedback import answer_of, is_right
from label_ui.my_answers import my_answers

CLASSES = ("happy", "angry", "surprised", "neutral")
Faces = Callable[[Workspace, int], tuple[int, ...]]


@pytest.fixture
def voted(workspace: Workspace, add_faces: Faces) -> Workspace:
    """Three people on four faces: they agree on two, differ on one, one is flagged; one face has no vote."""
    faces = add_faces(workspace, 5)
    answers = {
        "Ada": ("happy", "angry", "happy", None),
        "Ben": ("happy", "angry", "angry", None),
        "Çem": ("happy",),
    }
    for name, given in answers.items():
        person = workspace.store.annotators.join(name).id
        for face, answer in zip(faces, given, strict=False):
            chosen = () if answer is None else (answer,)
            flag = None if answer else "artificial"
            workspace.store.votes.cast(NewVote(face, person, chosen, flag, seconds=1.5))
    return workspace


def test_the_votes_of_a_store_are_counted_with_their_times(voted: Workspace) -> None:
    found, asked = store_agreement(voted.store, CLASSES)
    assert (found.reliability.faces, found.reliability.votes, found.reliability.pairs) == (4, 9, 6)
    assert found.reliability.agreement == pytest.approx(5 / 6)
    assert asked.left_out == 0 and asked.votes.names == (*CLASSES, "artificial")
    assert {voter.median_s for voter in found.voters} == {1.5}
    assert found.one_more_vote.stages[0].faces == 1  # the face without a vote


@pytest.mark.parametrize(("gain", "told"), [(0.34, "0.3"), (9.96, "10.0"), (403.9, "404"), (1234.5, "1,234")])
def test_labels_that_one_more_vote_would_mend_are_whole_from_ten_on(
    voted: Workspace, gain: float, told: str
) -> None:
    found, _ = store_agreement(voted.store, CLASSES)
    more = replace(found.one_more_vote, skill=0.8, expected=0.9, gain=np.array([gain / 2, gain / 2]))
    (line,) = (line for line in headlines(replace(found, one_more_vote=more)) if "one more vote" in line)
    assert line.endswith(f"one more vote on each face would mend {told} labels")


def test_the_newest_answer_counts_and_an_undone_one_does_not(voted: Workspace) -> None:
    ada = voted.store.annotators.join("Ada").id
    face = asked_of(voted.store, CLASSES).votes.face_ids[2]
    voted.store.votes.cast(NewVote(int(face), ada, ("angry",)))
    assert store_agreement(voted.store, CLASSES)[0].reliability.agreement == 1
    voted.store.votes.undo(ada)
    assert store_agreement(voted.store, CLASSES)[0].reliability.agreement == pytest.approx(5 / 6)


def test_gold_is_compared_by_voter(voted: Workspace) -> None:
    ada = voted.store.annotators.join("Ada").id
    faces = [int(face) for face in asked_of(voted.store, CLASSES).votes.face_ids]
    voted.store.gold.set(faces[:1], set_by=ada, answer="angry")
    voted.store.gold.set(faces[3:4], set_by=ada, flag="artificial")
    found, _ = store_agreement(voted.store, CLASSES)
    assert [(voter.gold.hits, voter.gold.votes) for voter in found.voters] == [(1, 2), (1, 2), (0, 1)]


def test_only_the_first_answer_to_a_known_face_is_compared_as_in_the_own_table(voted: Workspace) -> None:
    store = voted.store
    main = store.campaigns.change(store.campaigns.main().id, gold=GoldMix(feedback="at once"))
    ada, ben = (store.annotators.join(name).id for name in ("Ada", "Ben"))
    first, _, third = (int(face) for face in asked_of(store, CLASSES).votes.face_ids[:3])
    store.gold.set((first, third), set_by=ada, answer="angry")
    store.votes.cast(NewVote(first, ada, ("angry",)))  # told that "happy" was wrong, Ada corrects it
    store.votes.undo(ben)  # and Ben takes his vote back
    store.votes.cast(NewVote(third, ben, ("happy",)))
    for campaign_id in (None, main.id):
        found, _ = store_agreement(store, CLASSES, campaign_id)
        golden = {voter.person: (voter.gold.hits, voter.gold.votes) for voter in found.voters}
        assert (golden[ada], golden[ben]) == ((0, 2), (1, 2))
    for person in (ada, ben):
        own = my_answers(store, main, CLASSES, person).gold
        assert (own.right, own.total) == golden[person]


def verified(workspace: Workspace) -> int:
    """A campaign that asks whether two faces are angry; gives its id."""
    campaign = workspace.store.campaigns.create(NewCampaign("angry?", question="verify", about="angry"))
    faces = asked_of(workspace.store, CLASSES).votes.face_ids[:2]
    for name, yes in (("Ada", True), ("Ben", False)):
        person = workspace.store.annotators.join(name).id
        for face in faces:
            choices, denies = (("angry",), None) if yes else ((), "angry")
            workspace.store.votes.cast(
                NewVote(int(face), person, choices, denies=denies, campaign_id=campaign.id)
            )
    return campaign.id


def test_yes_and_no_are_compared_with_each_other_only(voted: Workspace) -> None:
    campaign = verified(voted)
    found, asked = store_agreement(voted.store, CLASSES, campaign)
    assert asked.votes.names == ("yes", "no") and found.reliability.agreement == 0
    others, all_asked = store_agreement(voted.store, CLASSES)
    assert all_asked.left_out == 4 and "no" not in all_asked.votes.names
    main_only, _ = store_agreement(voted.store, CLASSES, voted.store.campaigns.main().id)
    assert main_only.reliability.votes == 9 and others.reliability.votes == 5


def test_gold_of_a_yes_or_no_campaign_follows_the_class_asked_about(voted: Workspace) -> None:
    campaign = verified(voted)
    ada = voted.store.annotators.join("Ada").id
    first, second = (int(face) for face in asked_of(voted.store, CLASSES, campaign).votes.face_ids)
    voted.store.gold.set([first], set_by=ada, answer="angry")
    voted.store.gold.set([second], set_by=ada, answer="happy")
    assert dict(asked_of(voted.store, CLASSES, campaign).gold) == {first: "yes", second: "no"}


def test_of_several_classes_chosen_one_must_be_the_known_one_as_voters_are_told(voted: Workspace) -> None:
    campaign = voted.store.campaigns.create(NewCampaign("both", several=True, classes=("happy", "angry")))
    face = int(asked_of(voted.store, CLASSES).votes.face_ids[0])
    ada = voted.store.annotators.join("Ada").id
    voted.store.gold.set([face], set_by=ada, answer="angry")
    for name, choices in (("Ada", ("happy", "angry")), ("Ben", ("happy",)), ("Çem", ("angry",)), ("Dan", ())):
        person = voted.store.annotators.join(name).id
        voted.store.votes.cast(NewVote(face, person, choices, campaign_id=campaign.id))
    known = voted.store.gold.of((face,))[face]
    told = {v.annotator_id: is_right(answer_of(v), known) for v in voted.store.votes.current(campaign.id)}
    found, _ = store_agreement(voted.store, CLASSES, campaign.id)
    assert {one.person: bool(one.gold.hits) for one in found.voters} == told
    assert list(told.values()) == [True, False, True, False]


def test_a_set_of_classes_is_an_answer_of_its_own(voted: Workspace) -> None:
    campaign = voted.store.campaigns.create(NewCampaign("both", several=True, classes=("happy", "angry")))
    face = int(asked_of(voted.store, CLASSES).votes.face_ids[0])
    for name, choices in (("Ada", ("happy", "angry")), ("Ben", ("angry", "happy")), ("Çem", ("happy",))):
        person = voted.store.annotators.join(name).id
        voted.store.votes.cast(NewVote(face, person, choices, campaign_id=campaign.id))
    asked = asked_of(voted.store, CLASSES, campaign.id)
    assert asked.votes.names == ("happy", "angry", "angry + happy")
    assert agreement(asked.votes).reliability.agreement == pytest.approx(1 / 3)


def test_votes_for_a_class_that_is_gone_are_left_out_and_counted(voted: Workspace) -> None:
    assert asked_of(voted.store, ("happy", "neutral")).left_out == 3


def test_an_unknown_campaign_is_no_campaign(voted: Workspace) -> None:
    with pytest.raises(NotFoundError):
        store_agreement(voted.store, CLASSES, 99)


def test_bare_votes_are_what_holds_on_every_database(database_url: str) -> None:
    store = Store.open(database_url)
    assert list(store.votes.bare()) == [] and store.votes.newest() == (0, 0)
    photo = NewPhoto("a" * 64, ".jpg", 80, 60, "0" * 16, 1)
    store.photos.add(photo, Origin("test", "1"))
    box = NewFace((8, 6, 40, 54), 0.9, "b" * 64, (32, 48), 1.0)
    store.faces.record_detection(store.photos.all()[0].id, "by hand", [box])
    (face,), person = store.faces.all(), store.annotators.join("Ada").id
    store.votes.cast(NewVote(face.id, person, ("happy",)))
    store.votes.skip(NewVote(face.id, store.annotators.join("Ben").id))
    store.votes.cast(NewVote(face.id, person, ("happy", "angry"), seconds=1.5))
    (bare,) = store.votes.bare()
    (whole,) = store.votes.current()
    assert all(getattr(whole, name) == value for name, value in bare._asdict().items())
    assert store.votes.newest() == (3, whole.id) and list(store.votes.bare(1)) == [bare]
    store.close()


def test_anonymous_counts_are_votes_of_nobody_known() -> None:
    columns = [np.array(column) for column in ([0, 0, 1], [-1, -1, -1], [0, 1, 1], [-1, -1, -1])]
    table = VoteTable(columns[0], columns[1], columns[2], columns[3], CLASSES, np.array([3.0, 1.0, 2.0]))
    found = agreement(said(table))
    assert (found.reliability.votes, found.reliability.pairs, found.voters, found.pairs) == (6, 7, (), ())
    assert found.reliability.agreement == pytest.approx(4 / 7)


def test_a_vote_of_several_rows_is_refused() -> None:
    zeros, none = np.zeros(2, np.int64), np.full(2, -1)
    with pytest.raises(ValueError, match="several classes"):
        said(VoteTable(zeros, zeros, np.array([0, 1]), none, CLASSES, np.array([0.5, 0.5])))


def test_every_table_is_csv_that_reads_back(voted: Workspace) -> None:
    found, _ = store_agreement(voted.store, CLASSES)
    tables = sheets(found, {1: "Ada", 2: "=2+2", 3: "Çem"}.__getitem__)
    for name, rows in tables.items():
        read = list(csv.DictReader(io.StringIO(as_csv(rows))))
        assert len(read) == len(rows), name
        assert not rows or set(read[0]) == set(rows[0]), name
    voters = list(csv.DictReader(io.StringIO(as_csv(tables["voters"]))))
    assert {row["voter"] for row in voters} == {
        "Ada",
        "'=2+2",
        "Çem",
    }  # no spreadsheet takes it for a formula
    assert as_csv([]) == ""


def test_the_command_reads_like_a_report(voted: Workspace) -> None:
    done = CliRunner().invoke(main, ["agreement", "--workspace", str(voted.path)])
    assert done.exit_code == 0, done.output
    assert "3 people cast 9 votes on 4 faces" in done.output
    assert "Krippendorff's alpha" in done.output and "Çem" in done.output


def test_the_command_gives_json_and_csv(voted: Workspace, tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["agreement", "--workspace", str(voted.path), "--json"])
    tables = json.loads(done.stdout)
    assert tables["summary"][0]["votes"] == 9 and len(tables["voters"]) == 3
    folder = tmp_path / "new" / "folder"
    done = CliRunner().invoke(main, ["agreement", "--workspace", str(voted.path), "--csv", str(folder)])
    assert done.exit_code == 0 and {path.stem for path in folder.iterdir()} == set(tables)


@pytest.mark.parametrize("campaign", ["angry?", "ANGRY? "])
def test_the_command_takes_one_campaign_by_name(voted: Workspace, campaign: str) -> None:
    verified(voted)
    options = ["agreement", "--workspace", str(voted.path), "--json", "--campaign"]
    assert json.loads(CliRunner().invoke(main, [*options, campaign]).stdout)["summary"][0]["votes"] == 4
    wrong = CliRunner().invoke(main, [*options, "nope"])
    assert wrong.exit_code == 1 and "angry?" in wrong.output


def test_a_file_needs_no_workspace(tmp_path: Path) -> None:
    path = tmp_path / "answers.csv"
    path.write_text("question,worker,answer\nq1,w1,cat\nq1,w2,cat\nq2,w1,dog\nq2,w2,cat\nq3\n")
    done = CliRunner().invoke(main, ["agreement", "--votes", str(path), "--json"])
    tables = json.loads(done.stdout)
    assert tables["summary"][0]["agreement"] == 0.5
    assert {row["voter"] for row in tables["voters"]} == {"w1", "w2"}
    assert {row["face"] for row in tables["faces"]} == {"q1", "q2"}
    assert "left out 1 of its lines, first line 6" in done.stderr


def test_no_votes_are_said_to_be_none(workspace: Workspace) -> None:
    done = CliRunner().invoke(main, ["agreement", "--workspace", str(workspace.path)])
    assert done.exit_code == 0 and "0 votes" in done.output
    assert (
        CliRunner().invoke(main, ["agreement", "--workspace", str(workspace.path), "--json"]).exit_code == 0
    )
