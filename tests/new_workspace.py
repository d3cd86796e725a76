"""A workspace for a test, or for a whole file of tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from db.workspace import Workspace, create_workspace, open_workspace


@contextmanager
def new_workspace(path: Path) -> Iterator[Workspace]:
    """A new one with the four classes happy, angry, surprised, neutral; its store is closed at the end."""
    create_workspace(path)
    opened = open_workspace(path)
    try:
        yield opened
    finally:
        opened.store.close()
