"""`/`: chooses the site, or says what to do next when there is none.  `/healthz`: whether the pages can read."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from zonetag_backend.pki import watch
from zonetag_backend.store import book as store
from zonetag_backend.store import certificates
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.render import show, wants_json
from zonetag_backend.web.visitor import visitor_of


def home(request: Request) -> Response:
    """The sites; with only one, straight to its book."""
    visitor = visitor_of(request)
    with reading(desk_of(request).engine) as connection:
        sites = store.sites(connection)
    if not wants_json(request):
        if not visitor.may("/book/{site}"):
            return RedirectResponse("/audit" if visitor.may("/audit") else "/account", 303)
        if not sites and visitor.may("/setup"):
            return RedirectResponse("/setup", 303)
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
    """200 when the store answers; a fault of the store becomes 500 as on every page.

    With a certificate authority also `certificates`: the worst of ok, soon, urgent and ended among all that ends.
    """
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        store.sites(connection)
        ends = certificates.ends(connection, now_ms)
        list_ends_ms = certificates.list_ends_ms(connection)
    told: dict[str, object] = {"ok": True}
    if list_ends_ms is not None:
        terms = [watch.term(kind, name, ends_ms, now_ms) for kind, name, ends_ms in ends]
        told["certificates"] = watch.worst([*terms, watch.term(watch.CRL, "", list_ends_ms, now_ms)])
    return JSONResponse(told)
