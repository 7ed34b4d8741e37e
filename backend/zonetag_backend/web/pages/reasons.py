"""`/reasons/<case>`: why somebody wants to read contacts.  `/consents`: reasons that wait for a second officer."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.store import reasons as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.reasons import Reason
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.localpath import safe_next
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

TOO_SHORT = _("Say in a few words why the contacts are needed.")
LARGEST_ID = 2**63 - 1
LONGEST_CASE = 64  # characters of a case's id in an address


def reason(request: Request) -> Response:
    """Give a reason (field `reason`), and go on to `?next=`; or see that it waits for consent."""
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms, case = desk.clock(), request.path_params["case"]
    if len(case) > LONGEST_CASE:
        raise Fault("not-found", 404)
    then = safe_next(field(request, "next") if request.method == "POST" else request.query_params.get("next", ""))
    error = ""
    if request.method == "POST":
        try:
            with writing(desk.engine) as connection:
                store.give(connection, case, actor, field(request, "reason"), now_ms)
        except BadValue:
            error = TOO_SHORT
        if not error and not desk.second_officer:
            return RedirectResponse(then, 303)
    with reading(desk.engine) as connection:
        held = store.holding(connection, case, actor, now_ms)
    waits = held if held is not None and desk.second_officer and held.agreed_by is None else None
    if held is not None and waits is None and not error:
        return RedirectResponse(then, 303)
    twin = {"case": case, "waits": waits is not None}
    return show(request, "reason", lambda: twin, 400 if error else 200, case=case, then=then, waits=waits, error=error)


def consents(request: Request) -> Response:
    """Reasons of others that wait; only its own are not to be agreed to."""
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        found = store.waiting(connection, now_ms)
        zone = first_zone(connection)
    me = visitor_of(request).actor
    return show(
        request,
        "consents",
        lambda: {"consents": [_twin(each, zone) for each in found]},
        found=found,
        me=me,
        now_ms=now_ms,
        wanted=desk.second_officer,
    )


def consent(request: Request) -> Response:
    """Agree to one."""
    desk, text = desk_of(request), request.path_params["consent"]
    known = text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID
    try:
        with writing(desk.engine) as connection:
            store.agree(connection, int(text) if known else -1, visitor_of(request).actor, desk.clock())
    except (NotFound, BadValue):
        raise Fault("no-consent", 404, text) from None
    return RedirectResponse("/consents", 303)


def _twin(each: Reason, zone: Any) -> dict[str, Any]:
    asked = iso(each.asked_ms, zone)
    return {"consent": str(each.id), "case": each.case, "asked_by": each.asked_by, "reason": each.reason, "at": asked}
