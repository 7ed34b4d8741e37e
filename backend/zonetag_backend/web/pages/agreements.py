"""`/agreements`: who agreed to what; signed forms are entered here, many at once.  A ledger that only grows."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue
from zonetag_backend.store import consent_ledger as store
from zonetag_backend.store import directory, people, subject_requests
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web import subjectwords
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field, form_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.portion import portion_of
from zonetag_backend.web.render import show, wants_json
from zonetag_backend.web.visitor import visitor_of

ROWS = 200  # people on a page: a stack of forms
SHOWS = (
    directory.ALL,
    directory.LACKING,
    directory.WORN_LACKING,
)  # everybody; who has not agreed to what a tag needs; of these who wears one
NOBODY = _("Tick at least one person and one purpose, and say which text was signed.")
LARGEST_ID = 2**63 - 1


def agreements(request: Request) -> Response:
    """The list, narrowed by `?q=`, `?show=`; a form notes what the ticked people agreed to."""
    desk, error = desk_of(request), ""
    if request.method == "POST":
        error = _note(request)
        if not error:
            return RedirectResponse("/agreements?show=lacking&done=1", 303)
    query, shown = request.query_params.get("q", "")[:200], request.query_params.get("show", "")
    if shown not in SHOWS:
        raise Fault("bad-show", 400, shown)
    asks = directory.Wanted(query, lacking=shown)
    with reading(desk.engine) as connection:
        found = directory.count(connection, asks)
        portion = portion_of(request, found, ROWS)
        staff = directory.find(connection, asks, portion.part if wants_json(request) else slice(0, ROWS))
        agreed = store.given(connection, [each.id for each in staff])
        needs = directory.Wanted(lacking=directory.WORN_LACKING)
        without = directory.count(connection, needs) if desk.subjects.consent_required else 0
    return show(
        request,
        "agreements",
        lambda: {
            "people": [
                {
                    "person": str(each.id),
                    "name": each.name,
                    "unit": each.unit,
                    "code": each.code,
                    "tags": list(each.numbers),
                    "agreed": sorted(agreed.get(each.id, ())),
                }
                for each in staff
            ],
            **portion.twin(request),
        },
        400 if error else 200,
        staff=staff,
        more=max(0, found - ROWS),
        agreed=agreed,
        without=without,
        query=query,
        shown=shown,
        shows=SHOWS,
        purposes=store.PURPOSES,
        needed=store.NEEDED,
        longest=store.LONGEST_VERSION,
        texts=subjectwords,
        error=error,
        done=request.query_params.get("done", "") == "1",
    )


def _note(request: Request) -> str:
    desk, form = desk_of(request), form_of(request)
    who = [int(text) for text in form.getlist("person") if isinstance(text, str) and _is_id(text)]
    purposes = [text for text in form.getlist("purpose") if isinstance(text, str)]
    now_ms, by = desk.clock(), visitor_of(request).actor
    if not who:
        return NOBODY
    try:
        with writing(desk.engine) as connection:
            known = {each.id for each in people.everybody(connection, who)}
            for each in dict.fromkeys(who):
                if each in known:
                    given = field(request, "act") != "withdraw"
                    version = field(request, "version")
                    how = store.PAPER
                    store.note(connection, each, purposes, given=given, how=how, version=version, by=by, now_ms=now_ms)
                    if not given:
                        subject_requests.stop(connection, desk.keys, each, purposes, by=by, now_ms=now_ms)
    except BadValue:
        return NOBODY
    return ""


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID  # digits of 2^63
