"""What every test may ask for: a fresh workspace, and the folder of real data where there is one."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from db.records import NewFace, NewPhoto, Origin
from db.workspace import Workspace, create_workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace with the four classes happy, angry, surprised, neutral."""
    create_workspace(tmp_path / "workspace")
    opened = open_workspace(tmp_path / "workspace")
    yield opened
    opened.store.close()


@pytest.fixture(scope="session")
def add_faces() -> Callable[[Workspace, int], tuple[int, ...]]:
    """A function that stores photos of one plain-coloured face each and gives the face ids."""

    def add(workspace: Workspace, count: int) -> tuple[int, ...]:
        known = workspace.store.faces.count()
        for i in range(known, known + count):
            image = np.full((60, 80, 3), (i % 256, 7 * i % 256, 90), np.uint8)
            jpeg = cv2.imencode(".jpg", image)[1].tobytes()
            sha256 = workspace.blobs.put(jpeg, ".jpg")
            photo = NewPhoto(sha256, ".jpg", 80, 60, "0" * 16, len(jpeg))
            workspace.store.photos.add(photo, Origin("test", str(i), candidate_class="angry"))
        for photo in workspace.store.photos.without_detection():
            face = NewFace((8, 6, 40, 54), 0.9, photo.sha256, (80, 60), 1.0)
            workspace.store.faces.record_detection(photo.id, "by hand", [face])
        return tuple(sorted(face.id for face in workspace.store.faces.all()))[-count:]

    return add


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, videos and models that ``MIMIQUE_SHARED`` names; skips without it."""
    folder = Path(os.environ.get("MIMIQUE_SHARED") or "nowhere")
    if not (folder / "data").is_dir():
        pytest.skip("no real data here: MIMIQUE_SHARED names no folder with data/ and models/")
    return folder.resolve()
