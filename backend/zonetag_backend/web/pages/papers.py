"""`/papers`: what can be printed, and each paper as PDF, XLSX, CSV or JSON, from the same rows."""

from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from zonetag_backend import papers
from zonetag_backend.errors import NotFound
from zonetag_backend.reports import consent_form, label_sheet, poster, visitor_slip
from zonetag_backend.reports.file_name import file_name, in_ascii
from zonetag_backend.reports.label_sheet import Label
from zonetag_backend.reports.table import Paper, twin
from zonetag_backend.reports.visitor_slip import Slip
from zonetag_backend.store import audit, cases, declarations, directory
from zonetag_backend.store import book as store
from zonetag_backend.store import papers as registers
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.web import reasoned
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import REPEAT_MS
from zonetag_backend.web.languages import language_of
from zonetag_backend.web.paperwork import desk_for, link_of, settings_of
from zonetag_backend.web.render import show, wants_json
from zonetag_backend.web.times import day_asked
from zonetag_backend.web.visitor import visitor_of

TYPES = {
    "pdf": "application/pdf",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
UTC = ZoneInfo("UTC")  # where there is no site yet
LONGEST = 64  # characters of what is asked for by a parameter


def index(request: Request) -> Response:
    """What this role may print."""
    desk, visitor = desk_of(request), visitor_of(request)
    with reading(desk.engine) as connection:
        sites = store.sites(connection)
        open_cases = cases.cases(connection, desk_for(request).floor_ms) if visitor.may("/papers/case/{case}") else []
        units = directory.units(connection) if visitor.may("/papers/labels") else []
        declared = [site for site in sites if declarations.link_of(connection, site.name)]
    days = {site.name: day_asked("", site.zone, desk.clock()) for site in sites}
    said = {
        "sites": [{"name": site.name, "title": site.title} for site in sites],
        "cases": [str(each.id) for each in open_cases],
    }
    return show(
        request, "papers", lambda: said, sites=sites, days=days, cases=open_cases, units=units, declared=declared
    )


def book(request: Request) -> Response:
    """The in-out book of a site on `?day=`."""
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        site = _site(request, connection)
        day = day_asked(request.query_params.get("day", ""), site.zone, desk.clock()).date
        paper = papers.book(desk_for(request), connection, site, day)
    return _answer(request, paper, f"book {site.name} {day}", _called(request, "book", day, _ascii(site)))


def evacuation(request: Request) -> Response:
    """Who is inside now."""
    with reading(desk_of(request).engine) as connection:
        site = _site(request, connection)
        paper = papers.evacuation(desk_for(request), connection, site)
    name = _called(request, "evacuation", f"{paper.made:%Y-%m-%d-%Hh%M}", _ascii(site))
    return _answer(request, paper, f"evacuation {site.name}", name)


def case(request: Request) -> Response:
    """Contacts of a case, when a reason was given."""
    which = request.path_params["case"]
    if not which.isascii() or not which.isdecimal() or len(which) > 19:
        raise Fault("no-case", 404, which)
    reasoned.require(request, which)
    try:
        with reading(desk_of(request).engine) as connection:
            paper = papers.case(desk_for(request), connection, int(which))
    except NotFound:
        raise Fault("no-case", 404, which) from None
    return _answer(request, paper, f"case {which}", _called(request, "contacts", which, paper.made.date()))


def adopted(request: Request) -> Response:
    """The report upwards: a letter with its annex; `?number=` is the letter's, if the registry has given one."""
    number = request.query_params.get("number", "")[:LONGEST]
    with reading(desk_of(request).engine) as connection:
        paper = papers.adopted(desk_for(request), connection, number)
    return _answer(request, paper, "adoption", _called(request, "adoption", paper.made.date()))


def labels(request: Request) -> Response:
    """Labels of the register's tags; `?unit=` or `?tag=` narrows them, `?names=yes` prints the wearers too."""
    asked = request.query_params
    unit, only, names = asked.get("unit", ""), asked.get("tag", ""), asked.get("names", "")
    desk = desk_for(request)
    with reading(desk_of(request).engine) as connection:
        paper = papers.labels(desk, connection, unit, only)
        tags = registers.tags(connection, unit, only)
    name = _called(request, "labels", paper.made.date(), only or unit)
    if _form(request) == "pdf" and not wants_json(request):
        sheet = [Label(each.number, each.name if names else "") for each in tags if each.state == "active"]
        return _file(request, name, label_sheet.render(sheet, paper.empty), "labels")
    return _answer(request, paper, "labels", name)


def posters(request: Request) -> Response:
    """The poster for `?place=entrance`, `lift`, or `declaration` of `?site=`, while declarations are on there."""
    place, site = request.query_params.get("place", poster.ENTRANCE), request.query_params.get("site", "")
    if place not in poster.PLACES:
        raise Fault("no-paper", 404, place)
    desk, link, what = desk_for(request), link_of(request), f"poster-{place}"
    name = _called(request, what)
    if place == poster.DECLARATION:
        with reading(desk_of(request).engine) as connection:
            token, found = declarations.link_of(connection, site), store.site_named(connection, site)
        if not token or found is None:
            raise Fault("no-paper", 404, f"{place} {site}")
        link, name = f"{request.base_url}declare/{token}", _called(request, what, _ascii(found))
    return _sheet(request, what, poster.render(place, desk.head, link, desk.language), name)


def consent(request: Request) -> Response:
    """The form with which somebody agrees."""
    desk = desk_for(request)
    form = consent_form.render(desk.head, desk.retention_days, desk.language)
    return _sheet(request, "consent", form, _called(request, "consent"))


def visitor(request: Request) -> Response:
    """Slips for visitors: blank, or for the one who wears `?tag=` now."""
    only = request.query_params.get("tag", "")
    desk = desk_for(request)
    with reading(desk_of(request).engine) as connection:
        sites = store.sites(connection)
        # Whoever wears it and is no visitor is not named: the desk prints slips, and looks nobody up with them.
        found = registers.tags(connection, only=only, visitors=True) if only else []
        host, lent_ms = registers.visit_of(connection, only)
    if only and not found:
        raise Fault("no-tag", 404, only)
    zone = sites[0].zone if sites else UTC
    today = day_asked("", zone, desk.now_ms).date
    came = f"{papers.local(lent_ms, zone):%H:%M %d/%m/%Y}" if lent_ms else ""
    slip = Slip(found[0].number, found[0].name, host, came) if found else None
    form = visitor_slip.render(desk.head, link_of(request), desk.kept(today), desk.language, slip)
    return _sheet(request, "visitor", form, _called(request, "visitor", only))


def _site(request: Request, connection: Transaction) -> store.Site:
    name = request.path_params["site"]
    site = store.site_named(connection, name)
    if site is None:
        raise Fault("no-site", 404, name)
    return site


def _form(request: Request) -> str:
    form = request.query_params.get("form", "pdf")
    if form not in papers.FORMS:
        raise Fault("no-paper", 404, form)
    return form


def _called(request: Request, what: str, *parts: object) -> str:
    """The name of a file, in the language of the request."""
    return file_name(language_of(request), what, *parts)


def _ascii(site: store.Site) -> str:
    """A site as the name of a file can say it."""
    return in_ascii(site.title) or site.name


def _answer(request: Request, paper: Paper, about: str, name: str) -> Response:
    """The paper in the form that was asked for, recorded in the audit log; `name`: of its file."""
    form = _form(request)
    if wants_json(request):
        _record(request, about, "json")
        return JSONResponse(twin(paper))
    return _file(request, name, papers.RENDERERS[form](paper), about)


def _sheet(request: Request, what: str, data: bytes, name: str) -> Response:
    """A paper without rows."""
    if wants_json(request):
        return JSONResponse({"paper": what, "retention_days": settings_of(request).retention_days})
    if _form(request) != "pdf":
        raise Fault("no-paper", 404, _form(request))
    return _file(request, name, data, what)


def _file(request: Request, name: str, data: bytes, about: str) -> Response:
    form = _form(request)
    _record(request, about, form)
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(data, media_type=TYPES[form], headers=headers)


def _record(request: Request, about: str, form: str) -> None:
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms = desk.clock()
    with reading(desk.engine) as connection:  # a JSON twin may be asked for every minute
        if form == "json" and audit.recorded_since(connection, now_ms - REPEAT_MS, actor, "export.make", about):
            return
    with writing(desk.engine) as connection:
        audit.record(connection, now_ms, actor, "export.make", about, form)
