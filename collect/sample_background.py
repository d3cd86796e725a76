"""Where the sample photos are taken: rooms, streets, parks, and the light there. Nothing in them is a face."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from collect.sample_paint import Floats, noise_patch
from collect.sample_skin import Light

Place = Literal["studio", "bokeh", "street", "room", "foliage", "beach", "shop"]
PLACES: tuple[Place, ...] = ("studio", "bokeh", "street", "room", "foliage", "beach", "shop")
Canvas = NDArray[np.uint8]

_WORDS = ("CAFE", "OPEN", "SALE", "EXIT", "BOOKS", "TAXI", "No 12", "BAR", "24h", "MUSEUM", "BUS", "PIZZA")


@dataclass(frozen=True, slots=True)
class Setting:
    """One place under one light. `focus` is how blurred the background is, in shares of the photo's width."""

    place: Place
    light: Light
    focus: float
    seed: int


def draw_setting(setting: Setting, size_wh: tuple[int, int]) -> Floats:
    """The empty photo, float32 (H, W, 3), 0 to 1."""
    width, height = size_wh
    small = (max(width // 2, 8), max(height // 2, 8))
    rng = np.random.default_rng([setting.seed, 11])
    canvas: Canvas = np.zeros((small[1], small[0], 3), np.uint8)
    _PAINTERS[setting.place](canvas, rng)
    blur = setting.focus * small[0]
    if blur > 0.4:
        canvas = np.asarray(cv2.GaussianBlur(canvas, (0, 0), blur), np.uint8)
    power = np.asarray(setting.light.ambient, np.float32) * 1.1 + 0.35 * np.asarray(
        setting.light.key, np.float32
    )
    lit = canvas.astype(np.float32) * (np.sqrt(power) / 255)
    return np.asarray(cv2.resize(lit, size_wh, interpolation=cv2.INTER_LINEAR), np.float32)


def _colour(rng: np.random.Generator, low: int = 40, high: int = 220) -> tuple[int, int, int]:
    """A dull colour: nothing in a photo is as bright as a paint box."""
    base = rng.uniform(low, high)
    red, green, blue = np.clip(base + rng.normal(0, 19, 3), 5, 250)
    return int(red), int(green), int(blue)


def _gradient(
    canvas: Canvas, top: tuple[int, int, int], bottom: tuple[int, int, int], power: float = 1.0
) -> None:
    share = (np.linspace(0, 1, len(canvas)) ** power)[:, None, None]
    canvas[:] = (np.asarray(top) * (1 - share) + np.asarray(bottom) * share).astype(np.uint8)


def _rectangle(
    canvas: Canvas, x: float, y: float, w: float, h: float, colour: tuple[int, int, int], thick: int = -1
) -> None:
    cv2.rectangle(canvas, (int(x), int(y)), (int(x + w), int(y + h)), colour, thick, cv2.LINE_AA)


def _studio(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    colour = np.array(_colour(rng, 70, 210), np.float32)
    y, x = np.mgrid[:height, :width].astype(np.float32)
    cx, cy = rng.uniform(0.3, 0.7) * width, rng.uniform(0.2, 0.6) * height
    glow = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (0.55 * width) ** 2)
    cloth = noise_patch(height, width, int(rng.integers(1 << 20)), 9.0, 9.0, 3.0)
    canvas[:] = np.clip(colour * (0.62 + 0.5 * glow + 0.03 * cloth)[..., None], 0, 255).astype(np.uint8)


def _bokeh(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    _gradient(canvas, _colour(rng, 20, 90), _colour(rng, 20, 110))
    for _ in range(int(rng.integers(18, 40))):
        layer = canvas.copy()
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height * 0.8)))
        tint = tuple(int(v) for v in rng.uniform((150, 110, 60), (255, 230, 200)))
        cv2.circle(layer, centre, int(rng.uniform(0.02, 0.07) * width), tint, -1, cv2.LINE_AA)
        share = rng.uniform(0.1, 0.5)
        cv2.addWeighted(layer, share, canvas, 1 - share, 0, canvas)


def _street(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    _gradient(canvas, (168, 190, 214), (214, 218, 220))
    x = 0.0
    while x < width:
        wide, top = rng.uniform(0.16, 0.34) * width, rng.uniform(0.0, 0.35) * height
        wall = _colour(rng, 80, 190)
        _rectangle(canvas, x, top, wide, height, wall)
        glass = tuple(int(v * rng.uniform(0.35, 0.6)) for v in wall)
        columns = int(rng.integers(2, 5))
        pitch = wide / columns
        for row in np.arange(top + 0.06 * height, 0.72 * height, pitch * 1.35):
            for k in range(columns):
                _rectangle(
                    canvas,
                    x + (k + 0.25) * pitch,
                    row,
                    pitch * 0.5,
                    pitch * 0.85,
                    (glass[0], glass[1], glass[2]),
                )
        if rng.random() < 0.6:
            _sign(canvas, rng, x + 0.1 * wide, rng.uniform(0.45, 0.68) * height, 0.8 * wide)
        x += wide
    ground = _colour(rng, 90, 140)
    _rectangle(canvas, 0, 0.82 * height, width, height, ground)
    for _ in range(int(rng.integers(0, 3))):
        _car(canvas, rng, rng.uniform(-0.1, 0.9) * width, 0.82 * height, rng.uniform(0.22, 0.4) * width)


def _car(canvas: Canvas, rng: np.random.Generator, x: float, y: float, length: float) -> None:
    paint = _colour(rng, 40, 200)
    cabin = np.array([(0.22, -0.22), (0.32, -0.4), (0.66, -0.4), (0.8, -0.22)]) * length + (x, y)
    cv2.fillPoly(canvas, [cabin.astype(np.int32)], (60, 70, 80), cv2.LINE_AA)
    _rectangle(canvas, x, y - 0.24 * length, length, 0.2 * length, paint)
    for share in (0.2, 0.8):
        cv2.circle(
            canvas,
            (int(x + share * length), int(y - 0.02 * length)),
            max(int(0.08 * length), 1),
            (25, 25, 28),
            -1,
            cv2.LINE_AA,
        )


def _sign(canvas: Canvas, rng: np.random.Generator, x: float, y: float, wide: float) -> None:
    board = _colour(rng, 30, 230)
    ink = (245, 240, 230) if sum(board) < 380 else (30, 30, 40)
    tall = wide * 0.26
    _rectangle(canvas, x, y, wide, tall, board)
    word = str(rng.choice(np.array(_WORDS)))
    (text_w, text_h), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, 1.0, 2)
    scale = min(0.8 * wide / text_w, 0.6 * tall / text_h)
    at = (int(x + (wide - text_w * scale) / 2), int(y + (tall + text_h * scale) / 2))
    cv2.putText(canvas, word, at, cv2.FONT_HERSHEY_DUPLEX, scale, ink, max(int(2 * scale), 1), cv2.LINE_AA)


def _room(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    wall = _colour(rng, 130, 225)
    _gradient(canvas, wall, tuple(int(v * 0.86) for v in wall))  # type: ignore[arg-type]
    if rng.random() < 0.6:
        x, y, w, h = rng.uniform(0.02, 0.55) * width, 0.08 * height, 0.34 * width, 0.5 * height
        _rectangle(canvas, x, y, w, h, (206, 222, 238))
        for share in (0.0, 0.5, 1.0):
            _rectangle(canvas, x + share * w - 3, y, 6, h, (236, 234, 228))
            _rectangle(canvas, x, y + share * h - 3, w, 6, (236, 234, 228))
    if rng.random() < 0.7:
        _shelf(
            canvas,
            rng,
            rng.uniform(0.0, 0.6) * width,
            0.06 * height,
            rng.uniform(0.25, 0.42) * width,
            0.72 * height,
        )
    if rng.random() < 0.5:
        _lamp(canvas, rng)
    sofa = _colour(rng, 60, 170)
    if rng.random() < 0.5:
        _rectangle(canvas, rng.uniform(-0.2, 0.2) * width, 0.68 * height, 0.8 * width, height, sofa)


def _shelf(canvas: Canvas, rng: np.random.Generator, x: float, y: float, w: float, h: float) -> None:
    wood = tuple(int(v) for v in np.array((124, 86, 56)) * rng.uniform(0.5, 1.3))
    _rectangle(canvas, x, y, w, h, (wood[0] // 2, wood[1] // 2, wood[2] // 2))
    rows = 4
    for row in range(rows):
        base = y + (row + 1) * h / rows
        at = x + 3
        while at < x + w - 8:
            thick, tall = rng.uniform(4, 11), rng.uniform(0.45, 0.85) * h / rows
            if rng.random() < 0.85:
                _rectangle(canvas, at, base - tall, min(thick, x + w - 4 - at), tall, _colour(rng, 30, 210))
            at += thick + 1
        _rectangle(canvas, x, base - 2, w, 4, (wood[0], wood[1], wood[2]))


def _lamp(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    x, y, size = rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 0.35) * height, 0.09 * width
    _rectangle(canvas, x - 2, y, 4, height, (70, 60, 52))
    shade = np.array([(-0.6, -0.5), (0.6, -0.5), (1.0, 0.5), (-1.0, 0.5)]) * size + (x, y)
    cv2.fillPoly(canvas, [shade.astype(np.int32)], (255, 232, 178), cv2.LINE_AA)


def _foliage(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    _gradient(canvas, (196, 214, 220), (70, 96, 50))
    for _ in range(150):
        depth = rng.random()
        green = np.array((70, 110, 46)) * rng.uniform(0.35, 1.5) + rng.normal(0, 8, 3)
        tint = tuple(int(v) for v in np.clip(green, 5, 250))
        centre = (int(rng.uniform(0, width)), int(height * rng.uniform(0.0, 0.85)))
        axes = (int((0.015 + 0.05 * depth) * width), int((0.01 + 0.03 * depth) * width))
        cv2.ellipse(canvas, centre, axes, float(rng.uniform(0, 180)), 0, 360, tint, -1, cv2.LINE_AA)
    for _ in range(int(rng.integers(1, 4))):
        x = rng.uniform(0, width)
        _rectangle(canvas, x, 0, rng.uniform(0.02, 0.05) * width, height, (74, 58, 44))


def _beach(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    horizon = int(rng.uniform(0.4, 0.62) * height)
    _gradient(canvas[:horizon], (96, 150, 206), (206, 222, 232))
    _gradient(canvas[horizon:], (58, 116, 140), (216, 196, 160), 0.6)
    for _ in range(int(rng.integers(2, 7))):
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, 0.7) * horizon))
        axes = (int(rng.uniform(0.06, 0.2) * width), int(rng.uniform(0.015, 0.04) * width))
        cv2.ellipse(canvas, centre, axes, 0, 0, 360, (236, 240, 242), -1, cv2.LINE_AA)
    peaks = np.array(
        [
            (0, horizon),
            *((x * width, horizon - rng.uniform(0.02, 0.2) * height) for x in np.linspace(0, 1, 9)),
            (width, horizon),
        ]
    )
    if rng.random() < 0.6:
        cv2.fillPoly(canvas, [peaks.astype(np.int32)], (96, 112, 130), cv2.LINE_AA)


def _shop(canvas: Canvas, rng: np.random.Generator) -> None:
    height, width = canvas.shape[:2]
    _gradient(canvas, _colour(rng, 120, 200), _colour(rng, 70, 140))
    _shelf(canvas, rng, 0.0, 0.1 * height, 0.48 * width, 0.75 * height)
    _shelf(canvas, rng, 0.52 * width, 0.1 * height, 0.48 * width, 0.75 * height)
    _sign(canvas, rng, rng.uniform(0.05, 0.4) * width, 0.01 * height, 0.4 * width)
    for _ in range(int(rng.integers(0, 4))):
        _sign(
            canvas,
            rng,
            rng.uniform(0, 0.8) * width,
            rng.uniform(0.2, 0.8) * height,
            rng.uniform(0.1, 0.2) * width,
        )


_PAINTERS: dict[Place, Callable[[Canvas, np.random.Generator], None]] = {
    "studio": _studio, "bokeh": _bokeh, "street": _street, "room": _room, "foliage": _foliage, "beach": _beach,
    "shop": _shop,
}  # fmt: skip


def sample_setting(rng: np.random.Generator) -> Setting:
    """A place and a light that go together: daylight outside, warm lamps inside, sometimes dim or from behind."""
    place = PLACES[int(rng.integers(len(PLACES)))]
    side, up = float(rng.normal(0, 0.55)), float(rng.uniform(0.2, 0.8))
    mood = rng.choice(np.array(["soft", "side", "back", "dim", "hard"]), p=[0.5, 0.2, 0.08, 0.1, 0.12]).item()
    towards = {"side": (np.sign(side) * 1.2, -0.3, 0.45), "back": (side, -0.7, -0.25)}.get(
        mood, (side, -up, 0.8)
    )
    key, ambient = {
        "soft": (0.50, 0.50),
        "side": (0.85, 0.34),
        "back": (0.75, 0.42),
        "dim": (0.30, 0.24),
        "hard": (0.85, 0.36),
    }[mood]
    outdoors = place in ("street", "foliage", "beach")
    warm = float(rng.normal(0.02 if outdoors else 0.08, 0.05))
    tint, fill = (
        np.array((1 + warm, 1.0, 1 - warm)),
        np.array((0.97, 1.0, 1.05) if outdoors else (1.03, 1.0, 0.95)),
    )
    vector = np.array(towards) / np.linalg.norm(towards)
    exposure = float(rng.uniform(0.88, 1.12))

    def three(values: NDArray[np.float64]) -> tuple[float, float, float]:
        return float(values[0]), float(values[1]), float(values[2])

    light = Light(three(vector), three(key * tint * exposure), three(ambient * fill * exposure))
    return Setting(place, light, float(rng.choice([0.0, 0.004, 0.008, 0.014])), int(rng.integers(2**31)))
