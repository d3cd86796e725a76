"""What `train detector` is asked to do, and what its training loop is told: steps, picture sizes, rates."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from db.errors import ConfigError, InputError

DETECTOR = "detector"  # what a run's recipe record calls itself
NETWORKS = ("yolo11n", "yolov8n")
CANVAS_SHARES = (0.5, 0.2, 0.3)  # of a distilled step's pictures: four small cuts, one cut, a whole photo
CUT_SHARES = (0.7, 0.3)  # of the steps that show cuts: how many show the smaller and the larger ones


@dataclass(frozen=True, slots=True)
class DetectorRecipe:
    """All that decides what comes out, but the photos.

    ``steps`` of about ``pixels`` each; the learning rate rises for ``warmup`` steps, stays, and falls
    to nothing over the last ``cooldown`` share. The first ``frozen_layers`` keep the weights they came with,
    and so does every tensor whose name lacks ``only``. ``whole_share`` of the steps show whole photos at
    ``imgsz`` pixels, the others cuts at half and at 0.7 of it. ``width`` is the share of the network's
    channels that are kept: 0.5 is half as wide as nano. Patches lean to either side by up to ``turn_degrees``,
    and ``covered`` is the share of larger faces of which a part is hidden. ``distil`` is the share of the
    pictures that teachers label; all pictures then have ``imgsz`` pixels.
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
    imgsz: int = 640
    width: float = 1.0
    turn_degrees: float = 0.0
    covered: float = 0.0
    distil: float = 0.0

    def __post_init__(self) -> None:
        if self.steps < 1 or not 0 < self.cooldown <= 1:
            raise InputError(f"steps is {self.steps} and cooldown {self.cooldown}: expected ≥ 1 and 0 to 1")

    @property
    def sizes_px(self) -> tuple[int, int, int]:
        """Sides of the patches of a step, multiples of 32: small cuts, larger cuts, whole photos."""
        small, middle, whole = (max(1, round(share * self.imgsz / 32)) * 32 for share in (0.5, 0.7, 1.0))
        return small, middle, whole

    @property
    def size_shares(self) -> tuple[float, float, float]:
        """How often a step shows each of ``sizes_px``; adds up to 1."""
        cuts = 1 - self.whole_share
        return cuts * CUT_SHARES[0], cuts * CUT_SHARES[1], self.whole_share

    def patches(self, size_px: int) -> int:
        """How many patches of that side a step shows."""
        return max(1, self.pixels // size_px**2)

    def steps_an_epoch(self, photos: int) -> int:
        """The steps that show as many patches as there are photos: each photo once, on average."""
        return max(1, math.ceil(photos / self._patches_a_step()))

    def _patches_a_step(self) -> float:
        """How many cuts and whole photos a step shows, on average."""
        if self.distil:
            quarters, *others = CANVAS_SHARES
            return (4 * quarters + sum(others)) * self.patches(self.imgsz)
        return sum(s * self.patches(px) for s, px in zip(self.size_shares, self.sizes_px, strict=True))

    def learning_rate(self, step: int) -> float:
        """The rate at ``step``: linear up, flat, then 1 - √ of the cooldown gone (arXiv:2405.18392)."""
        start = self.steps * (1 - self.cooldown)
        if step > start:
            return self.lr * max(0.005, 1 - math.sqrt((step - start) / (self.steps - start)))
        return self.lr * min(1.0, (step + 1) / max(1, self.warmup))


LANDMARK_RECIPE = DetectorRecipe(
    network="yolo11n-pose.yaml", steps=1200, lr=3e-3, only=".cv4.", whole_share=0.1, turn_degrees=70
)


@dataclass(frozen=True, slots=True)
class FaceDetectorRecipe:
    """What ``train detector`` is asked to do.

    ``data`` and ``boxes`` are paths to photos (folder or zip) and their face boxes. ``start`` names the weights
    to begin with: a model's name, a file, or ``none``. An epoch shows as many patches as there are photos, so
    each photo once on average, most as a cut around one face. ``batch`` is the patches of a step that shows the
    smallest cuts, of half of ``imgsz``; steps of larger ones have as many pixels. ``drawn`` people and ``places``
    without anybody are drawn and mixed in (None: as many as ``drawn_for`` says), and so are the pictures of
    ``face_free``, a folder or zip where nobody's face is.
    ``teacher`` names detectors, with commas between. The first gives the five points that the boxes lack, which
    are then learnt for ``point_steps``; all of them together label ``distil`` of the pictures.
    """

    data: str
    boxes: str
    start: str = "yolo11n-seg"
    network: Literal["yolo11n", "yolov8n"] = "yolo11n"
    width: float = 1.0
    imgsz: int = 640
    epochs: int = 30
    batch: int = 16
    lr: float = 1e-3
    drawn: int | None = None
    places: int | None = None
    face_free: str = ""
    teacher: str = ""
    distil: float = 0.0
    point_steps: int = 900
    seed: int = 0
    device: Literal["auto", "cpu", "cuda"] = "auto"

    def __post_init__(self) -> None:
        _require(self.network in NETWORKS, f"network is {self.network!r}: expected {' or '.join(NETWORKS)}")
        _require(0.1 <= self.width <= 1, f"width is {self.width}: expected 0.1 to 1")
        _require(
            64 <= self.imgsz <= 1280 and self.imgsz % 32 == 0,
            f"imgsz is {self.imgsz}: expected a multiple of 32, 64 to 1280",
        )
        _require(self.epochs >= 1, f"epochs is {self.epochs}: expected 1 or more")
        _require(1 <= self.batch <= 1024, f"batch is {self.batch}: expected 1 to 1024")
        _require(0 < self.lr <= 1, f"lr is {self.lr}: expected over 0, at most 1")
        _require(min(self.drawn or 0, self.places or 0) >= 0, "drawn and places count from 0")
        _require(0 <= self.distil <= 1, f"distil is {self.distil}: expected 0 to 1")
        _require(
            not self.distil or bool(self.teachers), "distil needs a teacher: --teacher DETECTOR,DETECTOR"
        )
        _require(
            len(self.teachers) < 2 or self.distil > 0,
            "several teachers label pictures together: say what share of them with --distil, such as 0.5",
        )
        _require(self.point_steps >= 1, f"point-steps is {self.point_steps}: expected 1 or more")

    @property
    def teachers(self) -> list[str]:
        """Their names or files."""
        return [name.strip() for name in self.teacher.split(",") if name.strip()]

    @property
    def title(self) -> str:
        return "detector"

    def as_record(self) -> dict[str, Any]:
        return {"recipe": DETECTOR, **asdict(self)}

    def drawn_for(self, photos: int) -> tuple[int, int]:
        """How many (people, places) to draw beside that many photos: so many that they stay a small part."""
        people = min(300, photos // 6) if self.drawn is None else self.drawn
        return people, min(100, photos // 20) if self.places is None else self.places

    @property
    def _pixels(self) -> int:
        return self.batch * (self.imgsz // 2) ** 2

    def box_loop(self, photos: int) -> DetectorRecipe:
        """What the training loop is told for that many photos."""
        loop = DetectorRecipe(
            network=f"{self.network}.yaml",
            pixels=self._pixels,
            lr=self.lr,
            cooldown=0.35,
            whole_share=0.25,
            seed=self.seed,
            imgsz=self.imgsz,
            width=self.width,
            turn_degrees=20,
            covered=0.25,
            distil=self.distil,
        )
        steps = self.epochs * loop.steps_an_epoch(photos)
        return replace(loop, steps=steps, warmup=min(loop.warmup, max(1, steps // 10)))

    def point_loop(self) -> DetectorRecipe:
        """What the loop is told when only the branch of the five points learns, on features that stay as they are."""
        return replace(
            LANDMARK_RECIPE,
            network=f"{self.network}-pose.yaml",
            pixels=self._pixels,
            steps=self.point_steps,
            warmup=min(LANDMARK_RECIPE.warmup, max(1, self.point_steps // 10)),
            seed=self.seed,
            imgsz=self.imgsz,
            width=self.width,
        )


def is_detector(recipe: Mapping[str, object]) -> bool:
    """Whether a run's recipe record is that of a face detector."""
    return recipe.get("recipe") == DETECTOR


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)
