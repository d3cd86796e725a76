"""Writes a snapshot out as files for other tools: class folders or a table, always with its attributions."""

from __future__ import annotations

import csv
import json
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from db.errors import InputError, NotFoundError
from db.progress import progress
from db.records.faces import Face
from db.records.photos import Origin
from db.records.snapshots import PARTS, Snapshot, SnapshotMember
from db.workspace import Workspace

ExportFormat = Literal["imagefolder", "yolo-cls", "csv"]
FORMATS: tuple[ExportFormat, ...] = get_args(ExportFormat)
MANIFEST = "mimique-export.json"
ATTRIBUTION = "ATTRIBUTION.csv"
TABLE = "faces.csv"
NAMES = "names.yaml"
CROPS = "crops"
SHORT = 12
# All that may lie in an export we replace: what we wrote, and the lists Ultralytics keeps of its images.
_OURS = frozenset({MANIFEST, ATTRIBUTION, TABLE, NAMES, CROPS, *PARTS, *(f"{part}.cache" for part in PARTS)})

_Files = Sequence[tuple[SnapshotMember, str]]


@dataclass(frozen=True, slots=True)
class Export:
    """Where an export lies, and how many faces it holds; ``missing`` crops were no longer in the blobs."""

    path: Path
    faces: int
    missing: int


def export_snapshot(
    workspace: Workspace, snapshot: Snapshot, kind: ExportFormat = "imagefolder", out: Path | None = None
) -> Export:
    """Write the snapshot to a folder, by default ``exports/<format>-<hash>`` in the workspace.

    ``imagefolder`` (torchvision) and ``yolo-cls`` (Ultralytics) are ``<part>/<class>/<crop>.jpg``, with a
    folder for every class in every part so that class numbers agree; ``yolo-cls`` adds ``names.yaml``.
    ``csv`` is a table beside ``crops/``. The folder appears whole or not at all; an earlier export of ours
    is replaced. Errors: InputError when the folder holds anything else, is the current one, or cannot be
    written.
    """
    target = (out or workspace.exports / f"{kind}-{snapshot.hash[:SHORT]}").resolve()
    _refuse_foreign(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise InputError(
            f"cannot write to {target.parent}: {error.strerror}", hint="choose another folder with --out"
        ) from error
    try:
        written = _write(workspace, snapshot, kind, scratch)
        scratch.chmod(0o755)
        _swap_in(scratch, target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return Export(target, written, len(snapshot.members) - written)


def _write(workspace: Workspace, snapshot: Snapshot, kind: ExportFormat, folder: Path) -> int:
    """Fill the folder and give how many faces it holds; the manifest comes last."""
    place = _place_in_table if kind == "csv" else _place_in_folders
    if kind != "csv":
        for part in PARTS:
            for name in snapshot.classes:
                (folder / part / name).mkdir(parents=True)
    files = list(_copy_crops(workspace, snapshot, folder, place))
    context = _context(workspace, (member for member, _ in files))
    _write_csv(folder / ATTRIBUTION, _attributions(files, context))
    if kind == "csv":
        _write_csv(folder / TABLE, _table(snapshot, files, context))
    if kind == "yolo-cls":
        (folder / NAMES).write_text(_names_yaml(snapshot.classes), encoding="utf-8")
    manifest = {
        "format": kind,
        "snapshot": snapshot.hash,
        "classes": list(snapshot.classes),
        "ratios": list(snapshot.ratios),
        "seed": snapshot.seed,
        "faces": len(files),
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return len(files)


def _place_in_folders(member: SnapshotMember) -> str:
    return f"{member.part}/{member.label}/{member.crop_sha256[:SHORT]}.jpg"


def _place_in_table(member: SnapshotMember) -> str:
    return f"{CROPS}/{member.crop_sha256[:SHORT]}.jpg"


def _copy_crops(
    workspace: Workspace, snapshot: Snapshot, folder: Path, place: Callable[[SnapshotMember], str]
) -> Iterator[tuple[SnapshotMember, str]]:
    """(member, its file within the folder) for every crop that is still there; others are noted."""
    for member in progress(snapshot.members, "exporting", len(snapshot.members)):
        try:
            data = workspace.blobs.read(member.crop_sha256, ".jpg")
        except NotFoundError as error:
            workspace.store.failures.record("export", member.crop_sha256, str(error))
            continue
        file = place(member)
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        (folder / file).write_bytes(data)
        yield member, file


@dataclass(frozen=True, slots=True)
class _Context:
    """What the store knows about the exported faces: faces by id, origins by photo id."""

    faces: Mapping[int, Face]
    origins: Mapping[int, list[Origin]]

    def of(self, member: SnapshotMember) -> list[Origin]:
        face = self.faces.get(member.face_id)
        return self.origins.get(face.photo_id, []) if face else []


def _context(workspace: Workspace, members: Iterable[SnapshotMember]) -> _Context:
    wanted = {member.face_id for member in members}
    origins: dict[int, list[Origin]] = defaultdict(list)
    for photo_id, origin in workspace.store.photos.origins():
        origins[photo_id].append(origin)
    return _Context({f.id: f for f in workspace.store.faces.all() if f.id in wanted}, origins)


def _attributions(files: _Files, context: _Context) -> Iterator[dict[str, object]]:
    """One row for every file and place its photo came from."""
    for member, file in files:
        for origin in context.of(member):
            yield {
                "file": file,
                "photo_page": origin.page_url,
                "owner": origin.owner,
                "title": origin.title,
                "licence": origin.license_name,
                "licence_id": origin.license_id,
                "source": origin.source,
                "native_id": origin.native_id,
            }


def _table(snapshot: Snapshot, files: _Files, context: _Context) -> Iterator[dict[str, object]]:
    for member, file in files:
        origins = context.of(member)
        yield {
            "face_id": member.face_id,
            "crop": file,
            "label": member.label,
            "part": member.part,
            "group": member.group_key,
            **{f"p_{name}": member.distribution.get(name, 0.0) for name in snapshot.classes},
            "photo_page": origins[0].page_url if origins else "",
            "owner": origins[0].owner if origins else "",
            "licence": origins[0].license_name if origins else "",
        }


def _write_csv(path: Path, rows: Iterable[dict[str, object]]) -> None:
    lines = list(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        if lines:
            writer = csv.DictWriter(file, list(lines[0]))
            writer.writeheader()
            writer.writerows(lines)


def _names_yaml(classes: Iterable[str]) -> str:
    """Class numbers as Ultralytics gives them: folder names in alphabetical order."""
    lines = (f"  {i}: {json.dumps(name, ensure_ascii=False)}" for i, name in enumerate(sorted(classes)))
    return "path: .\ntrain: train\nval: val\ntest: test\nnames:\n" + "\n".join(lines) + "\n"


def _refuse_foreign(target: Path) -> None:
    hint = "give an empty or a new folder with --out"
    if not target.exists():
        return
    if Path.cwd().is_relative_to(target):
        raise InputError(f"{target} is or holds the current folder, which cannot be replaced", hint=hint)
    names = sorted(path.name for path in target.iterdir()) if target.is_dir() else []
    if not target.is_dir() or (names and not (target / MANIFEST).is_file()):
        raise InputError(f"{target} exists and is no export of ours, so it is left alone", hint=hint)
    if strange := [name for name in names if name not in _OURS]:
        raise InputError(
            f"{target} also holds {', '.join(strange[:3])}{', …' if len(strange) > 3 else ''}, "
            "which no export wrote, so it is left alone",
            hint=f"move that away, or {hint}",
        )


def _swap_in(scratch: Path, target: Path) -> None:
    """Put the finished folder in its place; what was there goes away only then."""
    if target.exists():
        old = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
        target.replace(old / "export")
        scratch.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    else:
        scratch.replace(target)
