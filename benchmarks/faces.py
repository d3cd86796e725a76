"""Faces a second of `curate faces`, end to end: stored photos in, stored crops out, detectors side by side.

    python benchmarks/faces.py                             ours and its peers on 200 drawn photos
    python benchmarks/faces.py --data FOLDER               … on the pictures of a folder
    python benchmarks/faces.py mimique-face best.pt --photos 100 --threads 2

Give an ONNX name or file for ONNX Runtime and a .pt file for PyTorch; a detector that is not on this machine
is named and left out. Each gets a store of its own with the same photos and looks at one of them first,
uncounted. Collecting the photos is not counted. ``cpu_ms_per_face`` is processor time, all threads together:
it changes little with other work on the machine, where faces a second do.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from collect.folder import FolderSource
from collect.harvest import harvest
from collect.image import decode
from collect.sample_source import SampleSource
from curate.detect import load_detector
from curate.faces import find_faces
from curate.registry import DEFAULT_DETECTOR
from db.errors import MimiqueError
from db.workspace import create_workspace, open_workspace

NAMES = (DEFAULT_DETECTOR, "yolov8-lite-t-face", "yunet", "centerface")


def collect(folder: Path, count: int, data: Path | None) -> None:
    """A workspace with that many drawn photos, or with the pictures of a folder."""
    create_workspace(folder)
    workspace = open_workspace(folder)
    classes = workspace.settings.classes
    harvest(workspace, SampleSource(count, classes, 0) if data is None else FolderSource(data, classes))
    workspace.store.close()


def measure(folder: Path, name: str, options: argparse.Namespace) -> dict[str, float]:
    """Runs `find_faces` over a workspace that no detector has seen."""
    tiles = {"on": True, "off": False}.get(options.tiles, "auto")
    detector = load_detector(name, threads=options.threads, tiles=tiles)
    workspace = open_workspace(folder)
    first = workspace.store.photos.all()[0]
    detector.detect([decode(workspace.blobs.read(first.sha256, first.suffix))])
    start, cpu = time.perf_counter(), time.process_time()
    done = find_faces(workspace, detector, batch=options.batch)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    workspace.store.close()
    return {
        "photos": done.photos,
        "faces": done.faces,
        "seconds": round(seconds, 2),
        "photos_per_s": round(done.photos / seconds, 1),
        "faces_per_s": round(done.faces / seconds, 1),
        "cpu_ms_per_face": round(1000 * cpu / max(1, done.faces), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("detectors", nargs="*", default=NAMES, help="names or files")
    parser.add_argument("--data", type=Path, help="a folder of pictures instead of drawn ones")
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--tiles", choices=("auto", "on", "off"), default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        drawn = Path(scratch) / "photos"
        collect(drawn, options.photos, options.data)
        for i, name in enumerate(options.detectors):
            folder = Path(scratch) / str(i)
            shutil.copytree(drawn, folder)
            try:
                print(json.dumps({"detector": name, **measure(folder, name, options)}), flush=True)
            except MimiqueError as error:
                print(f"{name}: left out: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
