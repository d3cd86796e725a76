"""The sample source's heads as surfaces: where a point of the face is, in space and in the photo.

Head units: half the height of the head. x right in the photo, y down, z towards the camera, the origin between the
eyes. A point of the surface is given by its height y and its angle theta around the vertical axis, 0 in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from collect.sample_expression import ActionUnits
from collect.sample_identity import Identity
from collect.sample_paint import Floats

TOP, BOTTOM, SIDE = (
    -1.16,
    1.32,
    2.25,
)  # the part of the surface that a texture covers: y from, y to, |theta| to
_BOX = 0.84  # exponent of the head's horizontal section: 1 an ellipse, smaller flatter in front
_CROWN = 1.02
_CLOSED = np.linspace(-1.5, 1.6, 120)
_JAW_SHARE = np.clip((_CLOSED - 0.5) / 0.42, 0, 1) ** 1.3  # how far each height follows the jaw


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a head is and looks: angles in radians, the place in pixels.

    Yaw turns the nose to the right of the photo, pitch lowers it, roll turns the head clockwise in the photo.
    `scale` is pixels per head unit.
    """

    yaw: float
    pitch: float
    roll: float
    centre_xy: tuple[float, float]
    scale: float

    @property
    def turn(self) -> NDArray[np.float64]:
        """The (3, 3) matrix from head to camera directions, without the roll."""
        cy, sy, cp, sp = np.cos(self.yaw), np.sin(self.yaw), np.cos(self.pitch), np.sin(self.pitch)
        return np.array([[cy, 0, sy], [-sy * sp, cp, cy * sp], [-sy * cp, -sp, cy * cp]])

    def project(self, points: ArrayLike) -> Floats:
        """Pixels (N, 2) of head points (N, 3), seen from far away."""
        return self.place(np.asarray(points, np.float64) @ self.turn.T)

    def place(self, points: ArrayLike) -> Floats:
        """Pixels (N, 2) of points (N, 2 or 3) that are turned already: roll, scale and shift only."""
        x, y = np.asarray(points, np.float64).T[:2]
        cos, sin = np.cos(self.roll), np.sin(self.roll)
        turned = np.stack([x * cos - y * sin, x * sin + y * cos], axis=1)
        return np.asarray(turned * self.scale + self.centre_xy, np.float32)


@dataclass(frozen=True, slots=True)
class Anatomy:
    """The places of a face's parts in head units: an identity moved by its action units."""

    who: Identity
    units: ActionUnits

    @property
    def jaw_shift(self) -> float:
        return 0.19 * self.units.jaw_drop

    @property
    def eye_y(self) -> float:
        return self.who.eye_height

    @property
    def nose_y(self) -> float:
        """The tip of the nose."""
        return self.eye_y + 0.37 * self.who.nose_length - 0.03 * self.units.nose_wrinkle

    @property
    def mouth_y(self) -> float:
        return self.nose_y + 0.235 - 0.02 * self.units.chin_raise

    @property
    def chin_y(self) -> float:
        return self.who.chin + self.jaw_shift

    @property
    def hairline_y(self) -> float:
        return {"bald": -0.62, "receding": -0.74}.get(self.who.hair_style, -0.58)

    @property
    def sneer_side(self) -> int:
        """Which corner of the mouth this person raises in contempt."""
        return 1 if self.who.texture_seed % 2 else -1

    def corner(self, side: int) -> tuple[float, float]:
        """The corner of the mouth on one side (-1 the left of the photo)."""
        u = self.units
        sneer = u.one_corner if side == self.sneer_side else 0.0
        wider = 0.30 * u.corner_pull + 0.22 * u.lip_stretch + 0.2 * sneer
        narrower = 0.10 * u.lip_press + 0.22 * u.jaw_drop * (1 - u.corner_pull) + 0.06 * u.corner_depress
        half = 0.222 * self.who.mouth_width * (1 + wider - narrower)
        lift = -0.085 * u.corner_pull - 0.085 * sneer + 0.075 * u.corner_depress + 0.03 * u.lip_stretch
        return side * half, self.mouth_y + lift + 0.32 * self.jaw_shift

    def original_y(self, y: ArrayLike) -> NDArray[np.float64]:
        """The height that a point had before the jaw dropped."""
        opened = _CLOSED + self.jaw_shift * _JAW_SHARE
        return np.interp(np.asarray(y, np.float64), opened, _CLOSED)

    def section(self, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Half the width, and the depth in front, of the head at height y."""
        flat = self.original_y(y)
        t = np.clip(np.where(flat < 0, -flat / _CROWN, flat / self.who.chin), 0, 1)
        upper = np.sqrt(1 - np.minimum(t, 0.9999) ** 2.7)
        width = np.where(flat < 0, upper, np.sqrt(1 - np.minimum(t, 0.9999) ** self.who.jaw)) * self.who.width
        depth = np.where(flat < 0, 0.79 * upper, (0.79 - 0.05 * t) * np.sqrt(1 - np.minimum(t, 0.9999) ** 8))
        return width, depth

    def surface(self, theta: ArrayLike, y: ArrayLike, height: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Points (..., 3) at angle and height, raised outwards by `height`."""
        theta, y = np.asarray(theta, np.float64), np.asarray(y, np.float64)
        width, depth = self.section(y)
        sin, cos = np.sin(theta), np.cos(theta)
        back = np.where(cos < 0, np.interp(y, (-0.2, 0.9), (1.1, 0.25)), 1.0)
        x = width * np.sign(sin) * np.abs(sin) ** _BOX
        z = depth * back * np.sign(cos) * np.abs(cos) ** _BOX
        inside = np.clip(y, -_CROWN, self.chin_y)  # past the poles there is no more head
        points = np.stack(np.broadcast_arrays(x, inside, z), axis=-1)
        raised = np.asarray(height, np.float64)
        return points + self.normal(theta, y) * raised[..., None] if raised.any() else points

    def normal(self, theta: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Outward unit vectors (..., 3) of the smooth head, without its features."""
        theta = np.asarray(theta, np.float64)
        step = 0.02
        y = np.clip(np.asarray(y, np.float64), -_CROWN + step, self.chin_y - step)
        width, depth = self.section(y)
        sin, cos = np.sin(theta), np.cos(theta)
        power = 2 - _BOX
        nx = np.sign(sin) * np.abs(sin) ** power / np.maximum(width, 0.12)
        nz = np.sign(cos) * np.abs(cos) ** power / np.maximum(depth, 0.12)
        (w0, d0), (w1, d1) = self.section(y - step), self.section(y + step)
        slope = np.abs(sin) * (w1 - w0) + np.abs(cos) * (d1 - d0)
        ny = -np.clip(slope / (2 * step), -3, 3) * np.hypot(nx, nz)
        length = np.maximum(np.sqrt(nx**2 + ny**2 + nz**2), 1e-9)
        return np.stack(np.broadcast_arrays(nx / length, ny / length, nz / length), axis=-1).astype(
            np.float64
        )

    def theta(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """The angle of the point that a camera in front sees at (x, y)."""
        return facing_angle(x, self.section(y)[0])

    def lift(self, points_xy: ArrayLike, height: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Head points (N, 3) of frontal points (N, 2), raised by `height`."""
        x, y = np.asarray(points_xy, np.float64).T
        return self.surface(self.theta(x, y), y, height)

    def eye(self, side: int) -> tuple[float, float]:
        return side * self.who.eye_gap, self.eye_y

    def landmarks(self, pose: Pose) -> Floats:
        """The five points (5, 2) in the photo: eyes, tip of the nose, corners of the mouth, left first."""
        points = np.array([self.eye(-1), self.eye(1), (0.0, self.nose_y), self.corner(-1), self.corner(1)])
        heights = np.array([-0.01, -0.01, 0.19 * self.who.nose_height, 0.01, 0.01])
        return pose.project(self.lift(points, heights))

    def face_box(self, pose: Pose) -> tuple[float, float, float, float]:
        """The tight box xyxy around the face in the photo: hairline to chin, ear to ear."""
        y = np.linspace(max(self.hairline_y, -0.62), self.chin_y, 15)[:, None]
        points = pose.project(self.surface(np.linspace(-1.45, 1.45, 15)[None, :], y).reshape(-1, 3))
        (x0, y0), (x1, y1) = points.min(axis=0), points.max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)


def facing_angle(x: ArrayLike, width: ArrayLike) -> NDArray[np.float64]:
    """The angle of what a camera in front sees at x on a section of half width `width`."""
    ratio = np.clip(np.asarray(x, np.float64) / np.maximum(width, 0.05), -0.985, 0.985)
    return np.asarray(np.arcsin(np.sign(ratio) * np.abs(ratio) ** (1 / _BOX)), np.float64)


def unroll(
    seen: NDArray[np.float64],
    facing_theta: float,
    thetas: NDArray[np.float64],
    ys: NDArray[np.float64],
    step: float,
) -> tuple[Floats, Floats, Floats, float, float]:
    """Which surface point each place of the picture shows: the turned surface, inverted.

    `seen` (R, C, 3) are camera-side points of the surface grid `ys` (R,) by `thetas` (C,). Works in two passes, rows
    then columns (Catmull and Smith): each is an ordinary interpolation, and what a nose hides falls away because the
    running extreme outwards from the nearest point skips it. Returns theta, y, and the distance inside the outline
    (head units, negative outside), each (h, w), and the x and y of the picture's corner.
    """
    x0, x1 = float(seen[..., 0].min()) - 3 * step, float(seen[..., 0].max()) + 3 * step
    y0, y1 = float(seen[..., 1].min()) - 3 * step, float(seen[..., 1].max()) + 3 * step
    xs, across = np.arange(x0, x1, step), seen[..., 0]
    start = int(np.argmin(np.abs(thetas - facing_theta)))
    across = _outwards(across, start)
    columns = np.arange(len(thetas), dtype=np.float64)
    rows_column = np.stack([np.interp(xs, row, columns) for row in across])  # (R, w)
    inside_x = np.minimum(xs[None] - across[:, :1], across[:, -1:] - xs[None])
    height = _sample_rows(seen[..., 1], rows_column)
    height = _outwards(height.T, len(ys) // 2)  # (w, R)
    down = np.arange(y0, y1, step)
    rows = np.arange(len(ys), dtype=np.float64)
    pick = np.stack([np.interp(down, column, rows) for column in height], axis=1)  # (h, w)
    inside_y = np.minimum(down[:, None] - height[:, :1].T, height[:, -1:].T - down[:, None])
    theta = np.interp(_sample_rows(rows_column.T, pick.T).T, columns, thetas)
    inside = np.minimum(_sample_rows(inside_x.T, pick.T).T, inside_y)
    y = np.interp(pick, rows, ys)
    return theta.astype(np.float32), y.astype(np.float32), inside.astype(np.float32), x0, y0


def _outwards(values: NDArray[np.float64], start: int) -> NDArray[np.float64]:
    """Make the rows of (N, M) rise from `start` to both ends by hiding what lies behind something nearer."""
    right = np.maximum.accumulate(values[:, start:], axis=1)
    left = np.minimum.accumulate(values[:, start::-1], axis=1)[:, ::-1]
    rising = np.concatenate([left[:, :-1], right], axis=1)
    return np.asarray(rising + np.arange(values.shape[1]) * 1e-9, np.float64)


def _sample_rows(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Row i of the result is row i of (N, M) read at fractional places (N, K)."""
    low = np.minimum(places.astype(np.int64), values.shape[1] - 2)
    share = places - low
    row = np.arange(len(values))[:, None]
    return np.asarray(values[row, low] * (1 - share) + values[row, low + 1] * share, np.float64)
