"""Ultralytics face models as ONNX files: letterbox, run, decode, suppress, back to photo pixels.

Reads the three layouts that Ultralytics exports: detect (N, 4 + classes, A), pose (N, 4 + classes + 15, A)
and end-to-end (N, K, 6 or 21), where the network has already suppressed doubles.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.detect import Detection, Landmarks, checked_rgb
from curate.engine import Engine, Floats, metadata_value
from curate.nms import suppress
from db.errors import ModelError

BATCH = 8
MOST_BOXES = 3000  # candidates a picture that reach the suppression
GREY = 114 / 255


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How a picture was put on the network's canvas: times ``scale``, then moved by the padding."""

    scale: float
    left: int
    top: int


class YoloFace:
    """Detects faces with an engine that holds an Ultralytics detect or pose network."""

    def __init__(
        self, engine: Engine, *, score: float = 0.5, iou: float = 0.5, size: int | None = None
    ) -> None:
        shape = engine.input_shape
        if len(shape) != 4 or shape[1] not in (3, None):
            raise ModelError(f"expected a model with one (N, 3, H, W) input, got {shape}")
        self.engine = engine
        self.score = score
        self.iou = iou
        trained = metadata_value(engine, "imgsz") or [640, 640]
        self.size = size or int(max(trained))
        self.stride = int(metadata_value(engine, "stride") or 32)

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first."""
        boxed = [self._letterbox(checked_rgb(image)) for image in images]
        found: list[list[Detection]] = [[] for _ in images]
        for indices in self._groups([canvas.shape for canvas, _ in boxed]):
            batch = np.stack([boxed[index][0] for index in indices])  # (B, 3, H, W)
            outputs = self.engine.run(batch)[0]
            for index, output in zip(indices, outputs, strict=True):
                height, width = images[index].shape[:2]
                found[index] = self._faces(output, boxed[index][1], (width, height))
        return found

    def _letterbox(self, image: NDArray[np.uint8]) -> tuple[Floats, Letterbox]:
        """The picture on a grey canvas (3, H, W), 0 to 1, sides a multiple of the stride; its ratio kept.

        Small pictures are at most doubled: more gives the network nothing new to see.
        """
        height, width = image.shape[:2]
        canvas_h, canvas_w = self._fixed_hw() or (self.size, self.size)
        scale = min(canvas_w / width, canvas_h / height, 2.0)
        to_w, to_h = max(1, round(width * scale)), max(1, round(height * scale))
        if self._fixed_hw() is None:
            canvas_w, canvas_h = (-(-side // self.stride) * self.stride for side in (to_w, to_h))
        how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
        small = image if scale == 1 else cv2.resize(image, (to_w, to_h), interpolation=how)
        left, top = (canvas_w - to_w) // 2, (canvas_h - to_h) // 2
        canvas = np.full((3, canvas_h, canvas_w), GREY, np.float32)
        np.multiply(small.transpose(2, 0, 1), 1 / 255, out=canvas[:, top : top + to_h, left : left + to_w])
        return canvas, Letterbox(scale, left, top)

    def _fixed_hw(self) -> tuple[int, int] | None:
        height, width = self.engine.input_shape[2:]
        return (height, width) if height is not None and width is not None else None

    def _groups(self, shapes: Sequence[tuple[int, ...]]) -> Iterator[list[int]]:
        """Indices of pictures with one canvas shape, as many at once as the model takes."""
        most = self.engine.input_shape[0] or BATCH
        for shape in dict.fromkeys(shapes):
            same = [index for index, other in enumerate(shapes) if other == shape]
            if self.engine.input_shape[0] not in (None, 1):
                raise ModelError(
                    f"the model takes exactly {most} pictures", hint="export it with dynamic=True"
                )
            yield from (same[start : start + most] for start in range(0, len(same), most))

    def _faces(self, output: Floats, letterbox: Letterbox, size_wh: tuple[int, int]) -> list[Detection]:
        xyxy, scores, points = decode(output, self.score)
        keep = suppress(xyxy, scores, iou=self.iou)
        offset = np.array([letterbox.left, letterbox.top], np.float32)
        limit = np.array(size_wh, np.float32)
        corners = ((xyxy[keep].reshape(-1, 2, 2) - offset) / letterbox.scale).clip(0, limit)  # (N, 2, 2)
        marks = None if points is None else (points[keep] - offset) / letterbox.scale  # (N, 5, 2)
        return [
            Detection(_quad(box), min(1.0, float(score)), None if marks is None else _landmarks(marks[row]))
            for row, (box, score) in enumerate(zip(corners, scores[keep], strict=True))
            if (box[1] > box[0]).all()
        ]


def decode(output: Floats, score: float) -> tuple[Floats, Floats, Floats | None]:
    """Boxes (N, 4) xyxy, scores (N,) and points (N, 5, 2) or None, on the canvas, best ``MOST_BOXES`` only.

    ``output`` is one picture's (C, A), or (K, 6 + 3·points) of an end-to-end model. Of several classes the
    highest score counts (class-agnostic). Raises ModelError for a layout that is none of these.
    """
    end_to_end = output.shape[1] in (6, 21) and output.shape[0] not in (5, 20)
    rows = output if end_to_end else output.T  # (A, C)
    channels = rows.shape[1]
    if channels < 5:
        raise ModelError(
            f"an output of {output.shape} is no Ultralytics layout", hint="expected (5 or 20, A)"
        )
    scores = rows[:, 4] if end_to_end or channels in (5, 20) else rows[:, 4:].max(axis=1)
    rows, scores = rows[scores >= score], scores[scores >= score]
    if len(rows) > MOST_BOXES:
        best = np.argsort(-scores, kind="stable")[:MOST_BOXES]
        rows, scores = rows[best], scores[best]
    xyxy = rows[:, :4]
    if not end_to_end:
        half = rows[:, 2:4] / 2
        xyxy = np.concatenate([rows[:, :2] - half, rows[:, :2] + half], axis=1)
    first = {20: 5, 21: 6}.get(channels)
    points = None if first is None else rows[:, first : first + 15].reshape(-1, 5, 3)[..., :2]
    return xyxy, scores, points


def _quad(box: Floats) -> tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = box.tolist()
    return x1, y1, x2, y2


def _landmarks(points: Floats) -> Landmarks:
    a, b, c, d, e = ((float(x), float(y)) for x, y in points)
    return a, b, c, d, e
