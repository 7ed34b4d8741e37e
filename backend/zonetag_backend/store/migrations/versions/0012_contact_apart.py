"""Contact records kept apart are named by their authenticator too, and none seems later than it was received.

Revision 0012.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TABLE = "contact_rejected"
NAME = ["tag", "epoch", "eid", "at"]


def upgrade() -> None:
    """One column more in the key; and what a clock that was ahead made too late goes when it should."""
    _key([*NAME, "auth"])
    op.execute(sa.text("UPDATE contact_rejected SET start_ms = received_ms WHERE start_ms > received_ms"))


def downgrade() -> None:
    """Of those that differ in it alone one stays."""
    op.execute(
        sa.text(
            "DELETE FROM contact_rejected WHERE EXISTS (SELECT 1 FROM contact_rejected o"
            " WHERE o.auth < contact_rejected.auth AND o.tag = contact_rejected.tag"
            " AND o.epoch = contact_rejected.epoch AND o.eid = contact_rejected.eid AND o.at = contact_rejected.at)"
        )
    )
    _key(NAME)


def _key(columns: list[str]) -> None:
    name = op.f("pk_contact_rejected")
    with op.batch_alter_table(TABLE, table_kwargs={"sqlite_with_rowid": False}) as batch:
        batch.drop_constraint(name, type_="primary")
        batch.create_primary_key(name, columns)
