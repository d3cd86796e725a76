"""Decisions of rules and curators: what holds, undoing a bulk action, and the history."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from one_store import on_one_store

from db.records.labels import Label
from db.store import Store


def by_rule(face: int, label: str | None, method: str = "majority") -> Label:
    return Label(face, label, {}, 0.8, 3, method)


def by_curator(store: Store, face: int, label: str | None, batch: str, reason: str = "") -> Label:
    ann = store.annotators.join("Ann").id
    return Label(face, label, {}, 1.0, 0, "relabel", by_id=ann, batch=batch, reason=reason)


def held(store: Store) -> dict[int, str | None]:
    return {label.face_id: label.label for label in store.labels.current()}


def test_a_curators_decision_holds_against_rules_until_it_is_undone(
    store: Store, faces: tuple[int, ...]
) -> None:
    assert store.labels.decide([by_rule(face, "happy") for face in faces[:2]]) == 2
    assert store.labels.decide([by_curator(store, faces[0], "angry", "b1")]) == 1
    assert store.labels.decide([by_rule(face, "sad") for face in faces]) == 2
    assert held(store) == {faces[0]: "angry", faces[1]: "sad", faces[2]: "sad"}
    assert store.labels.undo("b1") == (faces[0],)
    assert held(store) == {faces[0]: "happy", faces[1]: "sad", faces[2]: "sad"}
    assert store.labels.undo("b1") == store.labels.undo("never made") == ()
    history = store.labels.history(faces[0])
    assert [(row.label, row.undoes_id) for row in history] == [
        ("happy", None),
        ("angry", None),
        (None, history[1].id),
    ]


def test_the_same_decision_again_writes_nothing(store: Store, faces: tuple[int, ...]) -> None:
    label = by_curator(store, faces[0], None, "b1", reason="artificial")
    assert [store.labels.decide([label]) for _ in range(2)] == [1, 0]
    [now] = store.labels.of_faces(faces).values()
    assert (now.state, now.reason, now.batch) == ("rejected", "artificial", "b1")


@pytest.mark.parametrize(
    ("label", "method", "state"),
    [
        ("happy", "majority", "decided"),
        (None, "majority: no agreement", "tie"),
        (None, "auto: too few votes", "undecided"),
        (None, "auto: no votes", "undecided"),
        (None, "majority: not_a_face", "rejected"),
        (None, "reject", "rejected"),
    ],
)
def test_the_state_of_a_decision_follows_from_its_reason(label: str | None, method: str, state: str) -> None:
    assert by_rule(1, label, method).state == state


STEP = st.one_of(
    st.tuples(st.just("rule"), st.integers(0, 2), st.sampled_from(["happy", "angry", None])),
    st.tuples(st.just("curator"), st.integers(0, 2), st.sampled_from(["happy", "sad"]), st.integers(0, 3)),
    st.tuples(st.just("undo"), st.integers(0, 3)),
)


@on_one_store(25)
@given(steps=st.lists(STEP, max_size=12))
def test_undoing_a_batch_restores_what_held_without_it(
    store: Store, faces: tuple[int, ...], steps: list[tuple[object, ...]]
) -> None:
    mark = f"{len(store.labels.history(faces[0]))}-{len(store.labels.history(faces[1]))}"
    for batch in {label.batch for face in faces for label in store.labels.history(face)} - {None}:
        store.labels.undo(str(batch))
    rows = [(label.face_id, label.label, None) for label in store.labels.current()]
    for step in steps:
        match step:
            case ("rule", int(i), label):
                face, now = faces[i], expected(rows)
                store.labels.decide([by_rule(face, label)])
                if not any(f == face and batch for f, _, batch in rows) and (face, label) not in now.items():
                    rows.append((face, label, None))
            case ("curator", int(i), str(label), int(batch)):
                store.labels.decide([by_curator(store, faces[i], label, f"{mark} {batch}")])
                curators = [(la, b) for f, la, b in rows if f == faces[i] and b]
                if not curators or curators[-1][0] != label:
                    rows.append((faces[i], label, f"{mark} {batch}"))
            case ("undo", int(batch)):
                undone = store.labels.undo(f"{mark} {batch}", at_once=batch)  # 0: all at once
                assert set(undone) == {f for f, _, b in rows if b == f"{mark} {batch}"}
                rows = [row for row in rows if row[2] != f"{mark} {batch}"]
        assert held(store) == expected(rows)


def expected(rows: list[tuple[int, str | None, str | None]]) -> dict[int, str | None]:
    """The newest of a curator, else the newest of a rule."""
    ordered = sorted(rows, key=lambda row: row[2] is not None)
    return {face: label for face, label, _ in ordered}
