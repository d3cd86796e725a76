"""A tree of picture files as a source: plain, or a data set laid out as ``<split>/<class>/…``."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePath
from stat import S_ISREG

from collect.harvest import storable
from collect.image import MAX_BYTES
from collect.source import Candidate
from db.blobs import sha256_of
from db.errors import InputError
from db.records.photos import Origin
from db.records.snapshots import Part
from db.workspace import CONFIG_NAME

SUFFIXES = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".avif", ".jp2")
)
SPLIT_NAMES: dict[str, Part] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "publictest"), "val"),
    **dict.fromkeys(("test", "testing", "privatetest"), "test"),
}


class FolderSource:
    """The pictures below a folder (or one file), in order of their paths.

    A picture is named by its bytes, so a moved or renamed folder is not collected twice. ``candidate_class``
    is given to all; without it a folder named as a class (case ignored) gives its class. ``keep_splits``
    stores the part that the data set's own layout names. Passed over and counted: hidden files, symlink
    loops, other files, workspaces. Errors: InputError when ``path`` does not exist.
    """

    name = "folder"
    total = None

    def __init__(
        self, path: Path, classes: Sequence[str], *, candidate_class: str = "", keep_splits: bool = False
    ) -> None:
        if not path.exists():
            raise InputError(f"there is no folder or file {path}", hint="check the spelling of the path")
        self._path = path
        self._classes = {name.lower(): name for name in classes}
        self._class = candidate_class
        self._keep_splits = keep_splits
        self.passed_over: Counter[str] = Counter()

    def candidates(self) -> Iterator[Candidate]:
        """One candidate a picture file; its bytes are read when it is its turn."""
        root = self._path if self._path.is_dir() else self._path.parent
        query = storable(str(self._path.resolve()))
        for file in self.files():
            split, candidate_class = self._read_layout(file.relative_to(root))
            origin_of = partial(
                Origin,
                self.name,
                candidate_class=self._class or candidate_class,
                title=storable(file.relative_to(root).as_posix()),
                split_hint=split if self._keep_splits else "",
            )
            try:
                data = read_file(file)
            except InputError as error:
                native_id = storable(str(file.resolve()))
                yield Candidate(origin_of(native_id=native_id), partial(_fail, error), query)
                continue
            yield Candidate(origin_of(native_id=sha256_of(data)), partial(bytes, data), query)

    def _read_layout(self, relative: PurePath) -> tuple[str, str]:
        """(split, class) as ``split/class/…`` or ``class/…`` name them, empty where they do not."""
        folders = [folder.lower() for folder in relative.parts[:-1]]
        split = SPLIT_NAMES.get(folders[0], "") if folders else ""
        rest = folders[1:] if split else folders
        return split, self._classes.get(rest[0], "") if rest else ""

    def files(self) -> Iterator[Path]:
        """The picture files themselves, in order of their paths; ``passed_over`` counts the rest."""
        if self._path.is_dir():
            yield from self._walk(self._path, frozenset())
        else:
            yield self._path

    def _walk(self, folder: Path, above: frozenset[str]) -> Iterator[Path]:
        """Picture files below ``folder``, names sorted; ``above`` holds the real folders on the way down."""
        here = os.path.realpath(folder)
        if here in above:
            self.passed_over["symlink loops"] += 1
            return
        for entry in self._entries(folder):
            if entry.name.startswith("."):
                self.passed_over["hidden"] += 1
            elif entry.is_dir():
                if (entry / CONFIG_NAME).exists():
                    self.passed_over["workspaces"] += 1
                else:
                    yield from self._walk(entry, above | {here})
            elif entry.suffix.lower() not in SUFFIXES:
                self.passed_over["not a picture"] += 1
            else:
                yield entry

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except PermissionError:
            self.passed_over["unreadable folders"] += 1
            return []


def read_file(file: Path) -> bytes:
    """The file's bytes. Errors: InputError when it is no regular file, too large, or cannot be read."""
    try:
        about = file.stat()
        if not S_ISREG(about.st_mode):
            raise InputError("expected a picture file, this is a folder, pipe or device")
        if about.st_size > MAX_BYTES:
            raise InputError(f"{about.st_size:,} bytes; pictures of up to {MAX_BYTES:,} are read")
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}") from error


def _fail(error: InputError) -> bytes:
    raise error
