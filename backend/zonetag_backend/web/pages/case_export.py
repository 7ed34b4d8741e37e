"""`/cases/<id>/export`: the lists of a case as files, and what another office needs to find the case there."""

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.errors import BadValue
from zonetag_backend.reports import case_sheet, csv_file
from zonetag_backend.reports.case_sheet import Sheet
from zonetag_backend.reports.file_name import file_name
from zonetag_backend.store import audit, book, case_story, foreign
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.tracing import abroad
from zonetag_backend.web import caseview, languages
from zonetag_backend.web.caseview import Seat
from zonetag_backend.web.desk import Desk, Fault, desk_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.pages.case import shown
from zonetag_backend.web.render import show
from zonetag_backend.web.times import local
from zonetag_backend.web.visitor import visitor_of

# What the files are called when they are taken along stands in reports/file_name.py.
WORKBOOK, CONTACTS, PLACES, ABROAD = "case.xlsx", "contacts.csv", "places.csv", "case.zonetag"
TYPES = {
    WORKBOOK: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    CONTACTS: "text/csv; charset=utf-8",
    PLACES: "text/csv; charset=utf-8",
    ABROAD: "application/octet-stream",
}
CONTACT_HEADERS = (
    _("Generation"),
    _("Name"),
    _("Unit"),
    _("Staff number"),
    _("Through"),
    _("Evidence"),
    _("From"),
    _("To"),
    _("Places"),
    _("Minutes"),
    _("Low (90%)"),
    _("High (90%)"),
    _("Probability that day"),
    _("Probability of the contact"),
    _("In words"),
    _("Probability of the chain"),
)
PLACE_HEADERS = (
    _("Site"),
    _("Place"),
    _("Case from"),
    _("Case to"),
    _("Name"),
    _("Unit"),
    _("Staff number"),
    _("From"),
    _("To"),
)
SHEETS = (_("Contacts"), _("Places and hours"))


def export(request: Request) -> Response:
    """What can be taken along, and the key by which another office knows our file."""
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        seat = caseview.seat(request, connection)
    caseview.require_reason(request)
    signing = desk.cases.settings.signing_key
    key = abroad.public_hex(signing()) if signing is not None else ""
    files = [name for name in TYPES if name != ABROAD or key]
    twin = {**caseview.case_twin(seat), "files": files, "key": key or None}
    return show(request, "case-export", lambda: twin, **shown(seat), tab="export", key=key)


def file(request: Request) -> Response:
    """One of the files; each is an entry of the audit log."""
    desk, name = desk_of(request), request.path_params["file"]
    with reading(desk.engine) as connection:
        seat = caseview.seat(request, connection)
    caseview.require_reason(request)
    if name not in TYPES or (name == ABROAD and desk.cases.settings.signing_key is None):
        raise Fault("no-file", 404, name)
    with writing(desk.engine) as connection:
        audit.record(connection, seat.now_ms, visitor_of(request).actor, "export.make", f"case {seat.case.id}", name)
        data = _abroad(desk, connection, seat) if name == ABROAD else _list(request, connection, seat, name)
    stem, _dot, ending = name.rpartition(".")
    called = file_name(languages.language_of(request), stem, seat.case.id, local(seat.now_ms, seat.zone).date())
    headers = {"Content-Disposition": f'attachment; filename="{called}.{ending}"'}
    return Response(data, media_type=TYPES[name], headers=headers)


def _list(request: Request, connection: Transaction, seat: Seat, name: str) -> bytes:
    language = languages.language_of(request)
    said = languages.translations(language).gettext
    found = case_story.contacts(connection, seat.case, desk_of(request).cases.settings.floor_ms(seat.now_ms))
    contacts = caseview.by_person(found)
    zones = case_story.zones_of(connection, seat.case.person, seat.window)
    evidence = {code: said(word) for code, word in caseview.EVIDENCE.items()}
    sure = {least: said(word) for least, word in caseview.SURE}
    met = case_sheet.contact_rows(contacts, seat.zone, evidence, sure)
    first = Sheet(said(SHEETS[0]), tuple(said(each) for each in CONTACT_HEADERS), met, frozenset({12, 13, 15}))
    where = case_sheet.place_rows(zones, seat.zone, {each.name: each.title for each in book.sites(connection)})
    second = Sheet(said(SHEETS[1]), tuple(said(each) for each in PLACE_HEADERS), where, frozenset())
    if name == WORKBOOK:
        return case_sheet.workbook([first, second])
    sheet = first if name == CONTACTS else second
    return csv_file.of_rows([sheet.headers, *sheet.rows], language)


def _abroad(desk: Desk, connection: Transaction, seat: Seat) -> bytes:
    settings = desk.cases.settings
    assert settings.signing_key is not None  # looked at before
    low, high = seat.window[0], min(seat.window[1], seat.now_ms)
    sent = foreign.identifiers(connection, desk.keys, seat.case.person, (low, max(low, high)))
    office = settings.notices.office if settings.notices is not None else "Zonetag"
    made = abroad.Abroad(office, seat.case.profile, low, max(low, high), tuple(sent))
    try:
        return abroad.pack(made, settings.signing_key())
    except BadValue:
        raise Fault("nobody-to-find", 409) from None
