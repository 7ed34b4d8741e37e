"""`/plan/SITE`: a picture of the site with its gateways on it, and what is wrong with each."""

from dataclasses import dataclass
from typing import Any

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend import pictures
from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import audit, gateway_health, plans
from zonetag_backend.store import book as sites
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.gateway_health import GatewayHealth
from zonetag_backend.web.alarms import ALARMS, alarms_of
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of

BAD_SPOT = _("Left and top are whole numbers from 0 to 100.")
BAD_PICTURE = _("This is no PNG or JPEG of at most 4 MB, with sides of 50 to 8000 pixels and 24 million in all.")


@dataclass(frozen=True, slots=True)
class Station:
    """A gateway on the plan."""

    health: GatewayHealth
    spot: tuple[int, int] | None
    # thousandths of the picture's width and height
    alarms: tuple[str, ...]
    # of ALARMS


def plan(request: Request) -> Response:
    """The plan; a form puts a gateway there (fields `gateway`, and `x`, `y` in hundredths)."""
    if request.method != "POST":
        return _show(request)
    desk, now_ms, name = desk_of(request), desk_of(request).clock(), request.path_params["site"]
    texts = [field(request, each).strip() for each in ("x", "y")]
    if not all(text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 100 for text in texts):
        return _show(request, BAD_SPOT)
    x, y = (int(text) * plans.WHOLE // 100 for text in texts)
    gateway = field(request, "gateway")
    try:
        with writing(desk.engine) as connection:
            plans.put(connection, name, gateway, x, y)
            audit.record(connection, now_ms, visitor_of(request).actor, "plan.change", name)
    except NotFound:
        raise Fault("no-site", 404, name) from None
    return RedirectResponse(f"/plan/{name}", 303)


def picture(request: Request) -> Response:
    """The picture of the plan; the form sends another one (field `file`)."""
    desk, name = desk_of(request), request.path_params["site"]
    if request.method == "POST":
        return _keep(request, name)
    with reading(desk.engine) as connection:
        found = plans.picture_of(connection, name)
    if found is None:
        raise HTTPException(404)
    # The shield says that a browser must not look into it for another kind, and may run nothing in it.
    headers = {"Content-Disposition": "inline"}
    return Response(found.content, media_type=found.kind, headers=headers)


def _keep(request: Request, name: str) -> Response:
    desk, now_ms = desk_of(request), desk_of(request).clock()
    file = form_of(request).get("file")
    if not isinstance(file, UploadFile):
        raise Fault("bad-form", 400)
    try:
        sent = pictures.checked(file.file.read(pictures.MOST_BYTES + 1))
    except BadValue:
        return _show(request, BAD_PICTURE)
    with writing(desk.engine) as connection:
        if sites.site_named(connection, name) is None:
            raise Fault("no-site", 404, name)
        plans.keep_picture(connection, name, sent, now_ms)
        audit.record(connection, now_ms, visitor_of(request).actor, "plan.change", name)
    return RedirectResponse(f"/plan/{name}", 303)


def _show(request: Request, error: str = "") -> Response:
    desk, name = desk_of(request), request.path_params["site"]
    with reading(desk.engine) as connection:
        site = sites.site_named(connection, name)
        if site is None:
            raise Fault("no-site", 404, name)
        known = plans.plan_of(connection, name)
        spots = plans.spots(connection, name)
        health = [each for each in gateway_health.gateways(connection) if each.registered and each.site == name]
        others = [each for each in sites.sites(connection) if each.name != name]
    stations = [Station(each, spots.get(each.name), alarms_of(each)) for each in health]
    return show(
        request,
        "plan",
        lambda: {
            "site": name,
            "picture": known and {"width": known.width, "height": known.height},
            "gateways": [_twin(each, site.zone) for each in stations],
        },
        400 if error else 200,
        site=site,
        plan=known,
        stations=stations,
        others=others,
        alarms=ALARMS,
        error=error,
        zone=site.zone,
        now_ms=desk.clock(),
    )


def _twin(each: Station, zone: Any) -> dict[str, Any]:
    return {
        "gateway": each.health.name,
        "place": each.health.place,
        "x": None if each.spot is None else each.spot[0] / plans.WHOLE,
        "y": None if each.spot is None else each.spot[1] / plans.WHOLE,
        "online": each.health.online,
        "seen": iso(each.health.seen_ms, zone),
        "waiting": each.health.spool_reports,
        "alarms": list(each.alarms),
    }
