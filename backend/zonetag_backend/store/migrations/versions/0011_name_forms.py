"""How names are sorted and searched, kept beside them.

They are filled in when the database is opened, in the transaction of this migration: as after every change of the rule.

Revision 0011.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; adding one that may be empty makes no table anew."""
    op.add_column("person", sa.Column("words", sa.Text()))
    op.add_column("person", sa.Column("name_order", sa.LargeBinary()))
    op.add_column("person", sa.Column("unit_order", sa.LargeBinary()))
    op.add_column("person", sa.Column("name_rule", sa.String(length=32)))
    op.add_column("tag", sa.Column("words", sa.Text()))
    op.add_column("tag", sa.Column("name_rule", sa.String(length=32)))


def downgrade() -> None:
    """Drop them again."""
    for table, columns in (
        ("tag", ("name_rule", "words")),
        ("person", ("name_rule", "unit_order", "name_order", "words")),
    ):
        for column in columns:
            op.drop_column(table, column)
