"""`/screens`: the devices at doors: made by a link that is opened once on the device, and revoked."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import screens as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.screens import SHOWS, Screen
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.ids import number_in
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.pages.screen import AGE_S
from zonetag_backend.web.qr import qr_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import set_token, visitor_of
from zonetag_backend.web.zones import first_zone

BAD_SCREEN = _("A screen has a name of 1 to 64 characters, and a place that exists.")


def screens(request: Request) -> Response:
    """The list; and a new screen (fields `place`, `title`, `shows`, `counts`), whose link is shown once."""
    if request.method != "POST":
        return _list(request)
    desk, now_ms = desk_of(request), desk_of(request).clock()
    place, title, shows = number_in(field(request, "place")), field(request, "title"), field(request, "shows")
    counts, actor = field(request, "counts") == "yes", visitor_of(request).actor
    try:
        with writing(desk.engine) as connection:
            token = store.make(connection, place, title, shows, counts, now_ms, actor)
    except (BadValue, NotFound):
        return _list(request, BAD_SCREEN)
    link = f"{request.url.scheme}://{request.headers['host']}/screens/open/{token}"
    hours = store.LINK_MS // 3_600_000
    return show(request, "screenlink", lambda: {"link": link}, link=link, hours=hours, qr=qr_of(link))


def opened(request: Request) -> Response:
    """A link, on the device: a button turns its browser into the screen."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    token = request.path_params["token"]
    if request.method == "POST":
        with writing(desk.engine) as connection:
            made = store.open_link(connection, token, now_ms)
        if made is None:
            raise Fault("link-over", 404)
        found, device = made
        response = RedirectResponse(f"/screen/{found.place}", 303)
        set_token(request, response, device, AGE_S)
        return response
    with reading(desk.engine) as connection:
        waiting = store.link(connection, token, now_ms)
    if waiting is None:
        raise Fault("link-over", 404)
    return show(request, "screenopen", lambda: {"place": waiting.place_name, "title": waiting.title}, screen=waiting)


def revoke(request: Request) -> Response:
    """A screen is out of use from now on."""
    desk, text = desk_of(request), request.path_params["screen"]
    try:
        with writing(desk.engine) as connection:
            store.revoke(connection, number_in(text), desk.clock(), visitor_of(request).actor)
    except NotFound:
        raise Fault("no-screen", 404, text) from None
    return RedirectResponse("/screens", 303)


def _list(request: Request, error: str = "") -> Response:
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        found, places, zone = store.all_screens(connection), store.places(connection), first_zone(connection)
    return show(
        request,
        "screens",
        lambda: {"screens": [_twin(each, zone) for each in found]},
        400 if error else 200,
        screens=found,
        places=places,
        shows=SHOWS,
        error=error,
        zone=zone,
        now_ms=desk.clock(),
        today=local(desk.clock(), zone).date(),
    )


def _twin(each: Screen, zone: Any) -> dict[str, Any]:
    return {
        "screen": str(each.id),
        "title": each.title,
        "site": each.site,
        "place": each.place_name,
        "address": f"/screen/{each.place}",
        "shows": each.shows,
        "counts": each.counts,
        "opened": iso(each.opened_ms, zone),
        "seen": iso(each.used_ms or None, zone),
    }
