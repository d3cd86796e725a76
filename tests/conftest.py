"""What every test may ask for: a fresh workspace, and the folder of real data where there is one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.workspace import Workspace, create_workspace, open_workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace with the four classes happy, angry, surprised, neutral."""
    create_workspace(tmp_path / "workspace")
    opened = open_workspace(tmp_path / "workspace")
    yield opened
    opened.store.close()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos, videos and models that ``MIMIQUE_SHARED`` names; skips without it."""
    folder = Path(os.environ.get("MIMIQUE_SHARED") or "nowhere")
    if not (folder / "data").is_dir():
        pytest.skip("no real data here: MIMIQUE_SHARED names no folder with data/ and models/")
    return folder.resolve()
