"""`/typed`: what somebody had typed when their session was over, to be sent again or thrown away."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.web.desk import desk_of
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import visitor_of

# Field -> its word; others are shown as they are called.
WORDS = {
    "name": _("Name"),
    "unit": _("Unit"),
    "code": _("Staff number"),
    "tag": _("Tag"),
    "reason": _("Reason"),
    "place": _("Place"),
    "gateway": _("Gateway"),
    "case": _("Case"),
}


def typed(request: Request) -> Response:
    """The fields and a button that sends them where they were to go; a form sent to this page throws them away."""
    desk, account = desk_of(request), visitor_of(request).account
    found = desk.drafts.of(account, desk.clock())
    if request.method == "POST" or found is None:
        desk.drafts.drop(account)
        return RedirectResponse("/", 303)
    return show(
        request, "typed", lambda: {"to": found.where, "fields": [list(each) for each in found.fields]},
        typed=found, names=WORDS,
    )  # fmt: skip
