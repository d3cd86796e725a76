"""A small model of FER+ for benchmarks/adaptive.py: what each face shows, by a model that never saw that face.

    python benchmarks/ferplus_model.py --votes votes.csv --images images.zip --out model.csv

Histograms of gradients of the 48 x 48 crops, random features of them, and a ridge regression on the shares of the
votes, in five folds, so that every face is judged by a model of the other four. Takes a minute or two of one core
and is right about as often as a linear model is: a stand-in for a run's out-of-fold predictions.
"""

from __future__ import annotations

import csv
import zipfile
from pathlib import Path

import click
import cv2
import numpy as np
from numpy.typing import NDArray

from curate.answers import read_answers

Floats = NDArray[np.float32]


def gradients(images: Path, names: tuple[str, ...]) -> Floats:
    """Histograms of gradients (Dalal, Triggs 2005), a row a face: (I, 900); without a picture a row of 0."""
    grey = np.zeros((len(names), 48, 48), np.float32)
    with zipfile.ZipFile(images) as archive:
        entries = {Path(name).name: name for name in archive.namelist()}
        for row, name in enumerate(names):
            if name in entries:
                picture = np.frombuffer(archive.read(entries[name]), np.uint8)
                grey[row] = cv2.imdecode(picture, cv2.IMREAD_GRAYSCALE)
    return np.vstack([_histograms(grey[start : start + 1000]) for start in range(0, len(grey), 1000)])


def _histograms(grey: Floats) -> Floats:
    """Nine directions in 6 x 6 cells of 8 pixels, brought to one length over 5 x 5 blocks of 2 x 2 cells."""
    down, across = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, across)
    place = (np.arctan2(down, across) % np.pi) * (9 / np.pi)
    cells = np.zeros((len(grey), 6, 6, 9), np.float32)
    for direction in range(9):
        apart = np.abs(place - direction)
        near = np.maximum(1 - np.minimum(apart, 9 - apart), 0) * strength
        cells[..., direction] = near.reshape(-1, 6, 8, 6, 8).sum(axis=(2, 4))
    blocks = np.stack(
        [cells[:, i : i + 5, j : j + 5] for i in (0, 1) for j in (0, 1)], axis=3
    )  # (I, 5, 5, 4, 9)
    flat = blocks.reshape(len(grey), 25, 36)
    return np.asarray((flat / (np.linalg.norm(flat, axis=2, keepdims=True) + 1e-2)).reshape(len(grey), 900))


def random_features(rows: Floats, count: int, seed: int) -> Floats:
    """ReLU of random projections (Rahimi, Recht 2008), and 1: (I, count + 1)."""
    rng = np.random.default_rng(seed)
    centred = (rows - rows.mean(axis=0)) / (rows.std() + 1e-6)
    weights = rng.normal(0, 1 / rows.shape[1] ** 0.5, (rows.shape[1], count)).astype(np.float32)
    raised = np.maximum(centred @ weights + rng.normal(0, 0.5, count).astype(np.float32), 0)
    return np.hstack([raised, np.ones((len(rows), 1), np.float32)])


def out_of_fold(features: Floats, shares: Floats, folds: int, ridge: float, seed: int) -> Floats:
    """Ridge scores (I, K) for each face by the faces of the other folds."""
    fold = np.random.default_rng(seed).integers(0, folds, len(features))
    parts = [(features[fold == f], shares[fold == f]) for f in range(folds)]
    grams = [part.T @ part for part, _ in parts]
    sides = [part.T @ told for part, told in parts]
    scores = np.zeros_like(shares)
    for f in range(folds):
        gram = sum(grams) - grams[f] + ridge * np.eye(len(grams[f]), dtype=np.float32)
        scores[fold == f] = parts[f][0] @ np.linalg.solve(gram, sum(sides) - sides[f])
    return scores


@click.command(help=__doc__)
@click.option("--votes", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--images", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
@click.option("--features", type=click.IntRange(1), default=2500, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
def main(votes: Path, images: Path, out: Path, features: int, seed: int) -> None:
    answers = read_answers(votes)
    table = answers.table
    chose = table.choices >= 0
    counts = np.zeros((len(answers.questions), len(table.classes)), np.float32)
    np.add.at(counts, (table.items[chose], table.choices[chose]), table.weights[chose])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    made = random_features(gradients(images, answers.questions), features, seed)
    scores = out_of_fold(made, shares, 5, 30.0, seed)
    raised = np.exp(6 * scores)
    told = raised / raised.sum(axis=1, keepdims=True)
    named = counts.sum(axis=1) > 0
    right = (told.argmax(axis=1) == counts.argmax(axis=1))[named].mean()
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["question", *table.classes])
        for name, row in zip(answers.questions, told.round(5).tolist(), strict=True):
            writer.writerow([name, *row])
    click.echo(
        f"{len(told):,} faces; the model names the class most voted for {100 * right:.1f} % of the time"
    )


if __name__ == "__main__":
    main()
