"""Accounts.

Revision 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until_ms", sa.BigInteger(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("login_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("key", name=op.f("uq_account_key")),
    )
    op.create_table(
        "account_session",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_account_session_account_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_account_session")),
    )
    op.create_index(op.f("ix_account_session_account"), "account_session", ["account"], unique=False)
    op.create_table(
        "account_link",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("account", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_account_link_account_account")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_account_link")),
    )
    op.create_index(op.f("ix_account_link_account"), "account_link", ["account"], unique=False)
    op.create_table(
        "account_recovery",
        sa.Column("account", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["account.id"], name=op.f("fk_account_recovery_account_account")),
        sa.PrimaryKeyConstraint("account", "hash", name=op.f("pk_account_recovery")),
    )
    op.create_table(
        "reading_reason",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("case_id", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("agreed_by", sa.Text(), nullable=True),
        sa.Column("agreed_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reading_reason")),
    )
    op.create_index(op.f("ix_reading_reason_asked_ms"), "reading_reason", ["asked_ms"], unique=False)


def downgrade() -> None:
    """Drop them again."""
    op.drop_index(op.f("ix_reading_reason_asked_ms"), table_name="reading_reason")
    op.drop_table("reading_reason")
    op.drop_table("account_recovery")
    op.drop_index(op.f("ix_account_link_account"), table_name="account_link")
    op.drop_table("account_link")
    op.drop_index(op.f("ix_account_session_account"), table_name="account_session")
    op.drop_table("account_session")
    op.drop_table("account")
