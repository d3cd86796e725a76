"""Labels from other detectors, for pictures that nobody labelled: how sure they are, together, of each face.

A label says that a face is here. Teachers say how much of a face it is, and that of any picture, however strange
(arXiv:2106.05237): so a few photos pass on what the teachers learnt from many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from curate.detect import Detection, Detector
from curate.nms import overlaps
from train.detector_patches import Patch

SAME_FACE = 0.5  # IoU from which two boxes are of one face
LEAST_SCORE = 0.02  # what a teacher must report to be heard
LEAST_TOGETHER = 0.05  # what is left of a face of which all together are less sure is background


class Teachers:
    """Detectors of any kind that together label pictures, one at a time: some of them cannot do more at once."""

    def __init__(self, detectors: Sequence[Detector]) -> None:
        self._detectors = detectors
        self._one_at_a_time = Lock()

    def label(self, image: NDArray[np.uint8]) -> Patch:
        """The picture (H, W, 3) with the faces that its teachers see in it, each as sure as they are together."""
        with self._one_at_a_time:
            opinions = [detector.detect([image])[0] for detector in self._detectors]
        faces = [face for face in agreed(opinions) if face.score >= LEAST_TOGETHER]
        xyxy = np.array([face.xyxy for face in faces], np.float32).reshape(-1, 4)
        return Patch(image, xyxy, sure=np.array([face.score for face in faces], np.float32))


def agreed(opinions: Sequence[Sequence[Detection]]) -> list[Detection]:
    """The faces that several detectors see in one picture, each once, surest first (boxes fused, arXiv:1910.13302).

    A face's score is the mean of what each gives it, silence being 0; its box is their mean, weighted by score.
    """
    said = [(face, who) for who, opinion in enumerate(opinions) for face in opinion]
    said.sort(key=lambda each: -each[0].score)
    xyxy = np.array([face.xyxy for face, _ in said], np.float32).reshape(-1, 4)
    scores = np.array([face.score for face, _ in said], np.float32)
    speakers = np.array([who for _, who in said], np.intp)
    same = overlaps(xyxy, xyxy) >= SAME_FACE
    left = np.ones(len(said), bool)
    faces = []
    for surest in range(len(said)):
        if left[surest]:
            # surest first, so that each speaker's first is their surest
            group = np.flatnonzero(same[surest] & left)
            left[group] = False
            heard = group[np.unique(speakers[group], return_index=True)[1]]
            box = np.average(xyxy[heard], axis=0, weights=scores[heard])
            faces.append(_face(box, float(scores[heard].sum()) / len(opinions)))
    return sorted(faces, key=lambda face: -face.score)


def _face(box: NDArray[np.floating], score: float) -> Detection:
    x1, y1, x2, y2 = (float(value) for value in box)
    return Detection((x1, y1, x2, y2), score, None)


@dataclass(frozen=True, slots=True)
class SureAssigner:
    """An Ultralytics assigner of faces to anchors, each face's target being as high as its label is sure.

    ``sure`` is (B, most faces of a picture).
    """

    plain: Any
    sure: torch.Tensor

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[torch.Tensor, ...]:
        labels, boxes, scores, found, face = self.plain(*args, **kwargs)
        if self.sure.shape[1]:
            scores = scores * self.sure.gather(1, face)[..., None]  # (B, A, 1)
        return labels, boxes, scores, found, face


def loss_of_sure_labels(
    model: Any, batch: dict[str, torch.Tensor]
) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    """As Ultralytics' ``model.loss``, for a batch whose labels are ``sure`` (N,) to different degrees."""
    if getattr(model, "criterion", None) is None:
        model.criterion = model.init_criterion()
    plain = model.criterion.assigner
    model.criterion.assigner = SureAssigner(plain, _by_picture(batch))
    try:
        loss: tuple[torch.Tensor, dict[str, torch.Tensor]] = model.loss(batch)
    finally:
        model.criterion.assigner = plain
    return loss


def _by_picture(batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """(B, most faces of a picture): how sure each label is, in the order in which Ultralytics pads them."""
    each = [batch["sure"][batch["batch_idx"] == picture] for picture in range(len(batch["img"]))]
    return torch.nn.utils.rnn.pad_sequence(each, batch_first=True)
