"""A file that appears whole or not at all: written beside its place, on the disk before it takes its name."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from db.errors import InputError, StoreError

STDOUT = Path("-")


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """A text file to write (UTF-8), in place of what ``path`` was when all went well; ``-`` is standard output.

    Half of a surrogate pair is written as JSON's escape of it. Errors: InputError when the folder cannot be
    written, StoreError when the disk is full; then the file that was there is left as it is.
    """
    if path == STDOUT:
        yield sys.stdout
        sys.stdout.flush()
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="name a file in it with --out")
    temporary = None
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
        temporary = Path(name)
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise _failed(error, path) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _failed(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreError(
            f"the disk is full: {path} was not written",
            hint="free some space, or name a file on another disk with --out",
        )
    return InputError(f"cannot write {path}: {error.strerror}", hint="name another file with --out")
