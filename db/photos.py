"""Photos and where they came from: exact copies are one photo with several origins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select, update

from db.engine import Database
from db.records.photos import NewPhoto, Origin, Photo
from db.tables import detection, face, origin, photo, queue
from db.upsert import insert_once


@dataclass(frozen=True, slots=True)
class StoredFile:
    """Which file one origin names, and the part of the data set it claims ("" when it claims none)."""

    sha256: str
    suffix: str
    split_hint: str


class PhotoLedger:
    """``store.photos``: add, link, look up; each method is one transaction."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(self, new: NewPhoto, came_from: Origin, *, harvest_id: int | None = None) -> bool:
        """Store a photo and its origin; True when the picture is new, False for an exact copy."""
        with self._db.write() as connection:
            is_new = insert_once(
                connection,
                photo,
                sha256=new.sha256,
                suffix=new.suffix,
                width=new.width,
                height=new.height,
                phash=new.phash,
                size_bytes=new.size_bytes,
                added_at=datetime.now(UTC),
            )
            photo_id = connection.scalar(select(photo.c.id).where(photo.c.sha256 == new.sha256))
            assert photo_id is not None
            _add_origin(connection, photo_id, came_from, harvest_id)
            return is_new

    def link(self, came_from: Origin, *, harvest_id: int | None = None) -> bool:
        """Record one more way to a photo already stored from this source; False when it is not stored."""
        with self._db.write() as connection:
            photo_id = connection.scalar(
                select(origin.c.photo_id)
                .where(origin.c.source == came_from.source, origin.c.native_id == came_from.native_id)
                .limit(1)
            )
            if photo_id is None:
                return False
            _add_origin(connection, photo_id, came_from, harvest_id)
            return True

    def known(self, source: str, candidate_class: str = "") -> frozenset[str]:
        """The native ids already stored from a source for a candidate class."""
        with self._db.read() as connection:
            rows = connection.scalars(
                select(origin.c.native_id).where(
                    origin.c.source == source, origin.c.candidate_class == candidate_class
                )
            )
            return frozenset(rows)

    def files(self, source: str, candidate_class: str = "") -> dict[str, StoredFile]:
        """What ``known`` gives, each native id with its file."""
        statement = (
            select(origin.c.native_id, photo.c.sha256, photo.c.suffix, origin.c.split_hint)
            .join(photo, photo.c.id == origin.c.photo_id)
            .where(origin.c.source == source, origin.c.candidate_class == candidate_class)
        )
        with self._db.read() as connection:
            rows = connection.execute(statement)
            return {row.native_id: StoredFile(row.sha256, row.suffix, row.split_hint) for row in rows}

    def hint_split(self, came_from: Origin) -> None:
        """Give a stored origin the split that this one claims; a claim it has already stays."""
        with self._db.write() as connection:
            connection.execute(
                update(origin)
                .where(
                    origin.c.source == came_from.source,
                    origin.c.native_id == came_from.native_id,
                    origin.c.candidate_class == came_from.candidate_class,
                    origin.c.split_hint == "",
                )
                .values(split_hint=came_from.split_hint)
            )

    def sources(self) -> tuple[str, ...]:
        """The sources that photos came from, by name."""
        with self._db.read() as connection:
            return tuple(connection.scalars(select(origin.c.source).distinct().order_by(origin.c.source)))

    def owners(self, limit: int = 300) -> tuple[str, ...]:
        """Those whose photos these are, who has most first; an index answers."""
        photos = func.count(origin.c.photo_id.distinct())
        statement = select(origin.c.owner).where(origin.c.owner != "").group_by(origin.c.owner)
        with self._db.read() as connection:
            return tuple(connection.scalars(statement.order_by(photos.desc(), origin.c.owner).limit(limit)))

    def count(self) -> int:
        with self._db.read() as connection:
            return connection.scalar(select(func.count()).select_from(photo)) or 0

    def all(self) -> tuple[Photo, ...]:
        """Every photo, in order of its content hash, so that all machines agree on the order."""
        with self._db.read() as connection:
            return tuple(_photo(row) for row in connection.execute(select(photo).order_by(photo.c.sha256)))

    def by_id(self, photo_id: int) -> Photo | None:
        with self._db.read() as connection:
            row = connection.execute(select(photo).where(photo.c.id == photo_id)).one_or_none()
            return None if row is None else _photo(row)

    def without_detection(self) -> tuple[Photo, ...]:
        """Photos no detector has seen yet, oldest first."""
        statement = (
            select(photo)
            .outerjoin(detection, detection.c.photo_id == photo.c.id)
            .where(detection.c.photo_id.is_(None))
            .order_by(photo.c.id)
        )
        with self._db.read() as connection:
            return tuple(_photo(row) for row in connection.execute(statement))

    def origins(self, photo_ids: Sequence[int] | None = None) -> Iterator[tuple[int, Origin]]:
        """(photo id, origin) pairs, of all photos or of some, in the order they were recorded."""
        statement = select(origin).order_by(origin.c.id)
        if photo_ids is not None:
            statement = statement.where(origin.c.photo_id.in_(photo_ids))
        with self._db.read() as connection:
            rows = connection.execute(statement).all()
        for row in rows:
            yield row.photo_id, _origin(row)


def candidate_class_of(connection: Connection, photo_id: int) -> str:
    """The class whose search found the photo: its earliest origin's that names one, or ""."""
    statement = (
        select(origin.c.candidate_class)
        .where(origin.c.photo_id == photo_id, origin.c.candidate_class != "")
        .order_by(origin.c.id)
        .limit(1)
    )
    return connection.scalar(statement) or ""


def _add_origin(connection: Connection, photo_id: int, came_from: Origin, harvest_id: int | None) -> None:
    is_new = insert_once(
        connection,
        origin,
        photo_id=photo_id,
        harvest_id=harvest_id,
        source=came_from.source,
        native_id=came_from.native_id,
        candidate_class=came_from.candidate_class,
        page_url=came_from.page_url,
        owner=came_from.owner,
        title=came_from.title,
        license_id=came_from.license_id,
        license_name=came_from.license_name,
        tags=list(came_from.tags),
        taken_at=came_from.taken_at,
        fetched_at=datetime.now(UTC),
        video=came_from.video,
        time_s=came_from.time_s,
        split_hint=came_from.split_hint,
    )
    if is_new and came_from.candidate_class:
        _name_class(connection, photo_id, came_from.candidate_class)


def _name_class(connection: Connection, photo_id: int, candidate_class: str) -> None:
    """Give the photo's faces the class of the search that found it, unless an earlier one named one."""
    unnamed = and_(face.c.photo_id == photo_id, face.c.candidate_class == "")
    found = connection.scalars(select(face.c.id).where(unnamed)).all()
    if found:
        for table, key in ((queue, queue.c.face_id), (face, face.c.id)):
            connection.execute(update(table).where(key.in_(found)).values(candidate_class=candidate_class))


def _photo(row: Row[Any]) -> Photo:
    return Photo(
        row.id, row.sha256, row.suffix, row.width, row.height, row.phash, row.size_bytes, row.added_at
    )


def _origin(row: Row[Any]) -> Origin:
    return Origin(
        source=row.source,
        native_id=row.native_id,
        candidate_class=row.candidate_class,
        page_url=row.page_url,
        owner=row.owner,
        title=row.title,
        license_id=row.license_id,
        license_name=row.license_name,
        tags=tuple(row.tags),
        taken_at=row.taken_at,
        video=row.video,
        time_s=row.time_s,
        split_hint=row.split_hint,
    )
