"""How the sample source's people move their faces: action units, and what each expression is made of.

The units are those of the Facial Action Coding System (Ekman and Friesen), each from 0 (rest) to 1 (as far as it
goes). The prototypes are the usual ones of the literature: happiness 6+12, surprise 1+2+5+26, and so on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True, slots=True)
class ActionUnits:
    """What every muscle group does, 0 to 1; the number of each unit in FACS stands beside it."""

    inner_brow: float = 0.0  # 1
    outer_brow: float = 0.0  # 2
    brow_lower: float = 0.0  # 4
    lid_raise: float = 0.0  # 5
    cheek_raise: float = 0.0  # 6
    lid_tight: float = 0.0  # 7
    nose_wrinkle: float = 0.0  # 9
    lip_raise: float = 0.0  # 10
    corner_pull: float = 0.0  # 12
    one_corner: float = 0.0  # 14 on one side: the sneer of contempt
    corner_depress: float = 0.0  # 15
    chin_raise: float = 0.0  # 17
    lip_stretch: float = 0.0  # 20
    lip_press: float = 0.0  # 24
    lips_part: float = 0.0  # 25
    jaw_drop: float = 0.0  # 26
    eyes_closed: float = 0.0  # 43

    def blend(self, other: ActionUnits, share: float) -> ActionUnits:
        """The face `share` (0 to 1) of the way from this one to `other`."""
        names = UNIT_NAMES
        return ActionUnits(*(getattr(self, n) * (1 - share) + getattr(other, n) * share for n in names))


UNIT_NAMES: tuple[str, ...] = tuple(field.name for field in fields(ActionUnits))

EXPRESSIONS: Mapping[str, Mapping[str, float]] = {
    "happy": {"corner_pull": 0.85, "cheek_raise": 0.7, "lips_part": 0.6, "lip_raise": 0.2, "jaw_drop": 0.1},
    "angry": {"brow_lower": 0.95, "lid_raise": 0.3, "lid_tight": 0.6, "lip_press": 0.6, "chin_raise": 0.2,
              "corner_depress": 0.25, "nose_wrinkle": 0.25},
    "surprised": {"inner_brow": 0.85, "outer_brow": 0.9, "lid_raise": 0.85, "jaw_drop": 0.75, "lips_part": 0.6},
    "neutral": {},
    "sad": {"inner_brow": 0.85, "brow_lower": 0.35, "corner_depress": 0.85, "chin_raise": 0.4, "eyes_closed": 0.22},
    "fearful": {"inner_brow": 0.8, "outer_brow": 0.4, "brow_lower": 0.45, "lid_raise": 0.9, "lip_stretch": 0.8,
                "lips_part": 0.6, "jaw_drop": 0.3},
    "disgusted": {"nose_wrinkle": 0.9, "lip_raise": 0.85, "brow_lower": 0.5, "lid_tight": 0.6, "cheek_raise": 0.35,
                  "corner_depress": 0.4, "lips_part": 0.3},
    "contemptuous": {"one_corner": 0.9, "lid_tight": 0.25, "eyes_closed": 0.12, "lip_press": 0.2},
}  # fmt: skip

ALIASES: Mapping[str, str] = {
    "happiness": "happy", "joy": "happy", "joyful": "happy", "smile": "happy", "smiling": "happy",
    "anger": "angry", "surprise": "surprised", "sadness": "sad", "unhappy": "sad",
    "fear": "fearful", "afraid": "fearful", "scared": "fearful", "disgust": "disgusted",
    "contempt": "contemptuous", "none": "neutral", "calm": "neutral",
}  # fmt: skip

# What a face that is hard to call is mixed with: the confusions that taggers of real photos make.
_NEIGHBOURS: Mapping[str, tuple[str, ...]] = {
    "happy": ("neutral", "contemptuous"), "angry": ("disgusted", "neutral"), "surprised": ("fearful", "happy"),
    "neutral": ("sad", "contemptuous"), "sad": ("neutral", "fearful"), "fearful": ("surprised", "sad"),
    "disgusted": ("angry", "sad"), "contemptuous": ("neutral", "happy"),
}  # fmt: skip


def canonical_expression(name: str) -> str:
    """The expression in EXPRESSIONS that `name` means, synonyms and case ignored; ValueError for any other."""
    folded = name.strip().lower()
    known = ALIASES.get(folded, folded)
    if known not in EXPRESSIONS:
        raise ValueError(
            f"the sample people cannot show {name!r}; they know {', '.join(EXPRESSIONS)} "
            f"(and the synonyms {', '.join(ALIASES)})"
        )
    return known


def canonical_expressions(names: Sequence[str]) -> tuple[str, ...]:
    """`canonical_expression` of every name; ValueError when there is none."""
    if not names:
        raise ValueError(f"no classes were given; the sample people know {', '.join(EXPRESSIONS)}")
    return tuple(canonical_expression(name) for name in names)


def perform(expression: str, intensity: float, rng: np.random.Generator) -> ActionUnits:
    """One showing of an expression: every unit varies, the mouth opens or not, and nobody is quite at rest.

    `intensity` is 0 (nothing to see) to 1 (plain). Fearful and surprised, angry and disgusted share units on
    purpose: those are what people mix up.
    """
    means = dict(EXPRESSIONS[expression])
    _vary_mouth(expression, means, rng)
    drawn = {name: mean * intensity * rng.uniform(0.72, 1.22) for name, mean in means.items()}
    for name in rng.choice(np.array(UNIT_NAMES[:-1]), size=3, replace=False):
        drawn[str(name)] = drawn.get(str(name), 0.0) + float(rng.uniform(0.0, 0.2))
    return ActionUnits(**{name: float(np.clip(value, 0.0, 1.0)) for name, value in drawn.items()})


def perform_ambiguous(expression: str, intensity: float, rng: np.random.Generator) -> ActionUnits:
    """A showing that leans towards a neighbouring expression, so that votes on it disagree."""
    neighbour = str(rng.choice(np.array(_NEIGHBOURS[expression])))
    clear = perform(expression, intensity, rng)
    return clear.blend(perform(neighbour, intensity, rng), float(rng.uniform(0.35, 0.55)))


def _vary_mouth(expression: str, means: dict[str, float], rng: np.random.Generator) -> None:
    """Give an expression one of its open- or closed-mouthed forms."""
    draw = rng.random()
    if expression == "happy":
        if draw < 0.3:
            means.update(lips_part=0.0, lip_raise=0.0, jaw_drop=0.0)
        elif draw > 0.8:
            means.update(jaw_drop=0.4, lips_part=0.8)
    elif expression == "angry" and draw < 0.35:
        means.update(lip_press=0.0, lips_part=0.75, lip_raise=0.35, jaw_drop=0.3, lip_stretch=0.3)
    elif expression == "surprised" and draw < 0.2:
        means.update(jaw_drop=0.35)
    elif expression == "disgusted" and draw < 0.4:
        means.update(lips_part=0.8, jaw_drop=0.2)
    elif expression in ("neutral", "sad") and draw < 0.15:
        means.update(lips_part=0.3)
