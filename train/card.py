"""``model.json`` of a run: what a network needs besides its weights."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from db.errors import ModelError
from train.runs import write_json

CARD, WEIGHTS, ONNX = "model.json", "weights.pt", "model.onnx"
Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ModelCard:
    """How a network is built, its labels in order, the side of its square input, and how pixels are scaled."""

    library: Literal["ultralytics", "torchvision"]
    network: str
    labels: tuple[str, ...]
    imgsz: int
    mean: Triple
    std: Triple


def write_card(card: ModelCard, folder: Path) -> None:
    """Write ``model.json``; being the last file of a model, it says that the others are whole."""
    write_json(folder / CARD, asdict(card))


def read_card(folder: Path) -> ModelCard:
    """The card of a run's folder. Errors: ModelError when it is missing or makes no sense."""
    try:
        data = json.loads((folder / CARD).read_text(encoding="utf-8"))
        return ModelCard(
            data["library"],
            data["network"],
            tuple(data["labels"]),
            int(data["imgsz"]),
            (data["mean"][0], data["mean"][1], data["mean"][2]),
            (data["std"][0], data["std"][1], data["std"][2]),
        )
    except FileNotFoundError as error:
        raise ModelError(
            f"{folder} holds no finished model: {CARD} is missing", hint="choose a finished run: train list"
        ) from error
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ModelError(f"{folder / CARD} is damaged: {error}", hint="train again") from error
