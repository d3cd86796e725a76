"""Distillation: a detector learns, anchor by anchor, what a teacher sees in each picture.

A label says that a face is here; a teacher says how sure it is at every place, and that of pictures which nobody
labelled. So two thousand photos pass on what the teacher learnt from many more (arXiv:2106.05237: teacher and
pupil must see the same picture, however strange it is).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from curate.engine import Engine, Floats, load_engine
from curate.yolo_layout import read_layout
from db.errors import ModelError

STRIDES = (8, 16, 32)
SURE = 0.2  # where the teacher gives at least this score its box is learnt too


@dataclass(frozen=True, slots=True)
class Answer:
    """What a teacher says of one picture: ``scores`` (A,) and boxes ``xyxy`` (A, 4) in its pixels, an anchor each."""

    scores: Floats
    xyxy: Floats


class Teacher:
    """An Ultralytics face network as ONNX, unsuppressed, whose anchors are those of the network that learns.

    It looks at squares of ``size_px``. Raises ModelError for a network of another kind or of another size.
    """

    def __init__(self, path: Path, size_px: int) -> None:
        self._engine: Engine = load_engine(path, threads=1)
        self._layout = read_layout(self._engine.metadata, self._engine.output_shapes)
        self._anchors = sum((size_px // stride) ** 2 for stride in STRIDES)
        sides = {side for side in self._engine.input_shape[2:] if side is not None}
        anchors = self._engine.output_shapes[0][-1]
        if sides - {size_px} or self._layout.suppressed or anchors not in (None, self._anchors):
            raise ModelError(
                f"{path} cannot teach: expected an Ultralytics face network that takes {size_px}×{size_px} pixels "
                f"and answers at {self._anchors:,} anchors, got {self._engine.input_shape} and "
                f"{self._engine.output_shapes[0]}",
                hint="take yolov8-lite-t-face with --imgsz 640, or train without --distil",
            )

    def answer(self, image: NDArray[np.uint8]) -> Answer:
        """For a square (S, S, 3) RGB picture."""
        canvas = image.transpose(2, 0, 1)[None].astype(np.float32) / np.float32(255)
        output = self._engine.run(canvas)[0][0]  # (4 + classes + points, A)
        middle, half = output[:2], output[2:4] / 2
        xyxy = np.concatenate([middle - half, middle + half]).T
        return Answer(output[4 : 4 + self._layout.classes].max(axis=0), np.ascontiguousarray(xyxy))


def taught_batch(answers: Sequence[Answer], unlabelled: int, device: str = "cpu") -> dict[str, torch.Tensor]:
    """What ``blended_loss`` takes: the teacher's scores (B, A, 1) and boxes (B, A, 4), and how many have no labels."""
    return {
        "unlabelled": torch.tensor(unlabelled),
        "taught_scores": torch.from_numpy(np.stack([a.scores for a in answers]))[..., None].to(device),
        "taught_boxes": torch.from_numpy(np.stack([a.xyxy for a in answers])).to(device),
    }


def blended_loss(
    model: Any, batch: dict[str, torch.Tensor], share: float
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """As Ultralytics' ``model.loss``: the sum over a batch, ``share`` of it the teacher's, and the labels' losses.

    The last ``unlabelled`` pictures of the batch count for the teacher's share only.
    """
    if getattr(model, "criterion", None) is None:
        model.criterion = model.init_criterion()
    preds = model.criterion.parse_output(model(batch["img"]))
    count = len(batch["img"])
    labelled = count - int(batch["unlabelled"])
    own = preds | {key: preds[key][:labelled] for key in ("boxes", "scores")}
    loss, parts = model.criterion(own, batch)
    told = distillation_loss(model.criterion, preds, batch)
    return ((1 - share) * loss / labelled + share * told) * count, parts | {"told": told.sum().detach()}


def distillation_loss(criterion: Any, preds: dict[str, Any], batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """(box, class, dfl) as Ultralytics weighs them, the teacher's answers standing where labels stand."""
    from ultralytics.utils.tal import make_anchors

    scores, boxes = batch["taught_scores"], batch["taught_boxes"]
    predicted, sides = (preds[key].permute(0, 2, 1).contiguous() for key in ("scores", "boxes"))
    anchors, strides = make_anchors(preds["feats"], criterion.stride, 0.5)
    size = torch.tensor(preds["feats"][0].shape[2:], device=scores.device) * criterion.stride[0]
    total = scores.sum().clamp(min=1)
    box, dfl = criterion.bbox_loss(
        sides,
        criterion.bbox_decode(anchors, sides),
        anchors,
        boxes / strides,
        scores,
        total,
        scores[..., 0] >= SURE,
        size,
        strides,
    )
    classes = torch.nn.functional.binary_cross_entropy_with_logits(predicted, scores, reduction="sum") / total
    gains = criterion.hyp
    return torch.stack([box * gains.box, classes * gains.cls, dfl * gains.dfl])
