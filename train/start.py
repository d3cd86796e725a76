"""Where training starts from: which device, and which pretrained weights, if they are on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from db.command import say
from db.errors import ConfigError, ModelError, NotFoundError
from train.recipes import Device


@dataclass(frozen=True, slots=True)
class Start:
    """Pretrained weights: the model's name and its file."""

    name: str
    path: Path


def starting_weights(wanted: str, candidates: Sequence[str]) -> Start | None:
    """The weights asked for, or with ``auto`` the first of the candidates that is here; None for scratch.

    Says which it will be, and how to get better ones; downloads nothing. Errors: ModelError or NotFoundError
    when a named model is not here.
    """
    from curate.registry import resolve

    if wanted == "none":
        say("starting from scratch, as asked")
        return None
    if wanted != "auto":
        return Start(Path(wanted).stem, resolve(wanted))
    hint = ""
    for name in candidates:
        try:
            path = resolve(name)
        except ModelError as error:
            hint = hint or error.hint
        except NotFoundError:
            hint = hint or f"put {name}'s weights in a file and add --weights FILE"
        else:
            say(f"starting from the pretrained weights {name}")
            return Start(name, path)
    say(f"pretrained weights not found ({', '.join(candidates)}): starting from scratch; get them: {hint}")
    return None


def torch_device(device: Device) -> str:
    """``cpu`` or ``cuda``; ``auto`` takes the GPU when there is one. Errors: ConfigError without one."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("there is no CUDA GPU that PyTorch can use", hint="use --device cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def whole_batches(faces: int, batch: int) -> int:
    """The batch size, raised until no lone face is left over: batch normalisation needs two."""
    batch = min(batch, max(faces, 2))
    while faces > 1 and faces % batch == 1:
        batch += 1
    return batch
