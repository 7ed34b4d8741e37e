"""The first tables.

Revision 0001.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:  # one statement a table
    """Make the tables."""
    op.create_table(
        "gateway_status",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("state_ms", sa.BigInteger(), nullable=False),
        sa.Column("health", sa.Text(), nullable=False),
        sa.Column("health_ms", sa.BigInteger(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("broken", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "site", name=op.f("pk_gateway_status")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("code", name=op.f("uq_person_code")),
    )
    op.create_table(
        "registry_revision",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_revision")),
    )
    op.create_table(
        "rejected",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("span_ms", sa.Integer(), nullable=False),
        sa.Column("eid", sa.LargeBinary(), nullable=False),
        sa.Column("auth", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("rssi_max", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "boot", "seq", "row", name=op.f("pk_rejected")),
    )
    op.create_index(op.f("ix_rejected_start_ms"), "rejected", ["start_ms"], unique=False)
    op.create_table(
        "rejected_total",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("windows", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "reason", name=op.f("pk_rejected_total")),
    )
    op.create_table(
        "report",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("utc_ms", sa.BigInteger(), nullable=False),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=False),
        sa.Column("synchronised", sa.Boolean(), nullable=False),
        sa.Column("received_ms", sa.BigInteger(), nullable=False),
        sa.Column("windows", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "boot", "seq", name=op.f("pk_report")),
    )
    op.create_table(
        "site",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("absence_s", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_site")),
    )
    op.create_table(
        "tag",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("sealed_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("number", name=op.f("uq_tag_number")),
    )
    op.create_table(
        "place",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_place_site_site")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place")),
        sa.UniqueConstraint("site", "name", name=op.f("uq_place_site_name")),
    )
    op.create_table(
        "tag_clock",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("offset_ms", sa.BigInteger(), nullable=False),
        sa.Column("slack_ms", sa.BigInteger(), nullable=False),
        sa.Column("offset_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("heard_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_tag_clock_tag_tag")),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_tag_clock")),
    )
    op.create_table(
        "visit",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("came_ms", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.Column("corrected_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_visit_site_site")),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_visit_tag_tag")),
        sa.PrimaryKeyConstraint("site", "came_ms", "tag", name=op.f("pk_visit")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_visit_tag_came_ms"), "visit", ["tag", "came_ms"], unique=False)
    op.create_table(
        "visit_correction",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("came_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_visit_correction_site_site")),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_visit_correction_tag_tag")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit_correction")),
    )
    op.create_index(op.f("ix_visit_correction_tag_came_ms"), "visit_correction", ["tag", "came_ms"], unique=False)
    op.create_table(
        "wearing",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.Column("until_ms", sa.BigInteger(), nullable=True),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_wearing_person_person")),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_wearing_tag_tag")),
        sa.PrimaryKeyConstraint("tag", "since_ms", name=op.f("pk_wearing")),
    )
    op.create_index(op.f("ix_wearing_person_since_ms"), "wearing", ["person", "since_ms"], unique=False)
    op.create_table(
        "gateway",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("added_ms", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_gateway_place_place")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_gateway")),
    )
    op.create_table(
        "presence",
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_presence_place_place")),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_presence_tag_tag")),
        sa.PrimaryKeyConstraint("place", "start_ms", "tag", name=op.f("pk_presence")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_presence_tag_start_ms"), "presence", ["tag", "start_ms"], unique=False)
    op.bulk_insert(sa.table("registry_revision", sa.column("id"), sa.column("revision")), [{"id": 1, "revision": 0}])


def downgrade() -> None:
    """Drop the tables."""
    op.drop_index(op.f("ix_presence_tag_start_ms"), table_name="presence")
    op.drop_table("presence")
    op.drop_table("gateway")
    op.drop_index(op.f("ix_wearing_person_since_ms"), table_name="wearing")
    op.drop_table("wearing")
    op.drop_index(op.f("ix_visit_correction_tag_came_ms"), table_name="visit_correction")
    op.drop_table("visit_correction")
    op.drop_index(op.f("ix_visit_tag_came_ms"), table_name="visit")
    op.drop_table("visit")
    op.drop_table("tag_clock")
    op.drop_table("place")
    op.drop_table("tag")
    op.drop_table("site")
    op.drop_table("report")
    op.drop_table("rejected_total")
    op.drop_index(op.f("ix_rejected_start_ms"), table_name="rejected")
    op.drop_table("rejected")
    op.drop_table("registry_revision")
    op.drop_table("person")
    op.drop_table("gateway_status")
