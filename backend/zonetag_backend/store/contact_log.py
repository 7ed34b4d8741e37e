"""Contact logs, written: what `tracing.contacts.judge` made of them.  A record that is in changes nothing."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, or_

from zonetag_backend.store import rows
from zonetag_backend.store.schema.contacts import contact_log, contact_rejected
from zonetag_backend.tracing.contacts import CURABLE, KeptApart, Logged

_NAME = ("tag_", "epoch_", "eid_", "at_")
_c = contact_rejected.c
_SETTLE = delete(contact_rejected).where(
    *(_c[each[:-1]] == bindparam(each) for each in _NAME), or_(*(_c.reason == each for each in CURABLE))
)


def write(connection: Connection, good: Sequence[Logged], apart: Sequence[KeptApart]) -> None:
    """Put records in.  One that was kept apart and is understood now (a tag registered late, say) changes sides.

    What was forged, or the hearing tag's own, stays apart beside one that is good under the same name.
    """
    rows.insert_new(connection, contact_log, sorted(good))
    _settle(connection, [row[:4] for row in good])
    curable = [row for row in apart if row.reason in CURABLE]
    known = {tuple(key) for key in _known(connection, curable)}
    new = (row for row in apart if row.reason not in CURABLE or row[:4] not in known)
    rows.insert_new(connection, contact_rejected, sorted(new))


def _settle(connection: Connection, names: Sequence[tuple[Any, ...]]) -> None:
    """What was not understood under these names is understood now."""
    if names:
        connection.execute(_SETTLE, [dict(zip(_NAME, name, strict=True)) for name in names])


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
