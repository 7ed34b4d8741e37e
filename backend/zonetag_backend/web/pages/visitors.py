"""`/visitors`: a tag is lent at the desk; who has not given it back.  `/visitors/ID` takes it back."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import BadValue, NotFound
from zonetag_backend.names import text_key
from zonetag_backend.store import audit, tag_list
from zonetag_backend.store import visitors as store
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.visitors import Visit
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.numbers import id_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

LONG_MS = 12 * 3_600_000  # a tag that is out so long was forgotten
OFFERED = 100
SHOWN_BACK = 100
RETURN, LOST = "return", "lost"  # what `act` may say

BAD = _("The name is 1 to 200 characters that can be printed, the telephone number at most 40.")
TAKEN = _("This tag cannot be lent: it is lent already, or lost, or not one for visitors. Take another one.")
NO_TAG = _("There is no tag with this number. It stands on the tag, for example A-001.")
DONE = {"lent": _("Lent."), "returned": _("The tag is back."), "lost": _("Noted as lost.")}


def visitors(request: Request) -> Response:
    """The form for lending, who has a tag, and who gave one back today."""
    return _list(request) if request.method != "POST" else _lend(request)


def _lend(request: Request) -> Response:
    desk, now_ms = desk_of(request), desk_of(request).clock()
    who = (field(request, "name"), field(request, "host"), field(request, "phone"))
    number = field(request, "tag").strip()
    try:
        with writing(desk.engine) as connection:
            which = tag_list.numbered(connection, number)
            if not (which.free and which.for_visitors):
                return _list(request, TAKEN)
            store.lend(connection, desk.keys, who, which.number, now_ms)
            audit.record(connection, now_ms, visitor_of(request).actor, "visitor.lend", which.number)
    except NotFound:
        return _list(request, NO_TAG)
    except BadValue:
        return _list(request, BAD)
    return RedirectResponse("/visitors?done=lent", 303)


def back(request: Request) -> Response:
    """Field `act`: return, lost."""
    desk, now_ms, text = desk_of(request), desk_of(request).clock(), request.path_params["person"]
    act = field(request, "act")
    if act not in (RETURN, LOST):
        raise Fault("bad-form", 400)
    try:
        with writing(desk.engine) as connection:
            number = store.take_back(connection, desk.keys, id_of(text), now_ms, lost=act == LOST)
            action = "visitor.return" if act == RETURN else "tag.state"
            audit.record(connection, now_ms, visitor_of(request).actor, action, number, "" if act == RETURN else act)
    except NotFound:
        raise Fault("no-visitor", 404, text) from None
    return RedirectResponse(f"/visitors?done={'lost' if act == LOST else 'returned'}", 303)


def _list(request: Request, error: str = "") -> Response:
    desk = desk_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        zone = first_zone(connection)
        today = local(now_ms, zone).replace(hour=0, minute=0, second=0, microsecond=0)
        visits = store.visits(connection, int(today.timestamp() * 1000))
        pool = tag_list.tags(connection, tag_list.Wanted(tag_list.FOR_VISITORS))
    free = sorted((each.number for each in pool if each.free), key=text_key)
    return show(
        request,
        "visitors",
        lambda: {"free": free, "visitors": [_twin(each, zone) for each in visits]},
        400 if error else 200,
        out=[each for each in visits if each.returned_ms is None],
        back=[each for each in visits if each.returned_ms is not None][:SHOWN_BACK],
        free=free[:OFFERED],
        pool=len(pool),
        zone=zone,
        today=today.date(),
        now_ms=now_ms,
        long_ms=LONG_MS,
        error=error,
        lent=_just_lent(visits) if request.query_params.get("done") == "lent" and not error else None,
        done="" if error else DONE.get(request.query_params.get("done", ""), ""),
        typed=dict(request.state.form) if error else {},
    )


def _just_lent(visits: Sequence[Visit]) -> Visit | None:
    return max((each for each in visits if each.returned_ms is None), key=lambda each: each.lent_ms, default=None)


def _twin(each: Visit, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "person": str(each.person),
        "name": each.name,
        "host": each.host,
        "phone": each.phone,
        "tag": each.number,
        "lent": iso(each.lent_ms, zone),
        "returned": iso(each.returned_ms, zone),
    }
