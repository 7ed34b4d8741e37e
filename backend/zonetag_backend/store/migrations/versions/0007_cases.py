"""Cases, traces and notices.

Revision 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "case_foreign",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("office", sa.Text(), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("imported_ms", sa.BigInteger(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_foreign")),
        sa.UniqueConstraint("digest", name=op.f("uq_case_foreign_digest")),
    )
    op.create_table(
        "case_match",
        sa.Column("foreign", sa.BigInteger(), nullable=False),
        sa.Column("evidence", sa.String(length=8), nullable=False),
        sa.Column("heard_by", sa.String(length=32), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.Column("rssi_max", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["foreign"], ["case_foreign.id"], name=op.f("fk_case_match_foreign_case_foreign")),
        sa.PrimaryKeyConstraint("foreign", "evidence", "heard_by", "start_ms", name=op.f("pk_case_match")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "case_record",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("onset_ms", sa.BigInteger(), nullable=False),
        sa.Column("basis", sa.String(length=8), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=False),
        sa.Column("opened_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("closed_ms", sa.BigInteger(), nullable=True),
        sa.Column("traced_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_case_record_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_record")),
    )
    op.create_index(op.f("ix_case_record_person"), "case_record", ["person"], unique=False)
    op.create_table(
        "case_exposure",
        sa.Column("case", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("day_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("evidence", sa.String(length=8), nullable=False),
        sa.Column("generation", sa.SmallInteger(), nullable=False),
        sa.Column("first_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.Float(), nullable=False),
        sa.Column("low", sa.Float(), nullable=False),
        sa.Column("high", sa.Float(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("traced_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["case"], ["case_record.id"], name=op.f("fk_case_exposure_case_case_record")),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_case_exposure_person_person")),
        sa.ForeignKeyConstraint(["source"], ["person.id"], name=op.f("fk_case_exposure_source_person")),
        sa.PrimaryKeyConstraint("case", "source", "person", "day_ms", "evidence", name=op.f("pk_case_exposure")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_case_exposure_person"), "case_exposure", ["person"], unique=False)
    op.create_table(
        "case_notice",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case", sa.BigInteger(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("tried_ms", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case"], ["case_record.id"], name=op.f("fk_case_notice_case_case_record")),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_case_notice_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_notice")),
        sa.UniqueConstraint("case", "person", "channel", name=op.f("uq_case_notice_case_person_channel")),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("case_notice")
    op.drop_index(op.f("ix_case_exposure_person"), table_name="case_exposure")
    op.drop_table("case_exposure")
    op.drop_index(op.f("ix_case_record_person"), table_name="case_record")
    op.drop_table("case_record")
    op.drop_table("case_match")
    op.drop_table("case_foreign")
