"""On which side of a door gateways hang, and who went through it which way."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, or_, select

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import heard, rows
from zonetag_backend.store.book import Site, Stay
from zonetag_backend.store.meetings import answers
from zonetag_backend.store.schema import gateway, place, wearing
from zonetag_backend.store.schema.contacts import gateway_side
from zonetag_backend.tracing.passage import SIDES, Crossing, Heard, Way, Window, crossings, crossings_of_all, way

DAY_MS = 86_400_000
# Of a stay the door is asked about its beginning and its end, so that a page of a hundred people is quick; what lies
# between stands on the person's page.
END_MS = 120_000
AT_ONCE = 100  # stays: each has a hundred windows or two there

_HEARD = """{{ask}}
SELECT k.person, h.gateway, h.start_ms, h.start_ms + h.span_ms, h.rssi_p90 FROM ask k CROSS JOIN {table} h
WHERE h.tag = k.tag AND h.start_ms >= k.low AND h.start_ms <= k.high
 AND h.gateway IN (SELECT gateway FROM gateway_side)"""


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


def told(connection: Connection, of: Site, stays: Sequence[Stay]) -> list[Stay]:
    """The same stays with what the site's door says of each; unchanged where there is no such door."""
    seen = ways(connection, of.name, [(stay.tag, stay.came_ms, stay.last_ms) for stay in stays])
    return list(stays) if seen is None else [replace(stay, door=way) for stay, way in zip(stays, seen, strict=True)]


def ways(connection: Connection, site: str, stays: Sequence[tuple[int, int, int]]) -> list[Way] | None:
    """What the site's door says of each stay (tag, came, last heard), by its beginning and end; none: it has none."""
    by_gateway = sides(connection).get(site, {})
    if set(by_gateway.values()) != set(SIDES):
        return None
    found: list[Way] = []
    for at in range(0, len(stays), AT_ONCE):
        found += _ways(connection, by_gateway, stays[at : at + AT_ONCE])
    return found


def _ways(connection: Connection, by_gateway: dict[str, str], stays: Sequence[tuple[int, int, int]]) -> list[Way]:
    asked = []
    for n, (tag, came, last) in enumerate(stays):
        if last - came > 2 * END_MS:
            asked += [(n, tag, came, came + END_MS), (n, tag, last - END_MS, last)]
        else:
            asked.append((n, tag, came, last))
    found: list[Heard] = []
    for day in heard.days(connection, min((a[2] for a in asked), default=0), max((a[3] for a in asked), default=0)):
        begin = int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000
        there = [each for each in asked if each[3] >= begin and each[2] < begin + DAY_MS]
        found += answers(connection, _HEARD.format(table=f"{heard.PREFIX}{day}"), there)
    seen = crossings_of_all(found, by_gateway)
    return [way(seen.get(n, ())) for n in range(len(stays))]


def crossings_of(connection: Connection, who: int, window: tuple[int, int]) -> list[tuple[str, Crossing]]:
    """Which way a person went through which site's door within a window, in order of time."""
    low, high = window
    w = wearing.c
    worn = connection.execute(
        select(w.tag, w.since_ms, w.until_ms).where(
            w.person == who, w.since_ms < high, or_(w.until_ms.is_(None), w.until_ms > low)
        )
    ).all()
    by_site = {site: of for site, of in sides(connection).items() if set(of.values()) == set(SIDES)}
    if not by_site:
        return []
    tables = [heard.table_of_day(day) for day in heard.days(connection, low, high)]
    found: list[tuple[str, Crossing]] = []
    for site, by_gateway in by_site.items():
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
