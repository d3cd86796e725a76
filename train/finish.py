"""The end of every run: predictions, figures, pictures and model files from the best weights."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.command import say
from db.records.runs import Prediction, Run
from db.records.snapshots import Snapshot, SnapshotMember
from db.workspace import Workspace
from train.classifier import open_classifier
from train.dataset import PackedFaces, read_crop, square
from train.history import best_epoch, read_history
from train.metrics import Scores, scores
from train.network import FaceNetwork, save_network
from train.people import people_in_words, people_of
from train.plots import WrongFace, plot_confusion, plot_curves, plot_errors
from train.runs import ActiveRun, finish_run, write_json

GALLERY = 40
GALLERY_SIDE = 112


def conclude(
    workspace: Workspace,
    snapshot: Snapshot,
    run: ActiveRun,
    network: FaceNetwork,
    held_out: Sequence[PackedFaces],
    facts: Mapping[str, object],
) -> Run:
    """Save the best weights, measure them on the val and test parts, draw, store, mark the run done.

    ``held_out`` are the packed val and test parts; ``facts`` are added to the run's metrics. The figures come
    from the very files the run leaves behind, through ``open_classifier``; beside each part's stands what one more
    person would reach on its faces (``people``).
    """
    save_network(network, run.folder)
    classifier = open_classifier(run.folder)
    rows = read_history(run.history)
    best = best_epoch(rows)
    metrics: dict[str, Any] = {
        **facts,
        "epochs": len(rows),
        "best_epoch": best.epoch if best else 0,
        "seconds": round(sum(row.seconds for row in rows), 1),
        "parameters": sum(p.numel() for p in network.backbone.parameters()),
        "skipped": sum(part.skipped for part in held_out),
    }
    predictions: list[Prediction] = []
    wrong: list[WrongFace] = []
    people = people_of(workspace, snapshot.classes)
    for packed in (part for part in held_out if len(part)):
        probabilities = classifier.predict(packed.images)
        name = packed.members[0].part
        record = scores(packed.targets, probabilities.argmax(axis=1), snapshot.classes).as_record()
        metrics[name] = record | {"people": people.ceiling(packed.members)}
        predictions += _predictions(run.id, snapshot, packed.members, probabilities)
        wrong += _wrong_faces(workspace, snapshot, packed, probabilities)
    _write_predictions(run.folder / "predictions.csv", snapshot, held_out, predictions)
    workspace.store.predictions.replace(run.id, predictions)
    _ask_about_doubts(workspace, run.id)
    _draw(run, snapshot, metrics, wrong)
    write_json(run.folder / "metrics.json", metrics)
    done = finish_run(workspace, run, metrics)
    _say_result(done, metrics)
    return done


def _ask_about_doubts(workspace: Workspace, run_id: str) -> None:
    """The faces this run doubts come first where people still vote, in campaigns ordered to teach."""
    for campaign in workspace.store.campaigns.all():
        if campaign.ordering == "teach" and campaign.closed_at is None:
            workspace.store.queue.rank_by_doubt(campaign.id, run_id)


def main_scores(metrics: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """(part, scores record) a run is judged by: the test part, or val where test is empty."""
    part = "test" if "test" in metrics else "val"
    return part, metrics.get(part, _NO_SCORES)


_NO_SCORES: Mapping[str, Any] = Scores(0, 0.0, 0.0, 1.0, 0.0, (), ()).as_record()


def _predictions(
    run_id: str, snapshot: Snapshot, members: Sequence[SnapshotMember], probabilities: NDArray[np.float32]
) -> list[Prediction]:
    return [
        Prediction(
            run_id,
            member.face_id,
            {label: round(float(p), 6) for label, p in zip(snapshot.classes, row, strict=True)},
            member.part,
            out_of_fold=member.part != "train",
        )
        for member, row in zip(members, probabilities, strict=True)
    ]


def _wrong_faces(
    workspace: Workspace, snapshot: Snapshot, packed: PackedFaces, probabilities: NDArray[np.float32]
) -> list[WrongFace]:
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    worst = sorted(np.flatnonzero(predicted != packed.targets), key=lambda i: -float(confidence[i]))
    found = []
    for i in worst[:GALLERY]:
        member = packed.members[int(i)]
        face = read_crop(workspace.blobs, member.crop_sha256)
        shown = packed.images[int(i)] if face is None else face
        found.append(
            WrongFace(
                square(shown, GALLERY_SIDE),
                member.label,
                snapshot.classes[int(predicted[i])],
                float(confidence[i]),
                member.part,
            )
        )
    return found


def _write_predictions(
    path: Path, snapshot: Snapshot, held_out: Sequence[PackedFaces], predictions: Sequence[Prediction]
) -> None:
    members = [member for part in held_out for member in part.members]
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["face", "crop", "part", "label", "predicted", *snapshot.classes])
        for member, prediction in zip(members, predictions, strict=True):
            p = prediction.probabilities
            values = [f"{p[label]:.4f}" for label in snapshot.classes]
            top = max(snapshot.classes, key=lambda label: p[label])
            writer.writerow([member.face_id, member.crop_sha256, member.part, member.label, top, *values])


def _draw(run: ActiveRun, snapshot: Snapshot, metrics: Mapping[str, Any], wrong: Sequence[WrongFace]) -> None:
    part, record = main_scores(metrics)
    low, high = record["accuracy_low"], record["accuracy_high"]
    title = f"{run.id}, {part} part: accuracy {record['accuracy']:.1%} ({low:.0%} to {high:.0%})"
    with (run.folder / "confusion.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["true \\ predicted", *snapshot.classes])
        writer.writerows(
            [label, *row] for label, row in zip(snapshot.classes, record["confusion"], strict=True)
        )
    plot_confusion(record["confusion"], snapshot.classes, title, run.folder / "confusion.png")
    plot_curves(read_history(run.history), run.id, run.folder / "curves.png")
    worst = sorted(wrong, key=lambda face: -face.confidence)[:GALLERY]
    plot_errors(worst, f"{run.id}: wrong faces, most confident first", run.folder / "errors.png")


def _say_result(run: Run, metrics: Mapping[str, Any]) -> None:
    part, record = main_scores(metrics)
    say(
        f"run {run.id} done: {part} accuracy {record['accuracy']:.1%} "
        f"({record['accuracy_low']:.0%} to {record['accuracy_high']:.0%}, {record['faces']} faces), "
        f"macro-F1 {record['macro_f1']:.3f}{people_in_words(record)}; "
        f"best epoch {metrics['best_epoch']} of {metrics['epochs']}"
    )
