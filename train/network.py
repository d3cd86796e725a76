"""A trained network: built from its card, saved as ``weights.pt`` (tensors only) and ``model.onnx``.

All take faces as they are, (N, S, S, 3) uint8 RGB, and give probabilities (N, K): scaling, normalising and
softmax are part of the network, so no reader can get them wrong.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from db.command import say
from db.errors import ModelError
from db.privacy import quiet_ultralytics
from db.whole_file import renamed_when_whole
from train.card import ONNX, WEIGHTS, ModelCard, read_card, write_card

OPSET = 17


class FaceNetwork(nn.Module):
    """A backbone that takes faces as stored and gives probabilities."""

    def __init__(self, backbone: nn.Module, card: ModelCard) -> None:
        super().__init__()
        self.backbone = backbone
        self.card = card
        self.register_buffer("scale", 1 / (255 * torch.tensor(card.std).view(1, 3, 1, 1)), persistent=False)
        self.register_buffer(
            "shift", (torch.tensor(card.mean) / torch.tensor(card.std)).view(1, 3, 1, 1), persistent=False
        )

    def forward(self, faces: Tensor) -> Tensor:
        """(N, S, S, 3) uint8 → (N, K) probabilities."""
        return self.logits(self.pixels(faces)).softmax(1)

    def pixels(self, faces: Tensor) -> Tensor:
        """(N, S, S, 3) uint8 → (N, 3, S, S) float, normalised."""
        scale, shift = self.get_buffer("scale"), self.get_buffer("shift")
        return faces.permute(0, 3, 1, 2).float() * scale - shift

    def logits(self, pixels: Tensor) -> Tensor:
        """(N, 3, S, S) → (N, K)."""
        out = self.backbone(pixels)
        logits: Tensor = out[1] if isinstance(out, tuple) else out  # Ultralytics in eval mode gives both
        return logits


def build(card: ModelCard) -> FaceNetwork:
    """The network a card describes, with random weights. Errors: ModelError for an unknown one."""
    if card.library == "ultralytics":
        quiet_ultralytics()
        from ultralytics.nn.tasks import ClassificationModel

        return FaceNetwork(
            ClassificationModel(f"{card.network}.yaml", nc=len(card.labels), verbose=False), card
        )
    import torchvision

    backbone = getattr(torchvision.models, card.network)(weights=None)
    return FaceNetwork(with_head(backbone, len(card.labels)), card)


def with_head(backbone: nn.Module, classes: int) -> nn.Module:
    """The torchvision network with a fresh last layer for that many classes."""
    name, last = _last_linear(backbone)
    owner, _, attribute = name.rpartition(".")
    setattr(backbone.get_submodule(owner), attribute, nn.Linear(last.in_features, classes))
    return backbone


def head_of(backbone: nn.Module) -> nn.Linear:
    """The last layer, the one a frozen backbone leaves to train."""
    return _last_linear(backbone)[1]


def _last_linear(backbone: nn.Module) -> tuple[str, nn.Linear]:
    found = [(name, layer) for name, layer in backbone.named_modules() if isinstance(layer, nn.Linear)]
    if not found:
        raise ModelError(f"{type(backbone).__name__} has no linear layer to classify with")
    return found[-1]


def save_network(network: FaceNetwork, folder: Path) -> None:
    """Write weights, ONNX (where the onnx package is installed) and, last, the card."""
    network.eval()
    save_tensors(dict(network.backbone.state_dict()), folder / WEIGHTS)
    _export_onnx(network, folder / ONNX)
    write_card(network.card, folder)


def load_network(folder: Path) -> FaceNetwork:
    """The network of a run's folder in eval mode on the CPU. Errors: ModelError when files are missing."""
    network = build(read_card(folder))
    network.backbone.load_state_dict(load_tensors(folder / WEIGHTS))
    return network.eval()


def save_tensors(content: Mapping[str, Any], path: Path) -> None:
    """Write tensors, numbers and strings under a temporary name, then rename.

    Errors: OSError when the disk is full; torch.save to a file would call that a RuntimeError.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    with renamed_when_whole(path) as part:
        part.write_bytes(buffer.getbuffer())


def load_tensors(path: Path) -> dict[str, Any]:
    """Read what ``save_tensors`` wrote; runs no code of the file. Errors: ModelError."""
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise ModelError(f"{path} is missing", hint="choose a finished run: train list") from error
    except Exception as error:  # torch raises half a dozen kinds for a damaged file
        raise ModelError(f"{path} cannot be read as weights: {error}", hint="train again") from error
    return content


def _export_onnx(network: FaceNetwork, path: Path) -> None:
    size = network.card.imgsz
    example = torch.zeros((2, size, size, 3), dtype=torch.uint8)
    try:
        import onnx  # noqa: F401  torch's exporter needs it and says so only at the end
    except ImportError:
        say("note: no model.onnx was written, since the onnx package is missing: pip install onnx")
        return
    with renamed_when_whole(path) as part, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter that needs no onnxscript is called legacy, and says so
        torch.onnx.export(
            network.cpu(),
            (example,),
            str(part),
            input_names=["faces"],
            output_names=["probabilities"],
            dynamic_axes={"faces": {0: "n"}, "probabilities": {0: "n"}},
            opset_version=OPSET,
            dynamo=False,
        )
