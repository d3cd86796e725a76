"""Random changes of a batch of pictures (N, 3, S, S) while training, all pictures at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def rotate_each(pixels: Tensor, degrees: float, generator: torch.Generator) -> Tensor:
    """Turn every picture about its middle by its own angle in ±degrees; edges are repeated outwards."""
    if not degrees:
        return pixels
    draws = torch.rand(len(pixels), generator=generator)
    angle = ((2 * draws - 1) * math.radians(degrees)).to(pixels.device)
    cos, sin, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    matrix = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(-1, 2, 3)  # (N, 2, 3)
    grid = functional.affine_grid(matrix, list(pixels.shape), align_corners=False)
    return functional.grid_sample(pixels, grid, padding_mode="border", align_corners=False)


def flip_some(pixels: Tensor, generator: torch.Generator) -> Tensor:
    """Mirror each picture left to right with probability one half."""
    chosen = (torch.rand(len(pixels), generator=generator) < 0.5).to(pixels.device)
    return torch.where(chosen.view(-1, 1, 1, 1), pixels.flip(3), pixels)
