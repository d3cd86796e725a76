"""The figures of agreement against published worked examples, and the properties they must have."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from vote_tables import CLASSES, Answer, Row, table

from curate.ceiling import Ceiling, ceiling
from curate.confusion import confusion, mix_ups
from curate.intervals import difference_interval, wilson_interval
from curate.kinds_of_faces import kinds_of_faces
from curate.one_more_vote import OneMoreVote, one_more_vote, value_of_a_vote
from curate.pairs import pairs
from curate.reliability import Reliability, alpha, fleiss, reliability
from curate.said import Said, said
from curate.voters import Timing, VoterFigures, voters
from curate.votes_table import VoteTable
from db.records.votes import FLAGS

# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), example C: four observers, twelve units.
KRIPPENDORFF = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
# Fleiss, Psychological Bulletin 76 (1971), table 1: thirty patients, six psychiatrists, five diagnoses.
FLEISS = """444444 222555 233335 555555 222444 113333 333355 113334 114444 555555 144444 124444 222333 144444 224445
333335 111455 111112 224444 133555 555555 244444 224555 114444 144445 222224 111155 224444 133333 555555"""
# Cohen's kappa as SAS prints it for this table of two raters: 0.4842.
COHEN = ((0, 4, 1), (0, 8, 0), (0, 1, 5))


def faces(*answers: Sequence[Answer]) -> Said:
    """One sequence a face, one answer a person; "" where a person did not judge the face."""
    return said(table([(f, p, a) for f, face in enumerate(answers) for p, a in enumerate(face) if a != ""]))


def figures(votes: Said) -> Reliability:
    return reliability(votes.alike, votes.alike.resampled(0))


def people(votes: Said, gold: dict[int, str] | None = None) -> tuple[VoterFigures, ...]:
    return voters(votes, Timing.unknown(len(votes)), gold)


def human(votes: Said, labels: dict[int, str] | None = None) -> Ceiling:
    return ceiling(votes, kinds_of_faces(votes.alike), labels)


def one_more(votes: Said, unvoted: int = 0) -> OneMoreVote:
    return one_more_vote(votes, kinds_of_faces(votes.alike), unvoted)


def counted(units: Sequence[str]) -> NDArray[np.int64]:
    """Counts (units, answers) of units written as one digit a vote, "." where there is none."""
    answers = sorted({digit for unit in units for digit in unit if digit != "."})
    return np.array([[unit.count(answer) for answer in answers] for unit in units], np.int64)


def simulated(seed: int, faces: int, people: int, skill: float, classes: int = 4) -> Said:
    """Everybody votes on every face; right with probability ``skill``, else one of the other classes."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, faces)
    wrong = (truth[:, None] + rng.integers(1, classes, (faces, people))) % classes
    choices = np.where(rng.random((faces, people)) < skill, truth[:, None], wrong).ravel()
    who = np.tile(np.arange(people), faces)
    none = np.full(faces * people, -1)
    return said(VoteTable(np.repeat(np.arange(faces), people), who, choices, none, CLASSES[:classes]))


def test_alpha_of_krippendorffs_example() -> None:
    units = ["".join(observer[unit] for observer in KRIPPENDORFF) for unit in range(12)]
    assert alpha(counted(units)) == pytest.approx(0.743, abs=5e-4)


def test_kappa_of_fleiss_example() -> None:
    assert fleiss(counted(FLEISS.split())) == pytest.approx(0.430, abs=5e-4)


def test_kappa_of_cohens_kind_as_sas_prints_it() -> None:
    answers = [(CLASSES[a], CLASSES[b]) for a in range(3) for b in range(3) for _ in range(COHEN[a][b])]
    (pair,) = pairs(faces(*answers))
    assert (pair.faces, pair.kappa) == (19, pytest.approx(0.4842, abs=5e-5))
    assert pair.agreement == pytest.approx(13 / 19)


def test_no_votes_give_no_figures() -> None:
    votes = faces()
    assert figures(votes) == Reliability(0, 0, 0, 0, None, None, None, None, None)
    assert confusion(votes.alike, votes.names).shares.tolist() == np.zeros((4, 4)).tolist()
    assert mix_ups(votes.alike, votes.alike.resampled(0), CLASSES) == ()
    assert people(votes) == () and pairs(votes) == ()
    assert human(votes).overall.share is None and human(votes).overall.bounds == (0.0, 1.0)
    assert one_more(votes).skill is None and one_more(votes).gain_in_faces == 0


def test_one_voter_agrees_with_nobody() -> None:
    votes = faces(["happy"], ["angry"], ["not_a_face"])
    assert (figures(votes).votes, figures(votes).pairs, figures(votes).alpha) == (3, 0, None)
    (alone,) = people(votes)
    assert (alone.votes, alone.share, alone.skill.votes, alone.skill.share, alone.kappa) == (
        3,
        1,
        0,
        None,
        None,
    )
    assert pairs(votes) == () and one_more(votes).stages == ()
    assert human(votes).overall.share is None


def test_one_face_has_figures_where_its_votes_differ() -> None:
    votes = faces(["happy", "happy", "angry"])
    assert figures(votes).agreement == pytest.approx(1 / 3)
    assert figures(votes).alpha == pytest.approx(0)  # one unit: the disagreement seen is the one expected
    assert [v.skill.hits for v in people(votes)] == [0.5, 0.5, 0]


def test_one_answer_everywhere_is_full_agreement_without_alpha() -> None:
    votes = faces(*[["happy", "happy"]] * 3)
    assert figures(votes).agreement == 1
    assert (figures(votes).alpha, figures(votes).alpha_bounds, figures(votes).kappa) == (None, None, None)
    assert [v.kappa for v in people(votes)] == [None, None] and pairs(votes)[0].kappa is None
    assert human(votes).by_class["happy"].share == pytest.approx(1, abs=0.05)
    assert human(votes).by_class["angry"].share is None


def test_unsure_and_flags_are_answers_that_agree_with_themselves_only() -> None:
    assert faces(["happy", None, "artificial"]).names == (*CLASSES, "unsure", "artificial")
    assert figures(faces([None, None], ["artificial", "artificial"])).alpha == 1
    assert figures(faces([None, "artificial"], ["happy", None])).agreement == 0


def test_perfect_agreement_is_one_everywhere() -> None:
    votes = faces(*[[name] * 3 for name in (*CLASSES, None)])
    assert (figures(votes).alpha, figures(votes).kappa, figures(votes).agreement_bounds) == (1, 1, (1, 1))
    assert all(v.skill.share == 1 and v.kappa == 1 for v in people(votes))
    assert all(pair.kappa == 1 for pair in pairs(votes))
    assert human(votes).overall.held_out == 1 and human(votes).overall.faces == 4  # "unsure" is no class
    assert human(votes).overall.share == pytest.approx(1, abs=0.05)
    assert {m.alpha for m in mix_ups(votes.alike, votes.alike.resampled(0), CLASSES)} == {1}


def test_guessing_is_near_zero_within_its_interval() -> None:
    votes = simulated(0, 3000, 4, 0.25)
    found = figures(votes)
    assert found.alpha is not None and found.alpha_bounds is not None and found.kappa is not None
    assert found.alpha_bounds[0] < 0 < found.alpha_bounds[1]
    assert abs(found.alpha) < 0.02 and abs(found.kappa) < 0.02
    assert all(abs(v.kappa or 1) < 0.05 for v in people(votes))


def test_the_interval_of_alpha_holds_the_alpha_of_the_whole_nineteen_times_of_twenty() -> None:
    whole = figures(simulated(1, 20_000, 3, 0.7)).alpha
    assert whole is not None
    held = 0
    for seed in range(60):
        bounds = figures(simulated(seed + 2, 150, 3, 0.7)).alpha_bounds
        assert bounds is not None
        held += bounds[0] <= whole <= bounds[1]
    assert held >= 53


def test_confusion_says_what_others_say() -> None:
    votes = faces(["happy", "happy", "angry"], ["angry", "angry"], ["neutral"])
    met = confusion(votes.alike, votes.names)
    assert met.coincidences.sum() == pytest.approx(5)  # the vote that met nobody is not in it
    assert met.shares[0].tolist() == pytest.approx([0.5, 0.5, 0, 0])
    assert met.shares[3].tolist() == [0, 0, 0, 0]


def test_classes_that_people_guess_between_are_not_told_apart() -> None:
    rng = np.random.default_rng(3)
    mixed = [list(rng.choice(["angry", "neutral"], 3)) for _ in range(200)]
    votes = faces(
        *[["happy"] * 3] * 100, *[["happy", "happy", "surprised"]] * 3, *[["surprised"] * 3] * 100, *mixed
    )
    worst, *rest = mix_ups(votes.alike, votes.alike.resampled(0), CLASSES)
    assert (worst.first, worst.second, worst.verdict) == ("angry", "neutral", "not told apart")
    assert [(m.first, m.second) for m in rest if m.split] == [("happy", "surprised")]
    assert {m.verdict for m in rest} == {"told apart"}
    assert worst.alpha == pytest.approx(0, abs=0.1) and worst.split == pytest.approx(0.5, abs=0.05)


def test_a_careless_voter_scores_below_the_careful_ones() -> None:
    careful = simulated(4, 400, 4, 0.95)
    rng = np.random.default_rng(5)
    answers = np.where(careful.people == 3, rng.integers(0, 4, len(careful)), careful.answers)
    votes = said(VoteTable(careful.faces, careful.people, answers, np.full(len(answers), -1), CLASSES))
    *good, bad = people(votes)
    assert bad.skill.bounds is not None and bad.skill.bounds[1] < 0.4
    assert all(v.skill.bounds is not None and v.skill.bounds[0] > 0.8 for v in good)
    assert bad.kappa == pytest.approx(0, abs=0.1)
    assert {p.second for p in pairs(votes)[:3]} == {3}


def test_always_giving_the_commonest_answer_is_skilful_only_by_chance() -> None:
    votes = faces(*[["happy", "happy", "happy"]] * 8, *[["angry", "angry", "happy"]] * 2)
    last = people(votes)[2]
    assert last.skill.share == pytest.approx(0.8) and last.kappa == pytest.approx(0)


def test_gold_counts_only_faces_with_a_known_answer() -> None:
    votes = faces(["happy", "angry"], ["angry", "angry"], [None, "not_a_face"])
    gold = {0: "happy", 2: "not_a_face", 9: "happy"}
    assert [(v.gold.hits, v.gold.votes) for v in people(votes, gold)] == [(1, 2), (1, 2)]
    assert [v.gold.hits for v in people(votes, {0: "unusable"})] == [0, 0]  # known, and nobody said it


def test_speed_is_a_median_and_the_share_of_hurried_votes() -> None:
    votes = faces(["happy", "happy"], ["angry", "angry"], ["happy", "happy"])
    seconds = np.full(6, np.nan)
    seconds[[i for i in range(6) if votes.people[np.flatnonzero(votes.rows == i)[0]] == 0]] = [0.2, 2.0, 3.0]
    first, second = voters(votes, Timing(seconds, np.arange(6)))
    assert (first.median_s, first.hurried) == (2.0, pytest.approx(1 / 3))
    assert (second.median_s, second.hurried, second.drift) == (None, None, None)


def test_somebody_who_gets_careless_is_seen_to_drift() -> None:
    votes = simulated(6, 600, 3, 0.95)
    tired = (votes.people == 2) & (votes.faces >= 400)
    answers = np.where(tired, (votes.answers + 1) % 4, votes.answers)
    table = VoteTable(votes.faces, votes.people, answers, np.full(len(answers), -1), CLASSES)
    found = voters(said(table), Timing(np.full(len(answers), 1.0), np.arange(len(answers))))
    assert [v.drift.verdict if v.drift else None for v in found][2] == "worse"
    assert found[2].drift is not None and found[2].drift.bounds[1] < -0.7
    assert all(v.drift is None for v in people(said(table)))  # without an order in time there is none


def test_the_ceiling_is_over_faces_with_a_label() -> None:
    contested = ["happy", "happy", "happy", "happy", "angry", "angry"]
    votes = faces(
        ["happy", "happy"], contested, ["unusable", "unusable", "happy"], ["happy", "angry"], ["neutral"]
    )
    found = human(votes)
    assert (found.overall.faces, found.by_class["happy"].faces, found.by_class["neutral"].faces) == (3, 2, 1)
    assert human(votes, {1: "angry"}).by_class["angry"].faces == 1
    assert human(votes, {1: "angry", 77: "happy", 0: "gone"}).overall.faces == 1
    assert human(votes, {}).overall.share is None


def test_holding_out_a_vote_is_a_fair_draw_from_people_who_guess() -> None:
    found = human(simulated(7, 6000, 3, 0.5, classes=2)).overall
    assert found.held_out == pytest.approx(0.5, abs=0.02)


def test_the_ceiling_of_people_of_known_skill() -> None:
    found = human(simulated(7, 2000, 9, 0.8))
    assert found.overall.bounds[0] - 0.005 < 0.8 < found.overall.bounds[1] + 0.005
    assert set(found.by_class) == set(CLASSES)


def test_asking_until_people_agree_leaves_the_ceiling_where_it_is() -> None:
    """Clear and ambiguous faces, 2 to 5 votes until one answer leads by 2; what a sixth person says is the truth."""
    rng = np.random.default_rng(10)
    truth, clear = rng.integers(0, 4, 6000), rng.random(6000) < 0.6
    share = np.where(clear, 0.95, 0.5)
    other = (truth + 1) % 4  # ambiguous faces are torn between two classes
    answers = np.where(rng.random((6000, 6)) < share[:, None], truth[:, None], other[:, None])
    asked, met = [], []
    for face, said_all in enumerate(answers):
        votes = 2
        while votes < 5 and abs(np.count_nonzero(said_all[:votes] == truth[face]) * 2 - votes) < 2:
            votes += 1
        asked.append([CLASSES[a] for a in said_all[:votes]])
        lead = np.bincount(said_all[:votes], minlength=4)
        if np.count_nonzero(lead == lead.max()) == 1:
            met.append(said_all[5] == lead.argmax())
    votes = faces(*asked)
    found = human(votes).overall
    assert found.share == pytest.approx(float(np.mean(met)), abs=0.02)
    assert found.held_out is not None and found.held_out > np.mean(met) + 0.05  # why it is not the ceiling
    kinds = kinds_of_faces(votes.alike)
    assert kinds is not None
    assert kinds.best.two_agree == pytest.approx(float((share**2 + (1 - share) ** 2).mean()), abs=0.02)


def test_one_more_vote_is_worth_most_on_a_tie_and_nothing_where_it_can_only_confirm() -> None:
    votes = simulated(8, 2000, 3, 0.8)
    value = one_more(votes, unvoted=10)
    assert value.skill == pytest.approx(0.8, abs=0.02)
    by_standing = {stage.standing: stage for stage in value.stages}
    assert by_standing[()].faces == 10 and by_standing[()].changes == pytest.approx(1)
    assert by_standing[(1, 1, 1)].gain > by_standing[(2, 1)].gain >= by_standing[(3,)].gain
    assert by_standing[(3,)].changes == 0 and by_standing[(3,)].gain == pytest.approx(0, abs=1e-9)
    assert value.gain_in_faces == pytest.approx(sum(s.gain * s.faces for s in value.stages if s.standing))


def test_the_promised_gain_is_what_a_fourth_vote_brings() -> None:
    rng = np.random.default_rng(9)
    truth = rng.integers(0, 4, 40_000)
    wrong = (truth[:, None] + rng.integers(1, 4, (40_000, 3))) % 4
    answers = np.where(rng.random((40_000, 3)) < 0.6, truth[:, None], wrong)
    counts = np.eye(4, dtype=np.int64)[answers]  # (I, votes, A)
    before, after = counts[:, :2].sum(axis=1), counts.sum(axis=1)
    prior = np.full(4, 0.25)
    right, gain, changes = value_of_a_vote(before, 0.6, prior)

    def accuracy(counts: NDArray[np.int64]) -> float:
        best = counts == counts.max(axis=1, keepdims=True)
        return float((best[np.arange(len(truth)), truth] / best.sum(axis=1)).mean())

    assert accuracy(before) == pytest.approx(right.mean(), abs=0.01)
    assert accuracy(after) - accuracy(before) == pytest.approx(gain.mean(), abs=0.01)
    top = counts.sum(axis=1).max(axis=1)
    assert 0 < changes.mean() < 1 and top.min() >= 1


def test_unsure_says_nothing_about_the_truth() -> None:
    with_unsure = one_more(faces(["happy", "happy", None], ["angry", "happy", None], [None, None, None]))
    without = one_more(faces(["happy", "happy"], ["angry", "happy"]))
    assert with_unsure.gain[:2] == pytest.approx(without.gain, abs=0.05)
    assert with_unsure.stages[0].standing == ()


def test_intervals() -> None:
    assert wilson_interval(0, 0) == (0, 1)
    assert wilson_interval(81, 263) == pytest.approx(
        (0.2553, 0.3662), abs=5e-5
    )  # Newcombe 1998, one proportion
    low, high = difference_interval((48, 80), (56, 70))  # Newcombe 1998: 56/70 - 48/80, method 10
    assert (low, high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


rows = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 5), st.sampled_from([*CLASSES, *FLAGS, None])),
    unique_by=lambda row: row[:2],
    max_size=30,
)


def everything(votes: Said) -> tuple[object, ...]:
    """What must not depend on who is who, or on the order of votes."""
    found = figures(votes)
    close = tuple(None if f is None else round(f, 9) for f in (found.agreement, found.alpha, found.kappa))
    skills = sorted((round(v.skill.hits, 9), v.votes) for v in people(votes))
    share = human(votes).overall.share
    value = one_more(votes)
    return (*close, skills, share and round(share, 5), round(value.gain_in_faces, 4), len(pairs(votes)))


@settings(deadline=None, max_examples=60)
@given(rows, st.randoms(use_true_random=False))
def test_neither_the_order_of_votes_nor_peoples_names_matter(votes: list[Row], random: Random) -> None:
    shuffled = list(votes)
    random.shuffle(shuffled)
    renamed = [(100 - face, 50 - person, answer) for face, person, answer in shuffled]
    assert everything(said(table(renamed))) == everything(said(table(votes)))


@settings(deadline=None, max_examples=60)
@given(rows)
def test_renaming_the_classes_changes_nothing(votes: list[Row]) -> None:
    other = dict(zip(CLASSES, (*CLASSES[1:], CLASSES[0]), strict=True))
    renamed = [(face, person, other.get(a or "", a)) for face, person, a in votes]
    assert everything(said(table(renamed))) == everything(said(table(votes)))


@settings(deadline=None, max_examples=60)
@given(rows)
def test_figures_stay_in_their_ranges(votes: list[Row]) -> None:
    seen = said(table(votes))
    found = figures(seen)
    assert (found.agreement is None) == (found.pairs == 0)
    assert found.agreement is None or 0 <= found.agreement <= 1
    assert found.alpha is None or -1 <= found.alpha <= 1 + 1e-12
    assert all(0 <= v.skill.hits <= v.skill.votes + 1e-9 for v in people(seen))
    assert sum(v.share for v in people(seen)) == pytest.approx(1 if votes else 0)
    assert human(seen).overall.share is None or 0 <= (human(seen).overall.share or 0) <= 1
    value = one_more(seen)
    assert (value.gain >= 0).all() and (value.changes <= 1 + 1e-9).all()
    assert confusion(seen.alike, seen.names).shares.max(initial=0) <= 1 + 1e-9


@settings(deadline=None, max_examples=60)
@given(rows)
def test_votes_that_met_nobody_change_no_alpha(votes: list[Row]) -> None:
    lonely = [(1000 + i, 7, "happy") for i in range(3)]
    assert figures(said(table([*votes, *lonely]))).alpha == pytest.approx(figures(said(table(votes))).alpha)
