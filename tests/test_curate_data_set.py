"""From stored faces to files: near-duplicates, snapshots and exports, by function and by command."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from collect.image import encode_jpeg, phash
from curate.cli import main
from curate.duplicates import duplicate_groups, mark_duplicates
from curate.export import FORMATS, export_snapshot
from curate.snapshots import make_snapshot, part_counts, snapshot_hash
from curate.status import status_of
from db.errors import InputError
from db.records.faces import Face, NewFace
from db.records.labels import Label
from db.records.photos import NewPhoto, Origin
from db.records.snapshots import PARTS, SnapshotMember
from db.records.votes import NewVote
from db.workspace import Workspace, create_workspace, open_workspace

CLASSES = ("happy", "angry", "surprised", "neutral")


def picture(seed: int, side: int = 48) -> NDArray[np.uint8]:
    """A smooth picture unlike that of any other seed."""
    coarse = np.random.default_rng(seed).integers(0, 255, (6, 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.uint8)


def add_face(workspace: Workspace, seed: int, origin: Origin, *, crop: bytes | None = None) -> int:
    """A photo of its own with one face; gives the face's id."""
    data = encode_jpeg(picture(seed)) if crop is None else crop
    photo = encode_jpeg(picture(seed + 50_000, 96))
    sha256 = workspace.blobs.put(photo, ".jpg")
    new = NewPhoto(sha256, ".jpg", 96, 96, phash(picture(seed + 50_000, 96)), len(photo))
    workspace.store.photos.add(new, origin)
    (photo_id,) = [p.id for p in workspace.store.photos.all() if p.sha256 == sha256]
    face = NewFace((10, 10, 60, 60), 0.9, workspace.blobs.put(data, ".jpg"), (48, 48), 10.0)
    workspace.store.faces.record_detection(photo_id, "fake", [face])
    return next(f.id for f in workspace.store.faces.all() if f.photo_id == photo_id)


def decide(workspace: Workspace, face_id: int, label: str | None) -> None:
    shares = {} if label is None else {name: float(name == label) for name in CLASSES}
    workspace.store.labels.decide([Label(face_id, label, shares, 1.0, 3, "majority")])


def fill(workspace: Workspace, order: list[int]) -> None:
    """Labelled faces 0..n-1, stored in the given order; three to a photographer."""
    for i in order:
        came = Origin("test", str(i), page_url=f"https://photos.example/{i}", owner=f"owner {i // 3}", title=f"No {i}",
                      license_id="cc0", license_name="CC0")  # fmt: skip
        decide(workspace, add_face(workspace, i, came), CLASSES[i % 4])


def face(i: int, photo_id: int, crop: str) -> Face:
    return Face(i, photo_id, f"{photo_id:064x}", 0, (0, 0, 9, 9), 0.9, crop, (9, 9), 1.0, None, None, "")


def test_no_faces_have_no_duplicates(workspace: Workspace) -> None:
    done = mark_duplicates(workspace)
    assert (done.faces, done.groups, done.largest) == (0, 0, 0)


def test_groups_are_named_by_their_smallest_crop_and_single_faces_by_nothing() -> None:
    faces = [face(1, 1, "c"), face(2, 2, "a"), face(3, 3, "b"), face(4, 4, "d")]
    hashes = {"c": 0, "a": 0b111, "b": 2**63 - 1, "d": 0b111_111_111}
    photos = {1: 2**60, 2: 2**61 - 1, 3: 2**62 - 2**30, 4: 7**20}
    assert duplicate_groups(faces, hashes, photos, 6) == {1: "a", 2: "a", 3: None, 4: "a"}
    assert duplicate_groups(faces, hashes, photos, 2) == {1: None, 2: None, 3: None, 4: None}


def test_faces_of_near_copies_of_a_photo_are_matched_by_looser_crops() -> None:
    faces = [face(1, 1, "a"), face(2, 2, "b"), face(3, 2, "c")]
    hashes = {"a": 0, "b": 2**10 - 1, "c": 2**40 - 1}  # b is 10 bits from a, and 30 from c
    assert duplicate_groups(faces, hashes, {1: 5, 2: 4}, 6) == {1: "a", 2: "a", 3: None}
    assert duplicate_groups(faces, hashes, {1: 0, 2: 2**50 - 1}, 6) == {1: None, 2: None, 3: None}


small_faces = st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcdef")), max_size=12)


@settings(deadline=None)
@given(small_faces.flatmap(lambda f: st.tuples(st.just(f), st.permutations(f))), st.integers(0, 6))
def test_groups_do_not_depend_on_ids_or_order(
    both: tuple[list[tuple[int, str]], list[tuple[int, str]]], distance: int
) -> None:
    hashes = {name: (i * i * 0x1F) & 0xFF for i, name in enumerate("abcdef")}
    photos = {i: i * 0x155 for i in range(6)}
    named = []
    for rows in both:
        faces = [face(i, photo, crop) for i, (photo, crop) in enumerate(rows)]
        groups = duplicate_groups(faces, hashes, photos, distance)
        named.append({(f.photo_id, f.crop_sha256, groups[f.id]) for f in faces})
    assert named[0] == named[1]


def test_a_reencoded_crop_is_found_and_marked_once(workspace: Workspace) -> None:
    fill(workspace, [0, 1])
    copy = encode_jpeg(picture(0), quality=60)
    add_face(workspace, 9, Origin("test", "copy"), crop=copy)
    done = mark_duplicates(workspace)
    assert (done.faces, done.groups, done.grouped, done.missing) == (3, 1, 2, 0)
    assert mark_duplicates(workspace) == done
    groups = [f.duplicate_group for f in workspace.store.faces.all() if f.duplicate_group]
    assert len(groups) == 2
    assert groups[0] == min(f.crop_sha256 for f in workspace.store.faces.all() if f.duplicate_group)


def test_an_unreadable_crop_is_noted_and_left_alone(workspace: Workspace) -> None:
    fill(workspace, [0])
    add_face(workspace, 9, Origin("test", "bad"), crop=b"no picture")
    assert mark_duplicates(workspace).missing == 1
    assert len(workspace.store.failures.all("duplicates")) == 1


def test_a_split_without_labels_says_what_to_do(workspace: Workspace) -> None:
    with pytest.raises(InputError) as caught:
        make_snapshot(workspace)
    assert "curate consensus" in caught.value.hint


def test_the_same_labels_give_the_same_snapshot_in_another_store(tmp_path: Path) -> None:
    hashes = []
    for name, order in (("one", list(range(30))), ("two", list(reversed(range(30))))):
        create_workspace(tmp_path / name)
        workspace = open_workspace(tmp_path / name)
        fill(workspace, order)
        mark_duplicates(workspace)
        done = make_snapshot(workspace)
        assert done.new
        assert not make_snapshot(workspace).new
        assert workspace.store.snapshots.load(done.snapshot.hash[:12]).members == done.snapshot.members
        hashes.append(done.snapshot.hash)
        assert make_snapshot(workspace, seed=1).snapshot.hash != done.snapshot.hash
        workspace.store.close()
    assert hashes[0] == hashes[1]


def test_the_hash_covers_labels_parts_and_shares_but_not_ids() -> None:
    member = SnapshotMember(1, "a" * 64, "happy", "train", "a" * 64, {"happy": 1.0})
    name = snapshot_hash(CLASSES, (20, 4, 1), 0, [member])
    others = [
        SnapshotMember(1, "a" * 64, "angry", "train", "a" * 64, {"happy": 1.0}),
        SnapshotMember(1, "a" * 64, "happy", "test", "a" * 64, {"happy": 1.0}),
        SnapshotMember(1, "a" * 64, "happy", "train", "a" * 64, {"happy": 0.75, "angry": 0.25}),
    ]
    assert len({name, *(snapshot_hash(CLASSES, (20, 4, 1), 0, [m]) for m in others)}) == 4
    moved = SnapshotMember(99, "a" * 64, "happy", "train", "a" * 64, {"happy": 1.0})
    assert snapshot_hash(CLASSES, (20, 4, 1), 0, [moved]) == name


def test_photographers_and_videos_stay_whole_and_undecided_faces_stay_out(workspace: Workspace) -> None:
    fill(workspace, list(range(24)))
    for i in range(100, 106):
        decide(workspace, add_face(workspace, i, Origin("video", str(i), video="a.mp4", time_s=i)), "happy")
    decide(workspace, add_face(workspace, 200, Origin("test", "200")), None)
    done = make_snapshot(workspace, (2, 1, 1))
    parts = {m.face_id: m.part for m in done.snapshot.members}
    assert len(parts) == 30
    origin_of = dict(workspace.store.photos.origins())
    where: dict[str, set[str]] = {}
    for f in workspace.store.faces.all():
        if f.id in parts:
            origin = origin_of[f.photo_id]
            where.setdefault(origin.owner or origin.video, set()).add(parts[f.id])
    assert all(len(seen) == 1 for seen in where.values())
    assert len(where) == 9
    assert done.leaks == ()


def test_an_exact_copy_of_a_crop_is_in_once_and_ties_both_photos(workspace: Workspace) -> None:
    crop = encode_jpeg(picture(1))
    for i, label in ((1, "happy"), (2, "angry")):
        decide(workspace, add_face(workspace, i, Origin("test", str(i)), crop=crop), label)
    done = make_snapshot(workspace)
    assert (len(done.snapshot.members), done.copies) == (1, 1)
    assert done.snapshot.members[0].label == "angry"  # equal votes and confidence: the first by name


def test_parts_of_a_data_set_are_kept_with_hints(workspace: Workspace) -> None:
    for i in range(12):
        hint = "test" if i < 6 else "train"
        decide(workspace, add_face(workspace, i, Origin("folder", str(i), split_hint=hint)), "happy")
    kept = make_snapshot(workspace, use_hints=True).snapshot
    assert {part: sum(by_class.values()) for part, by_class in part_counts(kept).items()} == {
        "train": 6, "val": 0, "test": 6,
    }  # fmt: skip
    assert make_snapshot(workspace).snapshot.hash != kept.hash


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", ["imagefolder", "yolo-cls"])
def test_class_folders_hold_every_member_and_its_attribution(
    workspace: Workspace, kind: str, tmp_path: Path
) -> None:
    fill(workspace, list(range(20)))
    snapshot = make_snapshot(workspace).snapshot
    done = export_snapshot(workspace, snapshot, "imagefolder" if kind == "imagefolder" else "yolo-cls")
    assert done.path == workspace.exports / f"{kind}-{snapshot.hash[:12]}"
    files = {p.relative_to(done.path).as_posix(): p.read_bytes() for p in done.path.rglob("*.jpg")}
    assert set(files) == {f"{m.part}/{m.label}/{m.crop_sha256[:12]}.jpg" for m in snapshot.members}
    member = snapshot.members[0]
    assert files[f"{member.part}/{member.label}/{member.crop_sha256[:12]}.jpg"] == workspace.blobs.read(
        member.crop_sha256, ".jpg"
    )
    assert {p.name for part in PARTS for p in (done.path / part).iterdir()} == set(CLASSES)
    credits = rows_of(done.path / "ATTRIBUTION.csv")
    assert {row["file"] for row in credits} == set(files)
    assert {(row["licence"], row["photo_page"][:23]) for row in credits} == {
        ("CC0", "https://photos.example/")
    }
    assert (done.path / "names.yaml").exists() == (kind == "yolo-cls")
    assert not list(workspace.exports.glob(".*"))


def test_the_table_round_trips_the_snapshot(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, list(range(9)))
    snapshot = make_snapshot(workspace).snapshot
    done = export_snapshot(workspace, snapshot, "csv", tmp_path / "table")
    rows = rows_of(done.path / "faces.csv")
    read = {(r["label"], r["part"], r["group"], float(r["p_happy"])) for r in rows}
    assert read == {(m.label, m.part, m.group_key, m.distribution["happy"]) for m in snapshot.members}
    assert all((done.path / row["crop"]).is_file() for row in rows)
    assert {row["owner"] for row in rows} == {"owner 0", "owner 1", "owner 2"}


def test_an_export_is_replaced_but_a_foreign_folder_is_left_alone(
    workspace: Workspace, tmp_path: Path
) -> None:
    fill(workspace, list(range(6)))
    snapshot = make_snapshot(workspace).snapshot
    foreign = tmp_path / "thesis"
    foreign.mkdir()
    export_snapshot(workspace, snapshot, "csv", foreign)  # empty: ours to use
    export_snapshot(workspace, snapshot, "csv", foreign)
    other = tmp_path / "mine"
    other.mkdir()
    (other / "notes.txt").write_text("keep me")
    with pytest.raises(InputError, match="left alone"):
        export_snapshot(workspace, snapshot, "csv", other)
    assert [p.name for p in other.iterdir()] == ["notes.txt"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["mine", "thesis", "workspace"]


def test_a_file_of_the_users_in_an_earlier_export_is_never_deleted(
    workspace: Workspace, tmp_path: Path
) -> None:
    fill(workspace, list(range(6)))
    snapshot = make_snapshot(workspace).snapshot
    for kind in FORMATS:  # another format's export may be replaced
        export_snapshot(workspace, snapshot, kind, tmp_path / "ex")
    (tmp_path / "ex" / "my_weights.pt").write_bytes(b"precious")
    with pytest.raises(InputError, match=r"holds my_weights\.pt"):
        export_snapshot(workspace, snapshot, "csv", tmp_path / "ex")
    assert (tmp_path / "ex" / "my_weights.pt").read_bytes() == b"precious"


def test_the_current_folder_is_no_place_for_an_export(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, list(range(6)))
    snapshot = make_snapshot(workspace).snapshot
    (tmp_path / "here").mkdir()
    (tmp_path / "link").symlink_to("here")
    monkeypatch.chdir(tmp_path / "here")
    for out in (Path(), Path("../link")):
        with pytest.raises(InputError, match="current folder"):
            export_snapshot(workspace, snapshot, "csv", out)
    monkeypatch.chdir(tmp_path)
    done = export_snapshot(workspace, snapshot, "csv", Path("link"))
    assert done.path == tmp_path / "here" and (tmp_path / "link").is_symlink()


def test_a_missing_crop_is_left_out_of_an_export_and_counted(workspace: Workspace) -> None:
    fill(workspace, list(range(6)))
    snapshot = make_snapshot(workspace).snapshot
    gone = snapshot.members[0].crop_sha256
    (workspace.path / "blobs" / gone[:2] / f"{gone}.jpg").unlink()
    done = export_snapshot(workspace, snapshot)
    assert (done.faces, done.missing) == (5, 1)


def curate(workspace: Workspace, command: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, [command, "-w", str(workspace.path), *arguments])


def test_the_commands_say_what_they_did(workspace: Workspace, tmp_path: Path) -> None:
    fill(workspace, list(range(20)))
    person = workspace.store.annotators.join("Ada").id
    for f in workspace.store.faces.all():
        workspace.store.votes.cast(NewVote(f.id, person, (CLASSES[f.id % 4],)))
    assert "0 near-duplicate groups hold 0 of 20 faces" in curate(workspace, "duplicates").stdout
    assert json.loads(curate(workspace, "duplicates", "--json").stdout)["faces"] == 20
    assert "5 happy, 5 angry, 5 surprised, 5 neutral" in curate(workspace, "consensus").stdout
    printed = curate(workspace, "split", "--ratios", "3:1:1")
    assert "checked: no photo, photographer, video or duplicate group straddles two parts" in printed.stdout
    snapshot = workspace.store.snapshots.load().hash
    assert snapshot[:12] in printed.stdout
    as_json = json.loads(curate(workspace, "split", "--ratios", "3:1:1", "--json").stdout)
    assert (as_json["snapshot"], as_json["new"], as_json["leaks"]) == (snapshot, False, 0)
    for kind in FORMATS:
        done = curate(workspace, "export", "--format", kind, "--snapshot", snapshot[:6])
        assert Path(done.stdout.strip()).is_dir()
    assert json.loads(curate(workspace, "status", "--json").stdout)["faces"] == 20
    lines = curate(workspace, "status").stdout
    assert f"  {snapshot[:12]}" in lines
    assert "3:1:1 seed 0" in lines


@pytest.mark.parametrize("ratios", ["20:4", "a:b:c", "0:1:1", "1:-1:1", "nan:1:1"])
def test_ratios_that_make_no_sense_are_a_usage_error(workspace: Workspace, ratios: str) -> None:
    done = curate(workspace, "split", "--ratios", ratios)
    assert done.exit_code == 2
    assert "--ratios" in done.stderr


@pytest.mark.parametrize("seed", ["99999999999999999999", "-1"])
def test_a_seed_out_of_range_is_a_usage_error(workspace: Workspace, seed: str) -> None:
    done = curate(workspace, "split", "--seed", seed)
    assert done.exit_code == 2
    assert "--seed" in done.stderr


def test_mistakes_get_one_line_and_a_remedy(workspace: Workspace, tmp_path: Path) -> None:
    for command, expected in (
        (["split"], "no face has an agreed label"),
        (["export"], "no snapshot"),
        (["consensus", "--rule", "median"], "'median'"),
    ):
        done = curate(workspace, *command)
        assert done.exit_code == 1
        assert expected in done.stderr
        assert " next:" in done.stderr
    lost = CliRunner().invoke(main, ["status", "-w", str(tmp_path / "nowhere")])
    assert lost.exit_code == 1
    assert "no workspace" in lost.stderr


def test_status_counts_an_empty_workspace(workspace: Workspace) -> None:
    now = status_of(workspace)
    assert (now.photos, now.faces, now.votes, now.snapshots) == (0, 0, 0, ())
    assert now.agreed == dict.fromkeys(CLASSES, 0)


def test_the_faces_command_runs_the_bundled_detector_over_files_and_workspaces(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "plain.jpg").write_bytes(encode_jpeg(np.full((96, 128, 3), 90, np.uint8)))
    (tmp_path / "zero.jpg").write_bytes(b"")
    done = CliRunner().invoke(
        main, ["faces", "--json", str(tmp_path / "zero.jpg"), str(tmp_path / "plain.jpg")]
    )
    zero, plain = (json.loads(line) for line in done.stdout.splitlines())
    assert "empty" in zero["error"]
    assert "zero.jpg: the file is empty" in done.stderr
    assert (plain["width"], plain["height"], plain["faces"]) == (128, 96, [])
    counted = CliRunner().invoke(main, ["faces", str(tmp_path / "plain.jpg")])
    assert counted.stdout.endswith("plain.jpg: 0 faces\n") and "only stored" not in counted.stderr
    told = CliRunner().invoke(main, ["faces", "--align", "--min-size=9", str(tmp_path / "plain.jpg")])
    assert "only stored crops obey --align, --min-size:" in told.stderr
    fill(workspace, [])
    assert json.loads(curate(workspace, "faces", "--json").stdout)["photos"] == 0
    empty = curate(workspace, "faces", "--tiles", "off", "--score", "0.5")
    assert "0 photos, 0 faces" in empty.stdout and "no new photo" not in empty.stderr
    assert curate(workspace, "faces", "--detector", "no-such-model").exit_code == 1
