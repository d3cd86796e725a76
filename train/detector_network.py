"""The detector's network: an Ultralytics YOLO with one class, face, begun from the weights that fit in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from db.command import say
from db.errors import ModelError
from db.privacy import quiet_ultralytics
from train.detector_recipe import DetectorRecipe
from train.network import save_tensors


def start_network(weights: Path | None, recipe: DetectorRecipe, device: str) -> Any:
    """The network of ``recipe`` with every tensor of ``weights`` that fits in it; random without weights.

    Of the recipe's frozen layers only those are frozen that came whole. Raises ModelError for a file that is
    no Ultralytics checkpoint, or from which nothing fits.
    """
    torch.manual_seed(recipe.seed)
    model = _build(recipe)
    fitted = set(model.state_dict()) if weights is None else _load(model, weights)
    learnt = {name for name, _ in model.named_parameters()} & fitted if weights else set()
    for name, tensor in model.named_parameters():
        frozen = _layer(name) < recipe.frozen_layers and _whole(model, _layer(name), learnt)
        tensor.requires_grad_(not frozen and recipe.only in name and "dfl" not in name)
    return model.to(device).to(memory_format=torch.channels_last)


def read_checkpoint(path: Path) -> Any:
    """The network in an Ultralytics checkpoint, float32. Raises ModelError for a file that is none."""
    quiet_ultralytics()
    try:
        saved = torch.load(path, map_location="cpu", weights_only=False)
        return (saved.get("ema") or saved["model"]).float()
    except Exception as error:  # torch and pickle raise a dozen classes for a file that is no checkpoint
        raise ModelError(
            f"{path} is no Ultralytics checkpoint: {type(error).__name__}: {error}",
            hint="give a YOLO .pt, or the name of one: mimique models list",
        ) from error


def _build(recipe: DetectorRecipe) -> Any:
    quiet_ultralytics()
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel, PoseModel, yaml_model_load

    layout = yaml_model_load(recipe.network)
    depth, width, most = layout["scales"][layout["scale"]]
    layout["scales"] = {layout["scale"]: [depth, width * recipe.width, most]}
    layout["nc"] = 1
    model: Any
    if "pose" in recipe.network:
        model = PoseModel(layout, nc=1, data_kpt_shape=(5, 3), verbose=False)
    else:
        model = DetectionModel(layout, nc=1, verbose=False)
    model.args = get_cfg()
    model.names = {0: "face"}
    return model


def _load(model: Any, weights: Path) -> set[str]:
    """Fill the network; gives the names of its tensors that came from the file."""
    start = read_checkpoint(weights)
    given = {name: tensor.shape for name, tensor in start.state_dict().items()}
    model.load(start, verbose=False)
    own = {name: tensor.shape for name, tensor in model.state_dict().items()}
    fitted = {name for name, shape in own.items() if given.get(name) == shape}
    if not fitted:
        raise ModelError(
            f"nothing of {weights} fits the network: its {len(given)} tensors have other names or shapes",
            hint="take weights of the same family, such as --from yolo11n-seg, or --from none",
        )
    rest = "" if 2 * len(fitted) > len(own) else ": most of the network begins at random"
    say(f"started from {weights.name}: {len(fitted)} of {len(own)} tensors fit{rest}")
    return fitted


def _layer(name: str) -> int:
    return int(name.split(".")[1])  # model.3.cv1.conv.weight


def _whole(model: Any, layer: int, learnt: set[str]) -> bool:
    return all(name in learnt for name, _ in model.named_parameters() if _layer(name) == layer)


def save_ultralytics(
    model: Any, average: Mapping[str, torch.Tensor], path: Path, recipe: DetectorRecipe
) -> Path:
    """Writes the averaged weights as a checkpoint that ``ultralytics.YOLO`` opens and exports."""
    model.load_state_dict(dict(average))
    model.eval()
    task = "pose" if "pose" in recipe.network else "detect"
    arguments = {"task": task, "imgsz": recipe.imgsz}
    save_tensors({"model": model.half(), "train_args": arguments, "recipe": asdict(recipe)}, path)
    return path
