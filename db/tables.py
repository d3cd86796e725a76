"""The tables of a store, as SQLAlchemy Core sees them; only ``db`` reads this file.

Append-only tables (vote, label) keep every row; what holds now is the newest row. Constraints live
here, so that no code path can store a face without a photo or a vote without an annotator.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    TypeDecorator,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime on every database; SQLite alone would drop the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


photo = Table(
    "photo",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("suffix", String(8), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("phash", String(16), nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("added_at", UtcDateTime, nullable=False),
    CheckConstraint("width > 0 AND height > 0", name="has_size"),
)

harvest = Table(
    "harvest",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(32), nullable=False),
    Column("query", String, nullable=False),
    Column("candidate_class", String(64), nullable=False, default=""),
    Column("cursor", String, nullable=False, default=""),
    Column("tally", JSON, nullable=False, default=dict),
    Column("started_at", UtcDateTime, nullable=False),
    UniqueConstraint("source", "query", "candidate_class"),
)

origin = Table(
    "origin",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("photo_id", ForeignKey("photo.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("harvest_id", ForeignKey("harvest.id"), nullable=True),
    Column("source", String(32), nullable=False),
    Column("native_id", String, nullable=False),
    Column("candidate_class", String(64), nullable=False, default=""),
    Column("page_url", String, nullable=False, default=""),
    Column("owner", String, nullable=False, default=""),
    Column("title", String, nullable=False, default=""),
    Column("license_id", String(32), nullable=False, default=""),
    Column("license_name", String, nullable=False, default=""),
    Column("tags", JSON, nullable=False, default=list),
    Column("taken_at", UtcDateTime, nullable=True),
    Column("fetched_at", UtcDateTime, nullable=False),
    Column("video", String, nullable=False, default=""),
    Column("time_s", Float, nullable=True),
    Column("split_hint", String(16), nullable=False, default=""),
    UniqueConstraint("source", "native_id", "candidate_class"),
)

failure = Table(
    "failure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("stage", String(32), nullable=False),
    Column("item", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("tries", Integer, nullable=False, default=1),
    Column("at", UtcDateTime, nullable=False),
    UniqueConstraint("stage", "item"),
)

detection = Table(
    "detection",
    metadata,
    Column("photo_id", ForeignKey("photo.id", ondelete="CASCADE"), primary_key=True),
    Column("detector", String, nullable=False),
    Column("faces", Integer, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

face = Table(
    "face",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("photo_id", ForeignKey("photo.id", ondelete="CASCADE"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("x1", Float, nullable=False),
    Column("y1", Float, nullable=False),
    Column("x2", Float, nullable=False),
    Column("y2", Float, nullable=False),
    Column("score", Float, nullable=False),
    Column("landmarks", JSON, nullable=True),
    Column("crop_sha256", String(64), nullable=False, index=True),
    Column("crop_width", Integer, nullable=False),
    Column("crop_height", Integer, nullable=False),
    Column("sharpness", Float, nullable=False),
    Column("duplicate_group", String(64), nullable=True, index=True),
    # How many votes hold on it now: kept by the vote ledger, so that the next face is one step in an index.
    Column("votes", Integer, nullable=False, default=0),
    UniqueConstraint("photo_id", "ordinal"),
    CheckConstraint("x1 < x2 AND y1 < y2", name="box_has_area"),
    Index(None, "votes", "id"),
)

annotator = Table(
    "annotator",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("key", String(192), nullable=False, unique=True),  # the name, blind to case and spaces
    Column("simulated", Boolean, nullable=False, default=False),
    Column("note", String, nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
)

vote = Table(
    "vote",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), nullable=False),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("action", String(8), nullable=False),
    Column("choice", String(64), nullable=True),
    Column("flag", String(16), nullable=True),
    Column("seconds", Float, nullable=True),
    Column("shown", JSON, nullable=False, default=dict),
    Column("at", UtcDateTime, nullable=False),
    # Named by the sender, so that sending again after a lost answer stores nothing twice.
    Column("request_id", String(64), nullable=True, unique=True),
    # The row an undo withdraws; a row is withdrawn at most once.
    Column("undoes_id", ForeignKey("vote.id", ondelete="CASCADE"), nullable=True, unique=True),
    CheckConstraint("action IN ('vote', 'skip', 'undo')", name="known_action"),
    CheckConstraint("(action = 'undo') = (undoes_id IS NOT NULL)", name="undo_names_its_row"),
    Index(None, "annotator_id", "face_id", "id"),
    Index(None, "annotator_id", "id"),
    Index(None, "face_id", "id"),
)

# What holds now, derived from the vote rows in the same transaction and rebuildable from them.
standing = Table(
    "standing",
    metadata,
    Column("annotator_id", ForeignKey("annotator.id"), primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("vote_id", ForeignKey("vote.id", ondelete="CASCADE"), nullable=False, unique=True),
    sqlite_with_rowid=False,
)

label = Table(
    "label",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), nullable=False),
    Column("label", String(64), nullable=True),
    Column("distribution", JSON, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("votes", Integer, nullable=False),
    Column("method", String(32), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Index(None, "face_id", "id"),
)

snapshot = Table(
    "snapshot",
    metadata,
    Column("hash", String(64), primary_key=True),
    Column("classes", JSON, nullable=False),
    Column("ratios", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("used_at", UtcDateTime, nullable=False),  # when it was last added, the first time or again
)

snapshot_member = Table(
    "snapshot_member",
    metadata,
    Column("snapshot_hash", ForeignKey("snapshot.hash"), primary_key=True),
    Column("face_id", ForeignKey("face.id"), primary_key=True),
    Column("crop_sha256", String(64), nullable=False),
    Column("label", String(64), nullable=False),
    Column("part", String(8), nullable=False),
    Column("group_key", String(64), nullable=False),
    Column("distribution", JSON, nullable=False),
    CheckConstraint("part IN ('train', 'val', 'test')", name="known_part"),
)

run = Table(
    "run",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("recipe", JSON, nullable=False),
    Column("snapshot_hash", ForeignKey("snapshot.hash"), nullable=False),
    Column("status", String(8), nullable=False),
    Column("metrics", JSON, nullable=False, default=dict),
    Column("environment", JSON, nullable=False, default=dict),
    Column("started_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=True),
    CheckConstraint("status IN ('running', 'done', 'failed')", name="known_status"),
)

prediction = Table(
    "prediction",
    metadata,
    Column("run_id", ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
    Column("probabilities", JSON, nullable=False),
    Column("part", String(8), nullable=False),
    Column("out_of_fold", Boolean, nullable=False),
)
