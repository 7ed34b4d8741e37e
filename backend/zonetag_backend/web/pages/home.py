"""`/`: chooses the site, or says what to do next when there is none.  `/healthz`: whether the pages can read."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from zonetag_backend.store import book as store
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.render import show, wants_json


def home(request: Request) -> Response:
    """The sites; with only one, straight to its book."""
    with reading(desk_of(request).engine) as connection:
        sites = store.sites(connection)
    if len(sites) == 1 and not wants_json(request):
        language = request.query_params.get("lang", "")
        return RedirectResponse(f"/book/{sites[0].name}" + (f"?lang={quote(language)}" if language else ""), 303)
    twin = {
        "sites": [
            {"name": site.name, "title": site.title, "timezone": site.timezone, "book": f"/book/{site.name}"}
            for site in sites
        ]
    }
    return show(request, "home", lambda: twin, sites=sites)


def healthz(request: Request) -> Response:
    """200 when the store answers; a fault of the store becomes 500 as on every page."""
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        store.sites(connection)
    return JSONResponse({"ok": True})
