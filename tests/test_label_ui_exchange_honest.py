"""What import and export say is what they did: doubles, pictures of nobody, figures, and files never destroyed."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result

from curate.answers import read_answers
from db.command import command_group
from db.errors import ConfigError
from db.records.faces import Face
from db.records.labels import Label
from db.records.votes import NewVote
from db.workspace import Workspace, open_workspace
from label_ui.exchange import FaceName, VoteRow
from label_ui.exchange_cli import export_command, import_command
from label_ui.exchange_export import export_votes
from label_ui.exchange_formats import format_named, format_of, formats
from label_ui.exchange_import import import_votes
from label_ui.exchange_pictures import import_pictures

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
DOUBLE = "answered before by the same person; the first stands"


@pytest.fixture
def label() -> Callable[..., Result]:
    group: click.Group = command_group("label", "The workbench.")
    group.add_command(import_command)
    group.add_command(export_command)
    return lambda *arguments: CliRunner().invoke(group, [*map(str, arguments)])


def held(workspace: Workspace) -> set[tuple[str, int, str | None]]:
    people = {one.id: one.name for one in workspace.store.annotators.all()}
    return {(people[v.annotator_id], v.face_id, v.choice) for v in workspace.store.votes.current()}


def faces_of(workspace: Workspace, add_faces: AddFaces, count: int) -> tuple[Face, ...]:
    add_faces(workspace, count)
    return tuple(workspace.store.faces.all())


def test_of_two_answers_without_times_the_first_stands_as_in_consensus(
    label: Callable[..., Result], workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    first, second = faces_of(workspace, add_faces, 2)
    h, k = first.photo_sha256, second.photo_sha256
    path = tmp_path / "e.csv"
    path.write_text(
        f"question,worker,answer\n{h},Zed,happy\n{h}, ZED ,angry\n{k},Zed,angry\n{k},Amy,happy\n{h},Zed,happy\n"
    )
    done = label("import", "-w", workspace.path, path)
    assert done.stdout == f"5 rows, 3 added, 0 known, 2 {DOUBLE}, 2 new voters\n"
    assert f"{DOUBLE}: line 3: {h}; line 6: {h}" in done.stderr
    assert held(workspace) == {
        ("Zed", first.id, "happy"),
        ("Zed", second.id, "angry"),
        ("Amy", second.id, "happy"),
    }
    again = import_votes(workspace, path, format_of(path))
    assert (again.added, again.known, again.left_out) == (0, 3, {DOUBLE: 2})
    path.write_text(path.read_text().replace(" ZED ", "Zed"))
    assert [bad.number for bad in read_answers(path).bad] == [3, 6]


def test_an_answer_that_the_file_withdraws_does_not_stand_and_times_still_tell_the_newest(
    workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    first, second = faces_of(workspace, add_faces, 2)
    name = FaceName(first.photo_sha256, 0)
    rows = [
        VoteRow(name, "Zed", choices=("happy",), id="one"),
        VoteRow(name, "Zed", "undo", id="two", undoes="one"),
        VoteRow(name, "Zed", choices=("angry",), id="three"),
        VoteRow(name, "Zed", choices=("neutral",), id="four"),
    ]
    path = tmp_path / "votes.csv"
    with path.open("w", newline="") as file:
        format_named("csv").write(rows, file, ())  # type: ignore[arg-type]
    lines = [
        f"vote,Zed,{answer},{second.photo_sha256},0,2024-01-0{day}T00:00:00\n"
        for day, answer in ((1, "happy"), (3, "angry"), (2, "neutral"))
    ]
    timed = tmp_path / "timed.csv"
    timed.write_text("action,voter,choices,photo_sha256,face,at\n" + "".join(lines))
    for added in (3, 0):
        report = import_votes(workspace, path, format_of(path))
        assert (report.added, report.left_out) == (added, {DOUBLE: 1})
        assert import_votes(workspace, timed, format_of(timed)).added == added
    assert held(workspace) == {("Zed", first.id, "angry"), ("Zed", second.id, "angry")}


def picture(seed: int, size_wh: tuple[int, int] = (48, 48)) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (size_wh[1], size_wh[0], 3), np.uint8)
    return cv2.imencode(".png", noise)[1].tobytes()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "pictures"
    made.mkdir()
    for seed in range(3):
        (made / f"p{seed}.png").write_bytes(picture(seed))
    return made


def test_pictures_that_a_file_says_nothing_about_are_not_stored(
    label: Callable[..., Result], workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    path = tmp_path / "e.crowd"
    path.write_text("question,worker,answer\nother.png,Zed,happy\n")
    done = label("import", "-w", workspace.path, path, "--with-pictures", folder)
    assert done.exit_code == 1 and "nothing was imported" in done.stderr and "pictures:" not in done.stderr
    assert f"nor is its picture in {folder}" in done.stderr
    assert workspace.store.photos.all() == () and workspace.store.harvests.all() == ()
    assert workspace.store.annotators.all() == () and not list((workspace.path / "blobs").rglob("*.png"))
    path.write_text("question,worker,answer\nother.png,Zed,happy\np1,Zed,angry\n")
    came = label("import", "-w", workspace.path, path, "--with-pictures", folder)
    assert came.exit_code == 0 and "pictures: 3 new" in came.stderr
    assert "2 rows, 1 added" in came.stdout and len(workspace.store.photos.all()) == 3
    path.write_text("question,worker,answer\n,,\n")
    bare = label("import", "-w", workspace.path, path, "--format", "crowd", "--with-pictures", folder)
    assert bare.exit_code == 0 and f"is about no picture of {folder}, so none was collected" in bare.stderr


def test_a_named_picture_that_cannot_be_read_is_told_from_nothing_stored(
    label: Callable[..., Result], workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.png").write_bytes(b"no picture")
    path = tmp_path / "votes.jsonl"
    face = {"file": "broken.png", "xyxy": [1, 1, 9, 9]}
    path.write_text(json.dumps({"action": "vote", "voter": "Zed", "choices": ["happy"]} | face) + "\n")
    done = label("import", "-w", workspace.path, path, "--with-pictures", folder)
    assert (
        done.exit_code == 1 and "only pictures of" in done.stderr and len(workspace.store.photos.all()) == 3
    )


def test_pictures_called_otherwise_are_known_by_their_bytes(
    workspace: Workspace, folder: Path, tmp_path: Path
) -> None:
    sha256 = import_pictures(workspace, folder, ()).files["p0.png"]
    path = tmp_path / "e.csv"
    path.write_text(f"question,worker,answer\n{sha256[:2]}/{sha256}.png,Zed,happy\n")
    pictures = import_pictures(workspace, folder, format_of(path).read(path))
    assert (pictures.wanted, pictures.harvest.new, pictures.faces) == (True, 3, 1)


SIDES = ((10.123456789012342, 7.7), (10 + 1 / 3, 5.1), (0.1 + 0.2, 1e-3))


@pytest.mark.parametrize("name", [name for name in formats() if name not in ("crowd", "ferplus")])
def test_boxes_come_back_to_the_last_digit(name: str, workspace: Workspace, tmp_path: Path) -> None:
    folder, size_wh = tmp_path / "set", (83, 61)
    folder.mkdir()
    (folder / "p.png").write_bytes(picture(9, size_wh))
    sha256 = import_pictures(workspace, folder, ()).files["p.png"]
    boxes = {
        (left + 22.3 * number, top + number * 0.7, left + 22.3 * number + 19.344, top + 33.1 / 1.7)
        for number, (left, top) in enumerate(SIDES)
    }
    rows = [
        VoteRow(FaceName(sha256, n, "", box, size_wh, "p.png"), "Zed", choices=("happy",))
        for n, box in enumerate(sorted(boxes))
    ]
    path = tmp_path / "votes"
    with path.open("w", newline="") as file:
        format_named(name).write(rows, file, ("happy",))  # type: ignore[arg-type]
    pictures = import_pictures(workspace, folder, format_named(name).read(path))
    assert pictures.faces == 3
    assert {face.xyxy for face in workspace.store.faces.all()} == boxes


@pytest.fixture
def decided(workspace: Workspace, add_faces: AddFaces) -> Workspace:
    """Three faces with two votes and a label each; one vote is a flag, one a class that FER+ lacks, one a no."""
    store, faces = workspace.store, add_faces(workspace, 3)
    ann, bob = (store.annotators.join(name).id for name in ("Ann", "Bob"))
    for face in faces:
        store.votes.cast(NewVote(face, ann, ("happy",)))
    store.votes.cast(NewVote(faces[0], bob, ("grumpy",)))
    store.votes.cast(NewVote(faces[1], bob, flag="offensive"))
    store.votes.cast(NewVote(faces[2], bob, denies="angry"))
    store.labels.decide([Label(face, "happy", {"happy": 1.0}, 0.9, 2, "auto") for face in faces])
    return workspace


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("csv", (6, 3)),
        ("jsonl", (6, 3)),
        ("crowd", (5, 0)),
        ("ferplus", (3, 0)),
        ("label-studio", (5, 3)),
        ("cvat", (5, 3)),
        ("fiftyone", (5, 3)),
    ],
)
def test_an_export_counts_what_is_in_the_file(
    label: Callable[..., Result], decided: Workspace, tmp_path: Path, name: str, figures: tuple[int, int]
) -> None:
    path = tmp_path / "votes"
    done = label("export", "-w", decided.path, "--format", name, "--out", path)
    assert done.exit_code == 0 and f"{path}: {figures[0]} votes, {figures[1]} labels" in done.stderr
    if name == "ferplus":
        cells = [line.split(",")[2:] for line in path.read_text().splitlines()[1:]]
        assert sum(int(cell) for line in cells for cell in line) == figures[0]
    else:
        rows = [row for row in format_named(name).read(path) if isinstance(row, VoteRow)]
        assert len(rows) == figures[0]


@pytest.mark.parametrize("name", ["crowd", "ferplus"])
def test_labels_alone_are_refused_where_there_is_no_place_for_any(
    label: Callable[..., Result], decided: Workspace, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "votes"
    done = label("export", "-w", decided.path, "--format", name, "--what", "labels", "--out", path)
    assert done.exit_code == 1 and f"{name} has no place for labels" in done.stderr
    assert "leave out --what labels" in done.stderr and not path.exists()
    with pytest.raises(ConfigError):
        export_votes(decided, format_named(name), path, what="labels")


def test_an_export_never_writes_over_what_the_workspace_lives_on(
    label: Callable[..., Result], decided: Workspace, tmp_path: Path
) -> None:
    store, settings = decided.path / "mimique.db", decided.path / "mimique.toml"
    (tmp_path / "link").symlink_to(store)
    (tmp_path / "hard").hardlink_to(settings)
    before = settings.read_text()
    blob = decided.path / "blobs" / "aa" / "photo.jpg"
    for out in (store, settings, tmp_path / "link", tmp_path / "hard", blob):
        done = label("export", "-w", decided.path, "--format", "csv", "--out", out)
        assert (
            done.exit_code == 1 and f"{out} is " in done.stderr and "another place with --out" in done.stderr
        )
    assert settings.read_text() == before and len(open_workspace(decided.path).store.votes.current()) == 6
    for out in (decided.path / "votes.csv", decided.exports / "votes.csv"):
        out.parent.mkdir(exist_ok=True)
        assert label("export", "-w", decided.path, "--out", out).exit_code == 0


@pytest.mark.parametrize("kind", [[], ["--format", "jsonl"]])
def test_a_pipe_is_refused_because_an_import_reads_twice(
    label: Callable[..., Result], workspace: Workspace, tmp_path: Path, kind: list[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    done = label("import", "-w", workspace.path, tmp_path / "pipe", *kind)
    assert done.exit_code == 1 and "pipe is a pipe" in done.stderr and "save it as a file" in done.stderr
