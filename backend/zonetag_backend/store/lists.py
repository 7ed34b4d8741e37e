"""The registry, listed: for the commands.  Nothing here writes, and no key is read."""

from typing import Any

from sqlalchemy import Connection, and_, case, func, select

from zonetag_backend.names import text_key
from zonetag_backend.store.order import BY_NAME, by_bytes
from zonetag_backend.store.schema import gateway, gateway_status, person, place, rejected_total, site, tag, tag_clock
from zonetag_backend.store.schema import wearing as worn
from zonetag_backend.store.schema.enrolment import gateway_revoked
from zonetag_backend.store.schema.office import restriction

Listed = list[dict[str, Any]]
"""One dictionary a row; times are UTC ms, none for never."""

_NOW = worn.c.until_ms.is_(None)


def sites(connection: Connection) -> Listed:
    """name, title, timezone, absence_s."""
    return _rows(connection, select(site).order_by(by_bytes(site.c.name)))


def places(connection: Connection) -> Listed:
    """site, name, kind."""
    found = _rows(connection, select(place.c.site, place.c.name, place.c.kind))
    return sorted(found, key=lambda row: (row["site"], text_key(row["name"]), row["name"]))


def gateways(connection: Connection) -> Listed:
    """name, site, place (none: it knocks), online, state_ms, refused, broken, kept_apart (windows), revoked."""
    s = gateway_status.c
    apart = select(func.coalesce(func.sum(rejected_total.c.windows), 0)).where(
        rejected_total.c.gateway == gateway.c.name
    )
    registered = (
        select(
            gateway.c.name,
            place.c.site,
            place.c.name.label("place"),
            func.coalesce(s.online, False).label("online"),
            s.state_ms,
            func.coalesce(s.refused, 0).label("refused"),
            func.coalesce(s.broken, 0).label("broken"),
            apart.scalar_subquery().label("kept_apart"),
            gateway.c.name.in_(select(gateway_revoked.c.gateway)).label("revoked"),
        )
        .join(place, place.c.id == gateway.c.place)
        .outerjoin(gateway_status, and_(s.gateway == gateway.c.name, s.site == place.c.site))
        .order_by(by_bytes(place.c.site), by_bytes(gateway.c.name))
    )
    there = (
        select(gateway.c.name)
        .join(place, place.c.id == gateway.c.place)
        .where(gateway.c.name == s.gateway, place.c.site == s.site)
        .exists()
    )
    knocking = (
        select(s.gateway.label("name"), s.site, s.online, s.state_ms, s.refused)
        .where(~there)
        .order_by(by_bytes(s.gateway), by_bytes(s.site))
    )
    return _rows(connection, registered) + [
        {**row, "place": None, "broken": 0, "kept_apart": 0, "revoked": False} for row in _rows(connection, knocking)
    ]


def people(connection: Connection) -> Listed:
    """name, unit, code, tag (numbers of those worn now, none for none); removed people are left out."""
    joined = person.outerjoin(worn, and_(worn.c.person == person.c.id, _NOW)).outerjoin(tag, tag.c.id == worn.c.tag)
    columns = select(person.c.name, person.c.unit, person.c.code, tag.c.number.label("tag")).select_from(joined)
    return _rows(connection, columns.where(person.c.name != "").order_by(*BY_NAME, by_bytes(tag.c.number)))


def tags(connection: Connection, floor_ms: int = 0) -> Listed:
    """number, kind, state, person and code (who wears it now), heard_ms, confirmed (its clock), status (last byte).

    What was heard before `floor_ms`, or of the restricted, is not told.
    """
    told = and_(tag_clock.c.heard_ms >= floor_ms, func.coalesce(person.c.id, -1).not_in(select(restriction.c.person)))
    joined = (
        tag.join(tag_clock, tag_clock.c.tag == tag.c.id)
        .outerjoin(worn, and_(worn.c.tag == tag.c.id, _NOW))
        .outerjoin(person, person.c.id == worn.c.person)
    )
    columns = select(
        tag.c.number,
        tag.c.kind,
        tag.c.state,
        person.c.name.label("person"),
        person.c.code,
        func.nullif(case((told, tag_clock.c.heard_ms), else_=0), 0).label("heard_ms"),
        tag_clock.c.confirmed,
        tag_clock.c.status,
    ).select_from(joined)
    return _rows(connection, columns.order_by(by_bytes(tag.c.number)))


def _rows(connection: Connection, statement: Any) -> Listed:
    return [dict(row) for row in connection.execute(statement).mappings()]
