"""One epoch of a PyTorch network over packed faces, and one look at how good it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from train.augment import flip_some, move_each, relight_each
from train.dataset import PackedFaces
from train.network import FaceNetwork
from train.recipes import ResnetRecipe
from train.start import whole_batches

EVALUATION_BATCH = 128


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Mean cross-entropy in nats and probabilities (N, K) over one part."""

    loss: float
    probabilities: NDArray[np.float32]


def train_one_epoch(
    network: FaceNetwork,
    faces: PackedFaces,
    optimizer: torch.optim.Optimizer,
    recipe: ResnetRecipe,
    generator: torch.Generator,
    scheduler: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> float:
    """One pass over the faces in random order; gives the mean loss. ``scheduler`` steps once a batch."""
    device = network.get_buffer("scale").device
    total = 0.0
    for images, targets in _batches(faces, whole_batches(len(faces), recipe.batch), generator):
        pixels = _changed(network.pixels(images.to(device)), recipe, generator)  # (B, 3, S, S)
        loss = functional.cross_entropy(
            network.logits(pixels), targets.to(device), label_smoothing=recipe.label_smoothing
        )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if scheduler is not None:
            scheduler.step()
        total += float(loss.detach()) * len(targets)
    return total / len(faces)


def _changed(pixels: Tensor, recipe: ResnetRecipe, generator: torch.Generator) -> Tensor:
    pixels = move_each(pixels, recipe.rotation_deg, recipe.shift, recipe.zoom, generator)
    pixels = relight_each(pixels, recipe.light, generator)
    return flip_some(pixels, generator) if recipe.flip else pixels


@torch.inference_mode()
def evaluate(network: FaceNetwork, faces: PackedFaces) -> Evaluation:
    """Loss and probabilities over a part, in its order; (0, K) and loss 0 for an empty one."""
    network.eval()
    device = network.get_buffer("scale").device
    blocks = []
    for start in range(0, len(faces), EVALUATION_BATCH):
        images = torch.from_numpy(np.ascontiguousarray(faces.images[start : start + EVALUATION_BATCH]))
        blocks.append(network.logits(network.pixels(images.to(device))).float().cpu())
    if not blocks:
        return Evaluation(0.0, np.zeros((0, len(network.card.labels)), np.float32))
    logits = torch.cat(blocks)  # (N, K)
    loss = float(functional.cross_entropy(logits, torch.from_numpy(faces.targets)))
    return Evaluation(loss, logits.softmax(1).numpy())


def _batches(faces: PackedFaces, batch: int, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(faces), generator=generator).numpy()
    for start in range(0, len(order), batch):
        chosen = np.sort(order[start : start + batch])  # sorted: a memory map reads forward
        yield torch.from_numpy(faces.images[chosen]), torch.from_numpy(faces.targets[chosen])
