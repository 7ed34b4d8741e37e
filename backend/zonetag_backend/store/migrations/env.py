"""Alembic's entry point: runs on the connection that it is given, inside its transaction."""

from alembic import context

from zonetag_backend.store.schema import metadata


def is_ours(_object: object, name: str | None, kind: str, _reflected: bool, _other: object) -> bool:
    """Whether a difference counts: the tables per day are made when their day comes, not by a migration."""
    return not (kind == "table" and (name or "").startswith("heard_"))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=is_ours,
    render_as_batch=True,  # SQLite changes a table by making it anew
    transactional_ddl=False,  # the caller's transaction is the only one
)
context.run_migrations()
