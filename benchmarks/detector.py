"""Scores face detectors side by side on the held-out fold of a set of photos with face boxes.

    python benchmarks/detector.py --data images.zip --boxes boxes.csv --out docs
    python benchmarks/detector.py --data images.zip --boxes boxes.csv mimique-face mimique-face@480 new.onnx

NAME@SIZE shows every picture to the detector at that longest side. For each detector: AP50 for all faces and for
those at least 20, 50 and 100 px high, each with the 95 % interval over photos drawn anew (500 rounds, seed 0);
milliseconds a photo at ``--threads`` (median, one photo a call, decoding not counted) with the machine's load beside
it; and at the score it reports by default, how many drawn faces of 40 px and more it finds, and its false alarms in
pictures without faces: drawn places, cuts of held-out photos that touch no labelled face, frames of ``--video``.

The fold is the photos whose sha256(name) is 0 modulo 5: our own training never sees them. Detectors that are not
on this machine are named and left out. With ``--out`` the rows go into detector.json there, beside those of earlier
calls on the same fold, and the table in detector.md and the plot detector.png are made anew from all of them.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import detector_report
import numpy as np
from detector_peers import opened
from numpy.typing import NDArray

from collect.image import decode
from curate.detect import Detector
from curate.registry import resolve, sha256_of
from db.errors import InputError, MimiqueError
from db.progress import progress
from train.detector_boxes import held_out, read_boxes
from train.detector_photos import PhotoFiles, drawn_photos, drawn_places
from train.detector_score import (
    LEAST_HEIGHTS_PX,
    LEAST_SCORE,
    ScoredPhoto,
    judge,
    precision_recall,
    recall_of,
    score_record,
)

NAMES = ("mimique-face", "mimique-face@480", "yolov8-lite-t-face", "yunet", "centerface", "mtcnn")
DRAWN_SEED, DRAWN_PHOTOS, PLACES, CUTS, CUT_PX = 5, 60, 60, 100, 256
LEAST_DRAWN_PX = 40
FRAME_STEP = 10
CURVE_POINTS = 80

Image = NDArray[np.uint8]


@dataclass(frozen=True)
class Fold:
    """What everything is measured on; ``hash`` names the photos and boxes."""

    photos: list[tuple[Image, NDArray[np.float32]]]
    hash: str

    def faces(self) -> int:
        return sum(len(xyxy) for _, xyxy in self.photos)


def held_out_fold(data: Path, boxes: Path, limit: int | None) -> Fold:
    """The fold's pictures with their boxes, in the order of their names; what is no picture is named."""
    table, digest = read_boxes(boxes), hashlib.sha256()
    files, photos = PhotoFiles(data, table.boxes), []
    for name in [name for name in sorted(table.boxes) if held_out(name)][:limit]:
        try:
            content = files.read(name)
            photos.append((decode(content), table.boxes[name]))
        except InputError as error:
            print(f"left out: {name}: {error}", file=sys.stderr)
            continue
        digest.update(f"{name} {hashlib.sha256(content).hexdigest()} {table.boxes[name].tolist()}".encode())
    return Fold(photos, digest.hexdigest()[:12])


def curve_row(detector: Detector, label: str, fold: Fold) -> dict[str, Any]:
    """AP50 with its interval, a thinned precision-recall curve, and milliseconds a photo."""
    scored, seconds = [], []
    detector.detect([fold.photos[0][0]])  # the first call sets things up
    load = os.getloadavg()[0]
    for image, xyxy in progress(fold.photos, label, len(fold.photos)):
        start = time.perf_counter()
        faces = detector.detect([image])[0]
        seconds.append(time.perf_counter() - start)
        scored.append(ScoredPhoto(faces, xyxy))
    return {
        "ap": dict(score_record(scored)),
        "curves": {str(px): _curve(scored, px) for px in LEAST_HEIGHTS_PX},
        "ms": round(1000 * float(np.median(seconds)), 1),
        "load": round((load + os.getloadavg()[0]) / 2, 1),
    }


def _curve(scored: list[ScoredPhoto], least_height_px: int) -> list[list[float]]:
    """[recall, best precision at that recall or more] at equal steps of recall; empty without a detection."""
    precision, recall = precision_recall(judge(scored, least_height_px=least_height_px))
    if not len(recall):
        return []
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.linspace(0, recall[-1], CURVE_POINTS)
    return [[round(float(r), 4), round(float(envelope[np.searchsorted(recall, r)]), 4)] for r in steps]


@dataclass(frozen=True)
class Extras:
    """Drawn photos with their boxes, and pictures without faces by kind."""

    drawn: list[tuple[Image, NDArray[np.float32]]]
    face_free: dict[str, list[Image]]


def extras(fold: Fold, video: Path | None) -> Extras:
    drawn = [(photo.image, photo.xyxy) for photo in drawn_photos(DRAWN_PHOTOS, DRAWN_SEED)]
    face_free = {
        "drawn place": [photo.image for photo in drawn_places(PLACES, DRAWN_SEED)],
        "cut of a photo": face_free_cuts(fold),
    }
    if video is not None:
        face_free["frame of " + video.name] = frames(video)
    return Extras(drawn, face_free)


def face_free_cuts(fold: Fold) -> list[Image]:
    """Squares of 256 px that touch no labelled face, one a photo, from the first photos that have room for one."""
    random, cuts = np.random.default_rng(DRAWN_SEED), []
    for image, xyxy in fold.photos:
        height, width = image.shape[:2]
        for _ in range(20 if min(height, width) >= CUT_PX and len(cuts) < CUTS else 0):
            x, y = (int(random.integers(side - CUT_PX + 1)) for side in (width, height))
            apart = (
                (xyxy[:, 0] >= x + CUT_PX)
                | (xyxy[:, 2] <= x)
                | (xyxy[:, 1] >= y + CUT_PX)
                | (xyxy[:, 3] <= y)
            )
            if apart.all():
                cuts.append(np.ascontiguousarray(image[y : y + CUT_PX, x : x + CUT_PX]))
                break
    return cuts


def frames(video: Path) -> list[Image]:
    """Every tenth frame, from the first."""
    import av

    with av.open(str(video)) as container:
        return [
            frame.to_ndarray(format="rgb24")
            for number, frame in enumerate(container.decode(video=0))
            if number % FRAME_STEP == 0
        ]


def default_row(detector: Detector, shown: Extras) -> dict[str, Any]:
    """At the detector's own score: drawn faces found, false alarms by kind of picture."""
    scored = [ScoredPhoto(detector.detect([image])[0], xyxy) for image, xyxy in shown.drawn]
    found, there = recall_of(scored, least_height_px=LEAST_DRAWN_PX)
    alarms = {
        kind: [sum(len(detector.detect([image])[0]) for image in images), len(images)]
        for kind, images in shown.face_free.items()
    }
    return {"drawn_found": found, "drawn_faces": there, "alarms": alarms}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "detectors", nargs="*", default=NAMES, help="names or files, each with @SIZE or without"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of photos")
    parser.add_argument("--boxes", type=Path, required=True, help="CSV, or WIDER FACE's annotation")
    parser.add_argument("--video", type=Path, help="a video without faces, for false alarms")
    parser.add_argument("--limit", type=int, help="only the first so many photos of the fold")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, help="folder of detector.json, detector.md and detector.png")
    parser.add_argument("--json", action="store_true", help="one JSON line a detector on standard output")
    options = parser.parse_args()
    fold = held_out_fold(options.data, options.boxes, options.limit)
    if not fold.photos:
        parser.error("no held-out photo: the names in --boxes must be those of files in --data")
    facts = {"fold": fold.hash, "photos": len(fold.photos), "faces": fold.faces(), "threads": options.threads}
    print(f"{facts['photos']} held-out photos with {facts['faces']} faces, {fold.hash}", file=sys.stderr)
    shown, rows = extras(fold, options.video), {}
    for label in options.detectors:
        try:
            curve = curve_row(opened(label, LEAST_SCORE, options.threads), label, fold)
            row = facts | about(label) | curve | default_row(opened(label, None, options.threads), shown)
        except MimiqueError as error:
            print(f"{label}: left out: {error}; {error.hint}", file=sys.stderr)
            continue
        rows[Path(label).name] = row
        if options.json:
            short = {key: value for key, value in row.items() if key != "curves"}
            print(json.dumps({"detector": label} | short), flush=True)
        if options.out:
            detector_report.write(options.out, rows)
    if not options.json:
        print(detector_report.table(rows))


def about(label: str) -> dict[str, Any]:
    """Which file it was and when."""
    name = label.partition("@")[0]
    told = {"date": datetime.now(UTC).date().isoformat()}
    if name == "mtcnn":
        return told | {"file": "facenet-pytorch", "sha256": ""}
    return told | {"file": resolve(name).name, "sha256": sha256_of([resolve(name)])[:12]}


if __name__ == "__main__":
    main()
