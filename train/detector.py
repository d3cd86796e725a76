"""Fine-tunes an Ultralytics detection network on photos with face boxes, resumable at any kill.

Ultralytics gives the network and its loss; the loop is ours, because cutting patches around faces and
keeping the first layers frozen trains the same network several times faster on a CPU than whole mosaics.
"""

import json
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch

from db.errors import InputError
from train.detector_covers import cover
from train.detector_network import save_ultralytics, start_network
from train.detector_patches import Patch, PatchSampler
from train.detector_recipe import DetectorRecipe
from train.detector_strange import strange
from train.detector_teachers import Teachers, loss_of_sure_labels
from train.network import save_tensors
from train.runs import write_json
from train.start import torch_device

CHECKPOINT_STEPS = 50  # about a minute at 640 px on two cores


def train_detector(
    photos: Sequence[Patch],
    start_weights: Path | None,
    out: Path,
    recipe: DetectorRecipe,
    *,
    progress: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
    device: str = "",
    checkpoint_steps: int = CHECKPOINT_STEPS,
    teachers: Teachers | None = None,
) -> Path:
    """Trains until ``recipe.steps`` and returns ``out/best.pt``, which ``ultralytics.YOLO`` loads.

    Every ``checkpoint_steps`` ``out/last.pt`` is replaced; the same call goes on from there, draws what the
    killed one would have drawn, and refuses to continue with another recipe. The weights kept are the moving
    average (EMA) of the last step; nothing is chosen by looking at held-out photos. ``device`` is "cpu" or
    "cuda" ("": a GPU where there is one); without ``start_weights`` the network starts at random. ``teachers`` label
    ``recipe.distil`` of the pictures: both or neither.
    """
    if bool(recipe.distil) != (teachers is not None):
        raise InputError(
            f"distil is {recipe.distil} with{'' if teachers else 'out'} teachers: both or neither"
        )
    device = device or torch_device("auto")
    out.mkdir(parents=True, exist_ok=True)
    _same_recipe(out / "recipe.json", recipe)
    model = start_network(start_weights, recipe, device)
    average = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = _optimizer(model, recipe)
    done = _resume(out / "last.pt", model, average, optimizer, device)
    began = time.monotonic()
    for step, batch in enumerate(batches(photos, recipe, done, device, teachers), start=done):
        losses = train_step(model, optimizer, batch, recipe.learning_rate(step))
        _update_average(average, model, step)
        if (step + 1) % checkpoint_steps == 0 or step + 1 == recipe.steps:
            _save(out / "last.pt", model, average, optimizer, step + 1)
        progress(step + 1, losses | {"seconds": time.monotonic() - began})
    return save_ultralytics(model, average, out / "best.pt", recipe)


def batches(
    photos: Sequence[Patch],
    recipe: DetectorRecipe,
    first_step: int,
    device: str,
    teachers: Teachers | None = None,
) -> Iterator[dict[str, torch.Tensor]]:
    """The batch of each step from ``first_step`` on, of about equal pixel count, cut ahead in threads.

    Every step draws with its own seed, so a resumed run sees the same batches as one that was not killed.
    """

    def draw(step: int) -> dict[str, torch.Tensor]:
        sampler = PatchSampler(photos, (recipe.seed, step), recipe.turn_degrees)
        if teachers is not None:
            return to_batch(distilled(sampler, recipe, teachers), device)
        kind = int(sampler.random.choice(3, p=recipe.size_shares))
        size = recipe.sizes_px[kind]
        patches = [sampler.patch(size, whole=kind == 2) for _ in range(recipe.patches(size))]
        return to_batch([cover(patch, recipe.covered, sampler.random) for patch in patches], device)

    workers = max(1, (os.cpu_count() or 1) // 2)
    with ThreadPoolExecutor(workers) as pool:
        steps = iter(range(first_step, recipe.steps))
        ahead = deque(pool.submit(draw, step) for step in islice(steps, workers))
        while ahead:
            batch = ahead.popleft().result()
            ahead.extend(pool.submit(draw, step) for step in islice(steps, 1))
            yield batch


def distilled(sampler: PatchSampler, recipe: DetectorRecipe, teachers: Teachers) -> list[Patch]:
    """A step's pictures: some with their own labels, the others strange ones that the teachers label."""
    size, count = recipe.imgsz, recipe.patches(recipe.imgsz)
    strangers = int(recipe.distil * count + sampler.random.random())  # ``distil`` of them on average
    own = [cover(sampler.canvas(size), recipe.covered, sampler.random) for _ in range(count - strangers)]
    return own + [teachers.label(strange(sampler, size)) for _ in range(strangers)]


def to_batch(patches: Sequence[Patch], device: str = "cpu") -> dict[str, torch.Tensor]:
    """What Ultralytics' losses take: img (B, 3, S, S) in 0 to 1; per face its picture, relative xywh and points.

    Where a teacher's labels are among them, also how ``sure`` each label is, 0 to 1.
    """
    images = torch.from_numpy(np.stack([patch.image for patch in patches]))  # (B, S, S, 3)
    size = images.shape[1]
    xyxy = torch.from_numpy(np.concatenate([patch.xyxy for patch in patches])) / size  # (N, 4)
    xywh = torch.cat([(xyxy[:, :2] + xyxy[:, 2:]) / 2, xyxy[:, 2:] - xyxy[:, :2]], 1)
    points = torch.from_numpy(np.concatenate([patch.known_points() for patch in patches]))  # (N, 5, 3)
    index = [i for i, patch in enumerate(patches) for _ in patch.xyxy]
    batch = {
        "img": images.to(device).permute(0, 3, 1, 2).float() / 255,
        "bboxes": xywh.to(device),
        "keypoints": (points / torch.tensor([size, size, 1.0])).to(device),
        "cls": torch.zeros(len(xywh), 1, device=device),
        "batch_idx": torch.tensor(index, dtype=torch.float32, device=device),
    }
    if any(patch.sure is not None for patch in patches):
        sure = [np.ones(len(p.xyxy), np.float32) if p.sure is None else p.sure for p in patches]
        batch["sure"] = torch.from_numpy(np.concatenate(sure)).to(device)
    return batch


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
    loss, parts = loss_of_sure_labels(model, batch) if "sure" in batch else model.loss(batch)
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
    """Refuses another recipe; what an older file does not name had its default then."""
    if path.is_file():
        was = json.loads(path.read_text(encoding="utf-8"))
        if asdict(DetectorRecipe()) | was != asdict(recipe):
            raise InputError(
                f"{path.parent} holds a run of another recipe: {was}", hint="take another folder"
            )
    write_json(path, asdict(recipe))


def _resume(
    path: Path, model: Any, average: Mapping[str, torch.Tensor], optimizer: torch.optim.Optimizer, device: str
) -> int:
    if not path.is_file():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
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
    save_tensors(state, path)
