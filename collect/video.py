"""Video files as a source: one picture every so many seconds, each at its exact time."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from collect.frames import VideoReader, sampled
from collect.harvest import HarvestTally, harvest, storable
from collect.image import encode_jpeg
from collect.source import Candidate
from db.command import say
from db.errors import InputError, ServiceError
from db.records.photos import Origin
from db.workspace import Workspace

DONE = "done"


@dataclass(frozen=True, slots=True)
class VideoPage:
    """What is known of a video beyond its frames; ``key`` names it for good (its SHA-256, or its address)."""

    key: str
    name: str
    page_url: str = ""
    owner: str = ""
    title: str = ""
    license: str = ""
    taken_at: datetime | None = None


class VideoSource:
    """The frames of one file at 0, ``every_s``, 2·``every_s``, … seconds, as JPEG of quality 95.

    Native id: ``<key>@<seconds>``. A frame is decoded only when it is fetched. Errors: InputError when the
    file is no readable video.
    """

    name = "video"

    def __init__(self, path: Path, page: VideoPage, every_s: float, candidate_class: str = "") -> None:
        self.passed_over: Mapping[str, int] = {}
        self._path, self._page, self._class = path, page, candidate_class
        with VideoReader(path) as reader:
            self._stamps = sampled(reader.index, every_s)
        self.total = len(self._stamps)
        self._video = page.page_url or f"{page.name} {page.key[:12]}"  # many files are named clip.mp4
        self.query = video_query(self._video, every_s)

    def candidates(self) -> Iterator[Candidate]:
        with VideoReader(self._path) as reader:
            for stamp in self._stamps:
                origin = self._origin(reader.index.time_s(stamp))
                yield Candidate(origin, partial(_jpeg, reader, stamp), self.query)

    def _origin(self, time_s: float) -> Origin:
        page = self._page
        return Origin(
            self.name,
            f"{page.key}@{time_s:.6f}",
            candidate_class=self._class,
            page_url=page.page_url,
            owner=page.owner,
            title=f"{page.title or page.name} at {time_s:.2f} s",
            license_name=page.license,
            taken_at=page.taken_at,
            video=self._video,
            time_s=time_s,
        )


def video_query(what: str, every_s: float) -> str:
    """How the harvest of one video is named in the store."""
    return f"{what} every {every_s:g} s"


def collect_videos(
    workspace: Workspace, items: tuple[str, ...], every_s: float, candidate_class: str = ""
) -> tuple[HarvestTally, tuple[str, ...]]:
    """Sample files and addresses one after the other; gives the tally and those that could not be read.

    A bad one is said in one line and the next is taken. Errors: StoreError.
    """
    done, unreadable = HarvestTally(), list[str]()
    for item in items:
        try:
            done += _collect_one(workspace, item, every_s, candidate_class)
        except (InputError, ServiceError) as error:
            say(f"{error} (skipped)" + (f"; {error.hint}" if error.hint else ""))
            unreadable.append(item)
    return done, tuple(unreadable)


def _collect_one(workspace: Workspace, item: str, every_s: float, candidate_class: str) -> HarvestTally:
    if item.startswith(("http://", "https://")):
        return _collect_url(workspace, item, every_s, candidate_class)
    path = Path(item)
    if not path.is_file():
        raise InputError(f"there is no video file {item}", hint="check the spelling of the path")
    page = VideoPage(_sha256_of_file(path), storable(path.name))
    return harvest(workspace, VideoSource(path, page, every_s, candidate_class))


def _collect_url(workspace: Workspace, url: str, every_s: float, candidate_class: str) -> HarvestTally:
    """Fetch, sample, remove the file; an address that was sampled to its end is not fetched again."""
    from collect.web_video import fetched_video

    row = workspace.store.harvests.start("video", video_query(url, every_s), candidate_class)
    if row.cursor == DONE:
        return HarvestTally(known=sum(row.tally.values()))
    with fetched_video(url, workspace.path / "downloads") as (path, page):
        tally = harvest(workspace, VideoSource(path, page, every_s, candidate_class))
        if tally.failed:
            return tally
    stored = {"frames": tally.new + tally.linked + tally.known}
    workspace.store.harvests.save(row.id, cursor=DONE, tally=stored)
    return tally


def _jpeg(reader: VideoReader, stamp: int) -> bytes:
    return encode_jpeg(reader.read(stamp))


def _sha256_of_file(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
