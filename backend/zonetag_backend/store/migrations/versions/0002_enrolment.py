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
