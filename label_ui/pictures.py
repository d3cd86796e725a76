"""Pictures as a browser takes them: upright, modest in size, without their metadata."""

from __future__ import annotations

import cv2

from collect.image import decode, encode_jpeg, size_wh

LONGEST_SIDE = 1_280
_QUALITY = 88


def browser_jpeg(data: bytes, longest_side: int = LONGEST_SIDE) -> bytes:
    """The picture as an RGB JPEG turned upright, no side longer than asked; place and camera data are dropped.

    Errors: InputError when the bytes are no whole picture.
    """
    image = decode(data)
    scale = longest_side / max(size_wh(image))
    if scale < 1:
        width, height = (max(1, round(side * scale)) for side in size_wh(image))
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return encode_jpeg(image, _QUALITY)
