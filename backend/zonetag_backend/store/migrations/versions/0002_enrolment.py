"""Enrolment of gateways.

Revision 0002.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "gateway_key",
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("from_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger),
        sa.Column("revoked_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("gateway", "public_key", name="pk_gateway_key"),
    )
    op.create_table(
        "gateway_certificate",
        sa.Column("key_hash", sa.LargeBinary, nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("serial", sa.String(64), nullable=False),
        sa.Column("pem", sa.Text, nullable=False),
        sa.Column("issued_ms", sa.BigInteger, nullable=False),
        sa.Column("until_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name="pk_gateway_certificate"),
    )
    op.create_table(
        "enrolment_token",
        sa.Column("id", sa.String(16), nullable=False),
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("site", sa.String(32), nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("made_ms", sa.BigInteger, nullable=False),
        sa.Column("expires_ms", sa.BigInteger, nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("used_ms", sa.BigInteger),
        sa.Column("used_for", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_enrolment_token"),
    )
    op.create_table(
        "gateway_refusal",
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("code", sa.String(16), nullable=False),
        sa.Column("messages", sa.BigInteger, nullable=False),
        sa.Column("last_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "code", name="pk_gateway_refusal"),
    )
    op.create_table(
        "gateway_gap",
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("boot", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("since_ms", sa.BigInteger, nullable=False),
        sa.Column("missing", sa.BigInteger, nullable=False),
        sa.Column("lost", sa.BigInteger, nullable=False),
        sa.Column("changed_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "boot", name="pk_gateway_gap"),
    )
    op.create_table(
        "report_lost",
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("boot", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("gateway", "boot", "seq", name="pk_report_lost"),
    )
    op.create_table(
        "certificate",
        sa.Column("serial", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("issued_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=True),
        sa.Column("pem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name="pk_certificate"),
    )
    op.create_index("ix_certificate_name", "certificate", ["name"])
    op.create_table(
        "revocation_list",
        sa.Column("issuer", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("ends_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("issuer", name="pk_revocation_list"),
    )
    op.create_table(
        "gateway_revoked",
        sa.Column("gateway", sa.String(32), nullable=False),
        sa.Column("revoked_ms", sa.BigInteger(), nullable=False),
        sa.Column("kicked_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("gateway", name="pk_gateway_revoked"),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("gateway_revoked")
    op.drop_table("revocation_list")
    op.drop_index("ix_certificate_name", "certificate")
    op.drop_table("certificate")
    for name in (
        "report_lost",
        "gateway_gap",
        "gateway_refusal",
        "enrolment_token",
        "gateway_certificate",
        "gateway_key",
    ):
        op.drop_table(name)
