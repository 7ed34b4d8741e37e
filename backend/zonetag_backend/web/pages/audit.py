"""`/audit`: who read or did what, for the auditor."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from zonetag_backend.audit_chain import Entry
from zonetag_backend.store import audit_log
from zonetag_backend.store.engine import reading
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso, local
from zonetag_backend.web.zones import first_zone

ROWS = 100  # on a page
LARGEST_SEQ = 2**62


def audit(request: Request) -> Response:
    """The latest entries, narrowed by `?actor=`, `?action=`, `?about=`; `?before=` an entry's number for older ones."""
    desk, asked = desk_of(request), request.query_params
    wanted = {"actor": asked.get("actor", ""), "action": asked.get("action", ""), "about": asked.get("about", "")}
    before = _before(asked.get("before", ""))
    with reading(desk.engine) as connection:
        found = audit_log.latest(connection, wanted, before, ROWS + 1)
        zone = first_zone(connection)
    shown = found[:ROWS]
    return show(
        request,
        "audit",
        lambda: {"entries": [_twin(each, zone) for each in shown]},
        entries=shown,
        older=shown[-1].seq if len(found) > ROWS else None,
        wanted=wanted,
        zone=zone,
        today=local(desk.clock(), zone).date(),
    )


def _before(text: str) -> int:
    if not text:
        return LARGEST_SEQ
    if not (text.isascii() and text.isdecimal()) or len(text) > 18:
        raise Fault("bad-page", 400, text)
    return int(text)


def _twin(each: Entry, zone: Any) -> dict[str, Any]:
    return {
        "seq": each.seq,
        "at": iso(each.at_ms, zone),
        "actor": each.actor,
        "action": each.action,
        "about": each.about,
        "reason": each.reason,
        "hash": each.hash.hex(),
    }
