"""What every test may ask for: a fresh workspace, and the folder of real data where there is one."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from new_workspace import new_workspace

from db.records.faces import NewFace
from db.records.photos import NewPhoto, Origin
from db.store import Store
from db.threads import share_the_cores
from db.workspace import Workspace

share_the_cores()


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """A new workspace with the four classes happy, angry, surprised, neutral."""
    with new_workspace(tmp_path / "workspace") as opened:
        yield opened


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


@pytest.fixture(scope="module")
def one_thread() -> Iterator[None]:
    """PyTorch on one thread: small networks train faster, the more so beside other tests."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database; a test that asks for it runs on SQLite and on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'mimique.db'}"
    return _new_postgres_database(request.getfixturevalue("postgres_socket"))


@pytest.fixture
def database_workspace(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Workspace]:
    """A new workspace whose store is on SQLite, then one whose store is on PostgreSQL."""
    monkeypatch.setenv("MIMIQUE_DATABASE_URL", database_url)
    with new_workspace(tmp_path / "workspace") as opened:
        yield opened


@pytest.fixture
def faces(
    database_workspace: Workspace, add_faces: Callable[[Workspace, int], tuple[int, ...]]
) -> tuple[int, ...]:
    """Three faces in the workspace on either database."""
    return add_faces(database_workspace, 3)


@pytest.fixture
def store(database_workspace: Workspace, faces: tuple[int, ...]) -> Store:
    """The store on either database, with ``faces`` in it."""
    return database_workspace.store


@pytest.fixture(scope="session")
def postgres_socket() -> Iterator[Path]:
    """A private PostgreSQL server on a Unix socket, run by the postgres user when we are root."""
    initdb, pg_ctl = _postgres_tool("initdb"), _postgres_tool("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL's server is not installed (apt-get install postgresql)")
    base = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has at most 107 characters
    become: list[str] = []
    if os.geteuid() == 0:
        become = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(base, "postgres", "postgres")

    def run(*command: str) -> None:
        subprocess.run([*become, *command], check=True, capture_output=True, cwd=base)

    data = str(base / "data")
    options = f"-c listen_addresses='' -k {base} -c fsync=off"
    run(initdb, "-D", data, "-A", "trust", "-U", "mimique")
    run(pg_ctl, "-D", data, "-l", str(base / "log"), "-w", "-o", options, "start")
    yield base
    run(pg_ctl, "-D", data, "-m", "immediate", "stop")
    shutil.rmtree(base)


def _postgres_tool(name: str) -> str | None:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name)


def _new_postgres_database(socket: Path) -> str:
    import psycopg

    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(f"host={socket} user=mimique dbname=postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql://mimique@/{name}?host={socket}"
