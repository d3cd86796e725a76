"""The rules that weigh people: what they learn, and that few or odd votes do them no harm."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curate.auto import Auto, Opinions, opinions_of
from curate.ballots import count
from curate.consensus import RULES, Terms, aggregator
from curate.decide import decide_labels
from curate.pooled import fit_pooled
from curate.votes_table import ANONYMOUS, VoteTable
from db.errors import ConfigError, NotFoundError
from db.records.faces import NewFace
from db.records.photos import NewPhoto, Origin
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot
from db.records.votes import NewVote
from db.workspace import Workspace

WEIGHING = ("auto", "dawid-skene")


def table(rows: list[tuple[int, int, int]], classes: int) -> VoteTable:
    """(item, person, class) rows."""
    columns = np.array(rows, np.int64).reshape(-1, 3).T
    names = tuple(f"c{i}" for i in range(classes))
    return VoteTable(columns[0], columns[1], columns[2], np.full(len(rows), -1), names)


def crowd(
    seed: int, skills: list[float], items: int, each: int, classes: int = 4
) -> tuple[VoteTable, np.ndarray]:
    """Votes of people who are right so often, and the truth; every item is seen by `each` of them."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, items)
    rows = []
    for item in range(items):
        for person in rng.choice(len(skills), each, replace=False):
            wrong = (truth[item] + rng.integers(1, classes)) % classes
            rows.append((item, int(person), int(truth[item] if rng.random() < skills[person] else wrong)))
    return table(rows, classes), truth


def accuracy(rule: str, votes: VoteTable, truth: np.ndarray) -> float:
    decisions = aggregator(rule, Terms(ties="draw")).aggregate(votes)
    return float(np.mean([decision.label == f"c{truth[decision.item]}" for decision in decisions]))


@pytest.mark.parametrize("rule", WEIGHING)
def test_a_person_who_answers_at_random_is_found_out(rule: str) -> None:
    votes, truth = crowd(1, [0.9, 0.85, 0.25, 0.25, 0.25], items=600, each=5)
    assert accuracy(rule, votes, truth) > accuracy("plurality", votes, truth) + 0.05


def test_skills_are_learnt() -> None:
    votes, _ = crowd(2, [0.95, 0.8, 0.5], items=800, each=3)
    fit = fit_pooled(count(votes))
    assert fit.people.tolist() == [0, 1, 2]
    assert fit.accuracy == pytest.approx([0.95, 0.8, 0.5], abs=0.06)


def test_someone_who_always_says_the_opposite_of_two_classes_is_understood() -> None:
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 2, 300)
    rows = [
        (i, w, int(truth[i] if rng.random() < 0.85 else 1 - truth[i])) for i in range(300) for w in range(3)
    ]
    rows += [(i, 3, int(1 - truth[i])) for i in range(300)]
    assert accuracy("auto", table(rows, 2), truth) > 0.95


@pytest.mark.parametrize("each", [2, 3, 4, 5])
@pytest.mark.parametrize("skills", [[0.7] * 5, [0.9, 0.8, 0.7, 0.6, 0.35], [0.75, 0.75, 0.75, 0.75, 0.3]])
def test_with_few_votes_the_default_is_not_below_plurality(each: int, skills: list[float]) -> None:
    gains = []
    for seed in range(10):
        votes, truth = crowd(seed, skills, items=150, each=each)
        ballots = count(votes)
        gains.append(expected(fit_pooled(ballots).beliefs, truth) - expected(ballots.counts, truth))
    assert np.mean(gains) > -0.015  # people who are all alike: what is left is the luck of ties


def expected(beliefs: np.ndarray, truth: np.ndarray) -> float:
    """How often the strongest class is right, a tie counting by its expectation."""
    tied = beliefs >= beliefs.max(axis=1, keepdims=True) - 1e-9
    return float((tied[np.arange(len(truth)), truth] / tied.sum(axis=1)).mean())


def test_the_confidence_of_the_default_is_about_how_often_it_is_right() -> None:
    votes, truth = crowd(5, [0.9, 0.8, 0.7, 0.6, 0.5, 0.4], items=1500, each=3)
    decisions = Auto().aggregate(votes)
    right = np.mean([decision.label == f"c{truth[decision.item]}" for decision in decisions])
    assert np.mean([decision.confidence for decision in decisions]) == pytest.approx(right, abs=0.04)


def test_one_voter_decides_alone_and_is_not_taken_for_certain() -> None:
    (one,) = Auto().aggregate(table([(5, 1, 2)], 4))
    assert one.label == "c2" and 0.5 < one.confidence < 0.9
    many = Auto().aggregate(table([(i, 1, i % 4) for i in range(200)], 4))
    assert all(decision.label == f"c{decision.item % 4}" and decision.confidence < 0.9 for decision in many)


@pytest.mark.parametrize("rule", WEIGHING)
def test_the_rare_class_of_a_single_vote_is_the_label_where_the_common_one_was_not_chosen(rule: str) -> None:
    rows = [(item, 0, 0) for item in range(40)] + [(40, 0, 1)]
    rare = aggregator(rule, Terms(ties="draw")).aggregate(table(rows, 2))[40]
    assert rare.label == "c1" and rare.confidence == pytest.approx(rare.distribution["c1"])


def test_two_people_who_disagree_on_one_face_are_a_tie() -> None:
    (one,) = Auto().aggregate(table([(1, 1, 0), (1, 2, 1)], 3))
    assert (one.label, one.reason) == (None, "no agreement")
    drawn = [
        Auto(Terms(ties="draw", seed=seed)).aggregate(table([(1, 1, 0), (1, 2, 1)], 3))[0].label
        for seed in range(40)
    ]
    assert set(drawn) == {"c0", "c1"}


def test_a_drawn_tie_favours_no_class() -> None:
    rows = [(item, person, person) for item in range(2000) for person in range(2)]
    decisions = aggregator("plurality", Terms(ties="draw")).aggregate(table(rows, 3))
    share = np.mean([decision.label == "c0" for decision in decisions])
    assert share == pytest.approx(0.5, abs=0.05)
    assert {decision.label for decision in decisions} == {"c0", "c1"}


@pytest.mark.parametrize("rule", WEIGHING)
@pytest.mark.parametrize(
    ("rows", "classes", "labels"),
    [
        ([], 3, []),
        ([], 0, []),
        ([(1, 1, 0), (1, 2, 0)], 1, ["c0"]),
        ([(1, p, 0) for p in range(6)], 200, ["c0"]),
        ([(i, p, i) for i in range(200) for p in range(3)], 200, [f"c{i}" for i in range(200)]),
        ([(i, p, 1) for i in range(30) for p in range(3)], 3, ["c1"] * 30),  # two classes nobody ever chose
        (  # two groups of people who share no face
            [(i, p, i % 2) for i in range(20) for p in (1, 2)]
            + [(i, p, i % 2) for i in range(20, 40) for p in (3, 4)],
            2,
            [f"c{i % 2}" for i in range(40)],
        ),
    ],
    ids=["none", "no class", "one class", "one item", "200 classes", "all alike", "two groups"],
)
def test_odd_tables_are_decided_as_anyone_would(
    rule: str, rows: list[tuple[int, int, int]], classes: int, labels: list[str]
) -> None:
    decisions = aggregator(rule).aggregate(table(rows, classes))
    assert [decision.label for decision in decisions] == labels
    assert all(np.isfinite(decision.confidence) for decision in decisions)


def test_votes_that_are_all_unsure_decide_nothing() -> None:
    votes = VoteTable(
        *(np.array([1, 1]), np.array([1, 2]), np.array([-1, -1]), np.array([-1, -1])), ("a", "b")
    )
    (one,) = Auto().aggregate(votes)
    assert (one.label, one.reason, one.confidence, one.distribution, one.votes) == (
        None,
        "no agreement",
        0,
        {},
        2,
    )


def test_unsure_voters_take_confidence_away() -> None:
    sure = table([(1, 1, 0), (1, 2, 0)], 2)
    unsure = VoteTable(
        *(np.array([1] * 4), np.arange(4), np.array([0, 0, -1, -1]), np.full(4, -1)), sure.classes
    )
    assert Auto().aggregate(unsure)[0].confidence == pytest.approx(
        Auto().aggregate(sure)[0].confidence / 2, abs=1e-5
    )


def test_votes_of_nobody_known_count_alike_and_the_commoner_class_breaks_a_tie() -> None:
    rows = [(i, ANONYMOUS, 0) for i in range(50) for _ in range(4)]
    rows += [(50, ANONYMOUS, 0), (50, ANONYMOUS, 1)]
    rows += [(51, ANONYMOUS, 1), (51, ANONYMOUS, 1), (51, ANONYMOUS, 0)]
    decisions = Auto().aggregate(table(rows, 2))
    assert [decision.label for decision in decisions[-2:]] == ["c0", "c1"]


rows = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 4), st.integers(0, 2)),
    unique_by=lambda row: row[:2],
    max_size=30,
)


@settings(deadline=None, max_examples=60)
@given(rows.flatmap(lambda r: st.tuples(st.just(r), st.permutations(r))), st.sampled_from(WEIGHING))
def test_the_order_of_votes_changes_no_digit(both: tuple[list[tuple[int, int, int]], ...], rule: str) -> None:
    given_order, shuffled = both
    assert aggregator(rule).aggregate(table(given_order, 3)) == aggregator(rule).aggregate(table(shuffled, 3))


@settings(deadline=None, max_examples=60)
@given(rows, st.permutations(range(3)))
def test_the_names_of_classes_do_not_matter(votes: list[tuple[int, int, int]], new: list[int]) -> None:
    before = Auto().aggregate(table(votes, 3))
    after = Auto().aggregate(table([(item, person, new[choice]) for item, person, choice in votes], 3))
    for one, other in zip(before, after, strict=True):
        renamed = None if one.label is None else f"c{new[int(one.label[1])]}"
        assert other.label == renamed
        assert other.confidence == pytest.approx(one.confidence, abs=1e-4)


def with_model(quality: float, sure: float, seed: int = 0) -> tuple[VoteTable, np.ndarray, Opinions]:
    """Two votes a face, and a model that is right so often and says so with so much probability."""
    votes, truth = crowd(seed, [0.75, 0.7, 0.65, 0.6], items=500, each=2)
    rng = np.random.default_rng(seed + 100)
    told = np.where(rng.random(500) < quality, truth, (truth + rng.integers(1, 4, 500)) % 4)
    probabilities = np.full((500, 4), (1 - sure) / 3)
    probabilities[np.arange(500), told] = sure
    return votes, truth, Opinions(np.arange(500), probabilities)


def right(auto: Auto, votes: VoteTable, truth: np.ndarray) -> float:
    return float(np.mean([one.label == f"c{truth[one.item]}" for one in auto.aggregate(votes)]))


def test_a_good_model_helps() -> None:
    votes, truth, opinions = with_model(quality=0.85, sure=0.8)
    assert right(Auto(opinions=opinions), votes, truth) > right(Auto(), votes, truth) + 0.08


def test_a_model_that_guesses_and_is_sure_of_it_does_no_harm() -> None:
    votes, truth, opinions = with_model(quality=0.25, sure=0.999)
    assert right(Auto(opinions=opinions), votes, truth) > right(Auto(), votes, truth) - 0.02


def test_a_model_may_know_some_faces_only() -> None:
    votes, truth, opinions = with_model(quality=0.85, sure=0.8)
    some = Opinions(opinions.items[::2], opinions.probabilities[::2])
    assert right(Auto(opinions=some), votes, truth) > right(Auto(), votes, truth)
    none = Opinions(opinions.items[:0], opinions.probabilities[:0])
    assert Auto(opinions=none).aggregate(votes) == Auto().aggregate(votes)


def test_only_predictions_for_faces_new_to_the_run_count() -> None:
    told = [
        Prediction("r", 2, {"a": 0.5, "b": 0.5}, "test", True),
        Prediction("r", 1, {"a": 3.0, "c": 1.0}, "val", True),
        Prediction("r", 3, {"a": 1.0}, "train", False),
    ]
    opinions = opinions_of(told, ("a", "b"))
    assert opinions.items.tolist() == [1, 2]
    assert opinions.probabilities.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_a_run_counts_in_a_workspace_and_is_named_in_the_method(workspace: Workspace) -> None:
    new = NewPhoto("a" * 64, ".jpg", 640, 480, "0" * 16, 1)
    workspace.store.photos.add(new, Origin("test", "1"))
    boxes = [NewFace((i, 0, i + 30, 30), 0.9, f"{i:064x}", (30, 30), 1.0) for i in range(60)]
    workspace.store.faces.record_detection(workspace.store.photos.all()[0].id, "fake", boxes)
    faces = [face.id for face in workspace.store.faces.all()]
    person = workspace.store.annotators.join("Ada").id
    classes = workspace.settings.classes
    for i, face in enumerate(faces):
        workspace.store.votes.cast(NewVote(face, person, (classes[i % 4],)))
    at = workspace.store.photos.all()[0].added_at
    workspace.store.snapshots.add(Snapshot("0" * 64, classes, (1, 0, 0), 0, at))
    run = Run("yolo-1", {}, "0" * 64, "done", {}, {}, at)
    workspace.store.runs.start(run)
    with pytest.raises(NotFoundError, match="not trained on"):
        decide_labels(workspace, run="yolo-1")
    told = [Prediction("yolo-1", face, {classes[i % 4]: 1.0}, "val", True) for i, face in enumerate(faces)]
    workspace.store.predictions.replace("yolo-1", told)
    assert decide_labels(workspace, run="yolo-1").by_class == dict.fromkeys(classes, 15)
    assert {label.method for label in workspace.store.labels.current()} == {"auto with yolo-1"}
    with pytest.raises(ConfigError, match="run's view"):
        decide_labels(workspace, "majority", run="yolo-1")


@pytest.mark.parametrize("rule", ["glad", "mace"])
def test_crowd_kits_rules_name_the_extra_they_need_or_work(rule: str) -> None:
    votes, truth = crowd(1, [0.9, 0.85, 0.25], items=60, each=3)
    try:
        import crowdkit  # noqa: F401
    except ImportError:
        with pytest.raises(ConfigError, match="crowd-kit") as caught:
            aggregator(rule).aggregate(votes)
        assert "mimique[crowd]" in caught.value.hint
    else:
        assert accuracy(rule, votes, truth) > 0.7
        assert [one.label for one in aggregator(rule).aggregate(table([(1, 1, 0), (1, 2, 0)], 2))] == ["c0"]


def test_every_rule_is_named_in_the_help_of_the_command() -> None:
    from click.testing import CliRunner

    from curate.cli import main

    told = CliRunner().invoke(main, ["consensus", "--help"]).output
    assert all(rule in told.replace("\n", "").replace(" ", "") for rule in RULES)
