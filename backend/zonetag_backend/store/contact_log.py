"""Contact logs, written: what `tracing.contacts.judge` made of them.  A record that is in changes nothing."""

from collections.abc import Sequence

from sqlalchemy import Connection

from zonetag_backend.store import rows
from zonetag_backend.store.schema.contacts import contact_log, contact_rejected
from zonetag_backend.tracing.contacts import KeptApart, Logged


def write(connection: Connection, good: Sequence[Logged], apart: Sequence[KeptApart]) -> None:
    """Put records in.  One that was kept apart and is understood now (a tag registered late, say) changes sides."""
    rows.insert_new(connection, contact_log, sorted(good))
    rows.delete(connection, contact_rejected, [row[:4] for row in good])
    known = {tuple(key) for key in _known(connection, apart)}
    rows.insert_new(connection, contact_rejected, sorted(row for row in apart if row[:4] not in known))


def _known(connection: Connection, apart: Sequence[KeptApart]) -> list[tuple[object, ...]]:
    """Which of these were understood once: what is known of clocks moves on, what was accepted stays."""
    c = contact_log.c
    found: list[tuple[object, ...]] = []
    for tag in {row.tag for row in apart}:
        epochs = [row.epoch for row in apart if row.tag == tag]
        statement = contact_log.select().with_only_columns(c.tag, c.epoch, c.eid, c.at)
        here = statement.where(c.tag == tag, c.epoch >= min(epochs), c.epoch <= max(epochs))
        found += [tuple(row) for row in connection.execute(here)]
    return found
