"""Pictures kept as files named by their SHA-256: equal bytes are stored once, a rename makes them whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Protocol

from db.errors import FULL_DISK, NotFoundError, StoreError
from db.whole_file import synced_file


def sha256_of(data: bytes) -> str:
    """The 64 hex digits that name these bytes."""
    return hashlib.sha256(data).hexdigest()


class Blobs(Protocol):
    """A place for immutable bytes. ``key`` is ``<sha256><suffix>``, e.g. ``abc….jpg``."""

    def put(self, data: bytes, suffix: str) -> str: ...

    def read(self, sha256: str, suffix: str) -> bytes: ...

    def exists(self, sha256: str, suffix: str) -> bool: ...


class FolderBlobs:
    """Blobs in a local folder: ``<root>/ab/abcdef….jpg``."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str, suffix: str) -> Path:
        """Where a blob lies, whether or not it exists."""
        return self.root / sha256[:2] / f"{sha256}{suffix}"

    def put(self, data: bytes, suffix: str) -> str:
        """Store the bytes and give their SHA-256; storing them again changes nothing.

        The bytes reach the disk before the name does, so a kill or a power cut leaves no half picture.
        Errors: StoreError when the disk is full or the folder not writable.
        """
        sha256 = sha256_of(data)
        target = self.path(sha256, suffix)
        if not target.exists():
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                with synced_file(target) as file:
                    file.write(data)
            except OSError as error:
                raise _store_error(error, target) from error
        return sha256

    def read(self, sha256: str, suffix: str) -> bytes:
        """The bytes. Errors: NotFoundError when the file was taken away."""
        try:
            return self.path(sha256, suffix).read_bytes()
        except FileNotFoundError as error:
            raise _missing(sha256, suffix, str(self.root)) from error

    def exists(self, sha256: str, suffix: str) -> bool:
        return self.path(sha256, suffix).exists()


class RemoteBlobs:
    """Blobs behind any fsspec address (``s3://bucket/folder``, ``memory://…``); object stores write whole."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._fs: Any
        try:
            self._fs, self._root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise StoreError(
                f"MIMIQUE_BLOBS={url!r} is not usable: {error}", hint="for s3://: pip install 'mimique[s3]'"
            ) from error

    def _path(self, sha256: str, suffix: str) -> str:
        return f"{self._root.rstrip('/')}/{sha256[:2]}/{sha256}{suffix}"

    def put(self, data: bytes, suffix: str) -> str:
        sha256 = sha256_of(data)
        if not self.exists(sha256, suffix):
            self._fs.pipe_file(self._path(sha256, suffix), data)
        return sha256

    def read(self, sha256: str, suffix: str) -> bytes:
        try:
            return bytes(self._fs.cat_file(self._path(sha256, suffix)))
        except FileNotFoundError as error:
            raise _missing(sha256, suffix, self._root) from error

    def exists(self, sha256: str, suffix: str) -> bool:
        return bool(self._fs.exists(self._path(sha256, suffix)))


def _store_error(error: OSError, target: Path) -> StoreError:
    if error.errno in FULL_DISK:
        return StoreError(
            f"the disk is full: could not write {target.parent}",
            hint="free some space, then run the same command again: it goes on where it stopped",
        )
    return StoreError(f"could not write {target}: {error.strerror}", hint="check the folder's permissions")


def _missing(sha256: str, suffix: str, root: str) -> NotFoundError:
    return NotFoundError(
        f"the picture {sha256[:12]}…{suffix} is missing from {root}",
        hint="was the blobs folder moved? Set MIMIQUE_BLOBS, or collect the photo again",
    )
