"""The first schema."""

import sqlalchemy as sa
from alembic import op

from db.tables import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "annotator",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=192), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("note", sa.String(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotator")),
        sa.UniqueConstraint("key", name=op.f("uq_annotator_key")),
    )
    op.create_table(
        "failure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("item", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_failure")),
        sa.UniqueConstraint("stage", "item", name=op.f("uq_failure_stage_item")),
    )
    op.create_table(
        "harvest",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("query", sa.String(), nullable=False),
        sa.Column("candidate_class", sa.String(length=64), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("tally", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_harvest")),
        sa.UniqueConstraint(
            "source", "query", "candidate_class", name=op.f("uq_harvest_source_query_candidate_class")
        ),
    )
    op.create_table(
        "photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("suffix", sa.String(length=8), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("phash", sa.String(length=16), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_photo_has_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
        sa.UniqueConstraint("sha256", name=op.f("uq_photo_sha256")),
    )
    op.create_table(
        "snapshot",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("ratios", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_snapshot")),
    )
    op.create_table(
        "detection",
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("detector", sa.String(), nullable=False),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photo.id"], name=op.f("fk_detection_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("photo_id", name=op.f("pk_detection")),
    )
    op.create_table(
        "face",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("x1", sa.Float(), nullable=False),
        sa.Column("y1", sa.Float(), nullable=False),
        sa.Column("x2", sa.Float(), nullable=False),
        sa.Column("y2", sa.Float(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("landmarks", sa.JSON(), nullable=True),
        sa.Column("crop_sha256", sa.String(length=64), nullable=False),
        sa.Column("crop_width", sa.Integer(), nullable=False),
        sa.Column("crop_height", sa.Integer(), nullable=False),
        sa.Column("sharpness", sa.Float(), nullable=False),
        sa.Column("duplicate_group", sa.String(length=64), nullable=True),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.CheckConstraint("x1 < x2 AND y1 < y2", name=op.f("ck_face_box_has_area")),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photo.id"], name=op.f("fk_face_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face")),
        sa.UniqueConstraint("photo_id", "ordinal", name=op.f("uq_face_photo_id_ordinal")),
    )
    op.create_index(op.f("ix_face_crop_sha256"), "face", ["crop_sha256"], unique=False)
    op.create_index(op.f("ix_face_duplicate_group"), "face", ["duplicate_group"], unique=False)
    op.create_index(op.f("ix_face_votes_id"), "face", ["votes", "id"], unique=False)
    op.create_table(
        "origin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("photo_id", sa.Integer(), nullable=False),
        sa.Column("harvest_id", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("native_id", sa.String(), nullable=False),
        sa.Column("candidate_class", sa.String(length=64), nullable=False),
        sa.Column("page_url", sa.String(), nullable=False),
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("license_id", sa.String(length=32), nullable=False),
        sa.Column("license_name", sa.String(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("taken_at", UtcDateTime(), nullable=True),
        sa.Column("fetched_at", UtcDateTime(), nullable=False),
        sa.Column("video", sa.String(), nullable=False),
        sa.Column("time_s", sa.Float(), nullable=True),
        sa.Column("split_hint", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["harvest_id"], ["harvest.id"], name=op.f("fk_origin_harvest_id")),
        sa.ForeignKeyConstraint(
            ["photo_id"], ["photo.id"], name=op.f("fk_origin_photo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_origin")),
        sa.UniqueConstraint(
            "source", "native_id", "candidate_class", name=op.f("uq_origin_source_native_id_candidate_class")
        ),
    )
    op.create_index(op.f("ix_origin_photo_id"), "origin", ["photo_id"], unique=False)
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column("snapshot_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column("environment", sa.JSON(), nullable=False),
        sa.Column("started_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("status IN ('running', 'done', 'failed')", name=op.f("ck_run_known_status")),
        sa.ForeignKeyConstraint(["snapshot_hash"], ["snapshot.hash"], name=op.f("fk_run_snapshot_hash")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_table(
        "label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("distribution", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("votes", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["face_id"], ["face.id"], name=op.f("fk_label_face_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_label")),
    )
    op.create_index(op.f("ix_label_face_id_id"), "label", ["face_id", "id"], unique=False)
    op.create_table(
        "prediction",
        sa.Column("run_id", sa.String(length=64), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("probabilities", sa.JSON(), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("out_of_fold", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["face_id"], ["face.id"], name=op.f("fk_prediction_face_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_prediction_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "face_id", name=op.f("pk_prediction")),
    )
    op.create_table(
        "snapshot_member",
        sa.Column("snapshot_hash", sa.String(length=64), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("crop_sha256", sa.String(length=64), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=False),
        sa.Column("part", sa.String(length=8), nullable=False),
        sa.Column("group_key", sa.String(length=64), nullable=False),
        sa.Column("distribution", sa.JSON(), nullable=False),
        sa.CheckConstraint("part IN ('train', 'val', 'test')", name=op.f("ck_snapshot_member_known_part")),
        sa.ForeignKeyConstraint(["face_id"], ["face.id"], name=op.f("fk_snapshot_member_face_id")),
        sa.ForeignKeyConstraint(
            ["snapshot_hash"], ["snapshot.hash"], name=op.f("fk_snapshot_member_snapshot_hash")
        ),
        sa.PrimaryKeyConstraint("snapshot_hash", "face_id", name=op.f("pk_snapshot_member")),
    )
    op.create_table(
        "vote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("choice", sa.String(length=64), nullable=True),
        sa.Column("flag", sa.String(length=16), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=True),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("undoes_id", sa.Integer(), nullable=True),
        sa.CheckConstraint("action IN ('vote', 'skip', 'undo')", name=op.f("ck_vote_known_action")),
        sa.CheckConstraint(
            "(action = 'undo') = (undoes_id IS NOT NULL)", name=op.f("ck_vote_undo_names_its_row")
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_vote_annotator_id")),
        sa.ForeignKeyConstraint(["face_id"], ["face.id"], name=op.f("fk_vote_face_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["vote.id"], name=op.f("fk_vote_undoes_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint("request_id", name=op.f("uq_vote_request_id")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_vote_undoes_id")),
    )
    op.create_index(
        op.f("ix_vote_annotator_id_face_id_id"), "vote", ["annotator_id", "face_id", "id"], unique=False
    )
    op.create_index(op.f("ix_vote_annotator_id_id"), "vote", ["annotator_id", "id"], unique=False)
    op.create_index(op.f("ix_vote_face_id_id"), "vote", ["face_id", "id"], unique=False)
    op.create_table(
        "standing",
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("vote_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_standing_annotator_id")),
        sa.ForeignKeyConstraint(
            ["face_id"], ["face.id"], name=op.f("fk_standing_face_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["vote_id"], ["vote.id"], name=op.f("fk_standing_vote_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("annotator_id", "face_id", name=op.f("pk_standing")),
        sa.UniqueConstraint("vote_id", name=op.f("uq_standing_vote_id")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_standing_face_id"), "standing", ["face_id"], unique=False)


def downgrade() -> None:
    for table in (
        "prediction",
        "run",
        "snapshot_member",
        "snapshot",
        "label",
        "standing",
        "vote",
        "annotator",
        "face",
        "detection",
        "failure",
        "origin",
        "harvest",
        "photo",
    ):
        op.drop_table(table)
