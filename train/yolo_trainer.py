"""Ultralytics' classification trainer, fed from packed faces and judged by macro-F1.

Subclassed, not forked: the network, loss, optimiser, schedule, augmentation and EMA are Ultralytics' own.
What differs: faces come from memory, the best checkpoint is the one of best macro-F1 on val, checkpoints
reach the disk whole, and no callback of any third party ever runs.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from copy import copy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from ultralytics.data.augment import classify_augmentations, classify_transforms
from ultralytics.models.yolo.classify import ClassificationTrainer, ClassificationValidator

from train.dataset import PackedFaces
from train.history import Epoch
from train.metrics import accuracy, confusion_matrix, macro_f1, selection_score


class FaceSet:
    """Packed faces as the data set Ultralytics' loaders expect."""

    def __init__(self, faces: PackedFaces, transforms: Any) -> None:
        self.samples = range(len(faces))
        self.torch_transforms = transforms
        self._faces = faces

    def __len__(self) -> int:
        return len(self._faces)

    def __getitem__(self, index: int) -> dict[str, Any]:
        face = Image.fromarray(self._faces.images[index])
        return {"img": self.torch_transforms(face), "cls": int(self._faces.targets[index])}


class MacroF1Validator(ClassificationValidator):  # type: ignore[misc]
    """Keeps the confusion matrix of the newest validation in ``matrix`` (K, K)."""

    def run_callbacks(self, event: str) -> None:
        """Run none."""

    def get_stats(self) -> dict[str, float]:
        true = torch.cat(self.targets).numpy()
        predicted = torch.cat(self.pred)[:, 0].numpy()
        self.matrix = confusion_matrix(true, predicted, self.nc)
        stats: dict[str, float] = super().get_stats()
        return stats


class MacroF1Trainer(ClassificationTrainer):  # type: ignore[misc]
    """Trains on ``train`` and chooses by ``val``; calls ``on_epoch`` with the figures of each epoch.

    ``overrides`` are Ultralytics' arguments; data, project and name among them are not used. ``start`` are
    tensors to begin with instead of random ones.
    """

    best: Path
    last: Path
    best_fitness: float | None

    def __init__(
        self,
        overrides: dict[str, Any],
        labels: tuple[str, ...],
        train: PackedFaces,
        val: PackedFaces,
        on_epoch: Callable[[Epoch], None],
        start: Mapping[str, torch.Tensor] | None = None,
    ) -> None:
        self._labels = labels
        self._start = start
        self._faces = {"train": train, "val": val}
        self._on_epoch = on_epoch
        self._epoch_began = time.monotonic()
        self._threads = torch.get_num_threads()
        super().__init__(overrides=overrides)

    def run_callbacks(self, event: str) -> None:
        """Run none of Ultralytics'; an epoch's random choices follow from seed and epoch, resumed or not."""
        if event == "on_train_start":
            torch.set_num_threads(self._threads)  # Ultralytics leaves a core idle, for good
        if event == "on_train_epoch_start":
            self._epoch_began = time.monotonic()
            seed = self.args.seed * 100_003 + self.epoch
            random.seed(seed)
            np.random.seed(seed % 2**32)
            torch.manual_seed(seed)

    def get_dataset(self) -> dict[str, Any]:
        names = dict(enumerate(self._labels))
        return {
            "train": "train",
            "val": "val",
            "test": "val",
            "nc": len(names),
            "names": names,
            "channels": 3,
        }

    def build_dataset(self, img_path: str, mode: str = "train", batch: Any = None) -> FaceSet:
        args = self.args
        if mode != "train":
            return FaceSet(self._faces["val"], classify_transforms(size=args.imgsz))
        transforms = classify_augmentations(
            size=args.imgsz,
            scale=(1.0 - args.scale, 1.0),
            hflip=args.fliplr,
            vflip=args.flipud,
            erasing=args.erasing,
            auto_augment=args.auto_augment,
            hsv_h=args.hsv_h,
            hsv_s=args.hsv_s,
            hsv_v=args.hsv_v,
        )
        return FaceSet(self._faces["train"], transforms)

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = True) -> Any:
        model = super().get_model(cfg, weights, verbose)
        if self._start is not None:
            model.load_state_dict(self._start)
        return model

    def get_validator(self) -> MacroF1Validator:
        return MacroF1Validator(
            self.test_loader, self.save_dir, args=copy(self.args), _callbacks=self.callbacks
        )

    def validate(self) -> tuple[dict[str, float], float]:
        """Metrics of the epoch, and as its fitness the selection score."""
        metrics = self.validator(self)
        metrics.pop("fitness", None)
        self._macro_f1 = macro_f1(self.validator.matrix)
        fitness = selection_score(self._macro_f1, metrics["val/loss"])
        if self.best_fitness is None or self.best_fitness < fitness:
            self.best_fitness = fitness
        return metrics, fitness

    def save_metrics(self, metrics: dict[str, float]) -> None:
        """Hand the epoch's figures over, in place of Ultralytics' results.csv."""
        self._on_epoch(
            Epoch(
                epoch=self.epoch + 1,
                phase="all layers",
                learning_rate=float(self.optimizer.param_groups[0]["lr"]),
                train_loss=float(self.tloss["loss"]),
                val_loss=float(metrics["val/loss"]),
                accuracy=accuracy(self.validator.matrix),
                macro_f1=self._macro_f1,
                seconds=round(time.monotonic() - self._epoch_began, 2),
            )
        )

    def read_results_csv(self) -> dict[str, Any]:
        """Nothing: the figures are in our own history."""
        return {}

    def save_model(self) -> bool:
        """Save as Ultralytics does, under temporary names that are then renamed: best first, last last."""
        best, last = self.best, self.last
        parts = {name: name.with_name(name.name + ".part") for name in (best, last)}
        self.best, self.last = parts[best], parts[last]
        try:
            saved = bool(super().save_model())
        finally:
            self.best, self.last = best, last
        for whole, part in parts.items():
            if part.exists():
                part.replace(whole)
        return saved

    def final_eval(self) -> None:
        """Nothing: the run is measured from its exported files."""


def best_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of an Ultralytics checkpoint as float32, moving average first."""
    from ultralytics.utils.patches import torch_load

    checkpoint = torch_load(path, map_location="cpu")
    model = checkpoint.get("ema") or checkpoint["model"]
    weights: dict[str, torch.Tensor] = model.float().state_dict()
    return weights
