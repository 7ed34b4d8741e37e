"""On which side of a door gateways hang, and who went through it which way."""

from collections import defaultdict

from sqlalchemy import Connection, delete, inspect, or_, select

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.records import day_of
from zonetag_backend.store import heard, rows
from zonetag_backend.store.schema import gateway, place, wearing
from zonetag_backend.store.schema.contacts import gateway_side
from zonetag_backend.tracing.passage import SIDES, Crossing, Window, crossings

HOUR_MS = 3_600_000  # no window is longer
DAY_MS = 24 * HOUR_MS


def set_side(connection: Connection, name: str, side: str | None) -> None:
    """A gateway hangs inside or outside a door, or beside none; a site's door is all of them."""
    if side is not None and side not in SIDES:
        raise BadValue(f"a gateway hangs {' or '.join(SIDES)}")
    if connection.scalar(select(gateway.c.name).where(gateway.c.name == name)) is None:
        raise NotFound(f"there is no gateway {name}: zonetag gateway list shows all")
    connection.execute(delete(gateway_side).where(gateway_side.c.gateway == name))
    if side is not None:
        rows.insert(connection, gateway_side, [(name, side)])


def sides(connection: Connection) -> dict[str, dict[str, str]]:
    """By site, the side of each gateway that has one."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for site, name, side in connection.execute(
        select(place.c.site, gateway.c.name, gateway_side.c.side)
        .join(gateway, gateway.c.name == gateway_side.c.gateway)
        .join(place, place.c.id == gateway.c.place)
    ):
        found[site][name] = side
    return dict(found)


def crossings_of(connection: Connection, who: int, window: tuple[int, int]) -> list[tuple[str, Crossing]]:
    """Which way a person went through which site's door within a window, in order of time."""
    low, high = window
    w = wearing.c
    worn = connection.execute(
        select(w.tag, w.since_ms, w.until_ms).where(
            w.person == who, w.since_ms < high, or_(w.until_ms.is_(None), w.until_ms > low)
        )
    ).all()
    there = set(inspect(connection).get_table_names())
    days = [day_of(at) for at in range(low - HOUR_MS, high + DAY_MS, DAY_MS)]
    tables = [heard.table_of_day(day) for day in days if f"{heard.PREFIX}{day}" in there]
    found: list[tuple[str, Crossing]] = []
    for site, by_gateway in sides(connection).items():
        for tag, since, until in worn:
            begin, end = max(low, since), high if until is None else min(high, until)
            windows: list[Window] = []
            for table in tables:
                c = table.c
                statement = select(c.gateway, c.start_ms, c.start_ms + c.span_ms, c.rssi_p90).where(
                    c.tag == tag, c.start_ms >= begin, c.start_ms < end, c.gateway.in_(sorted(by_gateway))
                )
                windows += [(name, start, stop, dbm) for name, start, stop, dbm in connection.execute(statement)]
            found += [(site, each) for each in crossings(windows, by_gateway)]
    return sorted(found, key=lambda each: each[1].at_ms)
