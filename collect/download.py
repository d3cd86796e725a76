"""Fetch one picture over HTTP: streamed, of limited size, and only if it is a picture."""

from __future__ import annotations

import httpx

from collect.image import MAX_BYTES
from collect.polite import BusyError, retry_after_s
from collect.source import GoneError
from db.errors import InputError

# What Flickr and others answer in place of a picture that was taken away.
_PLACEHOLDERS = ("photo_unavailable", "photo_gone", "/image_unavailable")


def download_picture(client: httpx.Client, url: str, max_bytes: int = MAX_BYTES) -> bytes:
    """The bytes of the picture at ``url``; redirects are followed.

    Errors: BusyError when asking again may help (429, 5xx, a time-out, a cut connection), GoneError when the
    picture was taken away, InputError when it is no picture, larger than ``max_bytes``, or came damaged.
    """
    try:
        with client.stream("GET", url) as answer:
            _check(answer, url)
            return _body(answer, max_bytes)
    except httpx.InvalidURL as error:
        raise InputError(f"{url!r} is no address") from error
    except httpx.TooManyRedirects as error:
        raise InputError(f"{url} redirects in circles") from error
    except httpx.TransportError as error:
        raise BusyError(f"{type(error).__name__}: {error or 'no answer'}") from error
    except httpx.RequestError as error:  # a body that is not compressed as it claims
        raise InputError(f"{url} came damaged: {error}") from error


def _check(answer: httpx.Response, url: str) -> None:
    status = answer.status_code
    if status in (404, 410):
        raise GoneError(f"the photo was taken away (HTTP {status})")
    if any(name in str(answer.url) for name in _PLACEHOLDERS):
        raise GoneError("the photo was taken away (a placeholder came instead)")
    if status == 429 or status >= 500:
        raise BusyError(f"HTTP {status}", retry_after_s(answer.headers.get("Retry-After")))
    if status != 200:
        raise InputError(f"{url} answers HTTP {status}")
    kind = answer.headers.get("Content-Type", "").split(";")[0].strip().lower()
    if not kind.startswith("image/"):
        raise InputError(f"{url} gives {kind or 'something unnamed'}, not a picture")


def _body(answer: httpx.Response, max_bytes: int) -> bytes:
    body = bytearray()
    for piece in answer.iter_bytes():
        body += piece
        if len(body) > max_bytes:
            raise InputError(f"the picture has more than {max_bytes:,} bytes")
    return bytes(body)
