"""Before contacts are read: a case and a reason, and a second officer's consent where the office wants it.

A page about contacts begins with `reason = reasoned.require(request, case)`; nothing of it is shown before.
"""

from starlette.requests import Request

from zonetag_backend.store import audit, reasons
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.reasons import Reason
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import REPEAT_MS
from zonetag_backend.web.visitor import visitor_of

WANTED = "reason-wanted"  # the fault that leads a browser to /reasons/CASE, and back when the reason is given


def require(request: Request, case: str, action: str = "contacts.read") -> Reason:
    """The reason for which this visitor may read the contacts of a case, recorded in the audit log as `action`.

    Fault("reason-wanted", 403) when none was given, or a second officer has not agreed yet.
    """
    desk, actor = desk_of(request), visitor_of(request).actor
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        reason = reasons.holding(connection, case, actor, now_ms)
        known = audit.recorded_since(connection, now_ms - REPEAT_MS, actor, action, case)
    if reason is None or (desk.second_officer and reason.agreed_by is None):
        raise Fault(WANTED, 403, case)
    if not known:
        with writing(desk.engine) as connection:
            audit.record(connection, now_ms, actor, action, case, reason.reason)
    return reason
