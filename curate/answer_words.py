"""What the words of a file of votes mean: classes, "unsure" and flags; spellings that differ only in case are one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from curate.said import UNSURE_NAME
from curate.votes_table import UNSURE
from db.records.votes import FLAGS

_NONE: Mapping[str, str] = MappingProxyType({})
_SHOWN = 5


@dataclass(frozen=True, slots=True, eq=False)
class Meanings:
    """The classes among K words; ``choices`` and ``flags`` (K,) int64 are each word's columns of a vote table.

    ``notes`` are lines for the person whose file it is: what was not taken as it stands.
    """

    classes: tuple[str, ...]
    choices: NDArray[np.int64]
    flags: NDArray[np.int64]
    notes: tuple[str, ...]


def is_class(word: str, other_names: Mapping[str, str] = _NONE) -> bool:
    """Whether the word is neither "unsure" nor a flag, nor another name for one."""
    return _key(word, other_names) not in (UNSURE_NAME, *FLAGS)


def meanings(words: Sequence[str], counts: Sequence[int], other_names: Mapping[str, str] = _NONE) -> Meanings:
    """What these distinct words mean, each given so often; of several spellings the most frequent names the class.

    ``other_names`` (lower case) are further words for "unsure" and the flags, of which no note is made.
    """
    spelt: dict[str, list[int]] = {}
    for i, word in enumerate(words):
        spelt.setdefault(_key(word, other_names), []).append(i)
    choices, flags = np.full((2, len(words)), UNSURE, np.int64)
    classes: list[str] = []
    special: list[str] = []
    folded: list[str] = []
    for key, places in spelt.items():
        if key == UNSURE_NAME or key in FLAGS:
            flags[places] = FLAGS.index(key) if key in FLAGS else UNSURE
            own = [i for i in places if words[i].lower() not in other_names]
            special += [f"{key} ({sum(counts[i] for i in own):,})"] if own else []
            continue
        places.sort(key=lambda i: (-counts[i], words[i]))
        choices[places] = len(classes)
        classes.append(words[places[0]])
        if len(places) > 1:
            folded.append(", ".join(f"{words[i]} ({counts[i]:,})" for i in places))
    return Meanings(tuple(classes), choices, flags, (*_folded_note(folded), *_special_note(special)))


def _key(word: str, other_names: Mapping[str, str]) -> str:
    """What all spellings of the word share."""
    return other_names.get(word.lower(), word.casefold())


def _folded_note(folded: list[str]) -> list[str]:
    if not folded:
        return []
    more = f"; and {len(folded) - _SHOWN:,} more" if len(folded) > _SHOWN else ""
    shown = "; ".join(folded[:_SHOWN])
    return [f"answers that differ only in case are one class, spelt as the first: {shown}{more}"]


def _special_note(special: list[str]) -> list[str]:
    if not special:
        return []
    return [f"taken as no class and as flags, as in a workspace: {', '.join(special)}"]
