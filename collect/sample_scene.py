"""The sample photos: who is in them, what they show, and where; decided without drawing, then drawn.

`compose` decides everything from (seed, index, classes) in about a millisecond; `render` draws it. Truth (boxes, five
points, expressions) comes from the same geometry that is drawn, so it is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from collect.sample_background import Setting, sample_setting
from collect.sample_expression import canonical_expression, canonical_expressions, perform, perform_ambiguous
from collect.sample_figure import Figure
from collect.sample_head import Pose
from collect.sample_identity import CIRCLE, PEOPLE, AgeGroup, Identity, sample_identity

Box = tuple[float, float, float, float]
Kind = Literal["person", "picture", "statue", "toy"]

_SIZES = ((640, 480), (480, 640), (800, 600), (600, 480), (720, 540), (540, 720), (640, 640), (768, 512))


@dataclass(frozen=True, slots=True)
class SceneFace:
    """One face of a photo: the truth about it, and the figure it is drawn from."""

    xyxy: Box  # pixels, right and bottom exclusive: hairline to chin, ear to ear
    landmarks: NDArray[
        np.float32
    ]  # (5, 2) pixels: left eye, right eye (of the photo), nose tip, left and right mouth corner
    person: str
    expression: str  # as the class was named to `compose`
    intensity: float
    real: bool
    blurred: bool
    ambiguous: bool
    kind: Kind
    age: AgeGroup
    glasses: bool
    beard: bool
    figure: Figure

    @property
    def height(self) -> float:
        return self.xyxy[3] - self.xyxy[1]


@dataclass(frozen=True, slots=True)
class NearCopy:
    """How a photo was made from another: a crop (xyxy in the original's pixels), a new size and brightness."""

    original: Scene
    crop_xyxy: tuple[int, int, int, int]
    brightness: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One photo, not drawn yet."""

    size_wh: tuple[int, int]
    seed: int
    index: int
    expression: str  # the candidate class: what it would be searched for by
    faces: tuple[SceneFace, ...]
    setting: Setting
    blur_px: float  # of the whole photo
    grain: float
    copy: NearCopy | None = None

    @property
    def duplicate_of(self) -> int | None:
        """The index of the photo that this one is a near-copy of."""
        return self.copy.original.index if self.copy else None


def compose(seed: int, index: int, classes: Sequence[str]) -> Scene:
    """Decide the sample photo `index` of the world `seed`; ValueError for a class that nobody can show.

    Its candidate class is `classes[index % len(classes)]`, which its main person shows in about 85 % of photos.
    """
    canonical_expressions(classes)
    if index < 0 or seed < 0:
        raise ValueError(f"seed and index count from 0, got seed {seed} and index {index}")
    rng = _rng(seed, index)
    original = _copied_index(seed, index, rng)
    if original is not None:
        return _near_copy(compose(seed, original, classes), index, classes, rng)
    return _fresh(seed, index, tuple(classes), rng)


def _rng(seed: int, index: int) -> np.random.Generator:
    return np.random.default_rng([seed, 31, index])


def _copied_index(seed: int, index: int, rng: np.random.Generator) -> int | None:
    """The earlier photo that this one copies, if any; never itself a copy, so that chains cannot form."""
    if rng.random() >= 0.04 or index < 2:
        return None
    earlier = index - 1 - int(rng.integers(min(index, 60)))
    while earlier >= 0 and _rng(seed, earlier).random() < 0.04:
        earlier -= 1
    return earlier if earlier >= 0 else None


@dataclass(frozen=True, slots=True)
class _Part:
    """What somebody is in a photo for."""

    number: int  # which person
    expression: str
    height: float  # of the face, pixels
    kind: Kind = "person"


def _fresh(seed: int, index: int, classes: tuple[str, ...], rng: np.random.Generator) -> Scene:
    """A photo that copies no other."""
    size = _SIZES[int(rng.integers(len(_SIZES)))]
    candidate = classes[index % len(classes)]
    blurred = rng.random() < 0.06
    eye_level = float(rng.uniform(0.34, 0.5)) * size[1]
    faces: list[SceneFace] = []
    for part in _cast(candidate, classes, rng):
        face = _join(part, sample_identity(seed, part.number), size, eye_level, blurred, faces, rng)
        if face is not None:
            faces.append(face)
    blur = 0.0
    if blurred and faces:
        blur = 0.035 * max(face.height for face in faces) * float(rng.uniform(0.9, 1.6))
    return Scene(
        size,
        seed,
        index,
        candidate,
        tuple(faces),
        sample_setting(rng),
        blur,
        float(rng.uniform(0.003, 0.014)),
    )


def _cast(candidate: str, classes: tuple[str, ...], rng: np.random.Generator) -> list[_Part]:
    """Who is to be in a photo: nobody in 3 %, else one to three people, sometimes passers-by or a thing with a face."""
    special = rng.random()
    if special < 0.03:
        return []
    count = int(rng.choice([1, 2, 3], p=[0.55, 0.33, 0.12]))
    numbers = _circle(rng)

    def any_class() -> str:
        return str(rng.choice(np.array(classes)))

    shown = candidate if rng.random() < 0.85 else any_class()
    cast = [
        _Part(next(numbers), shown if k == 0 else any_class(), _face_height(rng, count, k))
        for k in range(count)
    ]
    if special < 0.08:
        kind: Kind = rng.choice(np.array(["picture", "statue", "toy"]), p=[0.5, 0.3, 0.2]).item()
        cast.append(_Part(next(numbers), any_class(), float(rng.uniform(60, 130)), kind))
    if rng.random() < 0.1:
        cast += [
            _Part(next(numbers), any_class(), float(rng.uniform(16, 30)))
            for _ in range(int(rng.integers(1, 4)))
        ]
    return cast


def _circle(rng: np.random.Generator) -> Iterator[int]:
    """The numbers of one circle of friends, in random order."""
    circle = int(rng.integers(PEOPLE // CIRCLE))
    return iter((CIRCLE * circle + rng.permutation(CIRCLE)).tolist())


def _face_height(rng: np.random.Generator, count: int, k: int) -> float:
    """Pixels from hairline to chin: the main person is near, in a crowd everybody is smaller."""
    largest = {1: 260.0, 2: 190.0, 3: 140.0}[count]
    return float(np.clip(np.exp(rng.normal(np.log(largest * (0.68 if k == 0 else 0.55)), 0.3)), 62, largest))


def _join(part: _Part, who: Identity, size: tuple[int, int], eye_level: float, blurred: bool, others: list[SceneFace],
          rng: np.random.Generator) -> SceneFace | None:  # fmt: skip
    """A face where it hides nobody and nobody hides it; None when there is no such place."""
    intensity = float(np.clip(rng.normal(0.78, 0.19) * who.expressive, 0.22, 1.0))
    ambiguous = rng.random() < 0.1
    acting = perform_ambiguous if ambiguous else perform
    units = acting(canonical_expression(part.expression), intensity * (0.8 if ambiguous else 1.0), rng)
    gaze = (float(rng.normal(0, 0.3)), float(rng.normal(0, 0.2)))
    for _ in range(24):
        pose = _pose(part, who, size, eye_level, rng)
        figure = Figure(who, units, pose, gaze, "stone" if part.kind == "statue" else "flesh")
        if _fits(figure.anatomy.face_box(pose), size, others):
            return truth_of(
                figure, part.expression, intensity, part.kind, blurred=blurred, ambiguous=ambiguous
            )
    return None


def _pose(
    part: _Part, who: Identity, size: tuple[int, int], eye_level: float, rng: np.random.Generator
) -> Pose:
    """A place for a head. All people stand on the same ground, so that their heads are about as high as the camera."""
    yaw, pitch, roll = np.clip(
        rng.normal(0, (0.24, 0.11, 0.10)), (-0.61, -0.31, -0.35), (0.61, 0.31, 0.35)
    ).tolist()
    margin = 0.62 * part.height
    low, high = 1.0 * margin, size[1] - 1.05 * margin
    y = eye_level + part.height * rng.normal(0.9 if who.age == "child" else 0.1, 0.25)
    if part.kind in ("picture", "toy"):
        y = rng.uniform(low, 0.7 * size[1])
    x = float(rng.uniform(min(margin, size[0] / 2), max(size[0] - margin, size[0] / 2)))
    return Pose(yaw, pitch, roll, (x, float(np.clip(y, low, max(low, high)))), part.height / 1.62)


def truth_of(figure: Figure, expression: str, intensity: float, kind: Kind = "person", *, blurred: bool = False,
             ambiguous: bool = False) -> SceneFace:  # fmt: skip
    """What is true of a figure's face, as drawn."""
    who = figure.who
    real = kind == "person"
    return SceneFace(
        xyxy=figure.anatomy.face_box(figure.pose), landmarks=figure.anatomy.landmarks(figure.pose),
        person=who.name if real else f"{kind}-of-{who.name}", expression=expression, intensity=intensity, real=real,
        blurred=blurred, ambiguous=ambiguous, kind=kind, age=who.age, glasses=who.glasses != "none",
        beard=who.beard not in ("none", "stubble"), figure=figure,
    )  # fmt: skip


def _fits(box: Box, size: tuple[int, int], others: list[SceneFace]) -> bool:
    """Whether a face is inside the photo, apart from the other heads, and behind no nearer body."""
    x0, y0, x1, y1 = box
    if x0 < 1 or y0 < 1 or x1 > size[0] - 1 or y1 > size[1] - 1:
        return False
    return all(_apart(box, other.xyxy) for other in others)


def _apart(one: Box, other: Box) -> bool:
    near, far = (one, other) if one[3] - one[1] >= other[3] - other[1] else (other, one)
    (nx0, ny0, nx1, ny1), (fx0, fy0, fx1, fy1) = near, far
    wide = ny1 - ny0
    head = (nx0 - 0.35 * wide, ny0 - 0.45 * wide, nx1 + 0.35 * wide, ny1 + 0.1 * wide)
    middle = (nx0 + nx1) / 2
    body = (middle - 1.15 * wide, ny1 + 0.05 * wide, middle + 1.15 * wide, 1e9)
    # The far face brings its own hair: it may reach behind the near head, never into the near face.
    grown = (fx0 - 0.05 * wide, fy0, fx1 + 0.05 * wide, fy1 + 0.05 * wide)
    return not (_overlap(head, grown) or _overlap(body, grown))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _near_copy(original: Scene, index: int, classes: Sequence[str], rng: np.random.Generator) -> Scene:
    """The same photo again as another site shows it: cut a little, resized, brighter or darker."""
    width, height = original.size_wh
    left = min([0.05 * width, *(f.xyxy[0] for f in original.faces)]) * rng.random()
    top = min([0.05 * height, *(f.xyxy[1] for f in original.faces)]) * rng.random()
    right = width - min([0.05 * width, *(width - f.xyxy[2] for f in original.faces)]) * rng.random()
    bottom = height - min([0.05 * height, *(height - f.xyxy[3] for f in original.faces)]) * rng.random()
    crop = (int(left), int(top), int(np.ceil(right)), int(np.ceil(bottom)))
    zoom = float(rng.uniform(0.75, 1.1))
    size = (round((crop[2] - crop[0]) * zoom), round((crop[3] - crop[1]) * zoom))
    factor = np.array([size[0] / (crop[2] - crop[0]), size[1] / (crop[3] - crop[1])])
    faces = tuple(_moved(face, np.array(crop[:2], np.float64), factor) for face in original.faces)
    copy = NearCopy(original, crop, float(rng.uniform(0.88, 1.12)))
    return replace(
        original, size_wh=size, index=index, expression=classes[index % len(classes)], faces=faces, copy=copy
    )


def _moved(face: SceneFace, corner: NDArray[np.float64], factor: NDArray[np.float64]) -> SceneFace:
    box = ((np.array(face.xyxy).reshape(2, 2) - corner) * factor).ravel()
    points = ((face.landmarks - corner) * factor).astype(np.float32)
    return replace(face, xyxy=(float(box[0]), float(box[1]), float(box[2]), float(box[3])), landmarks=points)
