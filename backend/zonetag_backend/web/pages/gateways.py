"""`/gateways`: the health of every gateway, and those that knock.  `/rejected`: what was kept apart, by reason."""

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import audit, doors, gateway_health
from zonetag_backend.store import book as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.gateway_health import GatewayHealth
from zonetag_backend.web import linkwords
from zonetag_backend.web.alarms import ALARMS, alarms_of
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import visitor_of

DAY_MS = 86_400_000  # so long an alarm about relayed signals stands on the page
LATEST = 100  # windows kept apart that the page lists
NO_SIDE = "none"  # of a door; as `zonetag door side` takes it


def gateways(request: Request) -> Response:
    """Registered gateways, then those that knock with the command that lets them in; a form says a gateway's side."""
    return _list(request) if request.method != "POST" else _hang(request)


def _hang(request: Request) -> Response:
    """Fields `gateway` and `side`: inside, outside or none."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    name, side = field(request, "gateway"), field(request, "side")
    try:
        with writing(desk.engine) as connection:
            doors.set_side(connection, name, None if side == NO_SIDE else side)
            audit.record(connection, now_ms, visitor_of(request).actor, "gateway.side", name, side)
    except (BadValue, NotFound):
        raise Fault("bad-form", 400) from None
    return RedirectResponse("/gateways?done=side", 303)


def _list(request: Request) -> Response:
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        found = gateway_health.gateways(connection)
        sites = {site.name: site for site in store.sites(connection)}
        places = gateway_health.places_by_site(connection)
        relayed = gateway_health.relayed_since(connection, now_ms - DAY_MS)
        sides = {name: side for there in doors.sides(connection).values() for name, side in there.items()}
    zones = {name: site.zone for name, site in sites.items()}
    zone = next(iter(zones.values()), ZoneInfo("UTC"))
    return show(
        request,
        "gateways",
        lambda: {
            "now": iso(now_ms, zone),
            "relayed": relayed,
            "gateways": [_gateway_twin(each, sides.get(each.name), zones.get(each.site, zone)) for each in found],
        },
        registered=[each for each in found if each.registered],
        knocking=[each for each in found if not each.registered],
        sites=sites,
        places=places,
        alarms={each.name: alarms_of(each) for each in found},
        about=ALARMS,
        linkwords=linkwords,
        relayed=relayed,
        sides=sides,
        done=request.query_params.get("done", "") == "side",
        zones=zones,
        zone=zone,
        now=local(now_ms, zone),
        now_ms=now_ms,
    )


def _gateway_twin(each: GatewayHealth, side: str | None, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "gateway": each.name,
        "site": each.site,
        "place": each.place,
        "side": side,
        "registered": each.registered,
        "online": each.online,
        "since": iso(each.since_ms, zone),
        "seen": iso(each.seen_ms, zone),
        "health_at": iso(each.health_ms, zone),
        "spool": {"reports": each.spool_reports, "bytes": each.spool_bytes},
        "dropped": each.dropped,
        "synchronised": each.synchronised,
        "adverts_per_min": None if each.adverts_per_min is None else round(each.adverts_per_min, 1),
        "source": each.source,
        "refused_reports": each.refused,
        "broken_chain": each.broken,
        "rejected": each.rejected,
        "refusals": each.refusals,
        "missing": each.missing,
        "lost": each.lost,
        "certificate_until": iso(each.certificate_ms, zone),
        "alarms": list(alarms_of(each)),
        "deaf_adapters": list(each.deaf_adapters),
        "updates_failed": each.updates_failed,
        "link": None if each.link is None else asdict(each.link),
    }


def rejected(request: Request) -> Response:
    """Totals by reason and the latest windows, narrowed by `?reason=` and `?gateway=`."""
    desk = desk_of(request)
    now_ms = desk.clock()
    reason = request.query_params.get("reason", "")
    gateway = request.query_params.get("gateway", "")
    with reading(desk.engine) as connection:
        totals = gateway_health.rejected_by_reason(connection)
        latest = gateway_health.latest_rejected(connection, reason, gateway, LATEST)
        zone = next((site.zone for site in store.sites(connection)), ZoneInfo("UTC"))
    return show(
        request,
        "rejected",
        lambda: {
            "now": iso(now_ms, zone),
            "totals": totals,
            "latest": [
                {
                    "at": iso(each.start_ms, zone),
                    "gateway": each.gateway,
                    "reason": each.reason,
                    "eid": each.eid.hex(),
                    "count": each.count,
                    "rssi_max": each.rssi_max,
                }
                for each in latest
            ],
        },
        totals=totals,
        latest=latest,
        reason=reason,
        gateway=gateway,
        zone=zone,
        now=local(now_ms, zone),
        limit=LATEST,
    )
