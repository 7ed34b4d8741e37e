"""What the office keeps beside the book.

Revision 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "visitor",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("lent_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_visitor_person_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_visitor")),
    )
    op.create_table(
        "departed",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("left_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_departed_person_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_departed")),
    )
    op.create_table(
        "visitor_tag",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_visitor_tag_tag_tag")),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_visitor_tag")),
    )
    op.create_table(
        "plan_picture",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("picture", sa.LargeBinary(), nullable=False),
        sa.Column("changed_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_plan_picture_site_site")),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_plan_picture")),
    )
    op.create_table(
        "plan_spot",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("x", sa.SmallInteger(), nullable=False),
        sa.Column("y", sa.SmallInteger(), nullable=False),
        sa.ForeignKeyConstraint(["gateway"], ["gateway.name"], name=op.f("fk_plan_spot_gateway_gateway")),
        sa.PrimaryKeyConstraint("gateway", name=op.f("pk_plan_spot")),
    )
    op.create_table(
        "reminder",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=8), nullable=False),
        sa.Column("channel", sa.String(length=16), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("tried_ms", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("sent_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_reminder_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reminder")),
        sa.UniqueConstraint("person", "channel", "day", name=op.f("uq_reminder_person_channel_day")),
    )
    op.create_table(
        "reminder_off",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_reminder_off_person_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_reminder_off")),
    )
    op.create_table(
        "screen",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("opened_ms", sa.BigInteger(), nullable=True),
        sa.Column("shows", sa.String(length=8), nullable=False),
        sa.Column("counts", sa.Boolean(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["place"], ["place.id"], name=op.f("fk_screen_place_place")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_screen")),
        sa.UniqueConstraint("hash", name=op.f("uq_screen_hash")),
    )
    op.create_table(
        "declare_link",
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_declare_link_site_site")),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_declare_link")),
        sa.UniqueConstraint("token", name=op.f("uq_declare_link_token")),
    )
    op.create_table(
        "declaration",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("site", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_declaration_person_person")),
        sa.ForeignKeyConstraint(["site"], ["site.name"], name=op.f("fk_declaration_site_site")),
        sa.PrimaryKeyConstraint("person", "site", "day", name=op.f("pk_declaration")),
    )
    op.create_table(
        "question",
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("vi", sa.Text(), nullable=False),
        sa.Column("en", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_question")),
    )

    op.create_table(
        "mine_code",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("expires_ms", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_mine_code_person_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_mine_code")),
    )
    op.create_table(
        "mine_session",
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_mine_session_person_person")),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_mine_session")),
    )
    op.create_index(op.f("ix_mine_session_person"), "mine_session", ["person"])
    op.create_table(
        "mine_wrong",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mine_wrong")),
    )
    op.create_table(
        "data_request",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("asked_ms", sa.BigInteger(), nullable=False),
        sa.Column("acknowledge_by_ms", sa.BigInteger(), nullable=False),
        sa.Column("due_ms", sa.BigInteger(), nullable=False),
        sa.Column("acknowledged_ms", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("settled_ms", sa.BigInteger(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_data_request_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_request")),
    )
    op.create_index(op.f("ix_data_request_person"), "data_request", ["person"])
    op.create_table(
        "consent_entry",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("version", sa.String(length=32), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_consent_entry_person_person")),
        sa.PrimaryKeyConstraint("person", "purpose", "at_ms", name=op.f("pk_consent_entry")),
    )
    op.create_table(
        "restriction",
        sa.Column("person", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_restriction_person_person")),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_restriction")),
    )
    op.create_table(
        "tag_resting",
        sa.Column("tag", sa.BigInteger(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tag"], ["tag.id"], name=op.f("fk_tag_resting_tag_tag")),
        sa.PrimaryKeyConstraint("tag", name=op.f("pk_tag_resting")),
    )


def downgrade() -> None:
    """Drop them again."""
    for table in (
        "tag_resting",
        "restriction",
        "consent_entry",
        "data_request",
        "mine_wrong",
        "mine_session",
        "mine_code",
    ):
        op.drop_table(table)
    op.drop_table("question")
    op.drop_table("declaration")
    op.drop_table("declare_link")
    op.drop_table("screen")
    for table in ("reminder_off", "reminder", "plan_spot", "plan_picture", "visitor_tag", "departed", "visitor"):
        op.drop_table(table)
