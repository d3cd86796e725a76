"""Pictures of every kind become upright RGB; what is no picture says why; near pictures have near hashes."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from collect.image import decode, encode_jpeg, hamming, phash, size_wh, suffix_of
from db.errors import InputError


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def corners(width: int = 60, height: int = 40) -> Image.Image:
    """Red above left, green above right, blue below left, white below right."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = (220, 20, 20)
    image[: height // 2, width // 2 :] = (20, 200, 20)
    image[height // 2 :, : width // 2] = (20, 20, 220)
    image[height // 2 :, width // 2 :] = 255
    return Image.fromarray(image)


def assert_upright(image: NDArray[np.uint8], tolerance: int = 12) -> None:
    height, width = image.shape[:2]
    assert (width, height) == (60, 40)
    for (x, y), colour in {
        (15, 10): (220, 20, 20), (45, 10): (20, 200, 20), (15, 30): (20, 20, 220), (45, 30): (255, 255, 255)
    }.items():  # fmt: skip
        assert np.abs(image[y, x].astype(int) - colour).max() <= tolerance, (x, y, image[y, x])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF"])
def test_every_usual_kind_is_read(kind: str) -> None:
    image = decode(saved(corners(), kind))
    assert image.dtype == np.uint8
    assert_upright(image, tolerance=40)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_exif_orientation_turns_the_picture_upright(kind: str, orientation: int) -> None:
    undo = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    stored = corners().transpose(undo[orientation]) if orientation > 1 else corners()
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = decode(saved(stored, kind, exif=exif))
    assert_upright(image)
    assert size_wh(image) == (60, 40)


def test_cmyk_is_turned_into_rgb() -> None:
    assert_upright(decode(saved(corners().convert("CMYK"), "JPEG", quality=95)), tolerance=30)


def test_16_bit_grey_keeps_its_range() -> None:
    grey = np.linspace(0, 65535, 60 * 40).reshape(40, 60).astype(np.uint16)
    image = decode(cv2.imencode(".png", grey)[1].tobytes())
    assert image[0, 0, 0] == 0 and image[-1, -1, 0] == 255
    assert np.abs(image[..., 1].astype(int) - (grey >> 8)).max() <= 1


@pytest.mark.parametrize(("brightest", "white"), [(200, 255), (50_000, 65_535), (2**30, 2**30)])
def test_32_bit_grey_keeps_the_range_that_its_brightest_point_says(brightest: int, white: int) -> None:
    grey = np.linspace(0, brightest, 60 * 40).reshape(40, 60).astype(np.int32)
    file = io.BytesIO()
    Image.fromarray(grey).save(file, "TIFF")
    assert np.abs(decode(file.getvalue())[..., 1] - grey / white * 255).max() < 1


def test_32_bit_grey_below_zero_is_no_photo() -> None:
    file = io.BytesIO()
    Image.fromarray(np.full((4, 4), -1, np.int32)).save(file, "TIFF")
    with pytest.raises(InputError, match="negative"):
        decode(file.getvalue())


def test_16_bit_colour_becomes_8_bit() -> None:
    bgr = np.asarray(corners())[..., ::-1].astype(np.uint16) * 257
    assert_upright(decode(cv2.imencode(".png", bgr)[1].tobytes()))


def test_transparency_lies_on_white() -> None:
    picture = Image.new("RGBA", (4, 4), (255, 0, 0, 0))
    picture.putpixel((1, 1), (255, 0, 0, 255))
    picture.putpixel((2, 2), (0, 0, 0, 128))
    image = decode(saved(picture, "PNG"))
    assert image[0, 0].tolist() == [255, 255, 255]
    assert image[1, 1].tolist() == [255, 0, 0]
    assert abs(int(image[2, 2, 0]) - 127) <= 1


def test_palette_with_a_transparent_colour_lies_on_white() -> None:
    picture = Image.new("P", (4, 4), 1)
    picture.putpalette([0, 0, 0, 10, 20, 200])
    picture.putpixel((0, 0), 0)
    image = decode(saved(picture, "PNG", transparency=0))
    assert image[0, 0].tolist() == [255, 255, 255] and image[1, 1].tolist() == [10, 20, 200]


def test_the_first_frame_of_an_animation_is_taken() -> None:
    frames = [Image.new("RGB", (6, 6), colour) for colour in ("red", "blue")]
    assert decode(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]))[3, 3].tolist() == [
        255,
        0,
        0,
    ]


@pytest.mark.parametrize("size", [(1, 1), (20_000, 20), (1, 300), (33, 31)])
def test_odd_sizes_are_read_and_hashed(size: tuple[int, int]) -> None:
    for kind in ("PNG", "JPEG"):
        image = decode(saved(Image.new("RGB", size, (120, 130, 140)), kind))
        assert size_wh(image) == size
        assert phash(image) == "8000000000000000"


BAD = {
    "empty": (b"", r"empty \(0 bytes\)"),
    "text": (b"<html>no picture</html>", "no picture"),
    "only a header": (saved(corners(), "JPEG")[:20], "damaged|no picture"),
    "half a jpeg": (saved(corners(400, 300), "JPEG", quality=95)[:2500], "damaged"),
    "half a png": (saved(corners(400, 300), "PNG")[:-400], "damaged"),
    "half a webp": (saved(Image.effect_noise((200, 200), 90), "WEBP")[:3000], "damaged|no picture"),
    "half a jpeg with a whole thumbnail": (
        (
            lambda thumb, jpeg: (
                jpeg[:2] + b"\xff\xe1" + (len(thumb) + 2).to_bytes(2, "big") + thumb + jpeg[2:-900]
            )
        )(saved(corners(), "JPEG"), saved(corners(400, 300), "JPEG", quality=95)),
        "damaged",
    ),
    "half an avif": (saved(Image.effect_noise((200, 200), 90), "AVIF")[:3000], "damaged|no picture"),
    "a changed avif": (saved(corners(), "AVIF")[:-40] + bytes(40), "damaged"),
    "floating point": (saved(Image.new("F", (4, 4)), "TIFF"), "floating point"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_whole_picture_says_why(name: str) -> None:
    data, reason = BAD[name]
    with pytest.raises(InputError, match=reason):
        decode(data)


@pytest.mark.parametrize("size", [(12_000, 12_000), (30_000, 30_000)])
def test_a_huge_picture_is_refused_before_it_is_unpacked(size: tuple[int, int]) -> None:
    header = struct.pack(">IIBBBBB", *size, 8, 2, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n"
    for name, content in ((b"IHDR", header), (b"IDAT", b""), (b"IEND", b"")):
        png += (
            struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
        )
    with pytest.raises(InputError, match="too large"):
        decode(png)


def test_a_jpeg_with_rubbish_behind_its_end_is_read() -> None:
    data = saved(corners(), "JPEG", quality=95)
    assert_upright(decode(data + b"\0" * 40))
    assert_upright(decode(data + b"rubbish of a camera maker"))


@pytest.mark.parametrize(
    ("kind", "suffix"), [("JPEG", ".jpg"), ("PNG", ".png"), ("TIFF", ".tif"), ("BMP", ".bmp")]
)
def test_the_suffix_is_that_of_the_content(kind: str, suffix: str) -> None:
    assert suffix_of(saved(corners(), kind)) == suffix


def test_encoding_gives_the_same_bytes_and_nearly_the_same_picture() -> None:
    image = np.asarray(corners())
    assert encode_jpeg(image) == encode_jpeg(image.copy())
    assert_upright(decode(encode_jpeg(image)))


def scene(seed: int, size: int = 256) -> NDArray[np.uint8]:
    """Soft blobs, as photos have them: most of the energy in low frequencies."""
    small = np.random.default_rng(seed).integers(0, 255, (7, 7, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(small, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    quality=st.integers(40, 95),
    scale=st.floats(0.4, 1.8),
    shift=st.integers(-20, 20),
)
def test_a_resized_recompressed_or_brighter_copy_has_a_near_hash(
    seed: int, quality: int, scale: float, shift: int
) -> None:
    image = scene(seed)
    copy = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    copy = np.clip(copy.astype(int) * 0.9 + 12 + shift, 0, 255).astype(np.uint8)
    assert hamming(phash(image), phash(decode(encode_jpeg(copy, quality)))) <= 10


@settings(max_examples=50, deadline=None)
@given(one=st.integers(0, 10_000), other=st.integers(0, 10_000))
def test_other_pictures_have_far_hashes(one: int, other: int) -> None:
    distance = hamming(phash(scene(one)), phash(scene(other)))
    assert distance == 0 if one == other else distance >= 12


hashes = st.integers(0, 2**64 - 1).map(lambda bits: f"{bits:016x}")


@given(a=hashes, b=hashes, c=hashes)
def test_hamming_is_a_distance(a: str, b: str, c: str) -> None:
    assert hamming(a, a) == 0
    assert (
        hamming(a, b)
        == hamming(b, a)
        == sum(x != y for x, y in zip(f"{int(a, 16):064b}", f"{int(b, 16):064b}", strict=True))
    )
    assert hamming(a, c) <= hamming(a, b) + hamming(b, c)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_a_hash_is_16_hex_digits_and_sees_only_the_picture(seed: int) -> None:
    digits = phash(scene(seed))
    assert len(digits) == 16 and int(digits, 16) >= 0
    assert phash(np.ascontiguousarray(scene(seed))) == digits
