"""The tables of a store, as SQLAlchemy Core sees them; only ``db`` reads this file.

Append-only tables (vote, label) keep every row; what holds now is the newest row that was not undone.
``standing``, ``holding``, ``queue`` and some columns of ``face`` are derived from them in the transaction that
adds a row, and can be rebuilt. Constraints live here, so that no code path can store a face without a photo
or a vote without an annotator.
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
    text,
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


_OPEN = "needs > 0"
_FLAGGED = "flag IS NOT NULL"
_SKIPS = "action = 'skip'"


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
    Index(None, "owner", "photo_id"),
    Index(None, "harvest_id", "photo_id"),
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
    # How many votes hold on it now, in all campaigns: kept by the vote ledger.
    Column("votes", Integer, nullable=False, default=0),
    # The class whose search found the photo first, or "": kept by the photo and face ledgers.
    Column("candidate_class", String(64), nullable=False, default=""),
    UniqueConstraint("photo_id", "ordinal"),
    CheckConstraint("x1 < x2 AND y1 < y2", name="box_has_area"),
    Index(None, "votes", "id"),
    Index(None, "candidate_class", "id"),
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
    Column("role", String(8), nullable=False, default="voter"),
    Column("password_hash", String, nullable=True),
    Column("disabled_at", UtcDateTime, nullable=True),
    CheckConstraint("role IN ('voter', 'curator', 'owner')", name="known_role"),
)

campaign = Table(
    "campaign",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False),
    Column("key", String(192), nullable=False, unique=True),  # the name, blind to case and spaces
    Column("question", String(8), nullable=False),
    Column("classes", JSON, nullable=False),  # empty: the workspace's
    Column(
        "about", String(64), nullable=False
    ),  # the class a "verify" asks about; "": the face's candidate class
    Column("several", Boolean, nullable=False),
    Column("overlap", JSON, nullable=False),
    Column("rule", String(64), nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("ordering", String(8), nullable=False),
    Column("picks", JSON, nullable=False),  # which faces; empty: all
    Column("voters", JSON, nullable=False),  # annotator ids; empty: everybody
    Column("suggest", JSON(none_as_null=True), nullable=True),
    Column("gold", JSON, nullable=False),
    Column("seed", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("closed_at", UtcDateTime, nullable=True),
    CheckConstraint("question IN ('choose', 'verify')", name="known_question"),
    CheckConstraint("ordering IN ('teach', 'age', 'random', 'class')", name="known_ordering"),
)

vote = Table(
    "vote",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("campaign_id", ForeignKey("campaign.id"), nullable=False),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), nullable=False),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False),
    Column("action", String(8), nullable=False),
    Column("choices", JSON, nullable=False),  # classes, sorted; [] for "unsure", a "no" or a flag alone
    Column("denies", String(64), nullable=True),  # the class that a "no" says the face does not show
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
    Index(None, "campaign_id", "annotator_id", "face_id", "id"),
    Index(None, "annotator_id", "id"),
    Index(None, "face_id", "id"),
    Index(
        "ix_vote_skips",
        *("campaign_id", "annotator_id"),
        sqlite_where=text(_SKIPS),
        postgresql_where=text(_SKIPS),
    ),
    Index("ix_vote_flagged", "flag", "face_id", sqlite_where=text(_FLAGGED), postgresql_where=text(_FLAGGED)),
)

# What holds now, derived from the vote rows in the same transaction and rebuildable from them.
standing = Table(
    "standing",
    metadata,
    Column("campaign_id", ForeignKey("campaign.id"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id"), primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True),
    Column("vote_id", ForeignKey("vote.id", ondelete="CASCADE"), nullable=False, unique=True),
    Index(None, "face_id", "campaign_id"),
    sqlite_with_rowid=False,
)

# What each campaign still wants to know: a row a face, kept in the transaction of every vote.
queue = Table(
    "queue",
    metadata,
    Column("campaign_id", ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("candidate_class", String(64), nullable=False),  # the face's, for counting by class in one index
    Column("voters", Integer, nullable=False),
    Column("needs", Integer, nullable=False),  # the fewest more votes it takes; 0: done
    Column("urgent", Boolean, nullable=False),  # open, and its votes conflict or a run or curator doubts it
    Column("doubted", Boolean, nullable=False),  # by a run
    Column("asked", Integer, nullable=False),  # votes that a curator wants at the least; 0: none asked
    Column("rank", Float, nullable=False),  # who stands where in the line; the lowest is first
    Column("added_at", UtcDateTime, nullable=False),
    Column("done_at", UtcDateTime, nullable=True),  # since when needs is 0
    CheckConstraint("needs >= 0", name="needs_count"),
    CheckConstraint("(needs = 0) = (done_at IS NOT NULL)", name="done_has_time"),
    Index(
        "ix_queue_line",
        *("campaign_id", "urgent", "rank", "face_id"),
        sqlite_where=text(_OPEN),
        postgresql_where=text(_OPEN),
    ),
    Index(None, "campaign_id", "candidate_class", "done_at"),
    Index(None, "campaign_id", "done_at"),
    sqlite_with_rowid=False,
)

# Who has which face on a screen; a lease past its time is none.
lease = Table(
    "lease",
    metadata,
    Column("campaign_id", ForeignKey("campaign.id", ondelete="CASCADE"), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id"), primary_key=True),
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True, index=True),
    Column("expires_at", UtcDateTime, nullable=False),
    sqlite_with_rowid=False,
)

gold = Table(
    "gold",
    metadata,
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("answer", String(64), nullable=True),
    Column("flag", String(16), nullable=True),
    Column("set_by", ForeignKey("annotator.id"), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    CheckConstraint("(answer IS NULL) <> (flag IS NULL)", name="one_answer"),
)

invite = Table(
    "invite",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("role", String(8), nullable=False),
    Column("name", String(64), nullable=False),  # "": the guest chooses
    Column("created_by", ForeignKey("annotator.id"), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("revoked_at", UtcDateTime, nullable=True),
    CheckConstraint("role IN ('voter', 'curator', 'owner')", name="known_role"),
    CheckConstraint("uses_left >= 0", name="uses_count"),
)

login = Table(
    "login",
    metadata,
    Column("token_hash", String(64), primary_key=True),
    Column("annotator_id", ForeignKey("annotator.id"), nullable=False, index=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("ended_at", UtcDateTime, nullable=True),
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
    Column("by_id", ForeignKey("annotator.id"), nullable=True),  # the curator; NULL for a rule
    Column("reason", String, nullable=False, default=""),
    Column("batch", String(64), nullable=True, index=True),  # rows of one bulk action, undone together
    # The row an undo withdraws; a row is withdrawn at most once.
    Column("undoes_id", ForeignKey("label.id", ondelete="CASCADE"), nullable=True, unique=True),
    Index(None, "face_id", "id"),
)

# The label row that holds for each face, derived from the label rows in the same transaction.
holding = Table(
    "holding",
    metadata,
    Column("face_id", ForeignKey("face.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
    Column("label_id", ForeignKey("label.id", ondelete="CASCADE"), nullable=False, unique=True),
    Column("state", String(9), nullable=False),
    Column("label", String(64), nullable=True),
    Column("confidence", Float, nullable=False),
    Column("reviewed", Boolean, nullable=False),  # a curator's decision: no rule changes it
    CheckConstraint("state IN ('undecided', 'tie', 'rejected', 'decided')", name="known_state"),
    Index(None, "label", "face_id"),
    Index(None, "state", "face_id"),
    Index(None, "confidence", "face_id"),
    Index(None, "reviewed", "face_id"),
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
