"""The sample source's people: everything about a person that stays the same from photo to photo."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

Rgb = tuple[float, float, float]
"""A colour, each part 0 to 1."""

AgeGroup = Literal["child", "young", "adult", "old"]
HairStyle = Literal[
    "bald", "receding", "buzz", "short", "side", "fringe", "curly", "afro", "bob", "long", "bun", "beanie", "scarf"
]  # fmt: skip
Glasses = Literal["none", "round", "square", "sun"]
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]

CIRCLE = 8  # friends: only they are ever in one photo together, so a split can keep a person on one side
PEOPLE = 30 * CIRCLE

_SKINS = ((250, 219, 200), (241, 203, 178), (232, 186, 155), (220, 170, 134), (200, 146, 108), (172, 118, 84),
          (140, 92, 64), (108, 70, 50), (84, 54, 40))  # fmt: skip
_HAIRS = (
    (28, 22, 20),
    (48, 34, 26),
    (78, 52, 34),
    (110, 74, 44),
    (156, 112, 66),
    (206, 168, 108),
    (150, 70, 36),
)
_IRISES = ((72, 46, 28), (56, 36, 24), (98, 70, 40), (92, 110, 70), (88, 122, 150), (112, 136, 150))
_CLOTHES = ((44, 62, 96), (150, 44, 48), (60, 96, 72), (222, 218, 208), (40, 42, 48), (196, 150, 60), (120, 90, 140),
            (98, 140, 170), (188, 110, 100), (108, 112, 118), (84, 60, 46), (226, 190, 196))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Identity:
    """One person. Lengths are in head units (half the head's height), colours 0 to 1, the rest factors around 1."""

    name: str
    age: AgeGroup
    masculine: float  # 0 to 1: brow ridge, jaw, brows, lips
    skin: Rgb
    hair: Rgb
    brow: Rgb
    iris: Rgb
    lips: Rgb
    clothes: Rgb
    accent: Rgb
    hair_style: HairStyle
    beard: Beard
    glasses: Glasses
    collar: Literal["round", "vee", "shirt", "high"]
    width: float
    jaw: float  # exponent of the lower face's outline: 1.8 narrow, 2.9 square
    chin: float
    eye_size: float
    eye_gap: float
    eye_tilt: float
    eye_height: float
    brow_weight: float
    brow_arch: float
    nose_width: float
    nose_length: float
    nose_height: float
    mouth_width: float
    lip_fullness: float
    ear: float
    wrinkles: float  # 0 to 1
    freckles: float  # 0 to 1
    blush: float  # 0 to 1
    expressive: float  # how strongly this person shows what they feel
    part: float  # where the hair parts, -1 to 1
    texture_seed: int


@lru_cache(maxsize=512)
def sample_identity(seed: int, number: int) -> Identity:
    """Person `number` (0 to PEOPLE - 1) of the sample world `seed`; the same arguments give the same person."""
    rng = np.random.default_rng([seed, 7001, number])
    age: AgeGroup = rng.choice(np.array(["child", "young", "adult", "old"]), p=[0.12, 0.33, 0.35, 0.2]).item()
    masculine = float(np.clip(rng.choice([0.15, 0.85]) + rng.normal(0, 0.12), 0, 1)) * (
        0.5 if age == "child" else 1
    )
    skin = _skin(rng)
    hair = _hair_colour(age, float(np.mean(skin)), rng)
    lips = _mix(
        skin, (0.74, 0.28, 0.30) if rng.random() < 0.4 * (1 - masculine) else (0.70, 0.36, 0.34), 0.55
    )
    return Identity(
        name=f"person-{number:03d}", age=age, masculine=masculine, skin=skin, hair=hair,
        brow=_mix(hair, (0.2, 0.14, 0.1), 0.45), iris=_iris(float(np.mean(skin)), rng), lips=lips,
        clothes=_pick(_CLOTHES, rng, 0.05), accent=_pick(_CLOTHES, rng, 0.05),
        hair_style=_hair_style(age, masculine, rng), beard=_beard(age, masculine, rng), glasses=_glasses(age, rng),
        collar=rng.choice(np.array(["round", "vee", "shirt", "high"])).item(),
        **_shape(age, masculine, rng),
        wrinkles={"child": 0.0, "young": 0.06, "adult": 0.3, "old": 0.85}[age] * float(rng.uniform(0.7, 1.15)),
        freckles=float(rng.uniform(0.4, 1.0)) if rng.random() < 0.15 else 0.0,
        blush=float(rng.uniform(0.2, 0.9)), expressive=float(np.clip(rng.normal(1.0, 0.12), 0.75, 1.25)),
        part=float(rng.uniform(-1, 1)), texture_seed=int(rng.integers(2**31)),
    )  # fmt: skip


def _shape(age: AgeGroup, masculine: float, rng: np.random.Generator) -> dict[str, float]:
    """The proportions of a face: children have big low eyes, small noses and round jaws."""
    child = age == "child"

    def near(mean: float, spread: float) -> float:
        return float(np.clip(rng.normal(mean, spread), mean - 2 * spread, mean + 2 * spread))

    return {
        "width": near(0.68 if child else 0.655, 0.022), "jaw": near(2.15 + 0.35 * masculine, 0.17),
        "chin": near(0.96 if child else 1.0, 0.025), "eye_size": near(1.2 if child else 1.07 - 0.09 * masculine, 0.05),
        "eye_gap": near(0.285, 0.012), "eye_tilt": near(0.05, 0.06), "eye_height": near(0.06 if child else 0.0, 0.015),
        "brow_weight": near(0.7 + 0.5 * masculine, 0.14), "brow_arch": near(0.55 - 0.25 * masculine, 0.15),
        "nose_width": near(0.86 if child else 0.96 + 0.12 * masculine, 0.09),
        "nose_length": near(0.86 if child else 1.0, 0.06),
        "nose_height": near(0.72 if child else 0.95 + 0.12 * masculine, 0.1),
        "mouth_width": near(0.92 if child else 1.0, 0.07), "lip_fullness": near(1.12 - 0.25 * masculine, 0.15),
        "ear": near(1.0, 0.1),
    }  # fmt: skip


def _skin(rng: np.random.Generator) -> Rgb:
    place = float(rng.uniform(0, len(_SKINS) - 1.001))
    low, high = _SKINS[int(place)], _SKINS[int(place) + 1]
    share = place - int(place)
    base = [(a * (1 - share) + b * share) / 255 for a, b in zip(low, high, strict=True)]
    warm = rng.normal(0, 0.012)
    return (base[0] + warm, base[1], base[2] - warm)


def _hair_colour(age: AgeGroup, lightness: float, rng: np.random.Generator) -> Rgb:
    """Mostly dark hair on dark skin, any on light skin, grey to white for the old."""
    base = _pick(_HAIRS if lightness > 0.68 else _HAIRS[:3], rng, 0.02)
    if age == "old":
        return _mix(base, (0.8, 0.79, 0.77), float(rng.uniform(0.55, 1.0)))
    return base


def _iris(lightness: float, rng: np.random.Generator) -> Rgb:
    return _pick(_IRISES if lightness > 0.68 else _IRISES[:3], rng, 0.012)


def _hair_style(age: AgeGroup, masculine: float, rng: np.random.Generator) -> HairStyle:
    if rng.random() < 0.06:
        return "beanie"
    if masculine < 0.5:
        styles = {
            "bob": 4.0,
            "long": 5.0,
            "bun": 2.0,
            "fringe": 2.0,
            "curly": 2.0,
            "afro": 1.0,
            "side": 1.0,
            "scarf": 1.0,
        }
    else:
        styles = {
            "short": 5.0,
            "side": 4.0,
            "buzz": 2.0,
            "curly": 2.0,
            "bald": 1.0,
            "fringe": 1.0,
            "afro": 0.7,
            "long": 0.5,
        }
        if age in ("adult", "old"):
            styles |= {"receding": 3.0, "bald": 2.5}
    weights = np.array(list(styles.values()))
    style: HairStyle = rng.choice(np.array(list(styles)), p=weights / weights.sum()).item()
    return "short" if age == "child" and style == "bald" else style


def _beard(age: AgeGroup, masculine: float, rng: np.random.Generator) -> Beard:
    if masculine < 0.5 or age == "child":
        return "none"
    styles = np.array(["none", "stubble", "moustache", "goatee", "full"])
    beard: Beard = rng.choice(styles, p=[0.48, 0.2, 0.08, 0.08, 0.16]).item()
    return beard


def _glasses(age: AgeGroup, rng: np.random.Generator) -> Glasses:
    share = {"child": 0.1, "young": 0.2, "adult": 0.25, "old": 0.42}[age]
    if rng.random() > share:
        return "none"
    glasses: Glasses = rng.choice(np.array(["round", "square", "sun"]), p=[0.45, 0.48, 0.07]).item()
    return glasses


def _pick(palette: tuple[tuple[int, int, int], ...], rng: np.random.Generator, spread: float) -> Rgb:
    chosen = np.array(palette[int(rng.integers(len(palette)))]) / 255 + rng.normal(0, spread, 3)
    red, green, blue = (float(v) for v in chosen.clip(0.03, 0.97))
    return (red, green, blue)


def _mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    red, green, blue = (a * (1 - share) + b * share for a, b in zip(one, other, strict=True))
    return (red, green, blue)
