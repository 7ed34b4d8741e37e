"""Old reports as runs of their numbers.

Revision 0009.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "report_run",
        sa.Column("gateway", sa.String(length=32), nullable=False),
        sa.Column("boot", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("gateway", "boot", "first", name=op.f("pk_report_run")),
    )


def downgrade() -> None:
    """Drop it again."""
    op.drop_table("report_run")
