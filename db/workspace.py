"""A workspace: the one folder of a project, with its classes, store, pictures, runs and exports."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.blobs import Blobs, FolderBlobs, RemoteBlobs
from db.errors import ConfigError, InputError, NotFoundError
from db.presets import PRESETS, workspace_file
from db.whole_file import check_not_read, is_stdout

if TYPE_CHECKING:
    from db.store import Store

CONFIG_NAME = "mimique.toml"
PROGRAMS = ("collect", "curate", "label", "train", "live")


@dataclass(frozen=True, slots=True)
class Settings:
    """What ``mimique.toml`` says: the classes in key order, keywords per class, options per command."""

    classes: tuple[str, ...]
    keywords: Mapping[str, tuple[str, ...]]
    options: Mapping[str, Any]

    def require_class(self, name: str) -> str:
        """The name itself when it is a class of this workspace. Errors: ConfigError naming the classes."""
        if name not in self.classes:
            raise ConfigError(
                f"{name!r} is no class of this workspace; it has {', '.join(self.classes)}",
                hint=f"use one of them, or add {name!r} to classes in {CONFIG_NAME}",
            )
        return name


@dataclass(frozen=True, slots=True)
class Workspace:
    """An opened workspace. ``store`` and ``blobs`` are safe to share between threads."""

    path: Path
    settings: Settings
    store: Store
    blobs: Blobs

    @property
    def runs(self) -> Path:
        return self.path / "runs"

    @property
    def exports(self) -> Path:
        return self.path / "exports"

    def check_not_own(self, out: Path) -> None:
        """Refuse to write over what the workspace lives on: its settings, store, pictures and runs.

        Errors: InputError.
        """
        if is_stdout(out):
            return
        own = [self.path / CONFIG_NAME, *self.store.files]
        check_not_read(out, *own, told="a file that the workspace lives on")
        folders = (self.path / "blobs", self.runs)
        if any(Path(os.path.realpath(out)).is_relative_to(os.path.realpath(one)) for one in folders):
            raise InputError(
                f"{out} is in a folder that the workspace keeps for its own files",
                hint="name another place with --out",
            )


def create_workspace(path: Path, preset: str = "4") -> Path:
    """Make the folder and its commented ``mimique.toml``; an existing file is left as it is.

    Errors: ConfigError for an unknown preset, InputError when the folder cannot be made.
    """
    if preset not in PRESETS:
        raise ConfigError(f"there is no preset {preset!r}", hint=f"choose one of {', '.join(PRESETS)}")
    config = path / CONFIG_NAME
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not config.exists():
            config.write_text(workspace_file(preset), encoding="utf-8")
    except OSError as error:
        raise InputError(
            f"cannot make a workspace at {path}: {error.strerror}",
            hint="choose another folder with --workspace",
        ) from error
    return config


def open_workspace(path: Path) -> Workspace:
    """Open an existing workspace; its store is made or migrated when needed.

    ``MIMIQUE_DATABASE_URL`` puts the store on PostgreSQL, ``MIMIQUE_BLOBS`` the pictures on any fsspec URL.
    Errors: NotFoundError without a ``mimique.toml``, ConfigError when it makes no sense, StoreError.
    """
    from db.engine import sqlite_url
    from db.store import Store

    settings = read_settings(path)
    url = os.environ.get("MIMIQUE_DATABASE_URL") or sqlite_url((path / "mimique.db").resolve())
    return Workspace(path, settings, Store.open(url), _blobs(path))


def read_settings(path: Path) -> Settings:
    """Read and check ``mimique.toml``. Errors: NotFoundError, ConfigError with the line that is wrong."""
    config = path / CONFIG_NAME
    try:
        text = config.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise NotFoundError(
            f"{path} is no workspace: it has no {CONFIG_NAME}",
            hint=f"make one: mimique init --workspace {path}; or name yours with --workspace",
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{config} cannot be read: {error}") from error
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"{config} is not valid TOML: {error}", hint="mend that line and try again"
        ) from error
    return _settings(data, config)


def _settings(data: dict[str, Any], config: Path) -> Settings:
    sections = set(data) - {"classes", "keywords"}
    if unknown := sorted(sections - set(PROGRAMS) | {s for s in sections if not isinstance(data[s], dict)}):
        raise ConfigError(
            f"{config}: {unknown[0]!r} is not known there",
            hint=f"a workspace file has classes, [keywords], and options in [{'.…], ['.join(PROGRAMS)}.…]",
        )
    classes = data.pop("classes", None)
    if (
        not isinstance(classes, list)
        or len(classes) < 2
        or not all(isinstance(c, str) and c for c in classes)
    ):
        raise ConfigError(
            f"{config}: classes must be a list of two or more names, got {classes!r}",
            hint='for example: classes = ["happy", "angry", "surprised", "neutral"]',
        )
    if len(set(classes)) != len(classes):
        raise ConfigError(f"{config}: a class is named twice in {classes}", hint="every class once")
    unsafe = [c for c in classes if "/" in c or "\\" in c or c.startswith(".")]
    if unsafe:
        raise ConfigError(f"{config}: {unsafe[0]!r} cannot be a class: it must also be a folder's name")
    keywords = data.pop("keywords", {})
    if not isinstance(keywords, dict) or not all(map(_is_words, keywords.values())):
        raise ConfigError(
            f"{config}: keywords must be lists of words, one list a class",
            hint='happy = ["wedding", "party"]',
        )
    strangers = sorted(set(keywords) - set(classes))
    if strangers:
        raise ConfigError(
            f"{config}: keywords for {', '.join(strangers)}, which is no class",
            hint=f"the classes are {', '.join(classes)}",
        )
    return Settings(tuple(classes), {name: tuple(words) for name, words in keywords.items()}, data)


def _is_words(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(word, str) and word.strip() for word in value)


def _blobs(path: Path) -> Blobs:
    url = os.environ.get("MIMIQUE_BLOBS")
    return RemoteBlobs(url) if url else FolderBlobs(path / "blobs")
