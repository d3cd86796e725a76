"""What the output of an Ultralytics network means: where box, score, class and points stand, and what is a face.

Read are the layouts that Ultralytics exports: detect (N, 4 + classes, A), pose with five points
(N, 4 + classes + 15, A), and with suppression in the network (``nms=True``, or an end-to-end head)
(N, K, 6) and (N, K, 6 + 15). The model's metadata tells which; without it, the shape does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from curate.engine import Floats, Shape, metadata_value
from db.errors import ModelError

MOST_BOXES = 3000  # candidates a picture that reach the suppression
MOST_CLASSES = 1000
_WANTED = "expected an Ultralytics detect or pose model: (N, 4 + classes + points, A) or (N, K, 6 + points)"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the numbers of one anchor follow each other.

    ``suppressed`` networks give corners, score and class; others middle, size and a score for each of
    ``classes``. Five points of ``point_numbers`` (x, y and perhaps how sure) come last; 0: none, or not five.
    ``faces`` are the classes that count; empty: all.
    """

    suppressed: bool
    classes: int
    point_numbers: int = 0
    faces: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """Boxes (N, 4) xyxy, scores (N,) and points (N, 5, 2) or None, in pixels of the network's canvas."""

    xyxy: Floats
    scores: Floats
    points: Floats | None


def read_layout(metadata: Mapping[str, str], shapes: Sequence[Shape]) -> Layout:
    """The layout of a network with these outputs; raises ModelError when it finds no faces."""
    told = dict(metadata)
    task = told.get("task", "detect")
    if task not in ("detect", "pose"):
        raise ModelError(f"expected an Ultralytics detect or pose model, got task {task}")
    if len(shapes) != 1 or len(shapes[0]) not in (0, 3):
        raise ModelError(f"{_WANTED}, got outputs {list(shapes)}")
    rows, columns = shapes[0][1:] or (None, None)
    listed = rows is not None and rows <= MOST_BOXES and rows not in (5, 20)  # YOLOv5 lists 25,200 boxes
    suppressed = _says_suppressed(told) or ("task" not in told and columns in (6, 21) and listed)
    numbers = columns if suppressed else rows
    names = metadata_value(told, "names") or {}
    classes = len(names) or _unnamed_classes(suppressed, numbers, told)
    extra = _point_numbers(told, numbers, 6 if suppressed else 4 + classes)
    if classes < 1 or extra is None:
        raise ModelError(f"{_WANTED}, got {shapes[0]} with {classes} classes")
    return Layout(suppressed, classes, extra, face_classes(names))


def _unnamed_classes(suppressed: bool, numbers: int | None, metadata: Mapping[str, str]) -> int:
    """How many classes a network without names has: one where the numbers fit one class, else the rest.

    0 when the rest is no number of classes, as where the anchors come first.
    """
    if suppressed or numbers is None or numbers in (5, 20) or "kpt_shape" in metadata:
        return 1
    return numbers - 4 if numbers - 4 <= MOST_CLASSES else 0


def _point_numbers(metadata: Mapping[str, str], numbers: int | None, before: int) -> int | None:
    """How many numbers each of five points has: 3, 2, or 0 without points or with another count of them.

    ``before`` is how many numbers come before the points. None when that does not fit ``numbers`` in all.
    """
    told = metadata_value(dict(metadata), "kpt_shape")
    if told is not None:
        count, each = told
        fits = numbers in (None, before + count * each)
        return (each if count == 5 else 0) if fits else None
    rest = 0 if numbers is None else numbers - before
    return rest // 5 if rest in (0, 10, 15) else None


def face_classes(names: Mapping[int, str] | Sequence[str]) -> tuple[int, ...]:
    """The classes that are faces: all (empty) of a model with one class, else those with "face" in their name.

    Raises ModelError for a model of several classes, none of them a face, such as COCO's.
    """
    numbered = dict(names) if isinstance(names, Mapping) else dict(enumerate(names))
    if len(numbered) <= 1:
        return ()
    faces = tuple(number for number, name in numbered.items() if "face" in str(name).lower())
    if not faces:
        some = ", ".join(str(name) for name in list(numbered.values())[:4])
        raise ModelError(
            f"expected a model that finds faces; this one has {len(numbered)} classes ({some}, …), none called face",
            hint="give a model of one class, or one whose face class has 'face' in its name",
        )
    return faces


def decode(output: Floats, score: float, layout: Layout) -> Candidates:
    """The faces of one picture's output that reach ``score``; the best ``MOST_BOXES`` of them, best first.

    Of several face classes the surest counts. Only what reaches the score is taken apart.
    """
    rows, scores = _suppressed(output, score, layout) if layout.suppressed else _raw(output, score, layout)
    best = np.argsort(-scores, kind="stable")[:MOST_BOXES]
    rows, scores = rows[best], scores[best]  # (N, numbers)
    xyxy = rows[:, :4]
    if not layout.suppressed:
        half = rows[:, 2:4] / 2
        xyxy = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
    points = None
    if layout.point_numbers:
        points = rows[:, -5 * layout.point_numbers :].reshape(-1, 5, layout.point_numbers)[..., :2]
    return Candidates(xyxy, scores, points)


def _raw(output: Floats, score: float, layout: Layout) -> tuple[Floats, Floats]:
    """``output`` is (numbers, A), one column an anchor."""
    each = output[4 : 4 + layout.classes]  # (classes, A)
    if layout.faces:
        each = each[list(layout.faces)]
    surest = each[0] if len(each) == 1 else each.max(axis=0)
    likely = np.flatnonzero(surest >= score)
    return output[:, likely].T, surest[likely]


def _suppressed(output: Floats, score: float, layout: Layout) -> tuple[Floats, Floats]:
    """``output`` is (K, numbers), one row a face."""
    likely = output[:, 4] >= score
    if layout.faces:
        likely &= np.isin(output[:, 5], layout.faces)
    rows = output[likely]
    return rows, rows[:, 4]


def _says_suppressed(metadata: dict[str, str]) -> bool:
    options = metadata_value(metadata, "args")
    in_graph = isinstance(options, Mapping) and bool(options.get("nms"))
    return in_graph or metadata.get("end2end") == "True"
