"""`/codes`: the desk makes a one-time code, with which somebody sees what is held about them.  Shown once."""

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.errors import NotFound
from zonetag_backend.store import audit, mine_codes
from zonetag_backend.store.engine import writing
from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.qr import qr_of
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

UNKNOWN = _("Nobody wears a tag with this number.")


def codes(request: Request) -> Response:
    """Field `tag`: whoever wears it now, and stands at the desk."""
    if request.method != "POST":
        return show(request, "codes", lambda: {}, code="", number="", error="")
    desk, number = desk_of(request), field(request, "tag").strip()[:64]
    now_ms = desk.clock()
    try:
        with writing(desk.engine) as connection:
            who = mine_codes.wearer(connection, number)
            if who is None:
                raise NotFound("nobody wears this tag")
            code = mine_codes.issue(connection, who, now_ms)
            audit.record(connection, now_ms, visitor_of(request).actor, "mine.code", who)
            zone = first_zone(connection)
            number = mine_codes.number_of(connection, who) or number
    except NotFound:
        return show(request, "codes", lambda: {}, 400, code="", number=number, error=UNKNOWN)
    until_ms, address = now_ms + mine_codes.CODE_MS, f"{request.base_url}mine"
    return show(
        request,
        "codes",
        lambda: {},
        code=code,
        number=number,
        error="",
        until_ms=until_ms,
        zone=zone,
        address=address,
        qr=qr_of(address),
    )
