"""Flickr's REST calls through flickrapi: keys from the environment, polite, every failure told apart."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from collect.polite import BusyError, Pacer, Politeness, retry_after_s
from collect.source import GoneError
from db.errors import ConfigError, ServiceError

# https://www.flickr.com/services/api/flickr.photos.search.html: the error codes that mean "not now".
_BUSY_CODES = {0, 10, 105, 106, 201}
_BAD_KEY_CODES = {96, 97, 98, 100}
_NO_SUCH_PHOTO = {"photos.getInfo", "photos.getSizes"}
_CREATIVE_COMMONS = re.compile(r"creativecommons\.org/(?:licenses/([a-z-]+)/|publicdomain/(zero|mark)/)")
_OTHER_NAMES = {
    "all rights reserved": "all-rights-reserved",
    "no known copyright restrictions": "no-known-restrictions",
    "united states government work": "us-gov",
}


@dataclass(frozen=True, slots=True)
class License:
    """A licence as Flickr lists it: ``name`` is short (``cc-by``, ``cc0``, ``pdm``), ``text`` says it all."""

    id: str
    name: str
    text: str


def keys_from_environment() -> tuple[str, str]:
    """(key, secret) from FLICKR_API_KEY and FLICKR_API_SECRET. Errors: ConfigError naming what is missing."""
    names = ("FLICKR_API_KEY", "FLICKR_API_SECRET")
    missing = [name for name in names if not os.environ.get(name, "").strip()]
    if missing:
        raise ConfigError(
            f"to search Flickr, the environment must hold {' and '.join(missing)}",
            hint="get a key at https://www.flickr.com/services/apps/create/ and export both",
        )
    return os.environ[names[0]].strip(), os.environ[names[1]].strip()


class FlickrApi:
    """The few calls we need. ``url`` replaces https://api.flickr.com (for testing); keys are never shown.

    Flickr allows about 3,600 calls an hour: hence one a second.
    """

    politeness = Politeness(interval_s=1.0)

    def __init__(self, key: str, secret: str, url: str = "", pacer: Pacer | None = None) -> None:
        from flickrapi import FlickrAPI

        self._api: Any = FlickrAPI(key, secret, format="parsed-json", store_token=False, timeout=30.0)
        if url:
            self._api.REST_URL = f"{url.rstrip('/')}/services/rest/"
        session = type(self._api.flickr_oauth.session)()  # our own: flickrapi shares one among all
        session.hooks["response"].append(_refuse_errors)
        self._api.flickr_oauth.session = session
        self._pacer = pacer or Pacer(self.politeness)

    def close(self) -> None:
        self._api.flickr_oauth.session.close()

    def licenses(self) -> dict[str, License]:
        """Flickr's licences by id, as it lists them today."""
        answer = self._call("photos.licenses.getInfo")
        return {str(entry["id"]): _license(entry) for entry in answer["licenses"]["license"]}

    def search(self, **wanted: object) -> Mapping[str, Any]:
        """One page of ``flickr.photos.search``: its ``photos`` object."""
        return dict(self._call("photos.search", **wanted)["photos"])

    def license_id(self, photo_id: str) -> str:
        """The licence a photo bears now. Errors: GoneError when the photo was taken away."""
        return str(self._call("photos.getInfo", photo_id=photo_id)["photo"]["license"])

    def sizes(self, photo_id: str) -> list[Mapping[str, Any]]:
        """The sizes a photo is offered in. Errors: GoneError when the photo was taken away."""
        return list(self._call("photos.getSizes", photo_id=photo_id)["sizes"]["size"])

    def _call(self, method: str, **arguments: object) -> Mapping[str, Any]:
        return self._pacer.call(lambda: self._ask(method, arguments), f"Flickr's {method}")

    def _ask(self, method: str, arguments: Mapping[str, object]) -> Mapping[str, Any]:
        from flickrapi.exceptions import FlickrError

        try:
            answer: Mapping[str, Any] = self._api.do_flickr_call(f"flickr.{method}", **arguments)
        except FlickrError as error:
            raise _told_apart(error.code, str(error), method) from None
        except ValueError as error:
            raise BusyError("an answer that is not JSON") from error
        except OSError as error:  # requests' errors: no connection, time-outs
            raise BusyError(f"{type(error).__name__}") from None
        return answer


def _refuse_errors(answer: Any, *_arguments: object, **_options: object) -> None:
    """flickrapi drops the status and Retry-After of a failed call: look at them before it does."""
    status = answer.status_code
    if status == 429 or status >= 500:
        raise BusyError(f"HTTP {status}", retry_after_s(answer.headers.get("Retry-After")))
    if status in (401, 403):
        raise _bad_key(f"HTTP {status}")
    if status != 200:
        raise ServiceError(f"Flickr answers HTTP {status}")


def _told_apart(code: int | None, message: str, method: str) -> Exception:
    reason = re.sub(r"^Error: \d+: ", "", message)
    if method in _NO_SUCH_PHOTO and code in (1, 2):
        return GoneError(f"the photo was taken away ({reason})")
    if code in _BUSY_CODES:
        return BusyError(f"error {code}: {reason}")
    if code in _BAD_KEY_CODES:
        return _bad_key(reason)
    return ServiceError(f"Flickr refused {method}: error {code}: {reason}")


def _bad_key(reason: str) -> ConfigError:
    return ConfigError(
        f"Flickr does not accept the key or its secret: {reason}",
        hint="compare FLICKR_API_KEY and FLICKR_API_SECRET with https://www.flickr.com/services/api/keys/",
    )


def _license(entry: Mapping[str, Any]) -> License:
    text, url = str(entry.get("name", "")), str(entry.get("url", ""))
    match = _CREATIVE_COMMONS.search(url)
    if match:
        name = {"zero": "cc0", "mark": "pdm"}.get(match[2] or "", f"cc-{match[1]}")
    else:
        name = _OTHER_NAMES.get(text.lower()) or re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")
    return License(str(entry["id"]), name, f"{text} ({url})" if url else text)
