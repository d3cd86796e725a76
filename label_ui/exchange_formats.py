"""The formats votes come and go in, by name, and how to tell which one a file is."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from db.errors import ConfigError, InputError
from label_ui.exchange import VoteFormat
from label_ui.exchange_text import check_text, head_of
from label_ui.format_crowd import CrowdFormat
from label_ui.format_csv import CsvFormat
from label_ui.format_cvat import CvatFormat
from label_ui.format_ferplus import FerPlusFormat
from label_ui.format_fiftyone import FiftyOneFormat
from label_ui.format_jsonl import JsonLinesFormat
from label_ui.format_label_studio import LabelStudioFormat


def formats() -> Mapping[str, VoteFormat]:
    """Every format by its name."""
    known: tuple[VoteFormat, ...] = (
        CsvFormat(),
        JsonLinesFormat(),
        CrowdFormat(),
        FerPlusFormat(),
        LabelStudioFormat("photo"),
        LabelStudioFormat("crop"),
        CvatFormat(),
        FiftyOneFormat(),
    )
    return {one.name: one for one in known}


def format_named(name: str) -> VoteFormat:
    """The format of that name. Errors: ConfigError naming the ones there are."""
    known = formats()
    if name not in known:
        raise ConfigError(f"there is no format {name!r}", hint=f"choose one of {', '.join(known)}")
    return known[name]


def format_of(path: Path) -> VoteFormat:
    """The format that a file's first characters show. Errors: InputError when none, or several, may be it."""
    head = head_of(path)
    if not head.strip("\ufeff \t\r\n"):
        raise InputError(f"{path} is empty", hint="was it written whole?")
    fitting = [one for one in formats().values() if one.looks_like(head)]
    if len(fitting) == 1:
        return fitting[0]
    check_text(path, head)
    start = head.strip().splitlines()[0][:80]
    found = f"it may be {' or '.join(one.name for one in fitting)}" if fitting else "no format begins like it"
    raise InputError(
        f"cannot tell what {path} is: {found} (its first line is {start!r})",
        hint=f"name it: --format with one of {', '.join(formats())}",
    )


def format_for(path: Path) -> VoteFormat:
    """The format to write for a file's name: its suffix's only one. Errors: InputError."""
    fitting = [one for one in formats().values() if path.suffix.lower() in one.suffixes]
    if path.suffix.lower() == ".csv":
        return CsvFormat()
    if len(fitting) == 1:
        return fitting[0]
    raise InputError(
        f"cannot tell from the name {path.name!r} what to write",
        hint=f"name it: --format with one of {', '.join(formats())}",
    )
