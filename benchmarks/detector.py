"""Scores face detectors side by side on the held-out fold of a set of photos with face boxes.

    MIMIQUE_MODELS=… python benchmarks/detector.py --data images.zip --boxes boxes.csv
    python benchmarks/detector.py --data images.zip --boxes boxes.csv --limit 50 mimique-face yunet

Prints AP50 for all faces and for those at least 20, 50 and 100 px high, and milliseconds a photo at
``--threads``, decoding not counted. The fold is the photos whose sha256(name) is 0 modulo 5: our own
training never sees them. Detectors that are not on this machine are named and left out.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curate.detect import Detector, load_detector
from curate.registry import resolve, sha256_of
from db.errors import MimiqueError
from train.detector_boxes import held_out, photo_reader, read_boxes
from train.detector_score import LEAST_HEIGHTS_PX, ScoredPhoto, average_precision

LEAST_SCORE = 0.01
NAMES = ("mimique-face", "yolov8-lite-t-face", "yunet", "centerface")

Photos = list[tuple[NDArray[np.uint8], NDArray[np.float32]]]


def held_out_photos(data: Path, boxes: Path, limit: int | None) -> Photos:
    """The fold's pictures with their boxes, in the order of their names."""
    table, read = read_boxes(boxes), photo_reader(data)
    names = [name for name in sorted(table.boxes) if held_out(name)][:limit]
    pictures = ((read(name), table.boxes[name]) for name in names)
    return [(image, xyxy) for image, xyxy in pictures if image is not None]


def score(detector: Detector, photos: Photos) -> dict[str, float]:
    """AP50 by least height, and milliseconds a photo (median, one photo a call)."""
    found, seconds = [], []
    for image, xyxy in photos:
        start = time.perf_counter()
        faces = detector.detect([image])[0]
        seconds.append(time.perf_counter() - start)
        found.append(ScoredPhoto(faces, xyxy))
    row = {f"ap50_{px}": average_precision(found, least_height_px=px) for px in LEAST_HEIGHTS_PX}
    return row | {"ms": 1000 * float(np.median(seconds))}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "detectors", nargs="*", default=NAMES, help="names or paths; default: ours and its peers"
    )
    parser.add_argument("--data", type=Path, required=True, help="folder or zip of photos")
    parser.add_argument("--boxes", type=Path, required=True, help="CSV, or WIDER FACE's annotation")
    parser.add_argument("--limit", type=int, help="only the first so many photos of the fold")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", action="store_true", help="one JSON line a detector")
    options = parser.parse_args()
    photos = held_out_photos(options.data, options.boxes, options.limit)
    print(f"{len(photos)} held-out photos, boxes {sha256_of([options.boxes])[:12]}", file=sys.stderr)
    if not options.json:
        print("| detector | all | ≥ 20 px | ≥ 50 px | ≥ 100 px | ms |\n|---|---|---|---|---|---|")
    for name in options.detectors:
        try:
            detector = load_detector(name, score=LEAST_SCORE, tiles=False, threads=options.threads)
        except MimiqueError as error:
            print(f"{name}: left out: {error}", file=sys.stderr)
            continue
        row = score(detector, photos)
        if options.json:
            print(
                json.dumps({"detector": name, "file": resolve(name).name, "photos": len(photos)} | row),
                flush=True,
            )
        else:
            figures = " | ".join(f"{row[f'ap50_{px}']:.3f}" for px in LEAST_HEIGHTS_PX)
            print(f"| {name} | {figures} | {row['ms']:.0f} |", flush=True)


if __name__ == "__main__":
    main()
