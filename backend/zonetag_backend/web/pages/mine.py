"""`/mine`: a tag's number and a one-time code; then everything that is held about a person, and what they may ask.

The session is short, sees this one person, and ends by a button: the telephone may be everybody's.
"""

from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend import dutydays
from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.reports.file_name import file_name
from zonetag_backend.store import audit, book, consent_ledger, mine_codes, sessions, subject_requests
from zonetag_backend.store import mine as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.mine import Mine
from zonetag_backend.web import languages, mine_file, subjectwords
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import REPEAT_MS, field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.times import Day, local
from zonetag_backend.web.visitor import drop_token, set_token, visitor_of
from zonetag_backend.web.zones import first_zone

WRONG = _("The tag's number or the code is not right, or the code is over. After five tries a new code is needed.")
WAIT = _("Too many wrong codes came in the last minutes, from here or elsewhere. Try again in ten minutes.")
TWICE = _("You have asked for this already; the answer is on its way.")
LONG = _("This text is too long.")
FILES = {"json": "application/json", "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}


def mine(request: Request) -> Response:
    """The form for number and code; with a session, everything.  `?done=` what was just asked."""
    if request.method == "POST":
        return _enter(request)
    if visitor_of(request).person is None:
        return show(request, "mine_door", lambda: {}, error="")
    return _page(request, asked=request.query_params.get("done", ""))


def ask(request: Request) -> Response:
    """Fields `kind` and `text`: a request of theirs."""
    desk, visitor = desk_of(request), visitor_of(request)
    assert visitor.person is not None
    now_ms, kind = desk.clock(), field(request, "kind")
    try:
        with writing(desk.engine) as connection:
            zone, days = first_zone(connection), desk.subjects.holidays
            asks = {"how": consent_ledger.SCREEN, "by": visitor.actor}
            subject_requests.ask(
                connection,
                visitor.person,
                kind,
                field(request, "text"),
                **asks,
                now_ms=now_ms,
                zone=zone,
                holidays=days,
            )
    except AlreadyThere:
        return _page(request, error=TWICE)
    except BadValue:
        return _page(request, error=LONG)
    return RedirectResponse(f"/mine?done={quote(kind)}#requests", 303)


def copy(request: Request) -> Response:
    """All of it as a file: JSON for programs, XLSX for people."""
    form = request.path_params["form"]
    if form not in FILES:
        raise Fault("not-found", 404)
    visitor = visitor_of(request)
    found, zone = _read(request)
    desk = desk_of(request)
    with writing(desk.engine) as connection:
        audit.record(connection, desk.clock(), visitor.actor, "mine.export", visitor.person or "", form)
        sites = {each.name: each.title for each in book.sites(connection)}
    words = languages.translations(languages.language_of(request)).gettext
    names = desk.subjects.show_officers
    body = (
        mine_file.as_json(found, zone, names) if form == "json" else mine_file.as_xlsx(found, zone, names, words, sites)
    )
    name = file_name(languages.language_of(request), "mine", local(desk.clock(), zone).date())
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"'}
    return Response(body, media_type=FILES[form], headers=headers)


def leave(request: Request) -> Response:
    """The session ends; whoever has the telephone next sees the form."""
    with writing(desk_of(request).engine) as connection:
        mine_codes.close(connection, visitor_of(request).token)
    response = RedirectResponse("/mine", 303)
    drop_token(request, response)
    return response


def _enter(request: Request) -> Response:
    desk, now_ms = desk_of(request), desk_of(request).clock()
    with writing(desk.engine) as connection:
        waits = mine_codes.waits(connection, now_ms)
        claimed = None if waits else mine_codes.claim(connection, field(request, "tag")[:64], now_ms)
    if claimed is None:
        return show(request, "mine_door", lambda: {}, 429, error=WAIT)
    if not mine_codes.fits(claimed, field(request, "code")):
        return show(request, "mine_door", lambda: {}, 401, error=WRONG)
    with writing(desk.engine) as connection:
        token = mine_codes.enter(connection, claimed, now_ms)
        sessions.close(connection, visitor_of(request).token)  # whoever was signed in here is not any longer
    if token is None:
        return show(request, "mine_door", lambda: {}, 401, error=WRONG)
    response = RedirectResponse("/mine", 303)
    set_token(request, response, token)
    return response


def _read(request: Request) -> tuple[Mine, ZoneInfo]:
    desk, who = desk_of(request), visitor_of(request).person
    assert who is not None
    now_ms = desk.clock()
    try:
        with reading(desk.engine) as connection:
            zone = first_zone(connection)
            found = store.read(
                connection,
                desk.keyring,
                who,
                floor_ms=desk.cases.settings.floor_ms(now_ms),
                now_ms=now_ms,
                day_of=lambda at_ms: Day(local(at_ms, zone).date(), zone, local(now_ms, zone).date()).start_ms,
                language=languages.language_of(request),
            )
            known = audit.recorded_since(connection, now_ms - REPEAT_MS, f"person:{who}", "mine.read", who)
    except NotFound:
        raise Fault("no-person", 404) from None
    if not known:
        with writing(desk.engine) as connection:
            audit.record(connection, now_ms, f"person:{who}", "mine.read", who)
    return found, zone


def _page(request: Request, error: str = "", asked: str = "") -> Response:
    found, zone = _read(request)
    desk, now_ms = desk_of(request), desk_of(request).clock()
    return show(
        request,
        "mine",
        lambda: mine_file.plain(found, zone, desk.subjects.show_officers),
        400 if error else 200,
        mine=found,
        days=mine_file.days_of(found, zone),
        zone=zone,
        now_ms=now_ms,
        error=error,
        asked=asked if asked in dutydays.KINDS else "",
        kinds=dutydays.KINDS,
        texts=subjectwords,
        purposes=consent_ledger.PURPOSES,
        agreed={each.purpose: each for each in found.consents},
        show_officers=desk.subjects.show_officers,
        minutes=mine_codes.SESSION_MS // 60_000,
    )
