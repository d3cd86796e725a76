"""Folders and the drawn sample as sources, and the commands over them, run for real."""

import json
import os
import sys
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from collect.cli import main
from collect.folder import FolderSource
from collect.harvest import harvest
from collect.sample_source import SampleSource, truth
from db.errors import ConfigError, InputError
from db.records.photos import Origin
from db.workspace import Workspace, open_workspace

CLASSES = ("happy", "angry", "surprised", "neutral")


def save_picture(path: Path, number: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(number).integers(0, 255, (20, 30, 3), np.uint8)).save(path)


def origins(workspace: Workspace) -> dict[str, Origin]:
    return {origin.title: origin for _, origin in workspace.store.photos.origins()}


def test_a_data_set_layout_gives_classes_and_on_request_splits(workspace: Workspace, tmp_path: Path) -> None:
    tree = [
        "Training/Happy/1.png",
        "PublicTest/angry/2.png",
        "PrivateTest/NEUTRAL/3.png",
        "valid/bored/4.png",
    ]
    for number, name in enumerate(tree):
        save_picture(tmp_path / "set" / name, number)
    source = FolderSource(tmp_path / "set", CLASSES, keep_splits=True)
    assert harvest(workspace, source).new == 4
    found = {title: (o.candidate_class, o.split_hint) for title, o in origins(workspace).items()}
    assert found == {
        "Training/Happy/1.png": ("happy", "train"),
        "PublicTest/angry/2.png": ("angry", "val"),
        "PrivateTest/NEUTRAL/3.png": ("neutral", "test"),
        "valid/bored/4.png": ("", "val"),
    }


def test_a_plain_tree_takes_the_class_of_its_first_folder_or_the_given_one(tmp_path: Path) -> None:
    for number, name in enumerate(["a.png", "surprised/b.png", "surprised/deep/c.jpg", "other/happy/d.png"]):
        save_picture(tmp_path / name, number)
    classes = {c.origin.title: c.origin.candidate_class for c in FolderSource(tmp_path, CLASSES).candidates()}
    assert classes == {
        "a.png": "",
        "surprised/b.png": "surprised",
        "surprised/deep/c.jpg": "surprised",
        "other/happy/d.png": "",
    }
    given = FolderSource(tmp_path, CLASSES, candidate_class="angry").candidates()
    assert {c.origin.candidate_class for c in given} == {"angry"}
    assert {c.origin.split_hint for c in FolderSource(tmp_path, CLASSES).candidates()} == {""}


def test_what_is_no_picture_is_passed_over_and_counted(workspace: Workspace, tmp_path: Path) -> None:
    root = tmp_path / "tree"
    save_picture(root / "ok.png", 1)
    save_picture(root / ".hidden.png", 2)
    save_picture(root / ".cache" / "x.png", 3)
    save_picture(root / "project" / "blobs" / "x.png", 4)
    (root / "project" / "mimique.toml").write_text("")
    (root / "notes.txt").write_text("no picture")
    (root / "sub").mkdir()
    (root / "sub" / "loop").symlink_to(root, target_is_directory=True)
    (root / "broken.jpg").write_bytes(b"\xff\xd8 broken")
    (root / "dangling.jpg").symlink_to(root / "nowhere.jpg")
    tally = harvest(workspace, FolderSource(root, CLASSES))
    assert (tally.new, tally.failed) == (1, 2)
    assert dict(tally.passed_over) == {"hidden": 2, "workspaces": 1, "not a picture": 1, "symlink loops": 1}
    reasons = " ".join(failure.reason for failure in workspace.store.failures.all("collect"))
    assert "broken.jpg: " in reasons and "dangling.jpg: cannot be read" in reasons


def test_a_moved_folder_is_not_collected_twice(workspace: Workspace, tmp_path: Path) -> None:
    save_picture(tmp_path / "old" / "a.png")
    harvest(workspace, FolderSource(tmp_path / "old", CLASSES))
    (tmp_path / "old").rename(tmp_path / "new")
    assert harvest(workspace, FolderSource(tmp_path / "new", CLASSES)).counts()["known"] == 1


def test_pictures_of_the_same_name_in_two_folders_are_both_taken(
    workspace: Workspace, tmp_path: Path
) -> None:
    for number, folder in enumerate(("one", "two")):
        save_picture(tmp_path / folder / "a.png", number)
        assert harvest(workspace, FolderSource(tmp_path / folder, CLASSES)).new == 1


def test_exif_rotation_counts_in_the_stored_size(workspace: Workspace, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 20), "red").save(tmp_path / "a.jpg", exif=exif)
    harvest(workspace, FolderSource(tmp_path / "a.jpg", CLASSES))
    [photo] = workspace.store.photos.all()
    assert (photo.width, photo.height) == (20, 30)


@pytest.mark.skipif(sys.platform != "linux", reason="only here may a file name be any bytes")
def test_file_names_that_are_no_utf_8_are_kept_as_far_as_they_can_be_read(
    workspace: Workspace, tmp_path: Path
) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    save_picture(root / os.fsdecode(b"\xfc.png"))
    (root / os.fsdecode(b"\xe4.png")).symlink_to(root / "nowhere.png")
    tally = harvest(workspace, FolderSource(root, CLASSES))
    assert (tally.new, tally.failed) == (1, 1)
    assert list(origins(workspace)) == ["\ufffd.png"]


def test_splits_asked_for_later_are_added_to_stored_pictures(workspace: Workspace, tmp_path: Path) -> None:
    for number, name in enumerate(("train/happy/a.png", "test/happy/b.png")):
        save_picture(tmp_path / name, number)
    harvest(workspace, FolderSource(tmp_path, CLASSES))
    assert harvest(workspace, FolderSource(tmp_path, CLASSES, keep_splits=True)).known == 2
    hints = {title: origin.split_hint for title, origin in origins(workspace).items()}
    assert hints == {"train/happy/a.png": "train", "test/happy/b.png": "test"}
    (tmp_path / "train").rename(tmp_path / "val")
    harvest(workspace, FolderSource(tmp_path, CLASSES, keep_splits=True))
    assert {title: origin.split_hint for title, origin in origins(workspace).items()} == hints


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder or file"):
        FolderSource(tmp_path / "nowhere", CLASSES)


def test_sample_photos_are_the_same_for_a_seed_and_their_truth_is_had_from_the_id(
    workspace: Workspace,
) -> None:
    assert harvest(workspace, SampleSource(4, CLASSES, seed=3)).new == 4
    assert next(SampleSource(1, CLASSES, 3).candidates()).fetch() in {
        workspace.blobs.read(photo.sha256, photo.suffix) for photo in workspace.store.photos.all()
    }
    photos = {photo.id: photo for photo in workspace.store.photos.all()}
    for photo_id, origin in workspace.store.photos.origins():
        scene = truth(origin.native_id)
        assert origin.candidate_class == scene.expression
        assert scene.size_wh == (photos[photo_id].width, photos[photo_id].height)
        assert bool(origin.owner) == bool(scene.faces)
    assert origins(workspace)["sample 3/1"].native_id == "3/1/happy+angry+surprised+neutral"


def test_a_person_is_in_the_photos_of_one_owner_only() -> None:
    owners: dict[str, set[str]] = {}
    for candidate in SampleSource(120, CLASSES, seed=1).candidates():
        for face in truth(candidate.origin.native_id).faces:
            owners.setdefault(face.person, set()).add(candidate.origin.owner)
    assert len({owner for names in owners.values() for owner in names}) > 10
    assert {len(names) for names in owners.values()} == {1}


def test_another_seed_draws_other_photos(workspace: Workspace) -> None:
    harvest(workspace, SampleSource(1, CLASSES, seed=0))
    assert harvest(workspace, SampleSource(1, CLASSES, seed=1)).new == 1


def test_a_class_nobody_can_draw_is_said_with_what_to_do() -> None:
    with pytest.raises(ConfigError, match="bored"):
        SampleSource(3, ("happy", "bored"))


@pytest.mark.parametrize("native_id", ["", "1", "x/y/happy", "0/0/bored", "0/-1/happy"])
def test_the_truth_of_what_is_no_sample_photo_is_refused(native_id: str) -> None:
    with pytest.raises(InputError, match="no sample photo"):
        truth(native_id)


def test_the_sample_command_makes_a_workspace_for_a_newcomer_and_says_so(tmp_path: Path) -> None:
    arguments = ["sample", "--count", "4", "--workspace", str(tmp_path / "mine")]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0 and first.stdout == "4 new, 0 linked, 0 known, 0 failed\n"
    assert "made a new workspace" in first.stderr
    again = CliRunner().invoke(main, [*arguments, "--json"])
    assert json.loads(again.stdout) == {"new": 0, "linked": 0, "known": 4, "failed": 0}
    assert "made" not in again.stderr
    opened = open_workspace(tmp_path / "mine")
    assert opened.store.photos.count() == 4
    opened.store.close()


def test_the_sample_command_draws_a_clip_without_a_workspace(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    result = CliRunner().invoke(
        main, ["sample", "--video", str(clip), "--seconds", "0.2", "--workspace", str(tmp_path / "none")]
    )
    assert result.exit_code == 0 and result.stdout == f"{clip}: 5 frames\n"
    assert list(tmp_path.iterdir()) == [clip]
    with av.open(str(clip)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sum(1 for _ in container.decode(stream)) == 5
    assert cv2.VideoCapture(str(clip)).isOpened()


def test_a_clip_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["sample", "--video", str(tmp_path / "no" / "clip.mp4"), "--seconds", "0.2"]
    )
    assert result.exit_code == 1 and "cannot write" in result.stderr


def test_the_folder_command_refuses_an_unknown_class(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        main, ["folder", str(tmp_path), "--class", "bored", "-w", str(tmp_path / "w")]
    )
    assert result.exit_code == 1 and "'bored' is no class of this workspace" in result.stderr


@pytest.mark.parametrize("command", ["flickr", "video", "folder", "sample"])
def test_every_help_shows_an_example(command: str) -> None:
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0 and f"  collect {command} " in result.output
