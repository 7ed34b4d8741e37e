"""`/gateways`: the health of every gateway, and those that knock.  `/rejected`: what was kept apart, by reason."""

from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.store import book as store
from zonetag_backend.store import gateway_health
from zonetag_backend.store.engine import reading
from zonetag_backend.store.gateway_health import GatewayHealth
from zonetag_backend.web.alarms import ALARMS, alarms_of
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local

DAY_MS = 86_400_000  # so long an alarm about relayed signals stands on the page
LATEST = 100  # windows kept apart that the page lists


def gateways(request: Request) -> Response:
    """Registered gateways, then those that knock with the command that lets them in."""
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        found = gateway_health.gateways(connection)
        sites = {site.name: site for site in store.sites(connection)}
        places = gateway_health.places_by_site(connection)
        relayed = gateway_health.relayed_since(connection, now_ms - DAY_MS)
    zones = {name: site.zone for name, site in sites.items()}
    zone = next(iter(zones.values()), ZoneInfo("UTC"))
    return show(
        request,
        "gateways",
        lambda: {
            "now": iso(now_ms, zone),
            "relayed": relayed,
            "gateways": [_gateway_twin(each, zones.get(each.site, zone)) for each in found],
        },
        registered=[each for each in found if each.registered],
        knocking=[each for each in found if not each.registered],
        sites=sites,
        places=places,
        alarms={each.name: alarms_of(each) for each in found},
        about=ALARMS,
        relayed=relayed,
        zones=zones,
        zone=zone,
        now=local(now_ms, zone),
        now_ms=now_ms,
    )


def _gateway_twin(each: GatewayHealth, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "gateway": each.name,
        "site": each.site,
        "place": each.place,
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
