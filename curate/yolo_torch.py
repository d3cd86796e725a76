"""Any Ultralytics ``.pt`` face model, run by Ultralytics itself: slower than ONNX, and open to every network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from curate.detect import LOOK_PX, Detection, Landmarks, checked_rgb
from curate.engine import beginning
from curate.yolo_layout import face_classes
from db.errors import ModelError
from db.privacy import quiet_ultralytics


class YoloTorch:
    """Detects faces with ``ultralytics.YOLO``; nothing is installed or sent anywhere behind the user."""

    def __init__(
        self,
        path: Path,
        *,
        score: float = 0.5,
        iou: float = 0.5,
        threads: int | None = None,
        size_px: int | None = None,
    ) -> None:
        quiet_ultralytics()
        import torch

        if threads:
            torch.set_num_threads(threads)
        self._model: Any = _open(path)
        faces = face_classes(self._model.names)
        self._options: dict[str, Any] = {
            "conf": score,
            "iou": iou,
            "agnostic_nms": True,
            "max_det": 3000,
            "verbose": False,
        }
        if faces:
            self._options["classes"] = list(faces)
        self.size_px = size_px or LOOK_PX
        if size_px:
            self._options["imgsz"] = size_px

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """For each (H, W, 3) uint8 RGB picture its faces, highest score first."""
        if not images:
            return []
        bgr = [np.ascontiguousarray(checked_rgb(image)[..., ::-1]) for image in images]
        return [_faces(result) for result in self._model.predict(bgr, **self._options)]


def _open(path: Path) -> Any:
    """The checkpoint's model; raises ModelError for a file that holds none, or none that finds boxes."""
    import ultralytics

    try:
        model = ultralytics.YOLO(str(path))
    except Exception as error:  # torch raises a dozen classes for a file that is no checkpoint
        raise ModelError(
            f"{path} is no Ultralytics checkpoint: got {beginning(path)}",
            hint="give a .pt that Ultralytics trained, or an ONNX file",
        ) from error
    if model.task not in ("detect", "pose"):
        raise ModelError(f"{path} is a {model.task} model", hint="expected task detect or pose")
    return model


def _faces(result: Any) -> list[Detection]:
    points = None if result.keypoints is None else result.keypoints.xy.cpu().tolist()
    faces = []
    for row, (box, score) in enumerate(
        zip(result.boxes.xyxy.cpu().tolist(), result.boxes.conf.tolist(), strict=True)
    ):
        x1, y1, x2, y2 = box
        marks: Landmarks | None = None
        if points is not None and len(points[row]) == 5:
            a, b, c, d, e = ((float(x), float(y)) for x, y in points[row])
            marks = (a, b, c, d, e)
        if x1 < x2 and y1 < y2:
            faces.append(Detection((x1, y1, x2, y2), min(1.0, score), marks))
    return faces
