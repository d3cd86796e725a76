"""Videos behind an address, fetched through yt-dlp: a direct file, or a page of a site it knows."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from collect.video import VideoPage
from db.errors import InputError, ServiceError


@contextmanager
def fetched_video(url: str, downloads: Path) -> Iterator[tuple[Path, VideoPage]]:
    """The video's file and what its page says about it; the file is removed when the work on it succeeded.

    What an interrupted run fetched stays in ``downloads`` and is gone on with. Errors: InputError when the
    address has no video for us, ServiceError when the network or the site failed.
    """
    folder = downloads / hashlib.sha256(url.encode()).hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    info = _download(url, folder)
    try:
        yield Path(info["requested_downloads"][0]["filepath"]), _page(url, info)
    except InputError:  # what came is no video: there is nothing to go on with
        shutil.rmtree(folder, ignore_errors=True)
        raise
    shutil.rmtree(folder, ignore_errors=True)


class _Silent:
    """yt-dlp's messages go nowhere; what matters comes back as an exception."""

    def debug(self, _message: str) -> None: ...

    def info(self, _message: str) -> None: ...

    def warning(self, _message: str) -> None: ...

    def error(self, _message: str) -> None: ...


def _options(folder: Path) -> dict[str, Any]:
    return {
        "outtmpl": str(folder / "%(id).100B.%(ext)s"),
        # Pictures only, in one file: nothing to merge, and ffmpeg is not needed.
        "format": "bv*[height<=1080]/b[height<=1080]/bv*/b",
        "noplaylist": True,
        "quiet": True,
        "noprogress": True,
        "logger": _Silent(),
        "cachedir": False,
        "continuedl": True,
        "retries": 5,
        "socket_timeout": 30,
        "sleep_interval_requests": 0.5,
    }


def _download(url: str, folder: Path) -> dict[str, Any]:
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import DownloadError, UnsupportedError

    try:
        with YoutubeDL(_options(folder)) as downloader:
            info: dict[str, Any] = downloader.extract_info(url, download=True)
    except DownloadError as error:
        cause = error.exc_info[1] if error.exc_info else None
        if isinstance(cause, UnsupportedError):
            raise InputError(f"no video was found at {url}", hint="give the page of one video") from error
        raise ServiceError(
            f"{url} could not be fetched: {_short(str(error))}", hint="try again later, or update yt-dlp"
        ) from error
    if not info.get("requested_downloads"):
        raise InputError(f"{url} is a list of videos, not one", hint="give the pages of its videos")
    return info


def _short(message: str) -> str:
    """yt-dlp's message without colours, the word ERROR and the request to report it."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", message)
    plain = re.sub(r"^ERROR:\s*", "", plain)
    return re.split(r"; please report|\(caused by", plain)[0].strip()


def _page(url: str, info: dict[str, Any]) -> VideoPage:
    stamp = info.get("timestamp")
    return VideoPage(
        key=url,
        name=url,
        page_url=url,
        owner=str(info.get("uploader_id") or info.get("uploader") or ""),
        title=str(info.get("title") or ""),
        license=str(info.get("license") or ""),
        taken_at=datetime.fromtimestamp(stamp, UTC) if stamp else None,
    )
