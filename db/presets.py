"""The class sets a workspace can start from, and the keywords that find them on a photo site."""

from __future__ import annotations

from collections.abc import Mapping

# The four classes and their keywords are those of the INSA Toulouse report (2025) Mimique grew from.
_FOUR: dict[str, tuple[str, ...]] = {
    "happy": ("wedding", "party"),
    "angry": ("protest", "debate"),
    "surprised": ("sudden loud noise", "death sentence"),
    "neutral": ("walking in the street", "chess game"),
}
_SEVEN: dict[str, tuple[str, ...]] = {
    **_FOUR,
    "sad": ("funeral", "farewell"),
    "fearful": ("haunted house", "roller coaster"),
    "disgusted": ("bad smell", "eating insects"),
}
PRESETS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "4": _FOUR,
    "7": _SEVEN,
    "8": {**_SEVEN, "contemptuous": ("smirk portrait", "sneer")},
}

_HEAD = """\
# A Mimique workspace. Every option of every command can be set here, e.g. under [collect.flickr];
# the environment (MIMIQUE_COLLECT_FLICKR_LIMIT=100) and the command line come before this file.
# Secrets (FLICKR_API_KEY, FLICKR_API_SECRET, MIMIQUE_DATABASE_URL) belong in the environment, never here.

# The classes people vote on, in the order of their keys 1, 2, 3, … Rename them before you collect.
classes = [{classes}]

# What to search for to find photos of each class. A search word makes a candidate, never a label.
[keywords]
{keywords}
"""
_TAIL = """
# Defaults for commands; remove the # to use one.
# [collect.flickr]
# limit = 500
# license = "cc-by,cc-by-sa,cc0,pdm"

# [curate.faces]
# margin = 0.2          # share of the box added on every side of a crop

# [curate.split]
# ratios = "20:4:1"
# seed = 0

# [train.yolo]
# size = "n"
# epochs = 100
"""


def workspace_file(preset: str) -> str:
    """The text of a new ``mimique.toml`` for the preset ``"4"``, ``"7"`` or ``"8"``. Errors: KeyError."""
    classes = PRESETS[preset]
    keywords = "\n".join(
        f"{name} = [{', '.join(_quoted(word) for word in words)}]" for name, words in classes.items()
    )
    return _HEAD.format(classes=", ".join(_quoted(name) for name in classes), keywords=keywords) + _TAIL


def _quoted(text: str) -> str:
    return f'"{text}"'
