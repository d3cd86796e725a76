"""A trained run as a function from faces to probabilities, through ONNX Runtime or PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from db.errors import ModelError
from db.workspace import Workspace
from train.card import ONNX
from train.dataset import squares
from train.detector_recipe import is_detector
from train.runs import run_folder

BATCH = 64


class Classifier(Protocol):
    """Faces in, probabilities out.

    ``labels`` names the K columns; ``imgsz`` is the side every face is squeezed to.
    """

    labels: tuple[str, ...]
    imgsz: int

    def predict(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        """(N, H, W, 3) uint8 RGB of any H and W → (N, K) probabilities; N may be 0."""
        ...


class OnnxClassifier:
    """Runs ``model.onnx`` with ONNX Runtime; ``threads`` 0 leaves their number to it."""

    def __init__(self, path: Path, labels: tuple[str, ...], imgsz: int, threads: int = 0) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # Spinning threads steal the cores from whatever else runs, such as a detector beside us.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # its own exception types are not exported
            raise ModelError(f"{path} cannot be loaded: {error}", hint="train again") from error
        self.labels = labels
        self.imgsz = imgsz

    def predict(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        return _in_batches(self._run, faces, self.imgsz, len(self.labels))

    def _run(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.asarray(self._session.run(None, {"faces": faces})[0], np.float32)


class TorchClassifier:
    """Runs ``weights.pt`` with PyTorch."""

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        from train.network import load_network

        self._network = load_network(folder).to(device)
        self._device = device
        self.labels = self._network.card.labels
        self.imgsz = self._network.card.imgsz

    def predict(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        return _in_batches(self._run, faces, self.imgsz, len(self.labels))

    def _run(self, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
        import torch

        with torch.inference_mode():
            out = self._network(torch.from_numpy(faces).to(self._device))
        return np.asarray(out.cpu().numpy(), np.float32)


def load_classifier(
    workspace: Workspace,
    run_name: str = "",
    *,
    backend: Literal["auto", "onnx", "torch"] = "auto",
    threads: int = 0,
) -> Classifier:
    """The classifier of a run named by (the start of) its id; the newest finished classifier when empty.

    ``auto`` takes ONNX Runtime when the run holds a model.onnx. Errors: NotFoundError, ModelError.
    """
    run = workspace.store.runs.load(run_name)
    if is_detector(run.recipe):
        raise ModelError(
            f"run {run.id} trained a face detector, no classifier",
            hint=f"find faces with it: curate faces --detector {workspace.runs / run.id / ONNX}",
        )
    if run.status != "done":
        raise ModelError(f"run {run.id} is not finished", hint=f"finish it: train resume {run.id}")
    return open_classifier(run_folder(workspace, run), backend=backend, threads=threads)


def open_classifier(
    folder: Path, *, backend: Literal["auto", "onnx", "torch"] = "auto", threads: int = 0
) -> Classifier:
    """The classifier in a run's folder, wherever it lies. Errors: ModelError."""
    from train.card import read_card

    card = read_card(folder)
    if backend == "onnx" or (backend == "auto" and (folder / ONNX).exists()):
        return OnnxClassifier(folder / ONNX, card.labels, card.imgsz, threads)
    return TorchClassifier(folder)


def predict_faces(classifier: Classifier, faces: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Probabilities (N, K) of faces of different sizes, each (H, W, 3) uint8 RGB; (0, K) for none."""
    return classifier.predict(squares(faces, classifier.imgsz))


def _in_batches(run: Any, faces: NDArray[np.uint8], imgsz: int, classes: int) -> NDArray[np.float32]:
    if faces.ndim != 4 or faces.shape[3] != 3 or faces.dtype != np.uint8:
        raise ValueError(f"faces are (N, H, W, 3) uint8 RGB, got {faces.shape} {faces.dtype}")
    out = np.zeros((len(faces), classes), np.float32)
    for start in range(0, len(faces), BATCH):
        out[start : start + BATCH] = run(squares(faces[start : start + BATCH], imgsz))
    return out
