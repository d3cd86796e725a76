"""Milliseconds a photo of each inference engine, side by side: letterbox, network and suppression.

    python benchmarks/engines.py                              the bundled detector on drawn photos of 1024 × 683
    python benchmarks/engines.py mine.onnx --photos FOLDER --threads 2

The engines take turns photo by photo, so that other work on the machine slows all alike. Printed are the
median wall time, the processor time (which other work changes little) and the median of the ratios to
the first engine. Decoding is not counted, and each engine sees every picture size once before it counts.
"""

import argparse
import sys
import time
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from collect.image import decode
from collect.sample_photo import render
from collect.sample_scene import compose
from curate.detect import Detector, load_detector
from curate.engine import EngineName, fastest_engine
from curate.files import picture_files
from curate.registry import DEFAULT_DETECTOR
from db.errors import MimiqueError

ENGINES: tuple[EngineName, ...] = ("onnxruntime", "openvino")
SIZE_WH = (1024, 683)


def photos(folder: Path | None, count: int) -> list[NDArray[np.uint8]]:
    """The folder's first pictures, or drawn ones of one size."""
    if folder is not None:
        return [decode(file.read_bytes()) for file in picture_files([folder]).files[:count]]
    scenes = (compose(0, index, ("happy", "angry", "surprised", "neutral")) for index in range(count))
    return [np.asarray(cv2.resize(render(scene), SIZE_WH), np.uint8) for scene in scenes]


def measure(
    detectors: dict[str, Detector], pictures: list[NDArray[np.uint8]], rounds: int
) -> NDArray[np.float64]:
    """(engines, rounds × photos, 2) seconds on the wall and of the processor."""
    spent: list[list[tuple[float, float]]] = [[] for _ in detectors]
    for turn in range(rounds + 1):
        for picture in pictures:
            for row, detector in zip(spent, detectors.values(), strict=True):
                wall, cpu = time.perf_counter(), time.process_time()
                detector.detect([picture])
                if turn:
                    row.append((time.perf_counter() - wall, time.process_time() - cpu))
    return np.array(spent)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("detector", nargs="?", default=DEFAULT_DETECTOR, help="a name or an ONNX file")
    parser.add_argument("--photos", type=Path, help="a folder of pictures instead of drawn ones")
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--size", type=int, help="pixels of the longest side that the network is shown")
    options = parser.parse_args()
    detectors: dict[str, Detector] = {}
    for engine in ENGINES:
        try:
            detectors[engine] = load_detector(
                options.detector, tiles=False, threads=options.threads, size_px=options.size, engine=engine
            )
        except MimiqueError as error:
            print(f"{engine}: left out: {error}", file=sys.stderr)
    spent = 1000 * measure(detectors, photos(options.photos, options.count), options.rounds)
    print(f"`auto` takes {fastest_engine()} here\n")
    print("| engine | ms a photo | processor ms | ratio |\n|---|---|---|---|")
    for name, row in zip(detectors, spent, strict=True):
        ratio = np.median(row[:, 0] / spent[0][:, 0])
        print(f"| {name} | {np.median(row[:, 0]):.1f} | {np.median(row[:, 1]):.1f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
