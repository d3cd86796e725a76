"""Campaigns, the queue and its leases, gold, roles and logins, curators' decisions.

Everything that was there is kept: old votes belong to the campaign "main", a choice becomes a list of one,
the first person who ever joined is the owner, and what is derived (standing, holding, queue) is made anew.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa
from alembic import op

from db.tables import UtcDateTime

revision = "0002"
down_revision = "0001"

MAIN = 1
AT_ONCE = 5000  # rows of one insert
ROLE_IS_KNOWN = "CHECK (role IN ('voter', 'curator', 'owner'))"


def upgrade() -> None:
    _annotators_have_roles()
    _faces_know_their_class()
    _make_campaign()
    op.drop_table("standing")
    _votes_have_campaigns()
    _labels_have_curators()
    _make_tables()
    _derive_standing()
    _derive_holding()
    _fill_queue()


def _annotators_have_roles() -> None:
    check = f"CONSTRAINT ck_annotator_known_role {ROLE_IS_KNOWN}"
    op.execute(f"ALTER TABLE annotator ADD COLUMN role VARCHAR(8) DEFAULT 'voter' NOT NULL {check}")
    op.add_column("annotator", sa.Column("password_hash", sa.String(), nullable=True))
    op.add_column("annotator", sa.Column("disabled_at", UtcDateTime(), nullable=True))
    op.execute(
        "UPDATE annotator SET role = 'owner' WHERE id = (SELECT min(id) FROM annotator WHERE NOT simulated)"
    )


def _faces_know_their_class() -> None:
    op.execute("ALTER TABLE face ADD COLUMN candidate_class VARCHAR(64) DEFAULT '' NOT NULL")
    op.create_index("ix_origin_owner_photo_id", "origin", ["owner", "photo_id"])
    op.create_index("ix_origin_harvest_id_photo_id", "origin", ["harvest_id", "photo_id"])
    op.execute(
        "UPDATE face SET candidate_class = coalesce((SELECT o.candidate_class FROM origin o "
        "WHERE o.photo_id = face.photo_id AND o.candidate_class <> '' ORDER BY o.id LIMIT 1), '')"
    )
    op.create_index("ix_face_candidate_class_id", "face", ["candidate_class", "id"])


def _make_campaign() -> None:
    campaign = op.create_table(
        "campaign",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=192), nullable=False),
        sa.Column("question", sa.String(length=8), nullable=False),
        sa.Column("classes", sa.JSON(), nullable=False),
        sa.Column("about", sa.String(length=64), nullable=False),
        sa.Column("several", sa.Boolean(), nullable=False),
        sa.Column("overlap", sa.JSON(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("blind", sa.Boolean(), nullable=False),
        sa.Column("ordering", sa.String(length=8), nullable=False),
        sa.Column("picks", sa.JSON(), nullable=False),
        sa.Column("voters", sa.JSON(), nullable=False),
        sa.Column("suggest", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("gold", sa.JSON(), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("closed_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("question IN ('choose', 'verify')", name=op.f("ck_campaign_known_question")),
        sa.CheckConstraint(
            "ordering IN ('teach', 'age', 'random', 'class')", name=op.f("ck_campaign_known_ordering")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign")),
        sa.UniqueConstraint("key", name=op.f("uq_campaign_key")),
    )
    op.get_bind().execute(  # the first row of a new table: its id is 1 on every database
        sa.insert(campaign).values(
            name="main",
            key="main",
            question="choose",
            classes=[],
            about="",
            several=False,
            overlap={"kind": "adaptive", "least": 2, "lead": 2, "most": 5, "team": 0},
            rule="auto",
            blind=True,
            ordering="teach",
            picks={},
            voters=[],
            suggest=None,
            gold={},
            seed=0,
            created_at=datetime.now(UTC),
            closed_at=None,
        )
    )


def _votes_have_campaigns() -> None:
    """Made anew rather than altered: SQLite cannot add a foreign key, and dropping a table that a copy of it
    refers to would delete the copy's undos. On PostgreSQL the names of keys are freed first.
    """
    connection = op.get_bind()
    for index in ("annotator_id_face_id_id", "annotator_id_id", "face_id_id"):
        op.drop_index(f"ix_vote_{index}", "vote")
    if connection.dialect.name == "postgresql":
        op.execute("ALTER TABLE vote ADD COLUMN campaign_id INTEGER DEFAULT 1 NOT NULL")
        op.execute("ALTER TABLE vote ALTER COLUMN campaign_id DROP DEFAULT")
        op.create_foreign_key("fk_vote_campaign_id", "vote", "campaign", ["campaign_id"], ["id"])
        op.execute("ALTER TABLE vote ADD COLUMN choices JSON DEFAULT '[]' NOT NULL")
        op.execute("ALTER TABLE vote ALTER COLUMN choices DROP DEFAULT")
        op.execute("UPDATE vote SET choices = json_build_array(choice) WHERE choice IS NOT NULL")
        op.add_column("vote", sa.Column("denies", sa.String(length=64), nullable=True))
        op.drop_column("vote", "choice")
    else:
        op.rename_table("vote", "old_vote")
        _create_vote()
        same = "id, face_id, annotator_id, action, flag, seconds, shown, at, request_id, undoes_id"
        choices = "CASE WHEN choice IS NULL THEN '[]' ELSE json_array(choice) END"
        op.execute(
            f"INSERT INTO vote (campaign_id, choices, {same}) "
            f"SELECT {MAIN}, {choices}, {same} FROM old_vote ORDER BY id"
        )
        op.drop_table("old_vote")
    op.create_index(
        "ix_vote_campaign_id_annotator_id_face_id_id",
        "vote",
        ["campaign_id", "annotator_id", "face_id", "id"],
    )
    op.create_index("ix_vote_annotator_id_id", "vote", ["annotator_id", "id"])
    op.create_index("ix_vote_face_id_id", "vote", ["face_id", "id"])
    flagged, skips = sa.text("flag IS NOT NULL"), sa.text("action = 'skip'")
    op.create_index(
        "ix_vote_skips", "vote", ["campaign_id", "annotator_id"], sqlite_where=skips, postgresql_where=skips
    )
    op.create_index(
        "ix_vote_flagged", "vote", ["flag", "face_id"], sqlite_where=flagged, postgresql_where=flagged
    )


def _create_vote() -> None:
    op.create_table(
        "vote",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=8), nullable=False),
        sa.Column("choices", sa.JSON(), nullable=False),
        sa.Column("denies", sa.String(length=64), nullable=True),
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
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_vote_campaign_id")),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_vote_annotator_id")),
        sa.ForeignKeyConstraint(["face_id"], ["face.id"], name=op.f("fk_vote_face_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["undoes_id"], ["vote.id"], name=op.f("fk_vote_undoes_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_vote")),
        sa.UniqueConstraint("request_id", name=op.f("uq_vote_request_id")),
        sa.UniqueConstraint("undoes_id", name=op.f("uq_vote_undoes_id")),
    )


def _labels_have_curators() -> None:
    with op.batch_alter_table("label") as batch:
        batch.add_column(sa.Column("by_id", sa.Integer(), nullable=True))
        batch.add_column(sa.Column("reason", sa.String(), server_default="", nullable=False))
        batch.add_column(sa.Column("batch", sa.String(length=64), nullable=True))
        batch.add_column(sa.Column("undoes_id", sa.Integer(), nullable=True))
        batch.create_foreign_key(op.f("fk_label_by_id"), "annotator", ["by_id"], ["id"])
        batch.create_foreign_key(
            op.f("fk_label_undoes_id"), "label", ["undoes_id"], ["id"], ondelete="CASCADE"
        )
        batch.create_unique_constraint(op.f("uq_label_undoes_id"), ["undoes_id"])
        batch.create_index(op.f("ix_label_batch"), ["batch"])


def _to(column: str, table: str, key: str, *, cascade: bool = True) -> sa.ForeignKeyConstraint:
    """A foreign key from ``table.column`` to ``key``."""
    ondelete = "CASCADE" if cascade else None
    return sa.ForeignKeyConstraint([column], [key], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete)


def _make_tables() -> None:
    op.create_table(
        "standing",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("vote_id", sa.Integer(), nullable=False),
        _to("campaign_id", "standing", "campaign.id", cascade=False),
        _to("annotator_id", "standing", "annotator.id", cascade=False),
        _to("face_id", "standing", "face.id"),
        _to("vote_id", "standing", "vote.id"),
        sa.PrimaryKeyConstraint("campaign_id", "annotator_id", "face_id", name=op.f("pk_standing")),
        sa.UniqueConstraint("vote_id", name=op.f("uq_standing_vote_id")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_standing_face_id_campaign_id", "standing", ["face_id", "campaign_id"])
    op.create_table(
        "holding",
        sa.Column("face_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("label", sa.String(length=64), nullable=True),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("reviewed", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "state IN ('undecided', 'tie', 'rejected', 'decided')", name=op.f("ck_holding_known_state")
        ),
        _to("face_id", "holding", "face.id"),
        _to("label_id", "holding", "label.id"),
        sa.PrimaryKeyConstraint("face_id", name=op.f("pk_holding")),
        sa.UniqueConstraint("label_id", name=op.f("uq_holding_label_id")),
    )
    for column in ("label", "state", "confidence", "reviewed"):
        op.create_index(f"ix_holding_{column}_face_id", "holding", [column, "face_id"])
    _make_queue()
    op.create_table(
        "gold",
        sa.Column("face_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=True),
        sa.Column("flag", sa.String(length=16), nullable=True),
        sa.Column("set_by", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.CheckConstraint("(answer IS NULL) <> (flag IS NULL)", name=op.f("ck_gold_one_answer")),
        _to("face_id", "gold", "face.id"),
        _to("set_by", "gold", "annotator.id", cascade=False),
        sa.PrimaryKeyConstraint("face_id", name=op.f("pk_gold")),
    )
    op.create_table(
        "invite",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("role IN ('voter', 'curator', 'owner')", name=op.f("ck_invite_known_role")),
        sa.CheckConstraint("uses_left >= 0", name=op.f("ck_invite_uses_count")),
        _to("created_by", "invite", "annotator.id", cascade=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_invite")),
    )
    op.create_table(
        "login",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("seen_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        _to("annotator_id", "login", "annotator.id", cascade=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_login")),
    )
    op.create_index("ix_login_annotator_id", "login", ["annotator_id"])


def _make_queue() -> None:
    op.create_table(
        "queue",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("candidate_class", sa.String(length=64), nullable=False),
        sa.Column("voters", sa.Integer(), nullable=False),
        sa.Column("needs", sa.Integer(), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("doubted", sa.Boolean(), nullable=False),
        sa.Column("asked", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Float(), nullable=False),
        sa.Column("added_at", UtcDateTime(), nullable=False),
        sa.Column("done_at", UtcDateTime(), nullable=True),
        sa.CheckConstraint("needs >= 0", name=op.f("ck_queue_needs_count")),
        sa.CheckConstraint("(needs = 0) = (done_at IS NOT NULL)", name=op.f("ck_queue_done_has_time")),
        _to("campaign_id", "queue", "campaign.id"),
        _to("face_id", "queue", "face.id"),
        sa.PrimaryKeyConstraint("campaign_id", "face_id", name=op.f("pk_queue")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_queue_face_id", "queue", ["face_id"])
    waiting = sa.text("needs > 0")
    op.create_index(
        "ix_queue_line",
        "queue",
        ["campaign_id", "urgent", "rank", "face_id"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index(
        "ix_queue_campaign_id_candidate_class_done_at", "queue", ["campaign_id", "candidate_class", "done_at"]
    )
    op.create_index("ix_queue_campaign_id_done_at", "queue", ["campaign_id", "done_at"])
    op.create_table(
        "lease",
        sa.Column("campaign_id", sa.Integer(), nullable=False),
        sa.Column("face_id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        _to("campaign_id", "lease", "campaign.id"),
        _to("face_id", "lease", "face.id"),
        _to("annotator_id", "lease", "annotator.id", cascade=False),
        sa.PrimaryKeyConstraint("campaign_id", "annotator_id", "face_id", name=op.f("pk_lease")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_lease_face_id", "lease", ["face_id"])


def _derive_standing() -> None:
    op.execute(
        f"INSERT INTO standing (campaign_id, annotator_id, face_id, vote_id) "
        f"SELECT {MAIN}, v.annotator_id, v.face_id, max(v.id) FROM vote v WHERE v.action <> 'undo' "
        f"AND NOT EXISTS (SELECT 1 FROM vote w WHERE w.undoes_id = v.id) GROUP BY v.annotator_id, v.face_id"
    )


def _derive_holding() -> None:
    flags = ["'%: not_a_face'", "'%: artificial'", "'%: unusable'", "'%: offensive'"]
    rejected = " OR ".join(f"method LIKE {flag}" for flag in flags)
    state = (
        f"CASE WHEN label IS NOT NULL THEN 'decided' WHEN {rejected} THEN 'rejected' "
        "WHEN method LIKE '%: too few votes' OR method LIKE '%: no votes' THEN 'undecided' ELSE 'tie' END"
    )
    op.get_bind().exec_driver_sql(
        "INSERT INTO holding (face_id, label_id, state, label, confidence, reviewed) "
        f"SELECT face_id, id, {state}, label, confidence, false FROM label "
        "WHERE id IN (SELECT max(id) FROM label GROUP BY face_id)".replace("%", _percent())
    )


def _percent() -> str:
    """A percent sign as the driver wants it written."""
    return "%%" if op.get_bind().dialect.paramstyle in ("format", "pyformat") else "%"


def _fill_queue() -> None:
    connection = op.get_bind()
    table = sa.table(
        "queue",
        *(sa.column(name) for name in ("campaign_id", "face_id", "candidate_class", "voters", "needs")),
        *(sa.column(name) for name in ("urgent", "doubted", "asked", "rank")),
        sa.column("added_at", UtcDateTime()),
        sa.column("done_at", UtcDateTime()),
    )
    votes = sa.text(
        "SELECT v.face_id, coalesce(v.flag, CAST(v.choices AS VARCHAR)) AS answer, v.at FROM standing s "
        "JOIN vote v ON v.id = s.vote_id WHERE v.action = 'vote' ORDER BY v.face_id"
    ).columns(sa.column("face_id"), sa.column("answer"), sa.column("at", UtcDateTime()))
    said = {face: list(rows) for face, rows in groupby(connection.execute(votes).all(), lambda row: row[0])}
    faces = connection.execute(sa.text("SELECT id, candidate_class, crop_sha256 FROM face ORDER BY id")).all()
    now = datetime.now(UTC)
    rows = (_queue_row(face, said.get(face.id, []), now) for face in faces)
    for chunk in _chunks(rows):
        connection.execute(sa.insert(table), chunk)


def _queue_row(face: Any, votes: list[Any], now: datetime) -> dict[str, object]:
    answers = [row.answer for row in votes]
    needs = _needs(answers)
    return {
        "campaign_id": MAIN,
        "face_id": face.id,
        "candidate_class": face.candidate_class,
        "voters": len(answers),
        "needs": needs,
        "urgent": needs > 0 and len(set(answers)) > 1,
        "doubted": False,
        "asked": 0,
        "rank": _rank(face.crop_sha256),
        "added_at": now,
        "done_at": None if needs else max(row.at for row in votes),
    }


def _rank(crop_sha256: str) -> float:
    """The place of a face at random, 0 to 1, by the seed 0 of "main"."""
    digest = hashlib.blake2b(f"0 {crop_sha256}".encode(), digest_size=6).digest()
    return int.from_bytes(digest, "big") / 2**48


def _needs(answers: list[str]) -> int:
    """The fewest more votes by the adaptive overlap of "main": 2 people, a lead of 2, at most 5 people."""
    top, second, *_ = (*sorted((answers.count(a) for a in set(answers)), reverse=True), 0, 0)
    voters = len(answers)
    if voters >= 5 or (voters >= 2 and top - second >= 2):
        return 0
    return min(max(2 - voters, 2 - (top - second)), 5 - voters)


def _chunks(rows: Iterable[dict[str, object]]) -> Iterator[list[dict[str, object]]]:
    chunk: list[dict[str, object]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == AT_ONCE:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
