"""Votes in and out of a store: nothing lost, nothing doubled, and everything left out is said."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.command import command_group
from db.errors import NotFoundError
from db.overlap import Overlap
from db.records.campaigns import GoldMix, NewCampaign, Picks, Suggest
from db.records.faces import NewFace
from db.records.labels import Label
from db.records.people import Annotator
from db.records.photos import NewPhoto, Origin
from db.records.votes import FLAGS, NewVote
from db.workspace import Workspace, create_workspace, open_workspace
from label_ui.decisions import Decisions
from label_ui.exchange import BadLine, FaceName, LabelRow, Row, VoteRow
from label_ui.exchange_cli import FORMATS, export_command, import_command
from label_ui.exchange_export import export_votes
from label_ui.exchange_formats import format_named, format_of, formats
from label_ui.exchange_import import import_votes
from label_ui.exchange_pictures import import_pictures
from label_ui.exchange_report import ImportReport, ImportRule

AddFaces = Callable[[Workspace, int], tuple[int, ...]]
NAMES = ("Ana", '=Bob, "x"', "Čem\u200d😀", "line\nbreak")


def new_workspace(path: Path) -> Workspace:
    create_workspace(path)
    return open_workspace(path)


@pytest.fixture
def other(tmp_path: Path, add_faces: AddFaces) -> Workspace:
    """A second workspace with the same six faces as ``workspace`` when that asks for six, too."""
    made = new_workspace(tmp_path / "other")
    add_faces(made, 6)
    return made


def ledger(workspace: Workspace) -> list[tuple[object, ...]]:
    """The whole ledger in words that all stores share."""
    store = workspace.store
    people = {one.id: (one.name, one.simulated) for one in store.annotators.all()}
    faces = {one.id: (one.photo_sha256, one.ordinal) for one in store.faces.all()}
    campaigns = {one.id: one.name for one in store.campaigns.all()}
    history = store.votes.history()
    place = {row.id: number for number, row in enumerate(history)}
    return [
        (
            *(people[row.annotator_id], faces[row.face_id], campaigns[row.campaign_id], row.action),
            *(row.choices, row.denies, row.flag, row.seconds, dict(row.shown), row.at),
            *(row.request_id is not None, place.get(row.undoes_id or 0)),
        )
        for row in history
    ]


def holding(workspace: Workspace) -> set[tuple[object, ...]]:
    people = {one.id: one.name for one in workspace.store.annotators.all()}
    faces = {one.id: one.photo_sha256 for one in workspace.store.faces.all()}
    current = workspace.store.votes.current()
    return {(people[v.annotator_id], faces[v.face_id], v.choices, v.flag) for v in current}


def bring(workspace: Workspace, path: Path, **rule: str) -> ImportReport:
    return import_votes(workspace, path, format_of(path), ImportRule(**rule))  # type: ignore[arg-type]


STEP = st.fixed_dictionaries(
    {
        "who": st.integers(0, 3),
        "face": st.integers(0, 5),
        "campaign": st.integers(0, 1),
        "action": st.sampled_from(["vote", "vote", "vote", "skip", "undo"]),
        "choices": st.lists(st.sampled_from(["happy", "angry", "neutral"]), max_size=2, unique=True),
        "denies": st.none() | st.just("angry"),
        "flag": st.none() | st.sampled_from(FLAGS),
        "seconds": st.none() | st.floats(0, 1e4),
        "shown": st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=2),
        "named": st.booleans(),
    }
)


def act(workspace: Workspace, faces: tuple[int, ...], step: dict[str, object], request: str) -> None:
    """One thing a person does at the workbench."""
    store, campaigns = workspace.store, workspace.store.campaigns.all()
    who = store.annotators.join(NAMES[int(str(step["who"]))], simulated=step["who"] == 3).id
    request_id = request if step["named"] else None
    if step["action"] == "undo":
        store.votes.undo(who, request_id=request_id)
        return
    choices = tuple(step["choices"])  # type: ignore[arg-type]
    new = NewVote(
        faces[int(str(step["face"]))],
        who,
        choices,
        denies=None if choices else step["denies"],  # type: ignore[arg-type]
        campaign_id=campaigns[int(str(step["campaign"]))].id,
        flag=step["flag"],  # type: ignore[arg-type]
        seconds=step["seconds"],  # type: ignore[arg-type]
        shown=step["shown"],  # type: ignore[arg-type]
    )
    (store.votes.skip if step["action"] == "skip" else store.votes.cast)(new, request_id=request_id)


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_any_ledger_goes_out_and_comes_in_whole_and_only_once(
    name: str, workspace: Workspace, other: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    faces, path, examples = add_faces(workspace, 6), tmp_path / f"votes.{name}", iter(range(10_000))
    workspace.store.campaigns.create(NewCampaign("is it? , yes", question="verify"))

    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.lists(STEP, max_size=8))
    def check(steps: list[dict[str, object]]) -> None:
        for step in steps:
            act(workspace, faces, step, f"request-{next(examples):06}")
        rows = ledger(workspace)
        export_votes(workspace, format_named(name), path)
        report = import_votes(other, path, format_named(name))
        assert report.added + report.known == report.read == len(rows)
        assert [row[:-2] + row[-1:] for row in ledger(other)] == [row[:-2] + row[-1:] for row in rows]
        assert holding(other) == holding(workspace)
        for place in (workspace, other):
            assert import_votes(place, path, format_named(name)).added == 0
        assert ledger(workspace) == rows

    check()


@pytest.fixture
def voted(workspace: Workspace, add_faces: AddFaces) -> Workspace:
    """Six faces with votes of three people on each, one replaced, one undone, one skipped, and three labels."""
    store, faces = workspace.store, add_faces(workspace, 6)
    people = [store.annotators.join(name).id for name in NAMES[:3]]
    for number, face in enumerate(faces):
        for place, person in enumerate(people):
            choice = ("happy", "angry", "neutral")[(number + place) % 3]
            store.votes.cast(
                NewVote(face, person, (choice,), seconds=0.5 + place), request_id=f"vote-{face}-{place}"
            )
    store.votes.cast(NewVote(faces[0], people[0], ("surprised",)))
    store.votes.cast(NewVote(faces[1], people[0], flag="offensive"))
    store.votes.undo(people[0])
    store.votes.skip(NewVote(faces[2], people[1]))
    store.labels.decide([Label(face, "happy", {"happy": 1.0}, 0.9, 3, "auto") for face in faces[:3]])
    return workspace


@pytest.mark.parametrize("name", ["crowd", "label-studio", "label-studio-crops", "cvat", "fiftyone"])
def test_the_votes_that_hold_go_through_another_tools_format(
    name: str, voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "votes"
    done = export_votes(voted, format_named(name), path)
    assert {"skips": 1, "undos": 1, "votes undone or replaced": 3}.items() <= done.left_out.items()
    report = bring(other, path)
    assert (report.read, report.added, report.new_voters) == (17, 17, 3)
    assert holding(other) == holding(voted)
    assert bring(other, path).added == 0
    assert bring(voted, path).added == 0


def test_labels_alone_and_one_campaign_alone_can_be_had(voted: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "labels.xml"
    done = export_votes(voted, format_named("cvat"), path, what="labels")
    assert (done.votes, done.labels, done.left_out) == (0, 3, {})
    assert path.read_text().count("<box ") == 3
    store = voted.store
    second = store.campaigns.create(NewCampaign("second"))
    face, person = store.faces.all()[0].id, store.annotators.all()[0].id
    store.votes.cast(NewVote(face, person, ("angry",), campaign_id=second.id))
    alone = export_votes(
        voted, format_named("jsonl"), tmp_path / "one.jsonl", campaign="Second", what="votes"
    )
    assert (alone.votes, alone.labels) == (1, 0)
    both = export_votes(voted, format_named("fiftyone"), tmp_path / "all.json")
    assert both.left_out["votes of people who voted again in another campaign"] == 1
    with pytest.raises(NotFoundError, match="no campaign 'third'"):
        export_votes(voted, format_named("csv"), path, campaign="third")


def test_what_cannot_be_taken_is_counted_by_reason_with_examples(
    workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    add_faces(workspace, 2)
    photo = workspace.store.faces.all()[0].photo_sha256
    lines = [
        f"{photo},ana,happy",
        f"{photo},ben,2",
        f"{photo},cem,grumpy",
        f"{photo},{'n' * 65},happy",
        "nowhere.jpg,ana,happy",
        "only two,cells",
    ]
    path = tmp_path / "answer.csv"
    path.write_text("question,worker,answer\n" + "\n".join(lines) + "\n", encoding="utf-8")
    report = import_votes(workspace, path, format_of(path), ImportRule(classes={"2": "angry"}))
    assert report.counts() == {
        "rows": 5,
        "added": 2,
        "known": 0,
        "of unknown faces": 1,
        "of unknown classes": 1,
        "with a name of no or of over 64 characters": 1,
        "bad lines": 1,
        "new voters": 2,
    }
    assert report.unknown_classes == {"grumpy": 1}
    assert report.examples["no such picture is here"] == ["nowhere.jpg"]
    assert report.examples["bad lines"] == ["line 7: expected 3 cells, got 2"]
    assert all(one.note == "imported from answer" for one in workspace.store.annotators.all())


def test_nobody_from_a_file_becomes_owner(
    workspace: Workspace, voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    export_votes(voted, format_named("csv"), tmp_path / "votes.csv")
    bring(other, tmp_path / "votes.csv")
    assert {one.role for one in other.store.annotators.all()} == {"voter"}
    assert other.store.annotators.join("Zoe").role == "owner"


def test_an_unknown_campaign_comes_in_closed_and_asks_nobody(
    voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    export_votes(voted, format_named("csv"), tmp_path / "votes.csv")
    report = bring(other, tmp_path / "votes.csv", campaign="Old votes")
    made = other.store.campaigns.by_name("old votes")
    assert report.new_campaigns == 1 and made is not None and made.closed_at is not None
    assert len(other.store.votes.current(made.id)) == 17
    assert other.store.votes.current(other.store.campaigns.main().id) == ()
    assert other.store.queue.counts(made.id).open == 0


def picture(seed: int, size_wh: tuple[int, int] = (48, 48)) -> bytes:
    noise = np.random.default_rng(seed).integers(0, 255, (size_wh[1], size_wh[0], 3), np.uint8)
    return cv2.imencode(".png", noise)[1].tobytes()


FER = """Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF
Training,fer1.png,4,6,0,0,0,0,0,0,0,0
Training,fer2.png,0,0,5,0,3,0,0,0,1,1
PublicTest,copy.png,0,9,0,0,0,0,0,0,1,0
PublicTest,gone.png,10,0,0,0,0,0,0,0,0,0
"""


def test_fer_plus_comes_in_with_its_pictures_and_goes_out_as_it_was(
    workspace: Workspace, tmp_path: Path
) -> None:
    for name, seed in (
        ("Training/fer1", 1),
        ("Training/fer2", 2),
        ("PublicTest/copy", 3),
        ("PublicTest/more", 4),
    ):
        (tmp_path / "fer" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "fer" / f"{name}.png").write_bytes(picture(seed))
    path = tmp_path / "votes.csv"
    path.write_text(FER, encoding="utf-8")
    for found in ((4, 3), (0, 0)):
        pictures = import_pictures(workspace, tmp_path / "fer", format_of(path).read(path))
        assert (pictures.harvest.new, pictures.faces) == found
    faces = workspace.store.faces.all()
    assert {face.xyxy for face in faces} == {(0, 0, 48, 48)} and len(faces) == 3
    report = bring(workspace, path)
    assert (report.read, report.added, report.unknown_faces) == (40, 30, {"no such picture is here": 10})
    assert bring(workspace, path).added == 0
    people = workspace.store.annotators.all()
    assert len(people) == 10 and {(one.note, one.simulated) for one in people} == {("anonymous", False)}
    done = export_votes(workspace, format_named("ferplus"), tmp_path / "back.csv")
    assert done.left_out == {}
    lines = [line.replace("PublicTest,copy", "PublicTest,copy") for line in FER.splitlines()[1:4]]
    assert sorted((tmp_path / "back.csv").read_text().splitlines()[1:]) == sorted(lines)


def test_unnamed_votes_on_two_names_of_one_picture_are_twice_as_many_people(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "fer").mkdir()
    for name in ("fer1", "copy"):
        (tmp_path / "fer" / f"{name}.png").write_bytes(picture(1))
    path = tmp_path / "votes.csv"
    path.write_text(FER, encoding="utf-8")
    files = import_pictures(workspace, tmp_path / "fer", format_of(path).read(path)).files
    for added in (20, 0):
        assert import_votes(workspace, path, format_of(path), files=files).added == added
        assert len(workspace.store.votes.current()) == 20


def label_studio_task(name: str, voters: dict[str, list[tuple[float, str]]]) -> dict[str, object]:
    """A task on a 400x200 picture: each voter's boxes, 80x80 pixels at (left, 40), with their labels."""
    annotations = []
    for voter, boxes in voters.items():
        regions = [
            {
                "id": f"r{number}",
                "type": "rectanglelabels",
                "original_width": 400,
                "original_height": 200,
                "value": {"x": left / 4, "y": 20, "width": 20, "height": 40, "rectanglelabels": [label]},
            }
            for number, (left, label) in enumerate(boxes)
        ]
        annotations.append({"completed_by": {"email": voter}, "result": regions})
    return {"data": {"image": f"/data/upload/1/0a1b2c3d-{name}"}, "annotations": annotations}


def test_label_studio_pictures_come_in_with_one_face_for_the_boxes_of_all_people(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "media").mkdir()
    (tmp_path / "media" / "party.png").write_bytes(picture(5, (400, 200)))
    voters = {"ana": [(40.0, "happy"), (240.0, "angry")], "ben": [(243.0, "angry"), (44.0, "neutral")]}
    path = tmp_path / "project.json"
    path.write_text(json.dumps([label_studio_task("party.png", voters)]), encoding="utf-8")
    pictures = import_pictures(workspace, tmp_path / "media", format_of(path).read(path))
    assert (pictures.photos, pictures.faces) == (1, 2)
    first, second = workspace.store.faces.all()
    assert (first.xyxy, second.xyxy) == ((40, 40, 120, 120), (240, 40, 320, 120))
    assert first.crop_size_wh == (112, 112)
    assert bring(workspace, path).added == 4
    people = {one.id: one.name for one in workspace.store.annotators.all()}
    held = {(people[v.annotator_id], v.face_id, v.choice) for v in workspace.store.votes.current()}
    assert held == {
        ("ana", first.id, "happy"),
        ("ana", second.id, "angry"),
        ("ben", first.id, "neutral"),
        ("ben", second.id, "angry"),
    }


def test_a_face_is_never_guessed(workspace: Workspace, tmp_path: Path) -> None:
    boxes = [(10.0, 10.0, 50.0, 50.0), (60.0, 10.0, 99.0, 50.0)]
    for number, title in enumerate(("a/same.png", "b/same.png", "c/two.png")):
        data = picture(number, (100, 60))
        sha256 = workspace.blobs.put(data, ".png")
        photo = NewPhoto(sha256, ".png", 100, 60, "0" * 16, len(data))
        workspace.store.photos.add(photo, Origin("test", str(number), title=title))
    for photo in workspace.store.photos.without_detection():
        faces = [NewFace(box, 0.9, photo.sha256, (9, 9), 1.0) for box in boxes[: 1 + (photo.id == 3)]]
        workspace.store.faces.record_detection(photo.id, "by hand", faces)
    path = tmp_path / "answer.csv"
    questions = ("same.png", "a/same.png", "two", "never.png")
    path.write_text("task,worker,label\n" + "".join(f"{q},ana,happy\n" for q in questions), encoding="utf-8")
    report = bring(workspace, path)
    assert report.added == 1
    assert report.unknown_faces == {
        "several pictures have that name": 1,
        "the picture has several faces": 1,
        "no such picture is here": 1,
    }


KILLED = """
import os, signal, sys
from pathlib import Path
from db.workspace import open_workspace
from label_ui.exchange_formats import format_of
from label_ui.exchange_import import import_votes

class Dying:
    def __init__(self, kind): self._kind = kind
    def read(self, path):
        for number, row in enumerate(self._kind.read(path)):
            if number == 1_400:
                os.kill(os.getpid(), signal.SIGKILL)
            yield row

path = Path(sys.argv[2])
import_votes(open_workspace(Path(sys.argv[1])), path, Dying(format_of(path)))
"""


def test_an_import_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(
    workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    add_faces(workspace, 6)
    photos = [face.photo_sha256 for face in workspace.store.faces.all()]
    path = tmp_path / "answer.csv"
    rows = [f"{photos[i % 6]}:0,worker {i // 6},{('happy', 'angry')[i // 300 % 2]}\n" for i in range(1_600)]
    path.write_text("question,worker,answer\n" + "".join(rows), encoding="utf-8")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(workspace.path), str(path)], capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL
    assert len(workspace.store.votes.history()) == 1_000
    report = bring(workspace, path)
    assert (report.added, report.known) == (600, 1_000)
    assert len(workspace.store.votes.history()) == 1_600
    assert bring(workspace, path).added == 0


@pytest.fixture
def label() -> click.Group:
    group = command_group("label", "The workbench.")
    group.add_command(import_command)
    group.add_command(export_command)
    return group


def test_the_commands_say_what_they_did_and_what_to_type_next(
    label: click.Group, voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    run = CliRunner().invoke
    out = tmp_path / "votes.csv"
    done = run(label, ["export", "-w", str(voted.path), "--out", str(out)])
    assert (done.exit_code, done.stdout) == (
        0,
        "",
    ) and "22 votes, 3 labels, 1 campaign as csv" in done.stderr
    came = run(label, ["import", "-w", str(other.path), str(out), "--json"])
    assert json.loads(came.stdout)["counts"]["added"] == 22
    again = run(label, ["import", "-w", str(other.path), str(out)])
    assert again.stdout == "22 rows, 0 added, 22 known, 3 labels read past\n"
    told = run(label, ["export", "-w", str(voted.path), "--format", "label-studio", "--out", "-"])
    assert len(json.loads(told.stdout)) == 6
    assert "no place for it: skips: 1" in told.stderr and "<RectangleLabels" in told.stderr
    wrong = run(label, ["export", "-w", str(voted.path), "--out", str(tmp_path / "votes.doc")])
    assert wrong.exit_code == 1 and "next: name it: --format" in wrong.stderr
    missing = run(label, ["import", "-w", str(voted.path), str(tmp_path / "none.csv")])
    assert missing.exit_code == 1 and "none.csv cannot be read" in missing.stderr
    pair = run(label, ["import", "-w", str(voted.path), str(out), "--map", "happy"])
    assert pair.exit_code == 2 and "THEIRS=OURS" in pair.stderr


def test_the_commands_offer_every_format() -> None:
    assert tuple(formats()) == FORMATS


def test_a_full_disk_behind_standard_output_is_one_line(voted: Workspace) -> None:
    program = (
        "from db.command import command_group as g; from label_ui.exchange_cli import export_command as e; "
    )
    program += "l = g('label', ''); l.add_command(e); l()"
    with Path("/dev/full").open("w") as full:
        command = [
            sys.executable,
            "-c",
            program,
            "export",
            "-w",
            str(voted.path),
            "--format",
            "csv",
            "--out",
            "-",
        ]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode != 0
    assert "the disk is full" in done.stderr and "Traceback" not in done.stderr


ASKED = st.fixed_dictionaries(
    {
        "question": st.sampled_from(["choose", "verify"]),
        "classes": st.sampled_from([(), ("happy", "angry"), ("yes, =1", "[no]")]),
        "about": st.sampled_from(["", "angry"]),
        "overlap": st.sampled_from([Overlap(), Overlap("fixed", most=3), Overlap("majority", team=5)]),
        "rule": st.sampled_from(["auto", "majority", "glad"]),
        "blind": st.booleans(),
        "ordering": st.sampled_from(["teach", "age", "random", "class"]),
        "gold": st.builds(GoldMix, st.floats(0, 0.5), st.sampled_from(["at once", "never"])),
        "seed": st.integers(0, 9),
    }
)
DEED = st.tuples(
    st.sampled_from(["relabel", "reject", "gold", "send_back", "undo"]),
    st.sets(st.integers(0, 5), min_size=1),
)


def told(path: Path, name: str) -> list[object]:
    """The rows of a file, but for what rules decided and where they stand."""
    rows = [row for row in format_named(name).read(path) if not isinstance(row, BadLine)]
    return [replace(row, line=0) for row in rows if not isinstance(row, LabelRow) or row.by]


def decide(workspace: Workspace, curator: Annotator, faces: list[int], deed: str, batches: list[str]) -> None:
    """One thing a curator does."""
    decisions = Decisions(workspace, curator)
    if deed == "undo":
        if batches:
            decisions.undo(batches.pop())
        return
    done = {
        "relabel": lambda: decisions.relabel(faces, "happy"),
        "reject": lambda: decisions.reject(faces, "offensive"),
        "gold": lambda: decisions.gold(faces, "angry"),
        "send_back": lambda: decisions.send_back(faces, 2),
    }[deed]()
    batches.extend([done.batch] if done.batch else [])


@pytest.mark.parametrize("name", ["csv", "jsonl"])
def test_campaigns_decisions_and_known_faces_come_back_the_same_in_a_fresh_workspace(
    name: str, add_faces: AddFaces, tmp_path: Path
) -> None:
    numbers = iter(range(10_000))

    @settings(max_examples=6, deadline=None, derandomize=True)
    @given(ASKED, st.booleans(), ASKED, st.lists(DEED, max_size=6), st.lists(STEP, max_size=4))
    def check(
        main: dict[str, Any], close: bool, more: dict[str, Any], deeds: list[Any], steps: list[Any]
    ) -> None:
        number = next(numbers)
        source, fresh = new_workspace(tmp_path / f"{number}a"), new_workspace(tmp_path / f"{number}b")
        faces = add_faces(source, 6)
        add_faces(fresh, 3)
        add_faces(fresh, 3)
        curator, batches = source.store.annotators.join("Cleo"), list[str]()
        source.store.campaigns.change(1, name="The main, one", **main)
        made = source.store.campaigns.create(
            NewCampaign("=second", **more, picks=Picks(face_ids=faces[1:4]), voters=(curator.id,))
        )
        for deed, which in deeds:
            decide(source, curator, [faces[i] for i in which], deed, batches)
        if close:
            source.store.campaigns.close(made.id)
        for step in steps:
            act(source, faces, step, f"request-{next(numbers):06}")
        first, second = tmp_path / "first", tmp_path / "second"
        export_votes(source, format_named(name), first)
        assert import_votes(fresh, first, format_named(name)).left_out == {}
        export_votes(fresh, format_named(name), second)
        assert told(second, name) == told(first, name)
        again = import_votes(fresh, first, format_named(name))
        assert (again.added, again.decisions, again.gold, again.new_campaigns) == (0, 0, 0, 0)
        held = [
            [(one.label, one.reason, one.state) for one in w.store.labels.current()] for w in (source, fresh)
        ]
        assert held[0] == held[1]
        source.store.close()
        fresh.store.close()

    check()


def curated(workspace: Workspace, name: str) -> tuple[Decisions, tuple[int, ...]]:
    owner = workspace.store.annotators.join(name)
    return Decisions(workspace, owner), tuple(face.id for face in workspace.store.faces.all())


def test_a_newer_decision_and_a_mark_taken_back_here_are_not_overridden(
    voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "votes.jsonl"
    theirs, faces = curated(voted, "Olga")
    theirs.relabel(faces[:2], "angry")
    marked = theirs.gold(faces[3:5], "neutral")
    export_votes(voted, format_named("jsonl"), path)
    ours, here = curated(other, "Otto")
    ours.relabel(here[:1], "surprised")
    ours.gold(here[3:4], "happy")
    report = bring(other, path)
    assert (report.decisions, report.gold) == (4, 1)
    held = other.store.labels.of_faces(here)
    assert [held[here[i]].label for i in (0, 1, 3, 4)] == ["surprised", "angry", "happy", "neutral"]
    assert {mark.face_id: mark.answer for mark in other.store.gold.all()} == {
        here[3]: "happy",
        here[4]: "neutral",
    }
    ours.undo(marked.batch)
    assert bring(other, path).gold == 0
    assert [mark.face_id for mark in other.store.gold.all()] == [here[3]]
    assert other.store.labels.of_faces(here[4:5]) == {}


def test_an_old_file_without_campaigns_makes_those_that_deny_verify(
    voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    asked = voted.store.campaigns.create(NewCampaign("angry?", question="verify", about="angry"))
    faces = [face.id for face in voted.store.faces.all()]
    ana = voted.store.annotators.all()[0].id
    voted.store.votes.cast(NewVote(faces[0], ana, ("angry",), campaign_id=asked.id))
    voted.store.votes.cast(NewVote(faces[1], ana, denies="angry", campaign_id=asked.id))
    path = tmp_path / "votes.jsonl"
    export_votes(voted, format_named("jsonl"), path)
    lines = [line for line in path.read_text().splitlines() if '"action":"campaign"' not in line]
    path.write_text("\n".join(lines) + "\n")
    bring(other, path)
    made = other.store.campaigns.by_name("angry?")
    assert made is not None and made.closed_at is not None
    assert (made.question, made.about, made.several) == ("verify", "angry", False)


def test_a_campaign_that_needs_what_is_not_here_comes_closed_and_it_is_said(
    voted: Workspace, other: Workspace, tmp_path: Path
) -> None:
    voted.store.campaigns.create(NewCampaign("doubtful", picks=Picks(run_id="run-1", most_margin=0.1)))
    other.store.campaigns.create(NewCampaign("shown"))
    voted.store.campaigns.create(NewCampaign("shown", suggest=Suggest("run-1"), blind=False))
    path = tmp_path / "votes.csv"
    export_votes(voted, format_named("csv"), path)
    report = bring(other, path)
    made = other.store.campaigns.by_name("doubtful")
    assert made is not None and made.closed_at is not None and other.store.queue.counts(made.id).open == 0
    missing = report.examples["not here, though a campaign needs it"]
    assert missing == [
        "'doubtful': the run 'run-1' that picks its faces",
        "'shown': the run 'run-1' whose view it shows",
    ]
    assert report.examples["campaigns with other settings here, which stay"] == ["'shown'"]
    kept = other.store.campaigns.by_name("shown")
    assert kept is not None and kept.blind


def test_settings_and_decisions_that_are_none_are_counted_not_taken(
    workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    add_faces(workspace, 1)
    photo = workspace.store.faces.all()[0].photo_sha256
    face = {"photo_sha256": photo, "face": 0}
    at = {"at": "2026-01-01T00:00:00+00:00"}
    rows: list[dict[str, object]] = [
        {"action": "campaign", "campaign": "x", "settings": {}},
        {"action": "campaign", "campaign": "x", "settings": []},
        {"action": "label", "by": "Olga", "label": "happy", "method": "relabel", **face},
        {"action": "label", "by": "Olga", "label": "happy", "method": "relabel", "at": "2999-01-01", **face},
        {"action": "label", "by": "Olga", "label": "happy", "method": "m" * 33, **at, **face},
        {"action": "label", "by": "Olga", "label": "grumpy", "method": "relabel", **at, **face},
        {"action": "gold", "by": "Olga", **face},
        {
            "action": "label",
            "by": "Olga",
            "label": "happy",
            "method": "relabel",
            "batch": "round-1",
            **at,
            **face,
        },
    ]
    path = tmp_path / "votes.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    report = bring(workspace, path)
    assert (report.decisions, report.gold, report.new_campaigns, report.bad_lines) == (1, 0, 0, 2)
    assert report.left_out == {
        "campaigns whose settings are none": 1,
        "decisions of no time, or of a time to come": 2,
        "decisions of no known method": 1,
    }
    assert report.unknown_classes == {"grumpy": 1}
    assert [batch.batch for batch in workspace.store.labels.batches()] == ["round 1"]


def standing(workspace: Workspace) -> list[tuple[object, ...]]:
    """Every vote that holds, in each campaign, with all that is kept of it."""
    votes = workspace.store.votes.iterate()
    return [
        (v.id, v.campaign_id, v.annotator_id, v.face_id, v.choices, v.denies, v.flag, v.seconds)
        for v in votes
    ]


@pytest.fixture
def asked_twice(voted: Workspace) -> Workspace:
    """The same, with a second campaign and a third that verifies, where people said other things."""
    store = voted.store
    faces = [face.id for face in store.faces.all()]
    ana, bob = (store.annotators.join(name).id for name in NAMES[:2])
    second = store.campaigns.create(NewCampaign("second", several=True)).id
    third = store.campaigns.create(NewCampaign("third", question="verify", about="angry")).id
    store.votes.cast(NewVote(faces[0], ana, ("angry", "happy"), campaign_id=second, seconds=3.0))
    store.votes.cast(NewVote(faces[1], ana, ("neutral",), flag="artificial", campaign_id=second))
    store.votes.cast(NewVote(faces[2], bob, ("happy",), campaign_id=second))
    store.votes.cast(NewVote(faces[3], bob, denies="angry", campaign_id=third))
    store.votes.cast(NewVote(faces[4], store.annotators.join("Dee").id, ("angry",), campaign_id=third))
    return voted


def test_ones_own_answers_come_back_and_change_nothing(asked_twice: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "v.crowd"
    export_votes(asked_twice, format_named("crowd"), path)
    before, rows = standing(asked_twice), ledger(asked_twice)
    report = bring(asked_twice, path)
    assert (report.read, report.added, report.known, report.new_voters) == (17, 0, 17, 0)
    assert report.left_out == {} and standing(asked_twice) == before and ledger(asked_twice) == rows
    assert bring(asked_twice, path, campaign="second").added == 14
    assert [row for row in standing(asked_twice) if row[0] <= len(rows)] == before


@pytest.mark.parametrize("name", ["crowd", "csv", "jsonl", "label-studio", "cvat"])
def test_an_answer_without_a_time_displaces_none_that_its_person_has_here(
    name: str, workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    first, second = add_faces(workspace, 2)
    store = workspace.store
    ana, ben = (store.annotators.join(who).id for who in ("Ana", "Ben"))
    store.votes.cast(NewVote(first, ana, ("happy",), seconds=2.5))
    store.votes.cast(NewVote(second, ben, ("angry",)))
    store.votes.skip(NewVote(first, ben))
    photos = {face.id: face.photo_sha256 for face in store.faces.all()}
    said = [
        (first, "Ana", "angry"),
        (first, "Ben", "angry"),
        (second, "Ben", "angry"),
        (second, "Cem", "happy"),
    ]
    named = {
        face: FaceName(photo, 0, xyxy=(8, 6, 40, 54), size_wh=(80, 60), file=photo)
        for face, photo in photos.items()
    }
    rows: list[Row] = [VoteRow(named[face], who, choices=(what,)) for face, who, what in said]
    path = tmp_path / "theirs"
    with path.open("w", newline="") as file:
        format_named(name).write(rows, file, ("happy", "angry"))
    before = standing(workspace)
    report = bring(workspace, path)
    assert (report.read, report.added, report.known) == (4, 2, 1)
    assert report.left_out == {"differ from what is here; kept": 1}
    assert standing(workspace)[:2] == before and len(standing(workspace)) == 4
    again = bring(workspace, path)
    assert (again.added, again.known, again.left_out) == (0, 3, report.left_out)


def test_an_answer_without_a_time_is_measured_in_the_campaign_that_it_names(
    workspace: Workspace, add_faces: AddFaces, tmp_path: Path
) -> None:
    (face,) = add_faces(workspace, 1)
    ana = workspace.store.annotators.join("Ana").id
    workspace.store.votes.cast(NewVote(face, ana, ("happy",)))
    photo = workspace.store.faces.all()[0].photo_sha256
    path = tmp_path / "votes.csv"
    lines = [f"vote,Ana,angry,{photo},0,{name}" for name in ("other", "main")] + [f"skip,Ana,,{photo},0,main"]
    path.write_text("action,voter,choices,photo_sha256,face,campaign\n" + "\n".join(lines))
    report = bring(workspace, path)
    assert (report.added, report.left_out) == (1, {"differ from what is here; kept": 2})
    assert [(row[1], row[4]) for row in standing(workspace)] == [(1, ("happy",)), (2, ("angry",))]


def test_counts_of_the_votes_that_are_here_are_known_and_others_come_in(
    asked_twice: Workspace, other: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "v.csv"
    before = ledger(asked_twice)
    for campaign in ("", "main", "second"):
        export_votes(asked_twice, format_named("ferplus"), path, campaign=campaign)
        report = import_votes(asked_twice, path, format_named("ferplus"))
        assert report.read == report.known > 0 == report.added == report.new_voters
    assert ledger(asked_twice) == before
    export_votes(asked_twice, format_named("ferplus"), path)
    added = import_votes(other, path, format_named("ferplus")).added
    again = path.rename(tmp_path / "another name.csv")
    assert import_votes(other, again, format_named("ferplus")).known == added
    header, line, *others = again.read_text().splitlines()
    again.write_text("\n".join([header, line.rpartition(",")[0] + ",7", *others]))
    changed = import_votes(other, again, format_named("ferplus"))
    assert changed.added == changed.new_voters > 7 and changed.added + changed.known == changed.read


@pytest.mark.parametrize("name", ["csv", "crowd", "ferplus"])
def test_a_rehearsed_import_counts_as_the_real_one_and_writes_nothing(
    name: str, label: click.Group, asked_twice: Workspace, other: Workspace, tmp_path: Path
) -> None:
    path = tmp_path / "votes.csv"
    asked_twice.store.gold.set([1, 2], set_by=1, answer="happy")
    export_votes(asked_twice, format_named(name), path)

    def everything() -> tuple[object, ...]:
        store = other.store
        return (
            ledger(other),
            store.annotators.all(),
            store.campaigns.all(),
            store.gold.all(),
            store.labels.current(),
        )

    before = everything()
    command = ["import", "-w", str(other.path), str(path)]
    tried = CliRunner().invoke(label, [*command, "--dry-run"])
    assert tried.stdout.endswith("; nothing was written\n") and everything() == before
    as_json = json.loads(CliRunner().invoke(label, [*command, "--dry-run", "--json"]).stdout)
    done = CliRunner().invoke(label, command)
    assert tried.stdout == done.stdout.replace("\n", "; nothing was written\n")
    assert as_json["written"] is False and as_json["counts"]["added"] > 0 and everything() != before
    both = CliRunner().invoke(label, [*command, "--dry-run", "--with-pictures", str(tmp_path)])
    assert both.exit_code == 1 and "--dry-run collects no pictures" in both.stderr


@pytest.mark.parametrize("name", ["csv", "jsonl", "crowd", "ferplus"])
@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
def test_a_file_of_which_no_face_is_here_leaves_nothing_behind_and_fails(
    name: str, dry: list[str], label: click.Group, asked_twice: Workspace, tmp_path: Path
) -> None:
    path, empty = tmp_path / "votes.csv", new_workspace(tmp_path / "empty")
    export_votes(asked_twice, format_named(name), path)
    before = empty.store.campaigns.all()
    done = CliRunner().invoke(label, ["import", "-w", str(empty.path), str(path), *dry])
    assert done.exit_code == 1 and ", 0 added, 0 known, " in done.stdout and "new" not in done.stdout
    assert (
        done.stderr.count("none of the faces that") == 1 and "next: with its pictures at hand" in done.stderr
    )
    assert empty.store.annotators.all() == () and empty.store.campaigns.all() == before


def test_settings_alone_come_in_without_any_face(asked_twice: Workspace, tmp_path: Path) -> None:
    path, empty = tmp_path / "votes.jsonl", new_workspace(tmp_path / "empty")
    export_votes(asked_twice, format_named("jsonl"), path)
    lines = [line for line in path.read_text().splitlines() if '"action":"campaign"' in line]
    path.write_text("\n".join(lines))
    assert bring(empty, path).new_campaigns == 2


def test_a_bare_number_is_no_name_of_a_picture_in_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    titles = {"sample 0/1": "0/1", "": "0/4", "set/7.png": "n7", "set/fer8.png": "n8"}
    for number, (title, native) in enumerate(titles.items()):
        data = picture(number)
        sha256 = workspace.blobs.put(data, ".png")
        origin = Origin("test", native, title=title)
        workspace.store.photos.add(NewPhoto(sha256, ".png", 48, 48, "0" * 16, len(data)), origin)
    for photo in workspace.store.photos.without_detection():
        face = NewFace((1, 1, 40, 40), 0.9, photo.sha256, (9, 9), 1.0)
        workspace.store.faces.record_detection(photo.id, "by hand", [face])
    path = tmp_path / "answer.csv"
    questions = ("1", "4", "7", "fer7", "sample 0/1", "0/4", "7.png", "fer8")
    path.write_text("question,worker,answer\n" + "".join(f"{q},ana,happy\n" for q in questions))
    report = bring(workspace, path)
    assert report.unknown_faces == {"no such picture is here": 4}
    assert report.added == 4 and report.examples["no such picture is here"] == ["1", "4", "7", "fer7"]
    export_votes(workspace, format_named("ferplus"), tmp_path / "v.csv")
    assert import_votes(workspace, tmp_path / "v.csv", format_named("ferplus")).known == 4


def test_pictures_given_with_a_file_may_be_called_by_bare_numbers(
    workspace: Workspace, tmp_path: Path
) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "7.png").write_bytes(picture(7))
    path = tmp_path / "answer.csv"
    path.write_text("question,worker,answer\n7,ana,happy\n")
    files = import_pictures(workspace, tmp_path / "set", format_of(path).read(path)).files
    assert import_votes(workspace, path, format_of(path), files=files).added == 1


@pytest.mark.parametrize("kind", [[], ["--format", "crowd"], ["--format", "csv"]])
@pytest.mark.parametrize(
    "content",
    [b"\xff\xd8\x8a\xe0JFIF\n" * 9, b"\x89PNG\r\n\0\1", b"a\0b,c\n"],
    ids=["photo", "PNG", "null"],
)
def test_a_file_that_is_no_text_is_said_to_be_none(
    label: click.Group, workspace: Workspace, tmp_path: Path, content: bytes, kind: list[str]
) -> None:
    (tmp_path / "photo").write_bytes(content)
    done = CliRunner().invoke(label, ["import", "-w", str(workspace.path), str(tmp_path / "photo"), *kind])
    assert done.exit_code == 1 and f"{tmp_path / 'photo'} is no text: it " in done.stderr
    assert "udc" not in done.stderr and "CSV" in done.stderr and len(done.stderr.splitlines()) <= 3
