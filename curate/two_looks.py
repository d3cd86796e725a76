"""Two looks at one picture put together: the near one sees small faces, the far one knows large ones.

A network that learns mostly from small faces takes a face that fills the picture for a wall of skin; seen from
farther away, at half the pixels, the same face is an ordinary one. Where both looks see a face, box, score and
points are averaged, weighted by its size; a face that one look misses keeps that look's share of the score.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from curate.engine import Floats
from curate.nms import overlaps
from curate.yolo_layout import Candidates

SAME_FACE = 0.5  # overlap of the union from which two boxes show one face
SMALL_PX = 25.0  # height, as the near look shows it, up to which that look judges a face alone
LARGE_PX = 100.0  # height from which the far look's word counts most
FAR_SHARE = 0.4  # what the far look's word counts on large faces


def put_together(near: Candidates, far: Candidates, scale: float) -> Candidates:
    """The faces of both looks, each once, in no particular order; scores are at most those of the surer look.

    Boxes and points of both are in the same pixels, of which the near look was shown ``scale`` times as many.
    """
    of_near, of_far = matched(near, far)
    weight = far_share((_heights(near)[of_near] + _heights(far)[of_far]) * (scale / 2))  # (M,)
    near_alone = np.delete(np.arange(len(near.scores)), of_near)
    far_alone = np.delete(np.arange(len(far.scores)), of_far)
    parts = (
        _mean(_rows(near, of_near), _rows(far, of_far), weight),
        _rows(replace(near, scores=near.scores * (1 - far_share(_heights(near) * scale))), near_alone),
        _rows(replace(far, scores=far.scores * far_share(_heights(far) * scale)), far_alone),
    )
    points = [part.points for part in parts if part.points is not None]
    return Candidates(
        np.concatenate([part.xyxy for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate(points) if points else None,
    )


def far_share(heights_px: Floats) -> Floats:
    """What the far look's word counts on faces of these heights, 0 to ``FAR_SHARE``; even steps in the logarithm."""
    steps = np.log(np.maximum(heights_px, 1.0) / SMALL_PX) / np.log(LARGE_PX / SMALL_PX)
    share: Floats = (FAR_SHARE * steps.clip(0, 1)).astype(np.float32)
    return share


def matched(near: Candidates, far: Candidates) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Which faces of both looks are one: the near look's surest first, each to the one it overlaps most."""
    shared = overlaps(near.xyxy, far.xyxy)  # (N, M)
    pairs = []
    for row in np.argsort(-near.scores, kind="stable"):
        if shared.shape[1] and shared[row].max() >= SAME_FACE:
            column = int(shared[row].argmax())
            shared[:, column] = 0
            pairs.append((int(row), column))
    rows, columns = np.array(pairs, np.intp).reshape(-1, 2).T
    return rows, columns


def _mean(near: Candidates, far: Candidates, weight: Floats) -> Candidates:
    def mixed(first: Floats, second: Floats) -> Floats:
        share = weight.reshape(-1, *[1] * (first.ndim - 1))
        result: Floats = (1 - share) * first + share * second
        return result

    points = None if near.points is None or far.points is None else mixed(near.points, far.points)
    return Candidates(mixed(near.xyxy, far.xyxy), mixed(near.scores, far.scores), points)


def _rows(looked: Candidates, rows: NDArray[np.intp]) -> Candidates:
    points = None if looked.points is None else looked.points[rows]
    return Candidates(looked.xyxy[rows], looked.scores[rows], points)


def _heights(looked: Candidates) -> Floats:
    heights: Floats = looked.xyxy[:, 3] - looked.xyxy[:, 1]
    return heights
