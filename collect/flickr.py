"""Flickr as a source: searches by keyword, free licences only, every photo's own licence checked."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx

from collect.download import download_picture
from collect.flickr_api import FlickrApi, License, keys_from_environment
from collect.harvest import HarvestTally, harvest
from collect.polite import Pacer, Politeness
from collect.source import Candidate, GoneError
from db.errors import ConfigError, InputError
from db.records.photos import Origin
from db.workspace import Workspace

FREE_LICENSES = ("cc-by", "cc-by-sa", "cc0", "pdm")
PER_PAGE = 500
MOST_RESULTS = 4_000  # Flickr gives no more a query, whatever the page
LONGEST_SIDE = 2_048
_SIZES = ("o", "6k", "5k", "4k", "3k", "k", "h", "l", "c", "z", "m")
_EXTRAS = "license,owner_name,date_taken,date_upload,tags,o_dims," + ",".join(f"url_{s}" for s in _SIZES)


class FlickrSource:
    """Photos that ``queries`` find, newest first, one of each query in turn so that all get their share.

    A photo is offered only if Flickr says that it bears one of ``licenses`` (short names): the search asks
    for them, and each photo that comes back is checked, because Flickr ignores what it does not understand.
    More than 4,000 results are had by asking again for what was uploaded before the last one.
    The licences belong to a candidate's ``query``, as other licences find other photos. ``cursors`` (such a
    query → upload time) goes on where an earlier run stopped; photos in ``skip`` are stored
    already and cost no call.
    Errors: ConfigError for an unknown licence, ServiceError when Flickr fails for good.
    """

    name = "flickr"
    total = None
    politeness = Politeness(interval_s=0.25)

    def __init__(
        self,
        api: FlickrApi,
        client: httpx.Client,
        queries: Sequence[str],
        *,
        candidate_class: str = "",
        licenses: Sequence[str] = FREE_LICENSES,
        skip: Collection[str] = (),
        cursors: Mapping[str, str] | None = None,
        pacer: Pacer | None = None,
    ) -> None:
        self.passed_over: Counter[str] = Counter()
        self._api, self._client = api, client
        self._queries, self._class = tuple(dict.fromkeys(queries)), candidate_class
        self._skip, self._cursors = skip, dict(cursors or {})
        self._pacer = pacer or Pacer(self.politeness)
        self._licenses = api.licenses()
        self._allowed = _ids_of(licenses, self._licenses)
        self._under = _under(licenses)

    def candidates(self) -> Iterator[Candidate]:
        searches = [self._search(query) for query in self._queries]
        while searches:
            going_on = []
            for search in searches:
                candidate = next(search, None)
                if candidate is not None:
                    yield candidate
                    going_on.append(search)
            searches = going_on

    def _search(self, query: str) -> Iterator[Candidate]:
        """All photos of one query; in slices by upload time, as one slice ends at 4,000."""
        until = int(self._cursors.get(query + self._under) or time.time())
        seen: set[str] = set()
        while True:
            oldest, fresh = None, False
            for photo in self._slice(query, until):
                oldest = min(int(photo.get("dateupload") or until), oldest or until)
                if photo["id"] in seen:
                    continue
                seen.add(photo["id"])
                fresh = True
                candidate = self._candidate(photo, query)
                if candidate is not None:
                    yield candidate
            if oldest is None:
                return
            until = oldest if fresh else oldest - 1  # the same second again: it may hold more than a slice

    def _slice(self, query: str, until: int) -> Iterator[Mapping[str, Any]]:
        for page in range(1, MOST_RESULTS // PER_PAGE + 1):
            answer = self._api.search(
                text=query,
                license=",".join(sorted(self._allowed)),
                sort="date-posted-desc",
                max_upload_date=until,
                media="photos",
                content_types="0",
                safe_search=1,
                extras=_EXTRAS,
                per_page=PER_PAGE,
                page=page,
            )
            yield from answer["photo"]
            if page >= int(answer.get("pages", 0)) or not answer["photo"]:
                return

    def _candidate(self, photo: Mapping[str, Any], query: str) -> Candidate | None:
        license_ = self._license_of(photo)
        if license_ is None:
            return None
        origin = Origin(
            self.name,
            str(photo["id"]),
            candidate_class=self._class,
            page_url=f"https://www.flickr.com/photos/{photo.get('owner', '')}/{photo['id']}/",
            owner=str(photo.get("owner", "")),
            title=str(photo.get("title", "")),
            license_id=license_.id,
            license_name=f"{license_.name}: {license_.text}",
            tags=tuple(str(photo.get("tags", "")).split()),
            taken_at=_taken_at(photo),
        )
        cursor = str(photo.get("dateupload", ""))
        return Candidate(origin, partial(self._fetch, photo), query + self._under, cursor)

    def _license_of(self, photo: Mapping[str, Any]) -> License | None:
        """The photo's own licence if it is allowed; asked for one by one where the search left it out."""
        if photo["id"] in self._skip:
            return License("", "", "")  # in the store already: its licence was checked then
        try:
            license_id = str(photo.get("license") or self._api.license_id(str(photo["id"])))
        except GoneError:
            self.passed_over["taken away"] += 1
            return None
        if license_id not in self._allowed:
            self.passed_over["refused by licence"] += 1
            return None
        return self._licenses[license_id]

    def _fetch(self, photo: Mapping[str, Any]) -> bytes:
        url = _best_url(photo) or _largest_of(self._api.sizes(str(photo["id"])))
        return self._pacer.call(lambda: download_picture(self._client, url), f"the download of {url}")


def collect_flickr(
    workspace: Workspace,
    candidate_class: str,
    queries: Sequence[str] = (),
    *,
    limit: int = 500,
    licenses: Sequence[str] = FREE_LICENSES,
    pacer: Pacer | None = None,
) -> HarvestTally:
    """Collect up to ``limit`` photos more for a class; an interrupted run is finished, not begun anew.

    ``queries`` default to the class's keywords. For testing, MIMIQUE_FLICKR_URL names another server and
    ``pacer`` replaces the usual waits.
    Errors: ConfigError for an unknown class or licence, no keywords, or missing keys; ServiceError.
    """
    settings = workspace.settings
    settings.require_class(candidate_class)
    queries = tuple(queries) or settings.keywords.get(candidate_class, ())
    if not queries:
        raise ConfigError(
            f"the class {candidate_class!r} has no keywords", hint="give --query, or add them to mimique.toml"
        )
    what = f"{limit} of {' | '.join(queries)}{_under(licenses)}"
    goal = _Goal(workspace, candidate_class, what, limit)
    api = FlickrApi(*keys_from_environment(), url=os.environ.get("MIMIQUE_FLICKR_URL", ""), pacer=pacer)
    try:
        with httpx.Client(follow_redirects=True, timeout=30.0, headers=_headers()) as client:
            source = FlickrSource(
                api,
                client,
                queries,
                candidate_class=candidate_class,
                licenses=licenses,
                skip=workspace.store.photos.known("flickr", candidate_class),
                cursors=_cursors(workspace, candidate_class),
                pacer=pacer,
            )
            done = harvest(workspace, source, limit=goal.missing)
    finally:
        api.close()
    goal.reached()
    return done


class _Goal:
    """How many photos a run still wants, kept in the store so that a killed run ends as if whole.

    The goal under way says how many photos the class shall have (``to 14``), which holds after a kill at any
    point. Before another goal brings photos of its own, that becomes what was still ``missing``.
    """

    def __init__(self, workspace: Workspace, candidate_class: str, what: str, limit: int) -> None:
        self._harvests = workspace.store.harvests
        have = len(workspace.store.photos.known("flickr", candidate_class))
        for row in self._harvests.all():
            if (row.source, row.candidate_class) == ("flickr", candidate_class) and row.cursor[:3] == "to ":
                missing = max(int(row.cursor[3:]) - have, 0)
                self._harvests.save(row.id, cursor=f"missing {missing}", tally=row.tally)
        self._row = self._harvests.start("flickr", f"goal: {what}", candidate_class)
        kept = self._row.cursor.removeprefix("missing ")
        self.missing = int(kept) if kept else limit
        self._harvests.save(self._row.id, cursor=f"to {have + self.missing}", tally={"limit": limit})

    def reached(self) -> None:
        self._harvests.save(self._row.id, cursor="", tally=self._row.tally)


def _cursors(workspace: Workspace, candidate_class: str) -> dict[str, str]:
    rows = workspace.store.harvests.all()
    mine = [row for row in rows if row.source == "flickr" and row.candidate_class == candidate_class]
    return {row.query: row.cursor for row in mine if row.cursor}


def _under(licenses: Collection[str]) -> str:
    """What the licences add to the name of a query in the store."""
    return f" ({', '.join(sorted(set(licenses)))})"


def _headers() -> dict[str, str]:
    return {"User-Agent": "mimique (photo collector for research; one picture at a time)"}


def _ids_of(names: Collection[str], licenses: Mapping[str, License]) -> frozenset[str]:
    """The licence ids behind short names; one name may have several (versions 2.0 and 4.0)."""
    listed = {license_.name for license_ in licenses.values()}
    unknown = sorted(set(names) - listed - set(FREE_LICENSES))
    allowed = frozenset(id_ for id_, license_ in licenses.items() if license_.name in names)
    if unknown or not allowed:
        raise ConfigError(
            f"Flickr has no licence {', '.join(unknown or sorted(names)) or '(none was given)'}",
            hint=f"choose from {', '.join(sorted(listed))}",
        )
    return allowed


def _best_url(photo: Mapping[str, Any]) -> str:
    """The largest size whose longer side is at most 2048 pixels, else the smallest one; "" when none is named."""
    offers = []
    for size in _SIZES:
        if photo.get(f"url_{size}"):
            width, height = photo.get(f"width_{size}") or 0, photo.get(f"height_{size}") or 0
            offers.append((max(int(width), int(height)), str(photo[f"url_{size}"])))
    return _choice(offers)


def _largest_of(sizes: Sequence[Mapping[str, Any]]) -> str:
    offers = [(max(int(size["width"]), int(size["height"])), str(size["source"])) for size in sizes]
    if not offers:
        raise InputError("Flickr offers no size of this photo for download")
    return _choice(offers)


def _choice(offers: Sequence[tuple[int, str]]) -> str:
    fitting = [offer for offer in offers if offer[0] <= LONGEST_SIDE]
    if fitting:
        return max(fitting)[1]
    return min(offers)[1] if offers else ""


def _taken_at(photo: Mapping[str, Any]) -> datetime | None:
    """When the photo says it was taken; Flickr names no time zone, so it is kept as if UTC."""
    if str(photo.get("datetakenunknown", "0")) == "1":
        return None
    try:
        return datetime.strptime(str(photo.get("datetaken", "")), "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
