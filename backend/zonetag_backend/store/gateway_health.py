"""The health of gateways and what was kept apart, read.  Nothing here writes."""

import json
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, func, select

from zonetag_backend import rules
from zonetag_backend.names import text_key
from zonetag_backend.store import gaps, refusals
from zonetag_backend.store.link_counts import LinkCounts, link_counts
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import gateway, gateway_status, place, rejected, rejected_total, report

MINUTE_MS = 60_000
DEAF_S = 900  # as the alert ZonetagGatewayAdapterDeaf has it


@dataclass(frozen=True, slots=True)
class GatewayHealth:
    """A gateway, registered or knocking, as it last told of itself."""

    name: str
    site: str
    place: str
    # empty: it is not registered
    registered: bool
    online: bool | None
    # none: never heard of
    since_ms: int | None
    # when it went on or off line
    seen_ms: int | None
    # the latest sign of it
    health_ms: int | None
    # when it told its health
    spool_reports: int | None
    # reports that wait on it for an acknowledgement
    spool_bytes: int | None
    dropped: int
    # adverts and reports it could not keep
    synchronised: bool | None
    # its clock, at its last report
    adverts_per_min: float | None
    source: str
    # what it listens with
    refused: int
    # reports refused whole
    broken: int
    # reports that do not follow the one before: some are missing, or were changed
    rejected: dict[str, int]
    # windows kept apart, by reason
    refusals: dict[str, int] = field(default_factory=dict)
    # messages refused whole, by a code of zonetag_backend.signatures
    missing: int = 0
    # reports that have not come although later ones have: they are asked for
    lost: int = 0
    # reports of which the gateway says that it no longer has them
    certificate_ms: int | None = None
    # end of its certificate, as it says
    deaf_adapters: tuple[str, ...] = ()
    # that have heard nothing for long, while another of its adapters has
    updates_failed: int = 0
    # updates that did not stay, since it started
    link: LinkCounts | None = None
    # none: it carries no link, or has not told


@dataclass(frozen=True, slots=True)
class Rejected:
    """One window that was kept apart."""

    gateway: str
    reason: str
    start_ms: int
    eid: bytes
    count: int
    rssi_max: int
    # dBm


def gateways(connection: Connection) -> list[GatewayHealth]:
    """Registered gateways and those that knock, by site and name."""
    statuses = {row.gateway: row for row in connection.execute(select(gateway_status))}
    totals: dict[str, dict[str, int]] = {}
    for name, reason, windows in connection.execute(select(rejected_total).order_by(by_bytes(rejected_total.c.reason))):
        totals.setdefault(name, {})[reason] = windows
    registered = connection.execute(
        select(gateway.c.name, place.c.site, place.c.name.label("place")).join(place, place.c.id == gateway.c.place)
    )
    found = {row.name: (row.site, row.place) for row in registered}
    knocking = {name: (row.site, "") for name, row in statuses.items() if name not in found}
    refused, holes = refusals.totals(connection), gaps.every(connection)
    return sorted(
        (
            replace(
                _health(connection, name, where, statuses.get(name), totals.get(name, {})),
                refusals=refused.get(name, {}),
                missing=sum(gap.missing for gap in holes if gap.gateway == name),
                lost=sum(gap.lost for gap in holes if gap.gateway == name),
            )
            for name, where in (found | knocking).items()
        ),
        key=lambda each: (each.site, each.name),
    )


def relayed_since(connection: Connection, since_ms: int) -> dict[str, int]:
    """Gateways that heard a tag which another site heard at the same moment, and how many windows of such."""
    rows = connection.execute(
        select(rejected.c.gateway, func.count())
        .where(rejected.c.start_ms >= since_ms, rejected.c.reason == rules.RELAYED)
        .group_by(rejected.c.gateway)
        .order_by(by_bytes(rejected.c.gateway))
    )
    return {str(name): int(n) for name, n in rows}


def places_by_site(connection: Connection) -> dict[str, list[str]]:
    """Names of the places of each site, those without a gateway first, entrances before rooms."""
    rows = connection.execute(
        select(place.c.site, place.c.name, place.c.kind, func.count(gateway.c.name))
        .outerjoin(gateway, gateway.c.place == place.c.id)
        .group_by(place.c.id, place.c.site, place.c.name, place.c.kind)
    )
    found: dict[str, list[str]] = {}
    for at, name, _kind, _number in sorted(rows, key=lambda row: (row[3], row[2], text_key(row[1]))):
        found.setdefault(at, []).append(name)
    return found


def rejected_by_reason(connection: Connection) -> dict[str, int]:
    """All windows that were ever kept apart, by reason, the most frequent first."""
    total = func.sum(rejected_total.c.windows).label("windows")
    rows = connection.execute(
        select(rejected_total.c.reason, total).group_by(rejected_total.c.reason).order_by(total.desc())
    )
    return {row.reason: int(row.windows) for row in rows}


def latest_rejected(connection: Connection, reason: str, of_gateway: str, limit: int) -> list[Rejected]:
    """The latest windows that were kept apart; an empty reason or gateway takes every one."""
    query = select(rejected, rejected.c.count.label("times")).order_by(rejected.c.start_ms.desc()).limit(limit)
    if reason:
        query = query.where(rejected.c.reason == reason)
    if of_gateway:
        query = query.where(rejected.c.gateway == of_gateway)
    return [
        Rejected(row.gateway, row.reason, row.start_ms, row.eid, row.times, row.rssi_max)
        for row in connection.execute(query)
    ]


def _health(
    connection: Connection, name: str, where: tuple[str, str], status: Any, kept_apart: dict[str, int]
) -> GatewayHealth:
    site, at = where
    last = connection.execute(
        select(report.c.received_ms, report.c.synchronised)
        .where(report.c.gateway == name)
        .order_by(report.c.boot.desc(), report.c.seq.desc())
        .limit(1)
    ).first()
    told = _object(status.health) if status is not None else {}
    spool = told.get("spool") if isinstance(told.get("spool"), dict) else {}
    assert isinstance(spool, dict)
    tallies = told.get("tallies") if isinstance(told.get("tallies"), dict) else {}
    assert isinstance(tallies, dict)
    signs = [] if last is None else [last.received_ms]
    if status is not None:
        signs += [status.state_ms, status.health_ms]
    return GatewayHealth(
        name=name,
        site=site,
        place=at,
        registered=at != "",
        online=None if status is None else status.online,
        since_ms=None if status is None or not status.state_ms else status.state_ms,
        seen_ms=max(signs, default=0) or None,
        health_ms=None if status is None else status.health_ms or None,
        spool_reports=_whole(spool.get("reports")),
        spool_bytes=_whole(spool.get("bytes")),
        dropped=(_whole(spool.get("dropped")) or 0)
        + sum(_whole(value) or 0 for key, value in tallies.items() if str(key).startswith("dropped.")),
        synchronised=None if last is None else last.synchronised,
        adverts_per_min=_rate(status, tallies),
        source=told["source"] if isinstance(told.get("source"), str) else "",
        refused=0 if status is None else status.refused,
        broken=0 if status is None else status.broken,
        rejected=kept_apart,
        certificate_ms=_whole(told["certificate"].get("until_ms"))
        if isinstance(told.get("certificate"), dict)
        else None,
        deaf_adapters=_deaf(told.get("adapters")),
        updates_failed=_failed(told.get("commands")),
        link=link_counts(told.get("link")),
    )


def _deaf(adapters: object) -> tuple[str, ...]:
    """Adapters without a way to hear, or silent for DEAF_S, beside at least one that hears."""
    told = (
        {str(name): one for name, one in adapters.items() if isinstance(one, dict)}
        if isinstance(adapters, dict)
        else {}
    )
    deaf = [name for name, one in told.items() if not one.get("backend") or not _heard(one.get("last_advert_age_s"))]
    return tuple(sorted(deaf)) if len(deaf) < len(told) else ()


def _heard(age_s: object) -> bool:
    return age_s is None or (isinstance(age_s, (int, float)) and age_s <= DEAF_S)


def _failed(commands: object) -> int:
    ends = commands if isinstance(commands, dict) else {}
    return sum(_whole(ends.get(f"update.{end}")) or 0 for end in ("rolled-back", "failed"))


def _object(text: str) -> dict[str, Any]:
    """The object of a JSON text; a health message comes from outside and may be anything."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _rate(status: Any, tallies: dict[str, Any]) -> float | None:
    """Adverts a minute since the gateway came on line, from what it counted since."""
    heard = _whole(tallies.get("adverts"))
    if status is None or heard is None or not status.online or status.health_ms - status.state_ms < MINUTE_MS // 6:
        return None
    return heard * MINUTE_MS / int(status.health_ms - status.state_ms)
