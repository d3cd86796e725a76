"""Where to look in a photo that is too large for one look, and how to put what was seen together.

Pure functions on sizes and boxes (pixel xyxy); the detector around them is ``curate.tiled``.
"""

from collections.abc import Sequence
from math import ceil

import numpy as np
from numpy.typing import NDArray

from curate.nms import suppress

Floats = NDArray[np.float32]
TileXyxy = tuple[int, int, int, int]


def tile_boxes(size_wh: tuple[int, int], tile_wh: tuple[int, int], overlap: float = 0.25) -> list[TileXyxy]:
    """Equal tiles of at most ``tile_wh`` that cover the photo, neighbours sharing at least ``overlap`` of a tile.

    Rows first, left to right; one tile, the photo, where it fits.
    """
    if min(tile_wh) < 1 or not 0 <= overlap < 1:
        raise ValueError(f"expected tiles of 1 px or more and overlap of 0 to 1, got {tile_wh} and {overlap}")
    columns, rows = (_spans(length, tile, overlap) for length, tile in zip(size_wh, tile_wh, strict=True))
    return [(x1, y1, x2, y2) for y1, y2 in rows for x1, x2 in columns]


def zoomed_tiles(size_wh: tuple[int, int], a_side: int, overlap: float = 0.25) -> list[TileXyxy]:
    """Tiles that show the photo larger: about ``a_side`` along each side, of the photo's ratio.

    Tiles of the photo's ratio waste no canvas. Only in panoramas they are at least half as high as wide.
    """
    zoom = 1 + (1 - overlap) * (a_side - 1)
    longest = max(size_wh) / zoom
    tile_wh = [min(side, ceil(max(side / zoom, longest / 2))) for side in size_wh]
    return tile_boxes(size_wh, (tile_wh[0], tile_wh[1]), overlap)


def _spans(length: int, tile: int, overlap: float) -> list[tuple[int, int]]:
    side = min(tile, length)
    count = 1 + ceil((length - side) / max(1, side * (1 - overlap)) - 1e-9)
    starts = [round(i * (length - side) / max(1, count - 1)) for i in range(count)]
    return [(start, start + side) for start in starts]


def cut_by_tile(
    xyxy: Floats, tile: TileXyxy, size_wh: tuple[int, int], margin_px: float = 2.0
) -> NDArray[np.bool_]:
    """(N,) True for boxes (in photo pixels) that touch an edge of the tile that is no edge of the photo.

    Such a face is likely cut in two; a neighbouring tile or the look at the whole photo shows all of it.
    """
    edges = np.array(tile, np.float32)
    inner = np.array([tile[0] > 0, tile[1] > 0, tile[2] < size_wh[0], tile[3] < size_wh[1]])
    touches = np.abs(xyxy - edges) <= margin_px
    touches |= np.concatenate([xyxy[:, :2] < edges[:2], xyxy[:, 2:] > edges[2:]], axis=1)
    result: NDArray[np.bool_] = (touches & inner).any(axis=1)
    return result


def merge(
    parts: Sequence[tuple[Floats, Floats]], *, iou: float = 0.5, inside: float = 0.7
) -> NDArray[np.intp]:
    """Indices to keep of all parts' boxes laid end to end, highest score first.

    Each part is (boxes (N, 4) in photo pixels, scores (N,)). A part of a face inside the box of the whole
    face counts as the same face, which a plain overlap of the union would not see.
    """
    if not parts:
        return np.zeros(0, np.intp)
    xyxy = np.concatenate([boxes.reshape(-1, 4) for boxes, _ in parts])
    scores = np.concatenate([scores for _, scores in parts])
    return suppress(xyxy, scores, iou=iou, inside=inside)
