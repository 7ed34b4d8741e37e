"""Contact logs and the link.

Revision 0006.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "contact_log",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("peer", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.SmallInteger(), nullable=False),
        sa.Column("rssi_max", sa.SmallInteger(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column("trusted", sa.Boolean(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["peer"], ["tag.id"], name=op.f("fk_contact_log_peer_tag")),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_contact_log_tag_tag")),
        sa.PrimaryKeyConstraint("tag", "epoch", "eid", "at", name=op.f("pk_contact_log")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_contact_log_peer_start_ms"), "contact_log", ["peer", "start_ms"], unique=False)
    op.create_index(op.f("ix_contact_log_start_ms"), "contact_log", ["start_ms"], unique=False)
    op.create_index(op.f("ix_contact_log_tag_start_ms"), "contact_log", ["tag", "start_ms"], unique=False)
    op.create_table(
        "contact_rejected",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("at", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.SmallInteger(), nullable=False),
        sa.Column("rssi_max", sa.SmallInteger(), nullable=False),
        sa.Column("cells", sa.LargeBinary(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_contact_rejected_tag_tag")),
        sa.PrimaryKeyConstraint("tag", "epoch", "eid", "at", name=op.f("pk_contact_rejected")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_contact_rejected_start_ms"), "contact_rejected", ["start_ms"], unique=False)
    op.create_table(
        "gateway_side",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.name"], name=op.f("fk_gateway_side_gateway_gateway")),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_gateway_side")),
    )


def downgrade() -> None:
    """Drop them again."""
    op.drop_table("gateway_side")
    op.drop_index(op.f("ix_contact_rejected_start_ms"), table_name="contact_rejected")
    op.drop_table("contact_rejected")
    op.drop_index(op.f("ix_contact_log_tag_start_ms"), table_name="contact_log")
    op.drop_index(op.f("ix_contact_log_start_ms"), table_name="contact_log")
    op.drop_index(op.f("ix_contact_log_peer_start_ms"), table_name="contact_log")
    op.drop_table("contact_log")
