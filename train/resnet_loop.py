"""The two phases of the ResNet recipe, epoch after epoch, with a checkpoint after each."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch

from train.card import WEIGHTS
from train.dataset import PackedFaces
from train.epochs import evaluate, train_one_epoch
from train.history import Epoch, best_epoch, record_epoch, say_epoch
from train.metrics import accuracy, confusion_matrix, macro_f1
from train.network import FaceNetwork, head_of, load_tensors, save_tensors
from train.recipes import ResnetRecipe
from train.runs import ActiveRun
from train.start import whole_batches


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of epochs with one optimiser; ``frozen`` keeps all but the head as it is."""

    title: str
    epochs: int
    learning_rate: float
    frozen: bool


@dataclass(frozen=True, slots=True)
class Training:
    """What is trained, how, on what, and where its checkpoints go; ``start`` is "" for scratch."""

    network: FaceNetwork
    recipe: ResnetRecipe
    run: ActiveRun
    train: PackedFaces
    val: PackedFaces
    start: str


def phases(recipe: ResnetRecipe, pretrained: bool) -> tuple[Phase, ...]:
    """The two phases of the recipe, without those of no epochs; nothing is frozen from scratch."""
    head_lr, lr = (recipe.head_lr, recipe.lr) if pretrained else (recipe.scratch_head_lr, recipe.scratch_lr)
    head = Phase("head" if pretrained else "warm-up", recipe.head_epochs, head_lr, frozen=pretrained)
    both = (head, Phase("all layers", recipe.epochs, lr, frozen=False))
    return tuple(phase for phase in both if phase.epochs)


def load_checkpoint(run: ActiveRun) -> dict[str, Any] | None:
    """The state after the last whole epoch; None before the first."""
    path = run.work / "last.pt"
    return load_tensors(path) if path.exists() else None


def load_best(run: ActiveRun, network: FaceNetwork) -> None:
    """Give the network the weights of the best epoch."""
    network.backbone.load_state_dict(load_tensors(run.work / WEIGHTS))


def run_phases(training: Training, state: dict[str, Any] | None) -> None:
    """Train every epoch that ``state`` (a checkpoint, or None) has not seen."""
    done = int(state["epoch"]) if state else 0
    if state:
        training.network.backbone.load_state_dict(state["model"])
    before = 0
    for phase in phases(training.recipe, bool(training.start)):
        numbers = range(max(done, before) + 1, before + phase.epochs + 1)
        if numbers:
            optimizer, scheduler = _optimizer(training.network, phase), None
            scheduler = _scheduler(training, phase, optimizer)
            if state and done > before:
                optimizer.load_state_dict(state["optimizer"])
                scheduler.load_state_dict(state["scheduler"])
            for epoch in numbers:
                _epoch(training, phase, epoch, optimizer, scheduler)
        before += phase.epochs


def _epoch(
    training: Training, phase: Phase, epoch: int, optimizer: torch.optim.Optimizer, scheduler: Any
) -> None:
    network, recipe = training.network, training.recipe
    began, rate = time.monotonic(), float(optimizer.param_groups[0]["lr"])
    seed = recipe.seed * 100_003 + epoch  # so that a resumed run draws what an undisturbed one would have
    torch.manual_seed(seed)
    _training_mode(network, phase.frozen)
    a_batch = scheduler if recipe.schedule == "onecycle" else None
    generator = torch.Generator().manual_seed(seed)
    loss = train_one_epoch(network, training.train, optimizer, recipe, generator, a_batch)
    result = evaluate(network, training.val)
    if recipe.schedule == "plateau":
        scheduler.step(result.loss)
    predicted = result.probabilities.argmax(axis=1)
    matrix = confusion_matrix(training.val.targets, predicted, len(network.card.labels))
    seconds = round(time.monotonic() - began, 2)
    row = Epoch(epoch, phase.title, rate, loss, result.loss, accuracy(matrix), macro_f1(matrix), seconds)
    rows = record_epoch(training.run.history, row)
    if best_epoch(rows) == row:
        save_tensors(network.backbone.state_dict(), training.run.work / WEIGHTS)
    _checkpoint(training, epoch, optimizer, scheduler)
    say_epoch(rows, recipe.total_epochs)


def _checkpoint(training: Training, epoch: int, optimizer: torch.optim.Optimizer, scheduler: Any) -> None:
    state = {
        "epoch": epoch,
        "start": training.start,
        "model": training.network.backbone.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": {k: v for k, v in scheduler.state_dict().items() if not callable(v)},
    }
    save_tensors(state, training.run.work / "last.pt")


def _optimizer(network: FaceNetwork, phase: Phase) -> torch.optim.Optimizer:
    head = {id(p) for p in head_of(network.backbone).parameters()}
    for parameter in network.backbone.parameters():
        parameter.requires_grad_(not phase.frozen or id(parameter) in head)
    trained = [p for p in network.backbone.parameters() if p.requires_grad]
    return torch.optim.Adam(trained, lr=phase.learning_rate)


def _scheduler(training: Training, phase: Phase, optimizer: torch.optim.Optimizer) -> Any:
    recipe = training.recipe
    steps = -(-len(training.train) // whole_batches(len(training.train), recipe.batch))
    if recipe.schedule == "onecycle":
        return torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=phase.learning_rate, total_steps=steps * phase.epochs, pct_start=0.2
        )
    return torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=1 / recipe.plateau_factor, patience=recipe.plateau_patience - 1, threshold=0.0
    )


def _training_mode(network: FaceNetwork, frozen: bool) -> None:
    """A frozen backbone keeps the batch statistics of its own training."""
    network.train(not frozen)
    head_of(network.backbone).train()
