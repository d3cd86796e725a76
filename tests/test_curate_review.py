"""What curators are shown to look at, and label errors found by confident learning."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from curate.auto import Opinions
from curate.review import Reason, ReviewItem, still_open, suspects, to_review
from db.records.campaigns import MAIN_CAMPAIGN
from db.records.labels import SENT_BACK, Label
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot
from db.records.votes import NewVote
from db.store import Store
from db.workspace import Workspace

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
CLASSES = ("happy", "angry", "neutral")


def opinions(rows: dict[int, tuple[float, ...]]) -> Opinions:
    shares = np.array(list(rows.values()), np.float64).reshape(-1, len(CLASSES))
    return Opinions(np.array(list(rows), np.int64), shares)


def test_without_opinions_or_labels_nothing_is_suspected() -> None:
    assert suspects({}, opinions({}), CLASSES) == ()
    assert suspects({1: "happy"}, opinions({}), CLASSES) == ()
    assert suspects({}, opinions({1: (0.1, 0.8, 0.1)}), CLASSES) == ()
    assert suspects({1: "no class of ours"}, opinions({1: (0.1, 0.8, 0.1)}), CLASSES) == ()


def test_a_label_is_suspected_where_another_class_reaches_its_own_mean() -> None:
    """Worked by hand: the means are happy (.9 + .7 + .1) / 3 = .567, angry (.8 + .6) / 2 = .7."""
    labels = {1: "happy", 2: "happy", 3: "happy", 4: "angry", 5: "angry"}
    seen = opinions(
        {
            1: (0.9, 0.05, 0.05),
            2: (0.7, 0.2, 0.1),
            3: (0.1, 0.8, 0.1),  # angry is claimed: .8 is .7 or more
            4: (0.1, 0.8, 0.1),
            5: (0.3, 0.6, 0.1),
        }
    )
    (found,) = suspects(labels, seen, CLASSES)
    assert (found.face_id, found.label, found.model_label) == (3, "happy", "angry")
    assert abs(found.margin - 0.7) < 1e-9


def test_a_model_that_is_never_sure_of_a_class_accuses_with_less() -> None:
    """An overlooked class: .4 is much where the faces labelled with it have .4 on average."""
    labels = {1: "neutral", 2: "neutral", 3: "happy", 4: "happy"}
    seen = opinions(
        {1: (0.3, 0.3, 0.4), 2: (0.3, 0.3, 0.4), 3: (0.9, 0.05, 0.05), 4: (0.35, 0.2, 0.45)},
    )
    assert [found.face_id for found in suspects(labels, seen, CLASSES)] == [4]


@given(st.integers(0, 60), st.integers(0, 2**31))
def test_suspects_contradict_their_label_the_strongest_first(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.ones(3), count)
    labels = {i: CLASSES[rng.integers(0, 3)] for i in range(count)}
    found = suspects(labels, Opinions(np.arange(count), shares), CLASSES)
    margins = [each.margin for each in found]
    assert margins == sorted(margins, reverse=True) and all(margin > 0 for margin in margins)
    assert all(labels[each.face_id] == each.label != each.model_label for each in found)
    assert len({each.face_id for each in found}) == len(found)


def decide(store: Store, rows: dict[int, tuple[str | None, float, str]]) -> None:
    store.labels.decide(
        [Label(face, name, {}, sure, 3, method) for face, (name, sure, method) in rows.items()]
    )


def add_run(store: Store, predictions: dict[int, dict[str, float]], *, fresh: bool = True) -> None:
    now = datetime.now(UTC)
    store.snapshots.add(Snapshot("s" * 64, CLASSES, (20, 4, 1), 0, now))
    store.runs.start(Run("run-1", {"recipe": "yolo"}, "s" * 64, "running", {}, {}, now))
    store.predictions.replace(
        "run-1", [Prediction("run-1", face, shares, "val", fresh) for face, shares in predictions.items()]
    )
    store.runs.finish("run-1", "done", {})


def kinds(items: tuple[ReviewItem, ...]) -> dict[int, list[str]]:
    return {item.face_id: [reason.kind for reason in item.reasons] for item in items}


def test_an_empty_workspace_has_nothing_to_review(workspace: Workspace) -> None:
    found = to_review(workspace.store, CLASSES)
    assert found.items == () and found.run_id == "" and set(found.counts().values()) == {0}


def test_every_reason_is_found_and_the_strongest_comes_first(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    store = workspace.store
    f = add_faces(workspace, 8)
    ann = store.annotators.join("Ann").id
    decide(
        store,
        {
            f[0]: ("happy", 0.9, "auto"),
            f[1]: (None, 0.5, "auto: no agreement"),
            f[2]: ("happy", 0.5, "auto"),
            f[3]: ("angry", 0.95, "auto"),
            f[4]: (None, 0.9, "auto: unusable"),
            f[5]: (None, 0.0, "auto: too few votes"),
            f[6]: (None, 0.9, "auto: artificial"),
        },
    )
    for face, flag in ((f[3], "artificial"), (f[4], "unusable"), (f[6], "offensive"), (f[2], "unusable")):
        store.votes.cast(NewVote(face, ann, (), flag))
    add_run(store, {f[0]: {"happy": 0.1, "angry": 0.9}, f[3]: {"happy": 0.1, "angry": 0.9}})
    found = to_review(store, CLASSES)
    assert found.run_id == "run-1"
    assert kinds(found.items) == {
        f[6]: ["flagged"],  # offensive: also where the votes rejected the face already
        f[3]: ["flagged"],
        f[2]: ["flagged", "unsure"],
        f[0]: ["error"],
        f[1]: ["tie"],
    }
    assert list(kinds(found.items)) == [f[6], f[3], f[2], f[0], f[1]]
    assert found.items[2].reasons[1] == Reason("unsure", confidence=0.5)
    assert found.counts() == {"flagged": 3, "error": 1, "tie": 1, "unsure": 1}


def test_what_a_model_was_trained_on_is_no_evidence(workspace: Workspace, add_faces: AddFaces) -> None:
    f = add_faces(workspace, 2)
    decide(workspace.store, {f[0]: ("happy", 0.9, "auto"), f[1]: ("angry", 0.9, "auto")})
    shares = {f[0]: {"happy": 0.1, "angry": 0.9}, f[1]: {"happy": 0.1, "angry": 0.9}}
    add_run(workspace.store, shares, fresh=False)
    assert to_review(workspace.store, CLASSES).items == ()


def test_what_a_curator_settled_is_left_out(workspace: Workspace, add_faces: AddFaces) -> None:
    store = workspace.store
    f = add_faces(workspace, 3)
    cleo = store.annotators.join("Cleo").id
    decide(store, dict.fromkeys(f, (None, 0.5, "auto: no agreement")))
    found = to_review(store, CLASSES).items
    assert [item.face_id for item in still_open(store, found)] == list(f)
    store.labels.decide([Label(f[0], "happy", {}, 1.0, 0, "relabel", by_id=cleo)])
    store.queue.ask_more(MAIN_CAMPAIGN, [f[1]], 1)
    assert [item.face_id for item in still_open(store, found)] == [f[2]]
    store.votes.cast(NewVote(f[1], store.annotators.join("Dan").id, ("happy",)))
    assert [item.face_id for item in still_open(store, found)] == [f[1], f[2]], "the vote asked for has come"


def test_sending_back_lets_rules_decide_again_until_it_is_undone(
    workspace: Workspace, add_faces: AddFaces
) -> None:
    labels = workspace.store.labels
    (face,) = add_faces(workspace, 1)
    cleo = workspace.store.annotators.join("Cleo").id
    labels.decide([Label(face, "happy", {}, 0.8, 3, "auto")])
    labels.decide([Label(face, "angry", {}, 1.0, 0, "relabel", by_id=cleo, batch="one")])
    labels.decide([Label(face, None, {}, 0.0, 0, SENT_BACK, by_id=cleo, batch="two")])
    assert labels.of_faces([face])[face].label == "happy"
    labels.decide([Label(face, "neutral", {}, 0.9, 4, "auto")])
    assert labels.of_faces([face])[face].label == "neutral"
    assert [batch.batch for batch in labels.batches()] == ["two", "one"]
    assert labels.undo("two") == (face,)
    assert labels.of_faces([face])[face].label == "angry"
    assert labels.classes() == {} and labels.classes(reviewed=True) == {face: "angry"}
