"""Data keys.

Revision 0003.  Tags whose `data_key` is null were sealed by release 0.1.0 and are put under a data key at the next
start, when the key-encryption key is at hand.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "data_key",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("person", sa.BigInteger(), nullable=True),
        sa.Column("mark", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["person"], ["person.id"], name=op.f("fk_data_key_person_person")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_key")),
        sa.UniqueConstraint("person", name=op.f("uq_data_key_person")),
    )
    op.add_column("tag", sa.Column("data_key", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them again."""
    op.drop_column("tag", "data_key")
    op.drop_table("data_key")
