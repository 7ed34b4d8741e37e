"""`/requests`: what people ask of their own data, by deadline.  For the administrator; no health or contact data."""

from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend import dutydays
from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.store import audit, consent_ledger, mine_codes, people, registry, restrictions, retention
from zonetag_backend.store import subject_requests as store
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.web import subjectwords
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.portion import portion_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

UNKNOWN = _("Nobody wears this tag or has this staff number, or several people have this name.")
TWICE = _("This is asked for already and not settled yet.")
WHY = _("Say why: whoever asked reads it.")
BAD = _("This cannot be: look at the name, the unit and the staff number.")
DONE = {"taken": _("The request is in the list."), "settled": _("The request is settled."), "lifted": _("Shown again.")}
LARGEST_ID = 2**63 - 1


def requests(request: Request) -> Response:
    """The list; a form takes in what came on paper, or (`act` lift, `person`) ends a restriction.  `?done=` says so."""
    if request.method == "POST" and field(request, "act") == "lift":
        return _lift(request)
    error = _take(request) if request.method == "POST" else ""
    if request.method == "POST" and not error:
        return RedirectResponse("/requests?done=taken", 303)
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        zone = first_zone(connection)
        found = store.requests(connection)
        hidden = sorted(restrictions.everybody(connection))
        restricted = people.everybody(connection, hidden) if hidden else []
    asked = request.query_params.get("done", "")
    portion = portion_of(request, len(found), len(found) or 1)
    return show(
        request,
        "requests",
        lambda: {"requests": [_twin(each, zone, now_ms) for each in found[portion.part]], **portion.twin(request)},
        400 if error else 200,
        found=found,
        restricted=restricted,
        zone=zone,
        now_ms=now_ms,
        today=local(now_ms, zone).date(),
        error=error,
        done=DONE.get(asked, ""),
        typed=dict(request.state.form) if error else {},
        kinds=dutydays.KINDS,
        texts=subjectwords,
    )


def _lift(request: Request) -> Response:
    desk, who = desk_of(request), id_of(field(request, "person"))
    with writing(desk.engine) as connection:
        if restrictions.since_ms(connection, who) is None:
            raise Fault("no-person", 404)
        restrictions.lift(connection, who)
        audit.record(connection, desk.clock(), visitor_of(request).actor, "person.release", who)
    return RedirectResponse("/requests?done=lifted", 303)


def one(request: Request) -> Response:
    """One of them: acknowledge, carry out, refuse; and what that does."""
    desk, which = desk_of(request), _id(request.path_params["request"])
    error = _act(request, which) if request.method == "POST" else ""
    if request.method == "POST" and not error:
        gone = field(request, "act") in ("do", "refuse", "lift")
        done = "lifted" if field(request, "act") == "lift" else "settled"
        return RedirectResponse(f"/requests?done={done}" if gone else f"/requests/{which}", 303)
    now_ms = desk.clock()
    try:
        with reading(desk.engine) as connection:
            zone, found = first_zone(connection), store.with_id(connection, which)
            of = people.with_id(connection, found.person)
    except NotFound:
        raise Fault("no-request", 404) from None
    return show(
        request,
        "request",
        lambda: _twin(found, zone, now_ms),
        400 if error else 200,
        each=found,
        of=of,
        zone=zone,
        now_ms=now_ms,
        today=local(now_ms, zone).date(),
        error=error,
        typed=dict(request.state.form) if error else {},
        texts=subjectwords,
        most=store.MOST_TEXT,
    )


def person_asked(connection: Transaction, text: str) -> int:
    """Whom a desk means: by the number of the tag that they wear, their staff number, or a name that one has."""
    worn = mine_codes.wearer(connection, text)
    return registry.find_person(connection, text.strip()) if worn is None else worn


def _take(request: Request) -> str:
    desk, by = desk_of(request), visitor_of(request).actor
    now_ms = desk.clock()
    try:
        with writing(desk.engine) as connection:
            who = person_asked(connection, field(request, "who")[:200])
            store.ask(
                connection,
                who,
                field(request, "kind"),
                field(request, "text"),
                how=consent_ledger.PAPER,
                by=by,
                now_ms=now_ms,
                zone=first_zone(connection),
                holidays=desk.subjects.holidays,
            )
    except NotFound:
        return UNKNOWN
    except AlreadyThere:
        return TWICE
    except BadValue:
        return BAD
    return ""


def _act(request: Request, which: int) -> str:
    desk, by, act = desk_of(request), visitor_of(request).actor, field(request, "act")
    now_ms, answer = desk.clock(), field(request, "answer").strip()
    corrected = (field(request, "name"), field(request, "unit"), field(request, "code"))
    erased = None
    try:
        with writing(desk.engine) as connection:
            if act == "acknowledge":
                store.acknowledge(connection, which, by, now_ms)
            elif act == "refuse":
                store.refuse(connection, which, answer, by, now_ms)
            elif act == "do":
                erased = store.carry_out(
                    connection, desk.keys, which, answer, by=by, now_ms=now_ms, corrected=corrected
                )
            elif act == "lift":
                who = store.with_id(connection, which).person
                restrictions.lift(connection, who)
                audit.record(connection, now_ms, by, "person.release", who)
            else:
                raise Fault("bad-form", 400)
    except NotFound:
        raise Fault("no-request", 404) from None
    except AlreadyThere:
        return TWICE if act == "acknowledge" else BAD
    except BadValue:
        return WHY if act == "refuse" else BAD
    if erased is not None:  # after the commit: a restored backup erases them again
        retention.empty_log(desk.engine)  # else the name stays in the file until the next hourly round
        desk.subjects.note_erased(erased.person)
    return ""


def _id(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > 19 or int(text) > LARGEST_ID:  # digits of 2^63
        raise Fault("no-request", 404, text)
    return int(text)


def _twin(each: store.Request, zone: ZoneInfo, now_ms: int) -> dict[str, object]:
    def at(ms: int | None) -> str | None:
        return iso(ms, zone)

    return {
        "request": str(each.id),
        "name": each.name,
        "unit": each.unit,
        "kind": each.kind,
        "text": each.text,
        "how": each.how,
        "asked": at(each.asked_ms),
        "acknowledge_by": at(each.acknowledge_by_ms),
        "acknowledged": at(each.acknowledged_ms),
        "due": at(each.due_ms),
        "overdue": each.overdue(now_ms),
        "state": each.state,
        "settled": at(each.settled_ms),
        "answer": each.answer,
    }
