"""Pictures from bytes: upright uint8 RGB whatever the file holds, or one clear reason why not."""

from __future__ import annotations

import io
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from db.errors import InputError

ImageRGB = NDArray[np.uint8]

MAX_PIXELS = 100_000_000
MAX_BYTES = 200_000_000
_SUFFIXES = {"JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "GIF": ".gif", "TIFF": ".tif"}
_MP4_BRANDS = (
    b"isom",
    b"iso2",
    b"iso4",
    b"iso5",
    b"iso6",
    b"mp41",
    b"mp42",
    b"avc1",
    b"M4V ",
    b"qt  ",
    b"3gp5",
)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")


def decode(data: bytes) -> ImageRGB:
    """The picture in ``data`` as uint8 RGB (H, W, 3), turned upright as its EXIF orientation says.

    Palette, grey, CMYK, 16- and 32-bit pictures become 8-bit RGB; transparency is laid on white; of an animation
    the first frame is taken. Errors: InputError for nothing, no picture, half a picture, or more than
    100 megapixels.
    """
    with _opened(data) as picture:
        try:
            if picture.format in ("JPEG", "MPO") and picture.mode in ("RGB", "L") and _ends_whole(data):
                fast = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
                if fast is not None:
                    return np.asarray(fast, np.uint8)
            return _rgb(ImageOps.exif_transpose(picture))
        except InputError:
            raise
        except Exception as error:  # the decoders of others raise what they like, down to struct.error
            raise _damaged(error) from error


def suffix_of(data: bytes) -> str:
    """The file suffix of the picture's format, e.g. ``.jpg``; at most 8 characters. Errors: InputError."""
    with _opened(data) as picture:
        kind = picture.format or "image"
    return _SUFFIXES.get(kind, f".{kind.lower()}"[:8])


def encode_jpeg(image_rgb: ImageRGB, quality: int = 95) -> bytes:
    """The picture as a JPEG file; the same picture always gives the same bytes on one machine."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, quality]
    whole, data = cv2.imencode(".jpg", cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR), flags)
    if not whole:
        raise InputError(f"a picture of shape {image_rgb.shape} cannot be written as JPEG")
    return data.tobytes()


def size_wh(image_rgb: ImageRGB) -> tuple[int, int]:
    """(width, height) in pixels."""
    return image_rgb.shape[1], image_rgb.shape[0]


def phash(image_rgb: ImageRGB) -> str:
    """The 64-bit perceptual hash of a picture: 16 hex digits, near pictures differ in few bits.

    Zauner's DCT hash (2010): 32×32 grey, the 8×8 lowest frequencies, one bit for each above their median.
    A flat picture of any size and colour but black is ``8000000000000000``.
    """
    small = cv2.resize(image_rgb, (32, 32), interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    low = cv2.dct(grey)[:8, :8].round(2).ravel()  # (64,); rounded so that flat areas give no noise bits
    bits = np.packbits(low > np.median(low))
    return bits.tobytes().hex()


def hamming(one: str, other: str) -> int:
    """How many of the 64 bits differ between two hashes of ``phash``: 0 to 64."""
    return (int(one, 16) ^ int(other, 16)).bit_count()


def _opened(data: bytes) -> Image.Image:
    if not data:
        raise InputError("the file is empty (0 bytes)", hint="fetch or copy it again")
    if len(data) > MAX_BYTES:
        raise InputError(f"the file has {len(data):,} bytes; pictures of up to {MAX_BYTES:,} are read")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's own size warning and remarks on odd metadata
            picture = Image.open(io.BytesIO(data))
    except Image.DecompressionBombError as error:
        raise InputError(
            f"the picture is too large: up to {MAX_PIXELS:,} pixels go", hint="scale it down first"
        ) from error
    except UnidentifiedImageError as error:
        if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
            raise InputError("HEIC pictures are not read", hint="save it as JPEG first") from error
        if _begins_a_video(data):
            raise InputError(
                "this is a video, not a picture", hint="take its frames: collect video"
            ) from error
        raise InputError(
            "this is no picture, or its beginning is damaged",
            hint="expected JPEG, PNG, WebP, TIFF, GIF or BMP",
        ) from error
    except Exception as error:  # as in decode: one damaged picture must not end a whole harvest
        raise _damaged(error) from error
    if picture.width * picture.height > MAX_PIXELS:
        raise InputError(
            f"the picture is too large: {picture.width}×{picture.height}, up to {MAX_PIXELS:,} pixels go",
            hint="scale it down first",
        )
    return picture


def _damaged(error: Exception) -> InputError:
    return InputError(f"the picture is damaged: {error}", hint="fetch or copy the file again")


def _ends_whole(data: bytes) -> bool:
    """Whether a JPEG has its end marker; cv2 would fill the missing rest of a cut file with grey."""
    return data[-64:].rstrip(b"\0\r\n \xff").endswith(b"\xd9") or data.endswith(b"\xff\xd9")


def _rgb(picture: Image.Image) -> ImageRGB:
    picture.load()
    if picture.mode in _SIXTEEN_BIT:
        return _grey(np.asarray(picture), 65535)
    if picture.mode == "I":
        return _from_32_bit(np.asarray(picture))
    if picture.mode == "F":
        raise InputError("expected a photo, this picture holds 32-bit floating point numbers")
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
        picture = Image.alpha_composite(white, picture)
    return np.array(picture.convert("RGB"), np.uint8)


def _from_32_bit(grey: NDArray[np.generic]) -> ImageRGB:
    """Whole numbers, (H, W), as RGB (H, W, 3): white is what 8 or 16 bits hold, or else the brightest there is.

    Nothing in such a file says how bright white is. Errors: InputError for negative numbers.
    """
    if grey.min() < 0:
        raise InputError("expected a photo, this picture holds negative numbers, or more than 31 bits")
    brightest = int(grey.max())
    return _grey(grey, next((white for white in (255, 65535) if brightest <= white), brightest))


def _grey(grey: NDArray[np.generic], white: int) -> ImageRGB:
    """Grey values 0 to ``white``, (H, W), as RGB (H, W, 3)."""
    grey8 = (grey.astype(np.int64) * 255 + white // 2) // white
    return np.repeat(grey8.astype(np.uint8)[..., None], 3, axis=2)


def _begins_a_video(data: bytes) -> bool:
    """Whether it is MP4, QuickTime, Matroska, WebM or AVI."""
    riff = data[:4] == b"RIFF" and data[8:12] == b"AVI "
    mp4 = data[4:8] == b"ftyp" and data[8:12] in _MP4_BRANDS
    return mp4 or data[:4] == b"\x1a\x45\xdf\xa3" or riff
