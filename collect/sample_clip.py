"""Sample video: people who move, turn their heads, blink and change their faces, with the truth per frame."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from collect.sample_background import Setting, draw_setting, sample_setting
from collect.sample_expression import ActionUnits, canonical_expression, canonical_expressions, perform
from collect.sample_figure import Figure
from collect.sample_head import Pose
from collect.sample_identity import PEOPLE, Identity, sample_identity
from collect.sample_photo import develop, draw_figures
from collect.sample_scene import SceneFace, truth_of

CHANGE_S = 0.4  # how long the face takes to change
AWAY_S = 1.0  # how long nobody is in the frame
LEAVE_S = 0.5


@dataclass(frozen=True, slots=True)
class Actor:
    """One person of a clip: which expressions in which order, and how they sway."""

    who: Identity
    expressions: tuple[str, ...]
    acts: tuple[ActionUnits, ...]
    home_xy: tuple[float, float]
    scale: float
    phases: tuple[float, float, float, float, float]
    blinks_s: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """A video that is drawn frame by frame; it can be iterated any number of times."""

    size_wh: tuple[int, int]
    fps: int
    frame_count: int
    seed: int
    setting: Setting
    actors: tuple[Actor, ...]
    away_from_s: float
    hold_s: float  # how long each expression lasts

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """Every frame, uint8 RGB (H, W, 3)."""
        place = draw_setting(self.setting, self.size_wh)
        for frame in range(self.frame_count):
            image = place.copy()
            draw_figures(image, [self._figure(actor, frame) for actor in self.actors], self.setting.light)
            yield develop(image, blur_px=0.0, grain=0.006, seed=self.seed + frame * 7919)

    def truth(self, frame: int) -> tuple[SceneFace, ...]:
        """The faces wholly inside a frame, counted from 0; IndexError outside the clip."""
        if not 0 <= frame < self.frame_count:
            raise IndexError(f"frame {frame} of a clip of {self.frame_count}")
        faces = (self._face(actor, frame) for actor in self.actors)
        return tuple(face for face in faces if _inside(face, self.size_wh))

    def _face(self, actor: Actor, frame: int) -> SceneFace:
        # A face counts as the next expression from the middle of the change.
        now = int(max(self._acted_s(frame) - CHANGE_S / 2, 0) / self.hold_s) % len(actor.expressions)
        return truth_of(self._figure(actor, frame), actor.expressions[now], 1.0)

    def _acted_s(self, frame: int) -> float:
        """The time on stage: it stands still while nobody is in the frame, so that every class is seen."""
        t = frame / self.fps
        return t - min(max(t - self.away_from_s, 0.0), 2 * LEAVE_S + AWAY_S)

    def _figure(self, actor: Actor, frame: int) -> Figure:
        t = frame / self.fps
        a, b, c, d, e = actor.phases
        width = self.size_wh[0]
        gone = _gone(t - self.away_from_s) * (1 if actor.home_xy[0] >= width / 2 else -1)
        x = (
            actor.home_xy[0]
            + 0.12 * actor.scale * np.sin(0.7 * t + a)
            + gone * (width / 2 + 2.6 * actor.scale)
        )
        y = actor.home_xy[1] + 0.05 * actor.scale * np.sin(1.1 * t + b)
        yaw = 0.30 * np.sin(0.55 * t + c) + 0.08 * np.sin(1.7 * t + a)
        pitch = 0.10 * np.sin(0.8 * t + d)
        roll = 0.09 * np.sin(0.63 * t + e)
        pose = Pose(float(yaw), float(pitch), float(roll), (float(x), float(y)), actor.scale)
        gaze = (float(np.clip(-1.1 * yaw, -0.6, 0.6)), float(-0.8 * pitch))
        return Figure(actor.who, _units(actor, self._acted_s(frame), t, self.hold_s), pose, gaze)


def compose_clip(seed: int, classes: Sequence[str], *, seconds: float = 8.0, fps: int = 25,
                 size_wh: tuple[int, int] = (640, 480)) -> Clip:  # fmt: skip
    """Decide a clip in which the first person goes through all the classes; ValueError for a class nobody can show.

    Its people are in none of the photos. For about a second a little before the middle nobody is in the frame
    (not in clips under 4 s).
    """
    canonical_expressions(classes)
    if seconds <= 0 or fps <= 0 or min(size_wh) < 64:
        raise ValueError(
            f"a clip needs some seconds, frames and 64 pixels, got {seconds} s, {fps} fps, {size_wh}"
        )
    rng = np.random.default_rng([seed, 53])
    count = 2 if size_wh[0] >= 1.2 * size_wh[1] and rng.random() < 0.6 else 1
    people = PEOPLE + rng.permutation(PEOPLE)[:count]  # nobody from the photos: a model has not seen them
    actors = tuple(
        _actor(sample_identity(seed, int(number)), tuple(classes), (k + 0.5) / count, size_wh, seconds, rng)
        for k, number in enumerate(people)
    )
    away = 0.42 * seconds if seconds >= 4 else float("inf")
    on_stage = seconds - (2 * LEAVE_S + AWAY_S if seconds >= 4 else 0)
    hold = max(2.5 * CHANGE_S, on_stage / len(classes))
    return Clip(size_wh, fps, round(seconds * fps), seed, sample_setting(rng), actors, away, hold)


def _actor(who: Identity, classes: tuple[str, ...], across: float, size_wh: tuple[int, int], seconds: float,
           rng: np.random.Generator) -> Actor:  # fmt: skip
    order = classes if across <= 0.5 else tuple(rng.permutation(np.array(classes)).tolist())
    acts = tuple(
        perform(canonical_expression(name), float(np.clip(0.95 * who.expressive, 0, 1)), rng)
        for name in order
    )
    scale = float(min(size_wh[1] * 0.21, size_wh[0] * 0.14) * rng.uniform(0.85, 1.05))
    a, b, c, d, e = rng.uniform(0, 2 * np.pi, 5).tolist()
    blinks = tuple(np.cumsum(rng.uniform(1.8, 4.0, int(seconds / 1.8) + 1)).tolist())
    return Actor(who, order, acts, (across * size_wh[0], 0.45 * size_wh[1]), scale, (a, b, c, d, e), blinks)


def _units(actor: Actor, acted_s: float, t: float, hold_s: float) -> ActionUnits:
    """The face at a time: eased from one expression to the next, with the blinks on top."""
    number = int(acted_s / hold_s)
    share = min(1.0, (acted_s - number * hold_s) / CHANGE_S)
    now = actor.acts[number % len(actor.acts)]
    if number:
        now = actor.acts[(number - 1) % len(actor.acts)].blend(now, share * share * (3 - 2 * share))
    closed = max((max(0.0, 1 - abs(t - blink) / 0.11) for blink in actor.blinks_s), default=0.0)
    return replace(now, eyes_closed=max(now.eyes_closed, closed))


def _gone(t: float) -> float:
    """How far out of the frame (0 to 1) somebody is `t` seconds after they begin to leave."""
    if t <= 0 or t >= 2 * LEAVE_S + AWAY_S:
        return 0.0
    share = min(t, 2 * LEAVE_S + AWAY_S - t, LEAVE_S) / LEAVE_S
    return share * share * (3 - 2 * share)


def _inside(face: SceneFace, size_wh: tuple[int, int]) -> bool:
    x0, y0, x1, y1 = face.xyxy
    return x0 >= 0 and y0 >= 0 and x1 <= size_wh[0] and y1 <= size_wh[1]
