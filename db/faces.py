"""Faces found in photos, and their near-duplicate groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from db import face_pages, queue_rows
from db.campaigns import open_campaigns
from db.engine import Database
from db.face_pages import EVERY_FACE
from db.photos import candidate_class_of
from db.records.faces import Face, NewFace
from db.records.gallery import FaceFilter, FaceOrder, FaceRow
from db.tables import detection, face, photo
from db.upsert import insert_once
from db.walks import Walks

_SELECT = select(face, photo.c.sha256).join(photo, photo.c.id == face.c.photo_id)


class FaceLedger:
    """``store.faces``: what detectors found; a photo is seen once, with or without faces."""

    def __init__(self, database: Database, walks: Walks) -> None:
        self._db, self._walks = database, walks

    def record_detection(self, photo_id: int, detector: str, faces: Sequence[NewFace]) -> bool:
        """Store all faces of a photo and mark it seen, at once; False if it had been seen before.

        A photo without a face is marked too, so that it is not tried again. The faces join the queues of the
        open campaigns that ask about such faces.
        """
        with self._db.write() as connection:
            seen = {"detector": detector, "faces": len(faces), "at": datetime.now(UTC)}
            if not insert_once(connection, detection, photo_id=photo_id, **seen):
                return False
            if faces:
                found = candidate_class_of(connection, photo_id)
                rows = [_row(photo_id, i, new) | {"candidate_class": found} for i, new in enumerate(faces)]
                connection.execute(insert(face), rows)
                new_ids = connection.scalars(select(face.c.id).where(face.c.photo_id == photo_id)).all()
                for campaign in open_campaigns(connection):
                    if queue_rows.fill(connection, campaign, new_ids):
                        self._walks.stir(campaign.id)
            return True

    def all(self) -> tuple[Face, ...]:
        """Every face, in order of its photo's content and place, the same on all machines."""
        return self._select(_SELECT.order_by(photo.c.sha256, face.c.ordinal))

    def by_ids(self, face_ids: Sequence[int]) -> tuple[Face, ...]:
        """The faces with these ids, in the order given; unknown ids are left out."""
        found = {f.id: f for f in self._select(_SELECT.where(face.c.id.in_(face_ids)))}
        return tuple(found[i] for i in face_ids if i in found)

    def crop_named(self, prefix: str) -> str | None:
        """The SHA-256 of the crop whose hex digits begin so; None when there is none."""
        statement = select(face.c.crop_sha256).where(
            face.c.crop_sha256 >= prefix, face.c.crop_sha256 < f"{prefix}g"
        )
        with self._db.read() as connection:
            return connection.scalar(statement.order_by(face.c.crop_sha256).limit(1))

    def count(self, only: FaceFilter = EVERY_FACE) -> int:
        """How many faces fit."""
        with self._db.read() as connection:
            return face_pages.count(connection, only)

    def page(
        self, only: FaceFilter = EVERY_FACE, *, order: FaceOrder = "oldest", offset: int = 0, limit: int = 100
    ) -> tuple[FaceRow, ...]:
        """The faces that fit, in an order, from place ``offset`` on: what a gallery shows.

        Faces of equal rank stand by their id; by certainty, faces that nobody decided come last.
        """
        with self._db.read() as connection:
            found = face_pages.page(connection, only, order, offset, limit)
            rows = connection.execute(_SELECT.where(face.c.id.in_(found)))
            faces = {row.id: (_face(row), row.votes) for row in rows}
            return face_pages.rows(connection, [faces[i] for i in found])

    def ids(
        self,
        only: FaceFilter = EVERY_FACE,
        *,
        order: FaceOrder = "oldest",
        offset: int = 0,
        limit: int | None = None,
    ) -> tuple[int, ...]:
        """The ids of the faces that fit, all of them or a stretch: what a bulk action acts on."""
        with self._db.read() as connection:
            return face_pages.page(connection, only, order, offset, limit)

    def photos_seen(self) -> tuple[int, int]:
        """(photos a detector has seen, photos among them without a face)."""
        with self._db.read() as connection:
            seen = connection.scalar(select(func.count()).select_from(detection)) or 0
            bare = connection.scalar(select(func.count()).where(detection.c.faces == 0)) or 0
            return seen, bare

    def set_duplicate_groups(self, groups: Mapping[int, str | None]) -> None:
        """Give faces their near-duplicate group (named by content), or None for a face of its own."""
        with self._db.write() as connection:
            for face_id, group in groups.items():
                connection.execute(update(face).where(face.c.id == face_id).values(duplicate_group=group))

    def _select(self, statement: Any) -> tuple[Face, ...]:
        with self._db.read() as connection:
            return tuple(_face(row) for row in connection.execute(statement))


def _row(photo_id: int, ordinal: int, new: NewFace) -> dict[str, object]:
    x1, y1, x2, y2 = new.xyxy
    return {
        "photo_id": photo_id,
        "ordinal": ordinal,
        "x1": x1,
        "y1": y1,
        "x2": x2,
        "y2": y2,
        "score": new.score,
        "landmarks": None if new.landmarks is None else [list(point) for point in new.landmarks],
        "crop_sha256": new.crop_sha256,
        "crop_width": new.crop_size_wh[0],
        "crop_height": new.crop_size_wh[1],
        "sharpness": new.sharpness,
    }


def _face(row: Row[Any]) -> Face:
    landmarks = None if row.landmarks is None else tuple((float(x), float(y)) for x, y in row.landmarks)
    return Face(
        id=row.id,
        photo_id=row.photo_id,
        photo_sha256=row.sha256,
        ordinal=row.ordinal,
        xyxy=(row.x1, row.y1, row.x2, row.y2),
        score=row.score,
        crop_sha256=row.crop_sha256,
        crop_size_wh=(row.crop_width, row.crop_height),
        sharpness=row.sharpness,
        landmarks=landmarks,
        duplicate_group=row.duplicate_group,
        candidate_class=row.candidate_class,
    )
