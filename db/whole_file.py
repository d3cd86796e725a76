"""A file that appears whole or not at all: written beside its place, on the disk before it takes its name.

What is no plain file (a device, a pipe) has no such place: it is written to as it is, and never replaced.
"""

from __future__ import annotations

import contextlib
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from db.errors import FULL_DISK, InputError, StoreError

_STDOUT = (Path("-"), Path("/dev/stdout"))
_AS_TEXT: dict[str, Any] = {"encoding": "utf-8", "errors": "backslashreplace", "newline": ""}


def is_stdout(path: Path) -> bool:
    """Whether the path names standard output: ``-`` or /dev/stdout."""
    return path in _STDOUT


def check_not_read(out: Path, *inputs: Path, told: str, option: str = "--out") -> None:
    """Refuse to write over one of the inputs under any of its names: a link of either kind, ``-`` for standard input.

    ``told`` says what the inputs are, ``option`` where ``out`` came from. Devices and pipes may be both at once.
    Errors: InputError.
    """
    there = None if is_stdout(out) else _about(out)
    if there is None or not stat.S_ISREG(there.st_mode):
        return
    for path in inputs:
        about = _about_stdin() if path == Path("-") else _about(path)
        if about is not None and os.path.samestat(there, about):
            raise InputError(
                f"{out} is {told}; it would be overwritten", hint=f"name another place with {option}"
            )


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[IO[str]]:
    """A text file to write (UTF-8), in place of what ``path`` was when all went well; ``-`` is standard output.

    A symbolic link is followed: the file that it points to is replaced, the link stays. A device or a pipe is
    written to directly. Half of a surrogate pair is written as JSON's escape of it. Errors: InputError when the
    folder cannot be written, StoreError when the disk is full; then the file that was there is left as it is.
    """
    if is_stdout(path):
        yield sys.stdout
        sys.stdout.flush()
        return
    if path.is_dir():
        raise InputError(f"{path} is a folder", hint="name a file in it with --out")
    try:
        mode = _mode(path)
        if mode is None or stat.S_ISREG(mode):
            permissions = 0o644 if mode is None else stat.S_IMODE(mode)
            real = Path(os.path.realpath(path))
            with synced_file(real, "w", permissions=permissions, **_AS_TEXT) as file:
                yield file
            _sync_folder(real.parent)
        else:
            with path.open("w", **_AS_TEXT) as file:
                yield file
    except OSError as error:
        raise _failed(error, path) from error


@contextlib.contextmanager
def synced_file(path: Path, mode: str = "wb", *, permissions: int = 0o644, **how: Any) -> Iterator[IO[Any]]:
    """A file to write, which is on the disk before it takes the name ``path``; ``how`` as for ``open``.

    Several processes may write the same path at once: the last one stays. Errors: OSError.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}-")
    with renamed_when_whole(path, Path(name)) as part:
        with os.fdopen(handle, mode, **how) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        part.chmod(permissions)


@contextlib.contextmanager
def renamed_when_whole(path: Path, part: Path | None = None) -> Iterator[Path]:
    """Where to write what becomes ``path`` when all goes well, and is removed when it does not.

    It is ``part``, beside it; by default ``<name>.part``, which is for one process at a time. Errors: OSError.
    """
    part = part or path.with_name(f"{path.name}.part")
    try:
        yield part
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _mode(path: Path) -> int | None:
    """What the path, or what it links to, is; None when there is nothing yet."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _about(path: Path) -> os.stat_result | None:
    """The file behind the path; None where none can be seen: then nothing there can be overwritten either."""
    try:
        return path.stat()
    except (OSError, ValueError):
        return None


def _about_stdin() -> os.stat_result | None:
    """The file behind standard input, if it has one."""
    try:
        return os.fstat(sys.stdin.fileno())
    except (OSError, ValueError):
        return None


def _sync_folder(folder: Path) -> None:
    """Make the new name last through a power cut, where the system lets a folder be synced."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _failed(error: OSError, path: Path) -> Exception:
    if error.errno in FULL_DISK:
        return StoreError(
            f"the disk is full: {path} was not written",
            hint="free some space, or name a file on another disk with --out",
        )
    return InputError(f"cannot write {path}: {error.strerror}", hint="name another file with --out")
