"""What each stage of the demo did, measured against the truth of the drawn people, as report sections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from collect.sample_scene import Scene
from curate.nms import overlaps
from db.records.faces import Face
from db.records.runs import Run
from db.records.snapshots import PARTS, Snapshot
from db.workspace import Workspace
from mimique.report import Picture, Section, Table, contact_sheet, jpeg
from mimique.simulated import TEAM, boxes, true_faces, vote_all

Image = NDArray[np.uint8]

MIN_HEIGHT_PX = 40  # faces a person could label; smaller ones are not counted as missed


def collected(workspace: Workspace, count: int, seed: int) -> Section:
    """Draw and store the photos."""
    from collect.harvest import harvest
    from collect.sample_source import SampleSource

    harvest(workspace, SampleSource(count, workspace.settings.classes, seed))
    scenes = _scenes(workspace)
    people = {face.person for scene in scenes.values() for face in scene.faces if face.real}
    drawn = sum(len(scene.faces) for scene in scenes.values())
    photos = workspace.store.photos.all()[:12]
    sheet = contact_sheet([_photo(workspace, photo.id) for photo in photos], columns=4, tile_wh=(250, 190))
    return Section(
        "Collect",
        "Photos are stored once under the hash of their bytes, each with its source, owner and licence. "
        "A photo's class is only a candidate: people will decide.",
        command=f"collect sample --count {count} --seed {seed}",
        facts=(
            ("photos", f"{len(scenes):,}"),
            ("people in them", f"{len(people):,}"),
            ("faces drawn", f"{drawn:,}"),
            ("near-copies", f"{sum(scene.duplicate_of is not None for scene in scenes.values()):,}"),
            ("posters, masks, toys", f"{sum(not f.real for s in scenes.values() for f in s.faces):,}"),
        ),
        pictures=(jpeg(sheet, "twelve of the drawn photos"),),
    )


def faces_found(workspace: Workspace) -> Section:
    """Run the bundled detector over the photos and compare with where faces were drawn."""
    from curate.detect import load_detector
    from curate.faces import find_faces

    find_faces(workspace, load_detector())
    faces = workspace.store.faces.all()
    _, bare = workspace.store.faces.photos_seen()
    truths = true_faces(workspace)
    found, expected = _recall(workspace, faces)
    crops = [_crop(workspace, face) for face in _spread(faces, 40)]
    return Section(
        "Find faces",
        "The bundled YOLO face detector finds each face, and a crop with a margin is stored beside the photo. "
        "Photos without a face are marked, not tried again.",
        command="curate faces",
        facts=(
            ("faces", f"{len(faces):,}"),
            (f"found of {MIN_HEIGHT_PX} px or more", f"{found / max(1, expected):.1%}"),
            ("photos without a face", f"{bare:,}"),
            ("false alarms", f"{sum(face is None for face in truths.values()):,}"),
        ),
        pictures=(jpeg(contact_sheet(crops, columns=10, tile_wh=(96, 96)), "forty face crops"),),
    )


def duplicates_grouped(workspace: Workspace) -> Section:
    """Group near-copies and show some."""
    from curate.duplicates import mark_duplicates

    tally = mark_duplicates(workspace)
    groups: dict[str, list[Face]] = {}
    for face in workspace.store.faces.all():
        if face.duplicate_group:
            groups.setdefault(face.duplicate_group, []).append(face)
    truths = true_faces(workspace)
    alike = sum(
        len({t.person if (t := truths[face.id]) else "" for face in group}) == 1 for group in groups.values()
    )
    shown = [_crop(workspace, face) for group in list(groups.values())[:6] for face in group[:2]]
    sheet = contact_sheet(shown, columns=6, tile_wh=(130, 130))
    return Section(
        "Group duplicates",
        "Near-copies (re-encoded, cropped, brightened) share a group, and a group never straddles two parts of "
        "a split: a model is not tested on what it was trained on.",
        command="curate duplicates",
        facts=(
            ("groups", f"{tally.groups:,}"),
            ("faces in them", f"{tally.grouped:,}"),
            ("largest group", f"{tally.largest:,}"),
            ("groups of one person", f"{alike:,} of {len(groups):,}"),
        ),
        pictures=(jpeg(sheet, "pairs of near-copies", "Two and two belong to one group."),) if shown else (),
    )


def voted(workspace: Workspace, seed: int) -> Section:
    """Let the simulated team vote on every face, and compare each with the truth."""
    vote_all(workspace, seed)
    truths = true_faces(workspace)
    votes = workspace.store.votes.current()
    names = {annotator.id: annotator.name for annotator in workspace.store.annotators.all()}
    rows = []
    for member in TEAM:
        mine = [vote for vote in votes if names[vote.annotator_id] == member.name]
        judged = [
            (vote.choice, truth.expression)
            for vote in mine
            if (truth := truths[vote.face_id]) is not None and truth.real and vote.choice is not None
        ]
        wrong = sum(choice != expression for choice, expression in judged)
        rows.append(
            (member.name, f"{len(mine):,}", f"{member.error_rate:.0%}", f"{wrong / max(1, len(judged)):.1%}")
        )
    return Section(
        "Vote",
        "Four simulated annotators judge every face; their votes are stored as simulated and shown so. Votes are "
        "append-only: an undo is a row of its own, and nothing is ever overwritten.",
        command="label",
        facts=(("votes", f"{len(votes):,}"), ("faces", f"{len(truths):,}"), ("annotators", f"{len(TEAM)}")),
        tables=(Table(("annotator", "votes", "stated error", "measured error"), rows),),
    )


def decided(workspace: Workspace) -> Section:
    """The votes, weighed by the skill they show, compared with the truth."""
    from curate.decide import decide_labels

    tally = decide_labels(workspace)
    truths = true_faces(workspace)
    agreed = [label for label in workspace.store.labels.current() if label.label is not None]
    right = sum(
        (truth := truths.get(label.face_id)) is not None and truth.expression == label.label
        for label in agreed
    )
    kept_unreal = sum((truth := truths.get(label.face_id)) is None or not truth.real for label in agreed)
    return Section(
        "Decide",
        "Votes become labels, each weighed by the skill that its voter's other votes show; faces without "
        "agreement and faces flagged as unreal stay out of the data set.",
        command="curate consensus",
        facts=(
            ("agreed", f"{len(agreed):,}"),
            ("labels that are true", f"{right / max(1, len(agreed)):.1%}"),
            ("no agreement", f"{tally.undecided:,}"),
            ("rejected as no real face", f"{tally.rejected:,}"),
            ("unreal faces kept by mistake", f"{kept_unreal:,}"),
        ),
        tables=(Table(("class", "faces"), [(name, f"{n:,}") for name, n in tally.by_class.items()]),),
    )


def split_made(workspace: Workspace, ratios: tuple[int, int, int], seed: int) -> tuple[Section, Snapshot]:
    """The leak-free snapshot."""
    from curate.snapshots import make_snapshot, part_counts

    made = make_snapshot(workspace, ratios, seed)
    counts = part_counts(made.snapshot)
    rows = [
        (
            part,
            *(f"{counts[part][name]:,}" for name in made.snapshot.classes),
            f"{sum(counts[part].values()):,}",
        )
        for part in PARTS
    ]
    groups = len({member.group_key for member in made.snapshot.members})
    section = Section(
        "Split",
        "Stratified by class and grouped by photo, person, video and near-copy. The snapshot is immutable and "
        "named by the hash of its content: the same labels give the same name on any machine.",
        command=f"curate split --ratios {':'.join(map(str, ratios))} --seed {seed}",
        facts=(
            ("snapshot", made.snapshot.hash[:12]),
            ("faces", f"{len(made.snapshot.members):,}"),
            ("groups kept whole", f"{groups:,}"),
            ("groups that straddle parts", f"{len(made.leaks):,}"),
        ),
        tables=(Table(("part", *made.snapshot.classes, "all"), rows),),
    )
    return section, made.snapshot


def yolo_trained(workspace: Workspace, snapshot: Snapshot, seed: int) -> tuple[Section, Run]:
    """A small YOLO classifier."""
    from train.recipes import YOLO_PRESETS, YoloRecipe, preset
    from train.runs import find_run
    from train.yolo import train_yolo

    recipe = YoloRecipe(size="n", seed=seed, **preset(YOLO_PRESETS, "quick"))
    run = find_run(workspace, snapshot, recipe.as_record(), "done") or train_yolo(workspace, snapshot, recipe)
    lead = (
        "A YOLO11 nano classifier that starts from the bundled face detector's backbone. The best epoch is chosen "
        "by macro-F1 on the validation part; the test part is looked at once, at the end."
    )
    return _run_section("Train YOLO", lead, "train yolo --size n --preset quick", workspace, run), run


def resnet_trained(workspace: Workspace, snapshot: Snapshot, seed: int) -> tuple[Section, Run]:
    """A ResNet-18."""
    from train.recipes import RESNET_PRESETS, ResnetRecipe, preset
    from train.resnet import train_resnet
    from train.runs import find_run

    recipe = ResnetRecipe(network="resnet18", seed=seed, **preset(RESNET_PRESETS, "quick"))
    run = find_run(workspace, snapshot, recipe.as_record(), "done") or train_resnet(
        workspace, snapshot, recipe
    )
    lead = (
        "A ResNet-18 on the same snapshot, so that the two can be compared face by face. From scratch it learns "
        "slowly from so few faces; with ImageNet weights (mimique models fetch resnet18) it starts further on."
    )
    return _run_section("Train ResNet", lead, "train resnet18 --preset quick", workspace, run), run


def live_annotated(workspace: Workspace, run: Run, seconds: float, seed: int) -> Section:
    """The live loop over a drawn clip."""
    from collect.sample_source import write_sample_clip
    from live.session import annotate_video

    source, target = workspace.path / "clip.mp4", workspace.path / "clip-annotated.mp4"
    write_sample_clip(source, workspace.settings.classes, seconds, seed)
    tally = annotate_video(workspace, run.id, source, target)
    return Section(
        "Live",
        f"The better model by test macro-F1, {run.id}, on a clip of people it has never seen: detect, classify, "
        "smooth over time, draw. The same loop runs on a webcam.",
        command=f"live --video {source} --out {target} --run {run.id}",
        facts=(
            ("frames", f"{tally.frames:,}"),
            ("faces classified", f"{tally.faces:,}"),
            ("a frame takes", f"{1000 * tally.work_s / max(1, tally.frames):.0f} ms"),
        ),
        pictures=(Picture(target.read_bytes(), "the annotated clip", media_type="video/mp4"),),
    )


def test_macro_f1(run: Run) -> float:
    """The macro-F1 of a finished run on the test part, 0 when it has none."""
    test = run.metrics.get("test")
    return float(test["macro_f1"]) if isinstance(test, dict) else 0.0


def _run_section(title: str, lead: str, command: str, workspace: Workspace, run: Run) -> Section:
    folder = workspace.runs / run.id
    test = run.metrics["test"]
    assert isinstance(test, dict)
    captions = {
        "confusion.png": "Test part: rows are what people agreed on, columns what the model says.",
        "errors.png": "Faces it gets wrong.",
        "curves.png": "Loss and score by epoch.",
    }
    return Section(
        title,
        lead,
        command=command,
        facts=(
            ("test accuracy", f"{test['accuracy']:.1%}"),
            ("95 % interval", f"{test['accuracy_low']:.0%} to {test['accuracy_high']:.0%}"),
            *([("one more person reaches", f"{test['people']['share']:.1%}")] if test.get("people") else []),
            ("test macro-F1", f"{test['macro_f1']:.3f}"),
            ("test faces", f"{test['faces']:,}"),
            ("started from", str(run.metrics.get("start") or "a checkpoint")),
        ),
        tables=(Table(("class", "test faces", "recall", "one more person"), _beside_people(test)),),
        pictures=tuple(
            Picture((folder / name).read_bytes(), f"{title}: {name.removesuffix('.png')}", caption)
            for name, caption in captions.items()
            if (folder / name).exists()
        ),
    )


def _beside_people(scores: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Each class's recall, and how often one more person would say what those faces are labelled as."""
    from train.people import people_on_class

    return [
        (row["label"], f"{row['support']:,}", f"{row['recall']:.2f}", people_on_class(scores, row["label"]))
        for row in scores["classes"]
    ]


def _recall(workspace: Workspace, faces: Sequence[Face]) -> tuple[int, int]:
    """(drawn real, sharp faces of MIN_HEIGHT_PX or more that were found, how many there are)."""
    seen: dict[int, list[Face]] = {}
    for face in faces:
        seen.setdefault(face.photo_id, []).append(face)
    wanted = [
        (photo_id, person)
        for photo_id, scene in _scenes(workspace).items()
        for person in scene.faces
        if person.real and not person.blurred and person.height >= MIN_HEIGHT_PX
    ]
    found = sum(
        bool((overlaps(boxes([person]), boxes(seen.get(photo_id, []))) >= 0.4).any())
        for photo_id, person in wanted
    )
    return found, len(wanted)


def _scenes(workspace: Workspace) -> dict[int, Scene]:
    from collect.sample_source import truth

    origins = workspace.store.photos.origins()
    return {photo_id: truth(origin.native_id) for photo_id, origin in origins if origin.source == "sample"}


def _spread(faces: Sequence[Face], count: int) -> list[Face]:
    """Some of the faces, evenly over the whole list."""
    return [faces[i * len(faces) // count] for i in range(count)] if len(faces) > count else list(faces)


def _photo(workspace: Workspace, photo_id: int) -> Image:
    from collect.image import decode

    photo = workspace.store.photos.by_id(photo_id)
    assert photo is not None
    return decode(workspace.blobs.read(photo.sha256, photo.suffix))


def _crop(workspace: Workspace, face: Face) -> Image:
    from collect.image import decode

    return decode(workspace.blobs.read(face.crop_sha256, ".jpg"))
