"""Finding faces in pictures: what a detection is, what a detector does, and how to load one by name.

    from curate.detect import load_detector
    faces = load_detector().detect([image_rgb])[0]

A detector is an ONNX file (Ultralytics' layouts, YuNet or CenterFace, told apart by their outputs) or an
Ultralytics ``.pt``. Without a name it is the bundled one, which needs nothing but the installed package.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from curate.engine import EngineName, beginning, load_engine
from curate.registry import DEFAULT_DETECTOR, FACE_DETECTION, resolve
from db.errors import ModelError

# Of faces of 30 px and more on a third of the held-out photos, 0.45 finds 75 % with 0.04 false alarms a photo, 0.35
# finds 80 % with 0.09 (docs/detector.md).
YOLO_SCORE = 0.45

Point = tuple[float, float]
Landmarks = tuple[Point, Point, Point, Point, Point]
Tiles = bool | Literal["auto"]
LOOK_PX = 640  # what most detectors are shown of the longest side, whatever the photo's size


@dataclass(frozen=True, slots=True)
class Detection:
    """One face: ``xyxy`` in pixels of the picture given (right and bottom exclusive) and ``score`` 0 to 1.

    ``landmarks`` are the eye and mouth corner points as the viewer sees them: left eye, right eye, nose,
    left and right mouth corner, (x, y) in the same pixels; None where the model gives none.
    """

    xyxy: tuple[float, float, float, float]
    score: float
    landmarks: Landmarks | None = None

    def __post_init__(self) -> None:
        x1, y1, x2, y2 = self.xyxy
        if not (x1 < x2 and y1 < y2 and 0 <= self.score <= 1):
            raise ValueError(
                f"expected x1 < x2, y1 < y2 and a score of 0 to 1, got {self.xyxy}, {self.score}"
            )

    @property
    def height(self) -> float:
        """Pixels from the top edge to the bottom edge."""
        return self.xyxy[3] - self.xyxy[1]


class Detector(Protocol):
    """Finds faces in a batch of pictures."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first; no pictures give ``[]``.

        Raises ValueError for an array that is no such picture.
        """
        ...


class ModelDetector(Detector, Protocol):
    """A detector whose network is shown ``size_px`` pixels of a picture's longest side."""

    size_px: int


def load_detector(
    name_or_path: str | Path | None = None,
    *,
    score: float | None = None,
    tiles: Tiles = "auto",
    threads: int | None = None,
    size_px: int | None = None,
    engine: EngineName = "auto",
) -> Detector:
    """The detector of that name or file; the bundled one without a name.

    ``score`` is the least score that is reported (None: what suits the model); ``tiles`` looks at large
    photos in overlapping tiles as well, "auto" only where they are longer than 1,200 px and the first look
    finds no face or small ones;
    ``threads`` are CPU threads (None: all cores); ``size_px`` is what the network sees of the
    longest side (None: what it was trained on; 320 is four times faster and misses small faces);
    ``engine`` runs an Ultralytics ONNX model ("auto": the fastest that is installed). Raises ModelError for
    a file that holds no face detector, NotFoundError for an unknown name, ConfigError for an engine that is not
    installed. Nothing is downloaded.
    """
    from curate.tiled import TiledDetector

    path = resolve(str(name_or_path) if name_or_path is not None else DEFAULT_DETECTOR, FACE_DETECTION)
    inner = _open(path, _Wanted(score, threads, size_px, engine))
    if not tiles:
        return inner
    return TiledDetector(inner, always=tiles is True, look_px=inner.size_px)


@dataclass(frozen=True, slots=True)
class _Wanted:
    score: float | None
    threads: int | None
    size_px: int | None
    engine: EngineName

    def score_or(self, default: float) -> float:
        return default if self.score is None else self.score


def _open(path: Path, wanted: _Wanted) -> ModelDetector:
    suffix = path.suffix.lower()
    if suffix not in (".onnx", ".pt"):
        raise ModelError(
            f"{path} is neither .onnx nor .pt: got {beginning(path)}",
            hint="give an ONNX file or an Ultralytics .pt; `mimique models list` names some",
        )
    try:
        return _open_torch(path, wanted) if suffix == ".pt" else _open_onnx(path, wanted)
    except ModelError as error:
        raise _naming(path, error) from error


def _open_torch(path: Path, wanted: _Wanted) -> ModelDetector:
    from curate.yolo_torch import YoloTorch

    return YoloTorch(path, score=wanted.score_or(YOLO_SCORE), threads=wanted.threads, size_px=wanted.size_px)


def _open_onnx(path: Path, wanted: _Wanted) -> ModelDetector:
    """Tells the three families apart by how many outputs they have."""
    engine = load_engine(path, threads=wanted.threads, engine=wanted.engine)
    outputs = len(engine.output_shapes)
    if outputs == 4:
        from curate.centerface import CenterFace

        return CenterFace(
            path, score=wanted.score_or(0.5), threads=wanted.threads, size_px=wanted.size_px or LOOK_PX
        )
    if outputs == 12:
        from curate.yunet import YuNet

        return YuNet(
            path, score=wanted.score_or(0.7), threads=wanted.threads, size_px=wanted.size_px or LOOK_PX
        )
    from curate.yolo_face import YoloFace

    return YoloFace(engine, score=wanted.score_or(YOLO_SCORE), size_px=wanted.size_px)


def _naming(path: Path, error: ModelError) -> ModelError:
    """The same error, which names the file and says what would do."""
    message = str(error) if str(path) in str(error) else f"{path} is no face detector known here: {error}"
    return ModelError(message, hint=error.hint or "known: Ultralytics detect and pose, YuNet and CenterFace")


def checked_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The same array, after a check that it is a picture; raises ValueError that says what came instead."""
    shape = getattr(image, "shape", None)
    if shape is None or len(shape) != 3 or shape[2] != 3 or image.dtype != np.uint8 or 0 in shape:
        kind = f"{shape} {image.dtype}" if shape is not None else type(image).__name__
        raise ValueError(f"expected an RGB picture, (H, W, 3) uint8, got {kind}")
    return image
