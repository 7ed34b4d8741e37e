"""What tags said over their link, and what they are to be told: read and written inside the caller's transaction."""

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, insert, select, update

from zonetag_backend.link import rollout
from zonetag_backend.link.records import (
    CANCELLED,
    EXPIRED,
    FIND,
    OPEN,
    SETTINGS,
    TRIAL,
    UPDATE,
    WAITING,
    Firmware,
    Known,
    Order,
    Settled,
)
from zonetag_backend.store.registry import new_id
from zonetag_backend.store.schema import tag
from zonetag_backend.store.schema.contacts import firmware, link_order, tag_link
from zonetag_protocol import linkmessage as say

DAY_MS = 86_400_000
FIND_FOR_MS = 3_600_000  # whoever wants a tag to blink stands beside it, or soon will
FOR_EVER_MS = 1 << 62


def known(connection: Connection, which: int) -> Known:
    """How far a tag's log is here."""
    c = tag_link.c
    row = connection.execute(select(c.log, c.through).where(c.tag == which)).one_or_none()
    return Known() if row is None else Known(bytes(row.log), row.through)


def fetched(connection: Connection) -> dict[int, int]:
    """When all was said, by tag; without those of which it never was."""
    c = tag_link.c
    return {row.tag: row.fetched_ms for row in connection.execute(select(c.tag, c.fetched_ms).where(c.fetched_ms > 0))}


def note_status(connection: Connection, which: int, gateway: str, status: say.Status, now_ms: int) -> None:
    """A tag told how it is; of a log that is new nothing is here yet."""
    c = tag_link.c
    values: dict[str, object] = {
        "talked_ms": now_ms,
        "gateway": gateway,
        "log": status.log,
        "next": status.next,
        "clock_s": status.t,
        "uptime_s": status.uptime_s,
        "battery": None if status.battery == say.BATTERY_UNKNOWN else status.battery,
        "version": ".".join(map(str, status.version)),
        "flags": status.flags,
        "settings": status.settings,
        "faults": json.dumps(list(status.faults)),
    }
    row = connection.execute(select(c.log, c.through).where(c.tag == which)).one_or_none()
    if row is None:
        new = {"tag": which, "fetched_ms": 0, "through": 0, "passed_over": 0, "malformed": 0}
        connection.execute(insert(tag_link).values(**new, **values))
        return
    if bytes(row.log) != status.log or row.through >= status.next:
        values["through"] = 0
    connection.execute(update(tag_link).where(c.tag == which).values(**values))


def note_records(connection: Connection, which: int, through: int, passed_over: int, malformed: int) -> None:
    """Records up to `through` are in."""
    c = tag_link.c
    values = {"through": through, "passed_over": c.passed_over + passed_over, "malformed": c.malformed + malformed}
    connection.execute(update(tag_link).where(c.tag == which).values(**values))


def note_fetched(connection: Connection, which: int, now_ms: int) -> None:
    """All was said."""
    connection.execute(update(tag_link).where(tag_link.c.tag == which).values(fetched_ms=now_ms))


def note_settled(connection: Connection, settled: Iterable[Settled], now_ms: int) -> None:
    """What became of orders."""
    for each in settled:
        values = {"state": each.state, "code": each.code, "settled_ms": now_ms}
        connection.execute(update(link_order).where(link_order.c.id == each.order).values(**values))


def with_orders(connection: Connection, now_ms: int) -> set[int]:
    """Tags for which there is something; what has come too late is marked so."""
    c = link_order.c
    late = update(link_order).where(c.state == WAITING, c.until_ms <= now_ms)
    connection.execute(late.values(state=EXPIRED, settled_ms=now_ms))
    held = held_back(connection, now_ms)
    rows = connection.execute(select(c.id, c.tag).where(c.state.in_(OPEN)))
    return {row.tag for row in rows if row.id not in held}


def open_orders(connection: Connection, which: int, now_ms: int) -> list[Order]:
    """What a tag is to be told, the oldest first."""
    held = held_back(connection, now_ms)
    c, f = link_order.c, firmware.c
    columns = (c.id, c.kind, c.body, c.state, c.until_ms, f.version, f.digest, f.archive)
    rows = connection.execute(
        select(*columns)
        .select_from(link_order.outerjoin(firmware, c.firmware == f.id))
        .where(c.tag == which, c.state.in_(OPEN))
        .order_by(c.asked_ms, c.id)
    )
    return [
        Order(
            row.id,
            row.kind,
            bytes(row.body),
            row.state,
            row.until_ms,
            None if row.version is None else Firmware(version_of(row.version), bytes(row.digest), bytes(row.archive)),
        )
        for row in rows
        if row.id not in held
    ]


def held_back(connection: Connection, now_ms: int) -> set[int]:
    """Orders of updates whose turn in the roll-out has not come."""
    c = link_order.c
    images = connection.scalars(select(c.firmware).where(c.kind == UPDATE, c.state == WAITING).distinct()).all()
    held: set[int] = set()
    for image in images:
        columns = select(c.id, c.state, c.settled_ms).where(c.firmware == image, c.state != CANCELLED)
        orders = connection.execute(columns.order_by(c.asked_ms, c.id)).all()
        states = [_state(row.state, row.settled_ms, now_ms) for row in orders]
        begun = rollout.allowed(states)
        held |= {row.id for row in orders[begun:] if row.state == WAITING}
    return held


def _state(state: str, settled_ms: int | None, now_ms: int) -> str:
    return rollout.SILENT if state == TRIAL and now_ms - (settled_ms or 0) > DAY_MS else state


def version_of(text: str) -> tuple[int, int, int]:
    """Of "1.2.3", each number a byte; ValueError for anything else."""
    major, minor, patch = bytes(int(part) for part in text.split("."))
    return major, minor, patch


def order_find(connection: Connection, which: int, seconds: int, now_ms: int) -> None:
    """The tag shall blink."""
    _order(connection, which, FIND, now_ms, body=say.pack_find_me(seconds), until_ms=now_ms + FIND_FOR_MS)


def order_settings(connection: Connection, which: int, values: dict[int, int], now_ms: int) -> None:
    """The tag shall keep these settings."""
    _order(connection, which, SETTINGS, now_ms, body=say.pack_settings(values))


def order_update(connection: Connection, tags: Sequence[int], image: int, now_ms: int) -> None:
    """These tags shall take a firmware; an older one than they have only if this is what they run now."""
    c = tag_link.c
    running = {row.tag: bytes(version_of(row.version)) for row in connection.execute(select(c.tag, c.version))}
    for which in tags:
        _order(connection, which, UPDATE, now_ms, body=running.get(which, b""), image=image)


def add_firmware(connection: Connection, version: str, digest: bytes, archive: bytes, now_ms: int) -> int | None:
    """Its id; None when there is another firmware of that version."""
    f = firmware.c
    row = connection.execute(select(f.id, f.digest).where(f.version == version)).one_or_none()
    if row is not None:
        return row.id if bytes(row.digest) == digest else None
    new = new_id()
    values = {"id": new, "version": version, "digest": digest, "archive": archive, "added_ms": now_ms}
    connection.execute(insert(firmware).values(**values))
    return new


def update_states(connection: Connection, image: int, now_ms: int) -> dict[int, str]:
    """Of each tag that was ordered a firmware: the state of that, or "silent" after a day without a report."""
    c = link_order.c
    rows = connection.execute(
        select(c.tag, c.state, c.settled_ms).where(c.firmware == image, c.state != CANCELLED).order_by(c.asked_ms)
    )
    return {row.tag: _state(row.state, row.settled_ms, now_ms) for row in rows}


def listed(connection: Connection, now_ms: int) -> list[dict[str, object]]:
    """What each tag said of itself last, and the orders for it that are open, by number."""
    c, o = tag_link.c, link_order.c
    open_by_tag: dict[int, list[str]] = {}
    for row in connection.execute(select(o.tag, o.kind, o.state, o.settled_ms).where(o.state.in_(OPEN))):
        open_by_tag.setdefault(row.tag, []).append(f"{row.kind} {_state(row.state, row.settled_ms, now_ms)}")
    rows = connection.execute(select(tag.c.id, tag.c.number, *c).join(tag_link, c.tag == tag.c.id, isouter=True))
    return [
        {
            "number": row.number,
            "talked_ms": row.talked_ms,
            "fetched_ms": row.fetched_ms,
            "gateway": row.gateway,
            "battery": None if row.battery is None else row.battery / 1000,
            "uptime_s": row.uptime_s,
            "version": row.version,
            "waiting": None if row.next is None else max(0, row.next - 1 - row.through),
            "passed_over": row.passed_over,
            "faults": None if row.faults is None else sum(json.loads(row.faults)),
            "orders": ", ".join(open_by_tag.get(row.id, [])),
        }
        for row in sorted(rows, key=lambda row: str(row.number))
        if row.talked_ms is not None or row.id in open_by_tag
    ]


def _order(
    connection: Connection,
    which: int,
    kind: str,
    now_ms: int,
    *,
    body: bytes = b"",
    until_ms: int = FOR_EVER_MS,
    image: int | None = None,
) -> None:
    """One more order, in the place of an open one of its kind."""
    c = link_order.c
    same = (c.tag == which, c.kind == kind, c.state.in_(OPEN))
    connection.execute(update(link_order).where(*same).values(state=CANCELLED, settled_ms=now_ms))
    values = {"id": new_id(), "tag": which, "kind": kind, "body": body, "firmware": image, "state": WAITING}
    connection.execute(insert(link_order).values(**values, asked_ms=now_ms, until_ms=until_ms))
