"""The drawn sample photos as a source; their truth is not stored but drawn again from the photo's id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from collect.source import Candidate
from db.errors import ConfigError, InputError
from db.progress import progress
from db.records.photos import Origin

if TYPE_CHECKING:
    from collect.sample_scene import Scene

JPEG_QUALITY = 92


class SampleSource:
    """``count`` drawn photos of people who show one of ``classes``; the same seed draws the same photos.

    Native id: ``<seed>/<index>/<class>+<class>+…``. The owner is the circle of friends in the photo, so that a
    split grouped by owner never puts one person on both sides. Errors: ConfigError for a class nobody can show.
    """

    name = "sample"

    def __init__(self, count: int, classes: Sequence[str], seed: int = 0) -> None:
        _check(classes)
        self.total = count
        self.passed_over: Mapping[str, int] = {}
        self._classes, self._seed = tuple(classes), seed

    def candidates(self) -> Iterator[Candidate]:
        for index in range(self.total):
            native_id = f"{self._seed}/{index}/{'+'.join(self._classes)}"
            scene = truth(native_id)
            origin = Origin(
                self.name,
                native_id,
                candidate_class=scene.expression,
                owner=_circle(scene),
                title=f"sample {self._seed}/{index}",
                license_id="cc0",
                license_name="drawn by Mimique, no rights reserved",
            )
            yield Candidate(origin, partial(_draw, native_id), query=f"seed {self._seed}")


def truth(native_id: str) -> Scene:
    """Every face of a sample photo: box, person, expression. Errors: InputError for another source's id."""
    from collect.sample_scene import compose

    try:
        seed, index, classes = native_id.split("/", 2)
        return compose(int(seed), int(index), tuple(classes.split("+")))
    except ValueError as error:
        raise InputError(f"{native_id!r} is no sample photo's id ({error})") from error


def write_sample_clip(path: Path, classes: Sequence[str], seconds: float = 8.0, seed: int = 0) -> int:
    """Draw a clip of people going through ``classes`` into an .mp4 file; gives the number of frames.

    Errors: ConfigError for a class nobody can show, InputError when the file cannot be written.
    """
    from collect.mp4 import write_mp4
    from collect.sample_clip import compose_clip

    _check(classes)
    clip = compose_clip(seed, classes, seconds=seconds)
    return write_mp4(path, progress(clip.frames(), "drawing", clip.frame_count), clip.fps)


def _draw(native_id: str) -> bytes:
    from collect.image import encode_jpeg
    from collect.sample_photo import render

    return encode_jpeg(render(truth(native_id)), JPEG_QUALITY)


def _circle(scene: Scene) -> str:
    """The circle of friends who took the photo and are in it, or "" for a photo of nobody."""
    from collect.sample_identity import CIRCLE

    numbers = {int(face.person.rsplit("-", 1)[1]) // CIRCLE for face in scene.faces}
    return f"circle {numbers.pop()}" if numbers else ""


def _check(classes: Sequence[str]) -> None:
    from collect.sample_expression import canonical_expressions

    try:
        canonical_expressions(classes)
    except ValueError as error:
        raise ConfigError(
            str(error), hint="rename the class in mimique.toml, or collect real photos of it: collect folder"
        ) from error
    if any("+" in name for name in classes):
        raise ConfigError("the sample source cannot draw classes with a + in their name")
