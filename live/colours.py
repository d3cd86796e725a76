"""One steady colour per class that colour-blind people can tell apart, on bright and on dark pictures.

The palette is that of Okabe and Ito, "Color Universal Design" (2008), its black left out and its dark blue
made lighter, because the colours are drawn on dark plates.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

RGB = tuple[int, int, int]

ORANGE: RGB = (230, 159, 0)
SKY: RGB = (86, 180, 233)
GREEN: RGB = (0, 178, 134)
YELLOW: RGB = (240, 228, 66)
BLUE: RGB = (64, 132, 230)
VERMILION: RGB = (228, 102, 30)
PURPLE: RGB = (214, 136, 178)
GREY: RGB = (188, 192, 198)

PALETTE: tuple[RGB, ...] = (YELLOW, VERMILION, SKY, GREY, BLUE, PURPLE, GREEN, ORANGE)

FAMILIAR: Mapping[str, RGB] = {
    "happy": YELLOW,
    "angry": VERMILION,
    "surprised": SKY,
    "neutral": GREY,
    "sad": BLUE,
    "fearful": PURPLE,
    "disgusted": GREEN,
    "contemptuous": ORANGE,
}
"""The classes of the presets keep their colour whichever other classes a run has."""


def class_colours(labels: Sequence[str]) -> dict[str, RGB]:
    """A colour for every class, the same for the same labels every time.

    Familiar names have a colour of their own; the others get those left over, in order, and over eight
    classes colours repeat (every drawing carries the class name as well).
    """
    taken = {FAMILIAR[name] for name in labels if name in FAMILIAR}
    free = [colour for colour in PALETTE if colour not in taken] or list(PALETTE)
    others = [name for name in labels if name not in FAMILIAR]
    return {
        name: FAMILIAR[name] if name in FAMILIAR else free[others.index(name) % len(free)] for name in labels
    }
