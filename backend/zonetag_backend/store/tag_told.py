"""What one tag said of itself over its link, and what it was ordered, for whoever looks after it.  Read alone."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, select

from zonetag_backend.store.schema.contacts import firmware, link_order, tag_link

LATEST = 12  # orders that are told


@dataclass(frozen=True, slots=True)
class Told:
    """What it said last."""

    talked_ms: int
    gateway: str
    # through which
    fetched_ms: int
    # when its whole log was here; 0: never
    battery: int | None
    # thousandths; none: it cannot tell
    uptime_s: int
    version: str
    # of its firmware
    waiting: int
    # records of its log that are not here yet
    passed_over: int
    # records that it had to drop before they were fetched
    flags: int
    # of zonetag_protocol.linkmessage
    faults: tuple[int, ...]
    # counters in the order of SPEC.md section 12.5


@dataclass(frozen=True, slots=True)
class Ordered:
    """An order, and what became of it."""

    kind: str
    state: str
    # both as in zonetag_backend.link.records
    version: str
    # of an update; else empty
    asked_ms: int
    settled_ms: int | None


def told(connection: Connection, which: int) -> Told | None:
    """None: it has never talked."""
    row = connection.execute(select(tag_link).where(tag_link.c.tag == which)).one_or_none()
    if row is None:
        return None
    faults = tuple(int(count) for count in json.loads(row.faults))
    waiting = max(0, row.next - 1 - row.through)
    return Told(
        row.talked_ms,
        row.gateway,
        row.fetched_ms,
        row.battery,
        row.uptime_s,
        row.version,
        waiting,
        row.passed_over,
        row.flags,
        faults,
    )


def orders(connection: Connection, which: int) -> list[Ordered]:
    """Its latest orders, the newest first."""
    c = link_order.c
    columns = (c.kind, c.state, firmware.c.version, c.asked_ms, c.settled_ms)
    joined = link_order.outerjoin(firmware, c.firmware == firmware.c.id)
    newest = select(*columns).select_from(joined).where(c.tag == which).order_by(c.asked_ms.desc(), c.id.desc())
    rows = connection.execute(newest.limit(LATEST))
    return [Ordered(row.kind, row.state, row.version or "", row.asked_ms, row.settled_ms) for row in rows]


def firmwares(connection: Connection) -> dict[int, str]:
    """Firmware that tags can be given: id -> version, the newest first."""
    rows = connection.execute(select(firmware.c.id, firmware.c.version).order_by(firmware.c.added_ms.desc()))
    return {int(row.id): str(row.version) for row in rows}
