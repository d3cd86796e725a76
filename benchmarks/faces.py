"""Faces a second of `curate faces`, end to end: stored photos in, stored crops out, engines side by side.

    python benchmarks/faces.py                                the bundled detector on 200 drawn photos
    python benchmarks/faces.py mimique-face best.pt --photos 100 --threads 2

Give an ONNX name or file for ONNX Runtime and a .pt file for PyTorch. Each detector gets a store of its own
with the same photos and looks at one of them first, uncounted. Drawing the photos is not counted.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from collect.harvest import harvest
from collect.image import decode
from collect.sample_source import SampleSource
from curate.detect import load_detector
from curate.faces import find_faces
from curate.registry import DEFAULT_DETECTOR
from db.errors import MimiqueError
from db.workspace import create_workspace, open_workspace


def draw(folder: Path, count: int) -> None:
    """A workspace with that many drawn photos."""
    create_workspace(folder)
    workspace = open_workspace(folder)
    harvest(workspace, SampleSource(count, workspace.settings.classes, 0))
    workspace.store.close()


def measure(folder: Path, name: str, options: argparse.Namespace) -> dict[str, float]:
    """Runs `find_faces` over a workspace that no detector has seen."""
    tiles = {"on": True, "off": False}.get(options.tiles, "auto")
    detector = load_detector(name, threads=options.threads, tiles=tiles)
    workspace = open_workspace(folder)
    first = workspace.store.photos.all()[0]
    detector.detect([decode(workspace.blobs.read(first.sha256, first.suffix))])
    start = time.perf_counter()
    done = find_faces(workspace, detector, batch=options.batch)
    seconds = time.perf_counter() - start
    workspace.store.close()
    return {
        "photos": done.photos,
        "faces": done.faces,
        "seconds": round(seconds, 2),
        "photos_per_s": round(done.photos / seconds, 1),
        "faces_per_s": round(done.faces / seconds, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("detectors", nargs="*", default=[DEFAULT_DETECTOR], help="names or files")
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--tiles", choices=("auto", "on", "off"), default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / "drawn"
        draw(drawn, options.photos)
        for i, name in enumerate(options.detectors):
            folder = Path(scratch) / str(i)
            shutil.copytree(drawn, folder)
            try:
                print(json.dumps({"detector": name, **measure(folder, name, options)}), flush=True)
            except MimiqueError as error:
                print(f"{name}: left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
