"""Consensus rules on vote tables, and their decisions in the store."""

import json

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from vote_tables import CLASSES, Answer, Row, table

from curate.cli import main
from curate.consensus import NO_AGREEMENT, REJECTING, RULES, TOO_FEW, Consensus, Terms, aggregator
from curate.decide import decide_labels, rule_of_campaign, undo_decisions
from curate.votes_table import VoteTable, tabulate
from db.errors import ConfigError, NotFoundError
from db.records.campaigns import MAIN_CAMPAIGN, NewCampaign
from db.records.faces import NewFace
from db.records.labels import Label
from db.records.photos import NewPhoto, Origin
from db.records.votes import FLAGS, NewVote
from db.workspace import Workspace

OURS = sorted(set(RULES) - {"glad", "mace"})  # crowd-kit's are tested where it is installed


def decide(answers: list[Answer], rule: str = "majority", min_votes: int = 1) -> Consensus:
    (decision,) = aggregator(rule, Terms(min_votes)).aggregate(
        table([(7, i, a) for i, a in enumerate(answers)])
    )
    return decision


@pytest.mark.parametrize("rule", OURS)
def test_no_votes_give_no_decisions(rule: str) -> None:
    assert aggregator(rule).aggregate(table([])) == []


@pytest.mark.parametrize(
    ("answers", "majority", "plurality"),
    [
        (["happy"], "happy", "happy"),
        (["happy", "angry"], None, None),
        (["happy", "happy", "angry"], "happy", "happy"),
        (["happy", "happy", "angry", "neutral"], None, "happy"),  # exactly half is no absolute majority
        (["happy", "happy", "happy", "neutral"], "happy", "happy"),
        (["happy", "happy", None, None], None, "happy"),  # the unsure count as voters
        ([None, None], None, None),
        (["happy", "artificial"], None, "happy"),
        (["happy", "offensive", "offensive"], None, "happy"),  # offensive is no ground to reject
    ],
)
def test_rules(answers: list[Answer], majority: Answer, plurality: Answer) -> None:
    assert decide(answers).label == majority
    assert decide(answers, "plurality").label == plurality


@pytest.mark.parametrize("rule", OURS)
def test_most_voters_flagging_a_face_rejects_it(rule: str) -> None:
    decision = decide(["artificial", "not_a_face", "artificial", "happy"], rule)
    assert (decision.label, decision.reason, decision.confidence) == (None, "artificial", 0.75)
    assert decide(["artificial", "not_a_face", "happy", "happy"], rule).reason != "artificial"


def test_the_distribution_is_over_those_who_chose_a_class_and_confidence_over_all() -> None:
    decision = decide(["happy", "happy", "angry", None])
    assert decision.distribution == {"happy": 2 / 3, "angry": 1 / 3, "surprised": 0, "neutral": 0}
    assert (decision.label, decision.reason, decision.confidence) == (None, NO_AGREEMENT, 0.5)
    assert decide([None, "unusable"]).distribution == {}


def test_too_few_votes_decide_nothing() -> None:
    assert decide(["happy", "happy"], min_votes=3).reason == TOO_FEW
    assert decide(["happy"] * 3, min_votes=3).label == "happy"


def test_an_unknown_rule_is_named_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="'median'") as caught:
        aggregator("median")
    assert "majority" in caught.value.hint


rows = st.lists(
    st.tuples(st.integers(1, 5), st.integers(1, 6), st.sampled_from([*CLASSES, *FLAGS, None])),
    unique_by=lambda row: row[:2],
)


@settings(deadline=None)
@given(rows.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))), st.sampled_from(OURS))
def test_the_order_of_votes_changes_nothing(both: tuple[list[Row], list[Row]], rule: str) -> None:
    given_order, shuffled = both
    assert aggregator(rule).aggregate(table(given_order)) == aggregator(rule).aggregate(table(shuffled))


@settings(deadline=None)
@given(rows)
def test_a_majority_is_more_than_half_of_the_voters_and_shares_sum_to_one(votes: list[Row]) -> None:
    for decision in aggregator("majority").aggregate(table(votes)):
        answers = [answer for face, _, answer in votes if face == decision.item]
        assert decision.votes == len(answers)
        assert 0 <= decision.confidence <= 1
        assert not decision.distribution or sum(decision.distribution.values()) == pytest.approx(1)
        winners = [c for c in CLASSES if 2 * answers.count(c) > len(answers)]
        rejected = 2 * sum(answer in REJECTING for answer in answers) > len(answers)
        assert decision.label == (winners[0] if winners and not rejected else None)


def with_faces(workspace: Workspace, count: int) -> list[int]:
    """Stores a photo with that many faces and gives their ids."""
    new = NewPhoto("a" * 64, ".jpg", 640, 480, "0" * 16, 1)
    workspace.store.photos.add(new, Origin("test", "1"))
    boxes = [NewFace((i, 0, i + 30, 30), 0.9, f"{i:064x}", (30, 30), 1.0) for i in range(count)]
    workspace.store.faces.record_detection(workspace.store.photos.all()[0].id, "fake", boxes)
    return [face.id for face in workspace.store.faces.all()]


def test_decisions_are_written_once_and_follow_the_votes(workspace: Workspace) -> None:
    first, second = with_faces(workspace, 2)
    people = [workspace.store.annotators.join(name).id for name in ("Ada", "Ben", "Cy")]
    for person in people:
        workspace.store.votes.cast(NewVote(first, person, ("happy",)))
        workspace.store.votes.cast(NewVote(second, person, flag="not_a_face"))
    done = decide_labels(workspace, "majority")
    assert (done.by_class["happy"], done.rejected, done.changed) == (1, 1, 2)
    assert decide_labels(workspace, "majority").changed == 0
    methods = {label.face_id: (label.label, label.method) for label in workspace.store.labels.current()}
    assert methods == {first: ("happy", "majority"), second: (None, "majority: not_a_face")}


def test_a_label_is_withdrawn_when_every_vote_is_undone(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    person = workspace.store.annotators.join("Ada").id
    workspace.store.votes.cast(NewVote(face, person, ("angry",)))
    assert decide_labels(workspace).by_class["angry"] == 1
    workspace.store.votes.undo(person)
    assert decide_labels(workspace).withdrawn == 1
    assert [label.label for label in workspace.store.labels.history(face)] == ["angry", None]
    assert decide_labels(workspace).changed == 0


def test_a_rule_writes_no_new_decision_where_only_other_faces_moved_it_a_little(workspace: Workspace) -> None:
    faces = with_faces(workspace, 40)
    people = [workspace.store.annotators.join(name).id for name in ("Ada", "Ben", "Cy")]
    for face in faces[:-1]:
        for person in people:
            workspace.store.votes.cast(NewVote(face, person, (CLASSES[face % 4],)))
    assert decide_labels(workspace).changed == 39
    for person in people:
        workspace.store.votes.cast(NewVote(faces[-1], person, ("happy",)))
    assert decide_labels(workspace).changed == 1


def test_a_face_voted_on_since_its_decision_awaits_one_until_it_is_decided_or_confirmed(
    workspace: Workspace,
) -> None:
    first, second = with_faces(workspace, 2)
    store, (ada, ben, cy) = workspace.store, team(workspace)
    for person in (ada, ben):
        for face in (first, second):
            store.votes.cast(NewVote(face, person, ("happy",)))
    decide_labels(workspace, "majority")
    assert (store.labels.awaited(), store.labels.outdated()) == (0, frozenset())
    store.votes.skip(NewVote(first, cy))
    assert store.labels.awaited() == 0, "passing a face over says nothing about it"
    store.votes.cast(NewVote(first, cy, ("angry",)))
    store.votes.cast(NewVote(second, ben, ("happy",)))
    assert (store.labels.awaited(), store.labels.outdated([second])) == (2, frozenset([second]))
    done = decide_labels(workspace, "majority")
    assert (done.changed, done.confirmed, store.labels.awaited()) == (1, 1, 0)
    assert decide_labels(workspace, "majority").batch == "", "nothing is written without new votes"
    undone = undo_decisions(workspace)
    assert undone is not None and (undone.faces, store.labels.awaited()) == (2, 2)
    assert held(workspace) == {first: "happy", second: "happy"}


def test_taking_votes_back_after_a_decision_awaits_one_and_a_curators_decision_never_does(
    workspace: Workspace,
) -> None:
    first, second = with_faces(workspace, 2)
    store, (ada,) = workspace.store, team(workspace, "Ada")
    for face in (first, second):
        store.votes.cast(NewVote(face, ada, ("happy",)))
    decide_labels(workspace)
    store.labels.decide([Label(second, "angry", {}, 1.0, 0, "relabel", by_id=ada)])
    assert store.votes.undo(ada) == second and store.votes.undo(ada) == first
    assert store.labels.outdated() == {first}
    assert decide_labels(workspace).withdrawn == 1 and store.labels.awaited() == 0
    store.votes.cast(NewVote(first, ada, ("happy",)))
    store.votes.undo(ada)
    assert store.labels.outdated() == {first}
    done = decide_labels(workspace)
    assert (done.changed, done.confirmed, store.labels.awaited()) == (0, 1, 0)
    assert held(workspace) == {first: None, second: "angry"}


def test_in_a_workspace_a_label_takes_more_than_an_even_chance(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    for name, choice in (("Ada", "happy"), ("Ben", "angry"), ("Cy", "neutral")):
        workspace.store.votes.cast(NewVote(face, workspace.store.annotators.join(name).id, (choice,)))
    assert decide_labels(workspace).undecided == 1
    assert decide_labels(workspace, "majority").undecided == 1


def test_a_curators_decision_stays(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    person = workspace.store.annotators.join("Ada").id
    workspace.store.votes.cast(NewVote(face, person, ("happy",)))
    workspace.store.labels.decide([Label(face, "angry", {"angry": 1.0}, 1.0, 1, "relabel", by_id=person)])
    assert decide_labels(workspace).changed == 0
    assert [label.label for label in workspace.store.labels.current()] == ["angry"]


def test_a_vote_for_several_classes_is_shared_out_and_so_is_a_no_among_the_others(
    workspace: Workspace,
) -> None:
    first, second = with_faces(workspace, 2)
    ada, ben = (workspace.store.annotators.join(name).id for name in ("Ada", "Ben"))
    workspace.store.votes.cast(NewVote(first, ada, ("happy", "surprised")))
    workspace.store.votes.cast(NewVote(first, ben, ("happy",)))
    workspace.store.votes.cast(NewVote(second, ada, denies="angry"))
    table = tabulate(workspace.store.votes.iterate(), CLASSES).table
    both, denied = aggregator("plurality").aggregate(table)
    assert both.distribution == {"happy": 0.75, "angry": 0, "surprised": 0.25, "neutral": 0}
    assert (both.label, both.votes) == ("happy", 2)
    assert denied.distribution == pytest.approx(
        {"happy": 1 / 3, "angry": 0, "surprised": 1 / 3, "neutral": 1 / 3}, abs=1e-5
    )
    assert (denied.label, denied.votes) == (None, 1)


def campaign_of(workspace: Workspace, name: str) -> int:
    """A campaign that asks whether faces show a class."""
    return workspace.store.campaigns.create(NewCampaign(name, question="verify")).id


def team(workspace: Workspace, *names: str) -> list[int]:
    return [workspace.store.annotators.join(name).id for name in names or ("Ada", "Ben", "Cy")]


def held(workspace: Workspace) -> dict[int, str | None]:
    return {label.face_id: label.label for label in workspace.store.labels.current()}


@pytest.mark.parametrize("rule", OURS)
def test_no_votes_alone_make_no_label_however_common_a_class_is(workspace: Workspace, rule: str) -> None:
    faces = with_faces(workspace, 60)
    verify = campaign_of(workspace, "angry?")
    for person in team(workspace):
        for face in faces[:50]:
            workspace.store.votes.cast(NewVote(face, person, ("happy",)))
        for face in faces[50:]:
            workspace.store.votes.cast(NewVote(face, person, denies="angry", campaign_id=verify))
    done = decide_labels(workspace, rule)
    assert (done.by_class["happy"], done.undecided) == (50, 10)
    denied = workspace.store.labels.of_faces(faces[50:])[faces[50]]
    assert denied.method == f"{rule}: {NO_AGREEMENT}" and denied.votes == 3
    shares = denied.distribution
    assert sum(shares.values()) == pytest.approx(1) and shares["angry"] == min(shares.values()) < 0.1


@pytest.mark.parametrize("rule", ["auto", "dawid-skene", "plurality"])
def test_a_no_tells_between_the_classes_that_were_chosen(workspace: Workspace, rule: str) -> None:
    (face,) = with_faces(workspace, 1)
    ada, ben, *others = team(workspace, "Ada", "Ben", "Cy", "Dan", "Eve")
    verify = campaign_of(workspace, "angry?")
    workspace.store.votes.cast(NewVote(face, ada, ("happy",)))
    workspace.store.votes.cast(NewVote(face, ben, ("angry",)))
    assert decide_labels(workspace, rule).undecided == 1
    for person in others:
        workspace.store.votes.cast(NewVote(face, person, denies="angry", campaign_id=verify))
    decide_labels(workspace, rule, Terms())
    assert held(workspace) == {face: "happy"}


@pytest.mark.parametrize("rule", OURS)
def test_a_no_that_agrees_leaves_what_the_person_chose(workspace: Workspace, rule: str) -> None:
    (face,) = with_faces(workspace, 1)
    verify = campaign_of(workspace, "angry?")
    for person in team(workspace):
        workspace.store.votes.cast(NewVote(face, person, ("surprised",)))
    for person in team(workspace):
        workspace.store.votes.cast(NewVote(face, person, denies="angry", campaign_id=verify))
    decide_labels(workspace, rule)
    assert held(workspace) == {face: "surprised"}
    assert workspace.store.labels.current()[0].votes == 3


def test_a_no_replaces_the_choice_it_contradicts_and_the_newest_choice_a_no(workspace: Workspace) -> None:
    both, flagged, back = with_faces(workspace, 3)
    (ada,) = team(workspace, "Ada")
    verify = campaign_of(workspace, "happy?")
    cast = workspace.store.votes.cast
    cast(NewVote(both, ada, ("happy", "surprised")))
    cast(NewVote(both, ada, denies="happy", campaign_id=verify))
    cast(NewVote(flagged, ada, flag="artificial"))
    cast(NewVote(flagged, ada, denies="happy", campaign_id=verify))
    cast(NewVote(back, ada, denies="happy", campaign_id=verify))
    cast(NewVote(back, ada, ("happy",)))
    votes = tabulate(workspace.store.votes.iterate(), CLASSES).table
    said = {
        int(i): (int(c), int(f), int(d))
        for i, c, f, d in zip(votes.items, votes.choices, votes.flags, votes.denies, strict=True)
    }
    assert said == {both: (-1, -1, 0), flagged: (-1, FLAGS.index("artificial"), -1), back: (0, -1, -1)}


def test_a_run_is_taken_back_whole_and_the_next_decides_anew(workspace: Workspace) -> None:
    first, second = with_faces(workspace, 2)
    people = team(workspace)
    cleo = workspace.store.annotators.join("Cleo").id
    for person in people:
        workspace.store.votes.cast(NewVote(first, person, ("happy",)))
    assert decide_labels(workspace).batch.startswith("consensus-")
    for person in people:
        workspace.store.votes.cast(NewVote(first, person, ("angry",)))
        workspace.store.votes.cast(NewVote(second, person, ("neutral",)))
    latest = decide_labels(workspace)
    assert (latest.changed, decide_labels(workspace).batch) == (2, "")
    workspace.store.labels.decide(
        [Label(second, "sad", {}, 1.0, 0, "relabel", by_id=cleo, batch="relabel-1")]
    )
    undone = undo_decisions(workspace)
    assert undone is not None and (undone.batch, undone.faces) == (latest.batch, 2)
    assert held(workspace) == {first: "happy", second: "sad"}, "a curator's decision stays"
    history = workspace.store.labels.history(first)
    assert [row.label for row in history] == ["happy", "angry", None]
    assert history[2].undoes_id == history[1].id
    assert undo_decisions(workspace) is not None
    assert undo_decisions(workspace) is None and held(workspace) == {second: "sad"}
    assert decide_labels(workspace).changed == 1
    assert held(workspace) == {first: "angry", second: "sad"}


def test_undoing_a_run_is_not_offered_to_curators_as_theirs(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    workspace.store.votes.cast(NewVote(face, team(workspace)[0], ("happy",)))
    decide_labels(workspace)
    assert workspace.store.labels.batches() == ()
    assert [batch.faces for batch in workspace.store.labels.batches(of_rules=True)] == [1]


def test_the_command_takes_a_run_back_and_says_so(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    workspace.store.votes.cast(NewVote(face, team(workspace)[0], ("happy",)))

    def consensus(*arguments: str) -> Result:
        return CliRunner().invoke(main, ["consensus", "--workspace", str(workspace.path), *arguments])

    assert "decisions changed" in consensus().output
    told = consensus("--undo").output
    assert told.startswith("took back the consensus of 2") and "on 1 face;" in told and held(workspace) == {}
    nothing = consensus("--undo")
    assert (nothing.output, nothing.exit_code) == (
        "nothing to undo: no consensus run is left to take back\n",
        0,
    )
    assert json.loads(consensus("--undo", "--json").output) == {"batch": "", "at": "", "faces": 0}
    assert consensus("--undo", "--rule", "auto").exit_code != 0


def test_votes_for_a_class_that_is_gone_are_left_out_and_counted(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    person = workspace.store.annotators.join("Ada").id
    workspace.store.votes.cast(NewVote(face, person, ("sleepy",)))
    assert tabulate(workspace.store.votes.current(), CLASSES).strangers == 1
    assert decide_labels(workspace).strangers == 1
    assert workspace.store.labels.current() == ()


def test_a_vote_table_checks_its_columns() -> None:
    zero, two = np.zeros(1, np.int64), np.zeros(2, np.int64)
    with pytest.raises(ValueError, match="one length"):
        VoteTable(zero, zero, zero, two, CLASSES)
    with pytest.raises(ValueError, match="choices"):
        VoteTable(zero, zero, zero + 4, zero, CLASSES)


def test_a_campaign_is_decided_by_its_own_rule_and_votes_and_leaves_other_faces_alone(
    workspace: Workspace,
) -> None:
    first, second = with_faces(workspace, 2)
    round_two = workspace.store.campaigns.create(NewCampaign("Round two", rule="majority"))
    people = [workspace.store.annotators.join(name).id for name in ("Ada", "Ben", "Cy")]
    for person in people:
        workspace.store.votes.cast(NewVote(first, person, ("happy",)))
        workspace.store.votes.cast(NewVote(second, person, ("happy",)))
    assert decide_labels(workspace).by_class["happy"] == 2
    for person in people:
        workspace.store.votes.cast(NewVote(first, person, ("angry",), campaign_id=round_two.id))
    done = decide_labels(workspace, rule_of_campaign(workspace, "round two"), campaign="round two")
    assert (done.by_class["angry"], done.by_class["happy"], done.withdrawn) == (1, 0, 0)
    held = {label.face_id: (label.label, label.method) for label in workspace.store.labels.current()}
    assert held == {first: ("angry", "majority"), second: ("happy", "auto")}


def test_a_campaign_leaves_faces_alone_that_it_still_asks_about(workspace: Workspace) -> None:
    (face,) = with_faces(workspace, 1)
    people = [workspace.store.annotators.join(name).id for name in ("Ada", "Ben", "Cy")]
    for person in people[:2]:
        workspace.store.votes.cast(NewVote(face, person, ("angry",)))
    decide_labels(workspace)
    check = workspace.store.campaigns.create(NewCampaign("check", question="verify", about="angry"))
    workspace.store.votes.cast(NewVote(face, people[2], denies="angry", campaign_id=check.id))
    done = decide_labels(workspace, campaign="check")
    assert (done.waiting, done.changed) == (1, 0)
    assert [label.label for label in workspace.store.labels.current()] == ["angry"]


def test_faces_decided_before_their_campaign_is_done_asking_are_told(workspace: Workspace) -> None:
    agreed, open_still = with_faces(workspace, 2)
    ada, ben, _ = team(workspace)
    workspace.store.queue.fill(MAIN_CAMPAIGN)
    for person in (ada, ben):
        workspace.store.votes.cast(NewVote(agreed, person, ("angry",)))
    workspace.store.votes.cast(NewVote(open_still, ada, ("angry",)))
    done = decide_labels(workspace, "plurality")
    assert (done.by_class["angry"], done.early, done.waiting) == (2, 1, 0)
    told = CliRunner().invoke(main, ["consensus", "--rule", "plurality", "--workspace", str(workspace.path)])
    assert "1 face decided by the votes so far: an open campaign still asks for more" in told.stderr


def test_an_unknown_campaign_is_named_with_those_there_are(workspace: Workspace) -> None:
    with pytest.raises(NotFoundError, match="no campaign 'third'") as caught:
        decide_labels(workspace, campaign="third")
    assert "main" in caught.value.hint
