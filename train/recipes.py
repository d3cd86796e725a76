"""What a training run is asked to do: the classifiers' recipes, their defaults from the seed report, and presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from db.errors import ConfigError
from train.detector_recipe import FaceDetectorRecipe

Size = Literal["n", "s", "m", "l", "x"]
Family = Literal["yolov8", "yolo11"]
Network = Literal["resnet18", "resnet34", "resnet50", "mobilenet_v2"]
Device = Literal["auto", "cpu", "cuda"]
SIZES: tuple[Size, ...] = get_args(Size)
FAMILIES: tuple[Family, ...] = get_args(Family)
NETWORKS: tuple[Network, ...] = get_args(Network)


@dataclass(frozen=True, slots=True)
class YoloRecipe:
    """Ultralytics YOLO classification; the defaults are the report's (section 2.1).

    ``weights`` is where to start: ``auto`` (pretrained ones when they are on this machine), ``none``, or a
    model's name or path.
    ``settings`` holds any other Ultralytics argument, e.g. ``{"lr0": 0.002, "optimizer": "AdamW"}``.
    """

    size: Size = "n"
    family: Family = "yolo11"
    imgsz: int = 128
    epochs: int = 100
    batch: int = 16
    seed: int = 0
    device: Device = "auto"
    weights: str = "auto"
    settings: Mapping[str, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_common(self.imgsz, self.batch)
        _require(self.epochs >= 1, f"epochs is {self.epochs}: expected 1 or more")
        _require(self.size in SIZES, f"size is {self.size!r}: expected one of {', '.join(SIZES)}")
        _require(self.family in FAMILIES, f"family is {self.family!r}: expected {' or '.join(FAMILIES)}")

    @property
    def title(self) -> str:
        """``yolo11n``: short enough for run names and tables."""
        return f"{self.family}{self.size}"

    def as_record(self) -> dict[str, Any]:
        return {"recipe": "yolo", **asdict(self), "settings": dict(self.settings)}


@dataclass(frozen=True, slots=True)
class ResnetRecipe:
    """A torchvision network in two phases; the defaults are the report's (section 2.2.3).

    First ``head_epochs`` with the backbone frozen (``head_lr``), then ``epochs`` on all layers (``lr``); the
    learning rate is divided by ``plateau_factor`` when the validation loss has not fallen for
    ``plateau_patience`` epochs. ``rotation_deg`` turns each face at random by up to that angle, ``flip``
    mirrors half of them; ``shift``, ``zoom`` and ``light`` move, scale and relight each by up to that share
    (off in the report; from scratch on few faces they help). ``weights`` is as in ``YoloRecipe``. When there
    are none, nothing is frozen, and ``scratch_head_lr`` and ``scratch_lr`` stand in for the two rates.
    ``schedule`` ``onecycle`` runs one warm-up and decay over each phase instead of the plateau rule, its rate
    being the peak.
    """

    network: Network = "resnet50"
    imgsz: int = 160
    head_epochs: int = 10
    epochs: int = 40
    head_lr: float = 1e-4
    lr: float = 1e-5
    scratch_head_lr: float = 1e-3
    scratch_lr: float = 1e-4
    schedule: Literal["plateau", "onecycle"] = "plateau"
    plateau_patience: int = 5
    plateau_factor: float = 5.0
    rotation_deg: float = 15.0
    flip: bool = False
    shift: float = 0.0
    zoom: float = 0.0
    light: float = 0.0
    label_smoothing: float = 0.0
    batch: int = 32
    seed: int = 0
    device: Device = "auto"
    weights: str = "auto"

    def __post_init__(self) -> None:
        _check_common(self.imgsz, self.batch)
        _require(self.network in NETWORKS, f"network is {self.network!r}: expected {', '.join(NETWORKS)}")
        _require(
            self.head_epochs >= 0 and self.epochs >= 0 and self.total_epochs >= 1,
            f"{self.head_epochs} head epochs and {self.epochs} epochs: expected 1 or more in all",
        )
        _require(0 <= self.rotation_deg <= 180, f"rotation is {self.rotation_deg}°: expected 0 to 180")
        shares = (self.shift, self.zoom, self.light, self.label_smoothing)
        _require(
            all(0 <= s < 1 for s in shares),
            f"shift, zoom, light and label smoothing are {shares}: expected 0 to 1",
        )
        _require(self.plateau_factor > 1, f"the plateau factor is {self.plateau_factor}: expected over 1")

    @property
    def total_epochs(self) -> int:
        return self.head_epochs + self.epochs

    @property
    def title(self) -> str:
        return self.network.replace("_", "")

    def as_record(self) -> dict[str, Any]:
        return {"recipe": "resnet", **asdict(self)}


Recipe = YoloRecipe | ResnetRecipe | FaceDetectorRecipe

# Short runs that reach a usable model from scratch on two CPU cores, for the demo and first tries.
YOLO_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "quick": {
        "imgsz": 96,
        "epochs": 20,
        "batch": 32,
        "settings": {
            "optimizer": "AdamW",
            "lr0": 0.002,
            "lrf": 0.01,
            "nbs": 32,
            "warmup_epochs": 2,
            "warmup_bias_lr": 0.0,
            "auto_augment": None,
            "cos_lr": True,
            "scale": 0.3,
            "erasing": 0.0,
        },
    }
}
RESNET_PRESETS: Mapping[str, Mapping[str, Any]] = {
    "quick": {
        "imgsz": 64,
        "head_epochs": 0,
        "epochs": 16,
        "scratch_lr": 1e-3,
        "lr": 3e-4,
        "schedule": "onecycle",
        "flip": True,
        "rotation_deg": 8.0,
        "shift": 0.04,
        "zoom": 0.06,
        "light": 0.15,
        "label_smoothing": 0.05,
    }
}


def preset(presets: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    """The values of a preset; none for an empty name. Errors: ConfigError naming the presets."""
    if not name:
        return {}
    if name not in presets:
        raise ConfigError(f"there is no preset {name!r}", hint=f"choose one of {', '.join(presets)}")
    return dict(presets[name])


def _check_common(imgsz: int, batch: int) -> None:
    _require(32 <= imgsz <= 1024, f"imgsz is {imgsz}: expected 32 to 1024 pixels")
    _require(2 <= batch <= 4096, f"batch is {batch}: expected 2 to 4096 faces")


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise ConfigError(message)


def recipe_from_record(record: Mapping[str, Any]) -> Recipe:
    """The recipe a run was started with. Errors: ConfigError for a record of another version."""
    values = {key: value for key, value in record.items() if key not in ("recipe", "name")}
    kinds: Mapping[object, type[Recipe]] = {"yolo": YoloRecipe, "detector": FaceDetectorRecipe}
    try:
        return kinds.get(record.get("recipe"), ResnetRecipe)(**values)
    except TypeError as error:
        raise ConfigError(
            f"the run's recipe is of another version: {error}", hint="start a new run with the same options"
        ) from error
