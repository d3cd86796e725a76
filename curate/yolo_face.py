"""Ultralytics face models as ONNX files: letterbox, run, decode, suppress, back to photo pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from curate.detect import LOOK_PX, Detection, Landmarks, checked_rgb
from curate.engine import Engine, Floats, metadata_value
from curate.nms import suppress
from curate.yolo_layout import decode, read_layout
from db.errors import ModelError

GREY = 114
LARGEST_SCALE = 2.0  # small pictures are at most doubled: more gives the network nothing new to see


@dataclass(frozen=True, slots=True)
class Letterbox:
    """A picture on the network's canvas (1, 3, H, W), 0 to 1: times ``scale``, then moved by the padding."""

    canvas: Floats
    scale: float
    left: int
    top: int


class YoloFace:
    """Detects faces with an engine that holds an Ultralytics detect or pose network.

    Raises ModelError for a network of another kind. Pictures go through one at a time, which is as fast as
    any batch on a CPU (see `curate.engine`) and holds one canvas in memory.
    """

    def __init__(
        self, engine: Engine, *, score: float = 0.5, iou: float = 0.5, size_px: int | None = None
    ) -> None:
        shape = engine.input_shape
        if len(shape) != 4 or shape[1] not in (3, None):
            raise ModelError(f"expected one (N, 3, H, W) input, got {shape}")
        self.engine = engine
        self.layout = read_layout(engine.metadata, engine.output_shapes)
        self.score = score
        self.iou = iou
        fixed = [side for side in shape[2:] if side is not None]
        asked = size_px or int(np.max(metadata_value(engine.metadata, "imgsz") or LOOK_PX))
        self.size_px = max(fixed) if len(fixed) == 2 else asked
        if len(fixed) == 2 and size_px not in (None, *fixed):
            raise ModelError(
                f"the network takes {shape[3]}×{shape[2]} pixels, not {size_px}",
                hint="leave the size out, or export the model with dynamic=True",
            )
        self.stride = int(np.max(metadata_value(engine.metadata, "stride") or 32))

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first."""
        return [self._one(image) for image in [checked_rgb(image) for image in images]]

    def _one(self, image: NDArray[np.uint8]) -> list[Detection]:
        count, _, *fixed_hw = self.engine.input_shape
        boxed = letterbox(image, self.size_px, self.stride, (fixed_hw[0], fixed_hw[1]))
        batch = boxed.canvas if count in (1, None) else np.repeat(boxed.canvas, count, axis=0)
        return self._faces(self.engine.run(batch)[0][0], boxed, (image.shape[1], image.shape[0]))

    def _faces(self, output: Floats, boxed: Letterbox, size_wh: tuple[int, int]) -> list[Detection]:
        found = decode(output, self.score, self.layout)
        keep = suppress(found.xyxy, found.scores, iou=self.iou)
        offset = np.array([boxed.left, boxed.top], np.float32)
        corners = (found.xyxy[keep].reshape(-1, 2, 2) - offset) / boxed.scale  # (N, 2, 2)
        corners = corners.clip(0, np.array(size_wh, np.float32))
        marks = None if found.points is None else (found.points[keep] - offset) / boxed.scale  # (N, 5, 2)
        return [
            Detection(_quad(box), min(1.0, float(score)), None if marks is None else _landmarks(marks[row]))
            for row, (box, score) in enumerate(zip(corners, found.scores[keep], strict=True))
            if (box[1] > box[0]).all()
        ]


def letterbox(
    image: NDArray[np.uint8],
    size_px: int,
    stride: int = 32,
    fixed_hw: tuple[int | None, int | None] = (None, None),
) -> Letterbox:
    """The picture, its ratio kept, in the middle of a grey canvas: as small as goes, or of the fixed sides.

    The longest side becomes ``size_px``, or what a fixed canvas allows; free sides are multiples of ``stride``.
    """
    height, width = image.shape[:2]
    most_h, most_w = (side or size_px for side in fixed_hw)
    scale = min(most_w / width, most_h / height, LARGEST_SCALE)
    to_w, to_h = max(1, round(width * scale)), max(1, round(height * scale))
    canvas_h = fixed_hw[0] or -(-to_h // stride) * stride
    canvas_w = fixed_hw[1] or -(-to_w // stride) * stride
    left, top = (canvas_w - to_w) // 2, (canvas_h - to_h) // 2
    pixels = np.full((canvas_h, canvas_w, 3), GREY, np.uint8)
    how = cv2.INTER_AREA if scale < 0.5 else cv2.INTER_LINEAR
    pixels[top : top + to_h, left : left + to_w] = (
        image if scale == 1 else cv2.resize(image, (to_w, to_h), interpolation=how)
    )
    canvas = np.empty((1, 3, canvas_h, canvas_w), np.float32)
    canvas[0] = pixels.transpose(2, 0, 1)  # a copy, then a product: a third of the time of both in one
    canvas *= np.float32(1 / 255)
    return Letterbox(canvas, scale, left, top)


def _quad(box: Floats) -> tuple[float, float, float, float]:
    (x1, y1), (x2, y2) = box.tolist()
    return x1, y1, x2, y2


def _landmarks(points: Floats) -> Landmarks:
    a, b, c, d, e = ((float(x), float(y)) for x, y in points)
    return a, b, c, d, e
