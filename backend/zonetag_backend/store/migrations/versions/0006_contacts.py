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
    op.create_table(
        "tag_link",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("talked_ms", sa.BigInteger(), nullable=False),
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("fetched_ms", sa.BigInteger(), nullable=False),
        sa.Column("log", sa.LargeBinary(), nullable=False),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.Column("clock_s", sa.BigInteger(), nullable=False),
        sa.Column("uptime_s", sa.BigInteger(), nullable=False),
        sa.Column("battery", sa.Integer(), nullable=True),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("flags", sa.SmallInteger(), nullable=False),
        sa.Column("settings", sa.LargeBinary(), nullable=False),
        sa.Column("faults", sa.Text(), nullable=False),
        sa.Column("passed_over", sa.BigInteger(), nullable=False),
        sa.Column("malformed", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_tag_link_tag_tag")),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_tag_link")),
    )
    op.create_table(
        "firmware",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.String(length=16), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("archive", sa.LargeBinary(), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_firmware")),
        sa.UniqueConstraint("version", name=op.f("uq_firmware_version")),
    )
    op.create_table(
        "link_order",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("firmware", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("code", sa.SmallInteger(), nullable=True),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["firmware"], ["firmware.id"], name=op.f("fk_link_order_firmware_firmware")),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_link_order_tag_tag")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_order")),
    )
    op.create_index(op.f("ix_link_order_tag_state"), "link_order", ["tag", "state"], unique=False)


def downgrade() -> None:
    """Drop them again."""
    op.drop_index(op.f("ix_link_order_tag_state"), table_name="link_order")
    op.drop_table("link_order")
    op.drop_table("firmware")
    op.drop_table("tag_link")
    op.drop_table("gateway_side")
    op.drop_index(op.f("ix_contact_rejected_start_ms"), table_name="contact_rejected")
    op.drop_table("contact_rejected")
    op.drop_index(op.f("ix_contact_log_tag_start_ms"), table_name="contact_log")
    op.drop_index(op.f("ix_contact_log_start_ms"), table_name="contact_log")
    op.drop_index(op.f("ix_contact_log_peer_start_ms"), table_name="contact_log")
    op.drop_table("contact_log")
