"""Fine-tunes an Ultralytics detection network on photos with face boxes, resumable at any kill.

Ultralytics gives the network and its loss; the loop is ours, because cutting patches around faces and
keeping the first layers frozen trains the same network several times faster on a CPU than whole mosaics.
"""

import json
import pickle
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from db.errors import InputError, ModelError
from db.privacy import quiet_ultralytics
from train.detector_boxes import BoxTable, held_out, photo_reader, read_boxes
from train.detector_patches import Patch, PatchSampler

SIZES_PX = (320, 448, 640)  # of the patches of a step; the last size shows whole photos
SIZE_SHARES = (0.7, 0.3)  # of the steps that show cuts


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """All that decides what comes out, but the photos.

    ``steps`` of about ``pixels`` each; the learning rate rises for ``warmup`` steps, stays, and falls
    to nothing over the last ``cooldown`` share. The first ``frozen_layers`` keep the weights they came with,
    and so does every tensor whose name lacks ``only``.
    """

    network: str = "yolo11n.yaml"
    steps: int = 6000
    pixels: int = 16 * 320 * 320
    lr: float = 1e-3
    weight_decay: float = 0.01
    warmup: int = 200
    cooldown: float = 0.3
    frozen_layers: int = 3
    only: str = ""
    whole_share: float = 0.2
    seed: int = 0

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.cooldown <= 1:
            raise InputError(f"steps is {self.steps} and cooldown {self.cooldown}: expected ≥ 1 and 0 to 1")

    def learning_rate(self, step: int) -> float:
        """The rate at ``step``: linear up, flat, then 1 - √ of the cooldown gone (arXiv:2405.18392)."""
        start = self.steps * (1 - self.cooldown)
        if step > start:
            return self.lr * max(0.005, 1 - float(np.sqrt((step - start) / (self.steps - start))))
        return self.lr * min(1.0, (step + 1) / max(1, self.warmup))


def train_detector(
    photos: list[Patch],
    start_weights: Path,
    out: Path,
    recipe: DetectorRecipe,
    *,
    progress: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
) -> Path:
    """Trains until ``recipe.steps`` and returns ``out/best.pt``, which ``ultralytics.YOLO`` loads.

    Every 200 steps ``out/last.pt`` and ``out/recipe.json`` are replaced; the same call goes on from there
    and refuses to continue with another recipe. The weights kept are the moving average (EMA).
    """
    out.mkdir(parents=True, exist_ok=True)
    _same_recipe(out / "recipe.json", recipe)
    model = start_network(start_weights, recipe)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = _optimizer(model, recipe)
    done = _resume(out / "last.pt", model, average, optimizer)
    sampler = PatchSampler(photos, recipe.seed + done)  # a resumed run draws on, it does not repeat
    began = time.monotonic()
    for step, batch in zip(range(done, recipe.steps), batches(sampler, recipe), strict=False):
        losses = train_step(model, optimizer, batch, recipe.learning_rate(step))
        _update_average(average, model, step)
        if (step + 1) % 200 == 0 or step + 1 == recipe.steps:
            _save(out / "last.pt", model, average, optimizer, step + 1)
        progress(step + 1, losses | {"seconds": time.monotonic() - began})
    return save_ultralytics(model, average, out / "best.pt", recipe)


def load_photos(data: Path, boxes_file: Path) -> tuple[list[Patch], BoxTable]:
    """Every photo of the boxes file but the held-out fold, decoded; and the boxes with their problems."""
    read = photo_reader(data)
    table = read_boxes(boxes_file)
    photos = []
    for name in sorted(table.boxes):
        image = None if held_out(name) else read(name)
        if image is not None:
            photos.append(Patch(image, table.boxes[name]))
    return photos, table


def start_network(weights: Path, recipe: DetectorRecipe) -> Any:
    """The network of ``recipe`` with one class, face, and every tensor of ``weights`` that fits in it."""
    quiet_ultralytics()
    from ultralytics.cfg import get_cfg
    from ultralytics.nn.tasks import DetectionModel, PoseModel

    torch.manual_seed(recipe.seed)
    model: Any
    if "pose" in recipe.network:
        model = PoseModel(recipe.network, nc=1, data_kpt_shape=(5, 3), verbose=False)
    else:
        model = DetectionModel(recipe.network, nc=1, verbose=False)
    try:
        start = torch.load(weights, map_location="cpu", weights_only=False)["model"].float()
    except (OSError, KeyError, AttributeError, RuntimeError, TypeError, pickle.UnpicklingError) as error:
        raise ModelError(
            f"{weights} is no Ultralytics checkpoint: {error}", hint="give a .pt file"
        ) from error
    model.load(start, verbose=False)
    model.args = get_cfg()
    model.names = {0: "face"}
    for name, tensor in model.named_parameters():
        late = int(name.split(".")[1]) >= recipe.frozen_layers
        tensor.requires_grad_(late and recipe.only in name and "dfl" not in name)
    return model.to(device()).to(memory_format=torch.channels_last)


def device() -> torch.device:
    """The GPU where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def batches(sampler: PatchSampler, recipe: DetectorRecipe) -> Iterator[dict[str, torch.Tensor]]:
    """Endless batches of about equal pixel count, cut one ahead in a thread."""

    def draw() -> dict[str, torch.Tensor]:
        cuts = 1 - recipe.whole_share
        kind = int(
            sampler.random.choice(3, p=[cuts * SIZE_SHARES[0], cuts * SIZE_SHARES[1], recipe.whole_share])
        )
        size = SIZES_PX[kind]
        count = max(1, recipe.pixels // size**2)
        return to_batch([sampler.patch(size, whole=kind == 2) for _ in range(count)])

    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(draw)
        while True:
            batch, ahead = ahead.result(), pool.submit(draw)
            yield batch


def to_batch(patches: list[Patch]) -> dict[str, torch.Tensor]:
    """What Ultralytics' losses take: img (B, 3, S, S) in 0 to 1; per face its picture, relative xywh and points."""
    images = torch.from_numpy(np.stack([patch.image for patch in patches]))  # (B, S, S, 3)
    size = images.shape[1]
    xyxy = torch.from_numpy(np.concatenate([patch.xyxy for patch in patches])) / size  # (N, 4)
    xywh = torch.cat([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], 1)
    points = torch.from_numpy(np.concatenate([patch.known_points() for patch in patches]))  # (N, 5, 3)
    index = [i for i, patch in enumerate(patches) for _ in patch.xyxy]
    return {
        "img": images.to(device()).permute(0, 3, 1, 2).float() / 255,
        "bboxes": xywh.to(device()),
        "keypoints": (points / torch.tensor([size, size, 1.0])).to(device()),
        "cls": torch.zeros(len(xywh), 1, device=device()),
        "batch_idx": torch.tensor(index, dtype=torch.float32, device=device()),
    }


def train_step(
    model: Any, optimizer: torch.optim.Optimizer, batch: dict[str, torch.Tensor], lr: float
) -> dict[str, float]:
    """One step; returns the losses by name."""
    model.train()
    for layer in model.modules():
        if isinstance(layer, torch.nn.BatchNorm2d) and not layer.weight.requires_grad:
            layer.eval()  # frozen layers keep the statistics of their own training
    for group in optimizer.param_groups:
        group["lr"] = lr
    loss, parts = model.loss(batch)
    optimizer.zero_grad(set_to_none=True)
    (loss.sum() / len(batch["img"])).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
    optimizer.step()
    return {name: float(value) for name, value in parts.items()}


def _optimizer(model: Any, recipe: DetectorRecipe) -> torch.optim.Optimizer:
    trained = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=recipe.lr, betas=(0.9, 0.999))


@torch.no_grad()
def _update_average(average: Mapping[str, torch.Tensor], model: Any, step: int) -> None:
    keep = min(0.999, (1 + step) / (10 + step))
    for name, value in model.state_dict().items():
        if value.is_floating_point():
            average[name].lerp_(value, 1 - keep)
        else:
            average[name].copy_(value)


def _same_recipe(path: Path, recipe: DetectorRecipe) -> None:
    if path.is_file() and (was := json.loads(path.read_text())) != asdict(recipe):
        raise InputError(f"{path.parent} holds a run of another recipe: {was}", hint="take another --out")
    path.write_text(json.dumps(asdict(recipe), indent=2) + "\n")


def _resume(
    path: Path, model: Any, average: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer
) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, map_location=device(), weights_only=True)
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    for name, value in state["average"].items():
        average[name].copy_(value)
    return int(state["step"])


def _save(
    path: Path, model: Any, average: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer, step: int
) -> None:
    state = {
        "model": model.state_dict(),
        "average": dict(average),
        "optimizer": optimizer.state_dict(),
        "step": step,
    }
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def save_ultralytics(
    model: Any, average: Mapping[str, torch.Tensor], path: Path, recipe: DetectorRecipe
) -> Path:
    """Writes the averaged weights as a checkpoint that ``ultralytics.YOLO`` opens and exports."""
    model.load_state_dict(dict(average))
    model.eval()
    task = "pose" if "pose" in recipe.network else "detect"
    torch.save(
        {"model": model.half(), "train_args": {"task": task, "imgsz": 640}, "recipe": asdict(recipe)}, path
    )
    return path
