"""A start for YOLO11-nano classifiers that every machine has: the backbone of the bundled face detector.

A network that learnt to find faces and their eyes and mouths already sees what expressions are made of.
The detector is kept as ONNX, where each convolution has swallowed its batch normalisation; here the two are
parted again, each normalisation set so that it undoes itself on the faces at hand (as in data-dependent
initialisation, Krähenbühl et al. 2016), so that training begins from the detector's own features.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from db.errors import ModelError

CALIBRATION_FACES = 128
# Detector layer -> classifier layer: the same network up to layer 8, then attention without pooling before.
_LAYERS = {**{str(i): str(i) for i in range(9)}, "10": "9"}
_LEAST_SHARED = 30


def face_start(detector: Path, network: nn.Module, faces: NDArray[np.uint8]) -> dict[str, Tensor]:
    """The tensors of ``network`` (a YOLO11n classifier) with the detector's backbone in place.

    ``detector`` is an ONNX file of a YOLO11n detector; ``faces`` (N, S, S, 3) uint8 RGB, one or more, are
    what the normalisations are set on. ``network`` is changed too. Errors: ModelError when the file holds
    another architecture.
    """
    folded = _folded_convolutions(detector)
    blocks = dict(network.named_modules())
    shared = {
        name: (weight, bias)
        for name, (weight, bias) in folded.items()
        if name in blocks and blocks[name].conv.weight.shape == weight.shape
    }
    if len(shared) < _LEAST_SHARED:
        raise ModelError(
            f"{detector.name} is no YOLO11n detector: {len(shared)} of its layers fit the classifier"
        )
    with torch.no_grad():
        for name, (weight, _) in shared.items():
            blocks[name].conv.weight.copy_(weight)
        _calibrate(network, {blocks[name].bn: bias for name, (_, bias) in shared.items()}, faces)
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def _calibrate(network: nn.Module, biases: dict[nn.Module, Tensor], faces: NDArray[np.uint8]) -> None:
    """One pass over the faces that sets each normalisation to give back its input plus the folded bias."""
    pixels = (
        torch.from_numpy(faces[:CALIBRATION_FACES].copy()).permute(0, 3, 1, 2).float() / 255
    )  # (N, 3, S, S)
    handles = [layer.register_forward_pre_hook(_undoing(bias)) for layer, bias in biases.items()]
    network.eval()
    network(pixels)
    for handle in handles:
        handle.remove()
    network.train()


def _undoing(bias: Tensor) -> Callable[[nn.BatchNorm2d, tuple[Tensor, ...]], None]:
    def set_before(layer: nn.BatchNorm2d, inputs: tuple[Tensor, ...]) -> None:
        mean, variance = inputs[0].mean((0, 2, 3)), inputs[0].var((0, 2, 3), unbiased=False)
        assert layer.running_mean is not None and layer.running_var is not None
        layer.running_mean.copy_(mean)
        layer.running_var.copy_(variance)
        layer.weight.copy_((variance + layer.eps).sqrt())
        layer.bias.copy_(mean + bias)

    return set_before


def _folded_convolutions(detector: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """(weight, bias) of the detector's backbone convolutions, under the classifier's names."""
    import onnx
    from onnx import numpy_helper

    tensors = {
        initializer.name.removesuffix("_half"): torch.from_numpy(
            numpy_helper.to_array(initializer).astype(np.float32)
        )
        for initializer in onnx.load(str(detector)).graph.initializer
        if initializer.name.startswith("model.")
    }
    folded = {}
    for name in tensors:
        _, number, *rest = name.split(".")
        bias = tensors.get(name.removesuffix("weight") + "bias")
        if name.endswith(".conv.weight") and number in _LAYERS and bias is not None:
            block = ".".join(("model", _LAYERS[number], *rest[:-2]))
            folded[block] = (tensors[name], bias)
    return folded
