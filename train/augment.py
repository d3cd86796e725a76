"""Random changes of a batch of pictures (N, 3, S, S) while training, all pictures at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def move_each(
    pixels: Tensor, degrees: float, shift: float, zoom: float, generator: torch.Generator
) -> Tensor:
    """Turn, move and scale every picture by its own draw; edges are repeated outwards.

    The angle lies in ±``degrees``, the move in ±``shift`` of the side each way, the scale in 1 ± ``zoom``.
    """
    if not (degrees or shift or zoom):
        return pixels
    turn, across, down, scale = (2 * torch.rand(4, len(pixels), generator=generator) - 1).to(pixels.device)
    angle, size = turn * math.radians(degrees), 1 + scale * zoom
    cos, sin = angle.cos() * size, angle.sin() * size
    rows = [cos, -sin, 2 * shift * across, sin, cos, 2 * shift * down]  # a side is 2 wide in these units
    grid = functional.affine_grid(
        torch.stack(rows, dim=1).view(-1, 2, 3), list(pixels.shape), align_corners=False
    )
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def relight_each(pixels: Tensor, light: float, generator: torch.Generator) -> Tensor:
    """Multiply every picture, and each of its colours a little, by its own factor within 1 ± ``light``."""
    if not light:
        return pixels
    draws = 2 * torch.rand(len(pixels), 1 + pixels.shape[1], generator=generator) - 1
    factor = (1 + light * draws[:, :1]) * (1 + light / 3 * draws[:, 1:])  # (N, 3)
    relit: Tensor = pixels * factor.to(pixels.device).view(len(pixels), -1, 1, 1)
    return relit


def flip_some(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each picture left to right with probability one half."""
    chosen = (torch.rand(len(pixels), generator=generator) < 0.5).to(pixels.device)
    return torch.where(chosen.view(-1, 1, 1, 1), pixels.flip(3), pixels)
