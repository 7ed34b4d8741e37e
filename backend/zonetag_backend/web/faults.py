"""Answers to requests that no page can serve, in both languages and as JSON."""

from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.web import languages
from zonetag_backend.web.desk import Fault
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.reasoned import WANTED
from zonetag_backend.web.render import address, show, wants_json
from zonetag_backend.web.rights import RIGHTS
from zonetag_backend.web.shield import HEADERS, NO_STORE

# Code -> what is wrong, what to do.  Marked for the catalogues here, translated when shown.
TEXTS = {
    "bad-day": (_("This is not a day"), _("Write the day as year-month-day, for example 2026-11-20.")),
    "bad-show": (_("This filter does not exist"), _("Choose who is in, who left, or everybody.")),
    "bad-page": (_("This page number is not a number"), _("Go back to the first page of the book.")),
    "no-site": (_("There is no such site"), _("Choose a site from the front page.")),
    "no-tag": (_("There is no such tag"), _("Look for it in the list of tags.")),
    "no-firmware": (_("There is no such firmware"), _("Choose one from the list of firmware.")),
    "no-work": (
        _("This import is not under way"),
        _("It is over, or the server was started anew, and then nothing was changed. See the list of people."),
    ),
    "no-visitor": (_("This visitor has no tag any longer"), _("See the list of visitors: it may be back already.")),
    "no-person": (_("There is no such person"), _("Look for the person in the in-out book.")),
    "not-found": (_("There is no such page"), _("Start from the front page.")),
    "not-allowed": (_("This page can only be read"), _("Open the address in a browser, without sending anything.")),
    "not-yours": (_("This page is not for your role"), _("Ask whoever has the role, or the administrator.")),
    "sign-in": (_("Nobody is signed in"), _("Sign in first; after a rest everybody is signed out.")),
    "forged": (
        _("This form does not come from here"),
        _("Load the page again and send it once more. If it came from a link elsewhere, do not trust that link."),
    ),
    "too-large": (_("This is too large"), _("Send less at once.")),
    "bad-form": (_("This form cannot be read"), _("Load the page again and send it once more.")),
    "link-over": (
        _("This link opens nothing"),
        _("It was used, its time is over, or another one was made since. Ask the administrator for a new one."),
    ),
    "reason-wanted": (
        _("A reason is wanted"),
        _("Say for which case and why, at /reasons/ and the case; where it is set so, a second officer agrees."),
    ),
    "no-consent": (_("There is nothing to agree to"), _("It was agreed to, is too old, or is your own.")),
    "no-place": (_("There is no such place"), _("Choose one from the list of screens.")),
    "no-screen": (_("There is no such screen"), _("It was revoked; choose one from the list.")),
    "no-account": (_("There is no such account"), _("Choose one from the list of accounts.")),
    "no-case": (_("There is no such case"), _("Choose one from the list of cases; what is too old is gone.")),
    "no-file": (_("There is no such file"), _("Choose one under “Export” of the case.")),
    "nobody-to-find": (
        _("The other office could find nobody with it"),
        _("Nothing is kept of the tags that were worn on those days, or far too many were worn."),
    ),
    "restricted": (
        _("This person's data is not shown"),
        _("They asked for that. The administrator can lift it under “Requests”, if they agree."),
    ),
    "no-request": (_("There is no such request"), _("It went with the person, or its time is over.")),
    "no-paper": (_("There is no such paper"), _("Choose one under “Papers”, as PDF, XLSX or CSV.")),
    "no-channel": (
        _("No way out is set"),
        _("Set notices.webhook_url or notices.mail_url, and start the server anew."),
    ),
    "broken": (_("Something is broken on our side"), _("Try again; if it stays, look into the log of zonetag serve.")),
}

_BY_STATUS = {404: "not-found", 405: "not-allowed"}


async def fault(request: Request, error: Exception) -> Response:
    """The page of a Fault."""
    assert isinstance(error, Fault)
    if error.code == WANTED and not wants_json(request):
        return RedirectResponse(f"/reasons/{quote(error.about, safe='')}?{urlencode({'next': address(request)})}", 303)
    return _show(request, error.code, error.status, error.about)


async def http_fault(request: Request, error: Exception) -> Response:
    """The page of what Starlette itself refuses."""
    assert isinstance(error, HTTPException)
    response = _show(request, _BY_STATUS.get(error.status_code, "not-found"), error.status_code, "")
    response.headers.update(error.headers or {})
    return response


async def broken(request: Request, error: Exception) -> Response:
    """The page of a fault of ours; it is answered outside the shield, so it brings the shield's headers itself."""
    response = _show(request, "broken", 500, "")
    response.headers.update({**HEADERS, "Cache-Control": NO_STORE})
    return response


def _show(request: Request, code: str, status: int, about: str) -> Response:
    request.state.page = ""  # whatever the page would have shown
    title, remedy = TEXTS[code]
    texts = languages.translations(languages.language_of(request))
    twin = {"error": code, "message": texts.gettext(title), "remedy": texts.gettext(remedy), "about": about[:200]}
    return show(
        request,
        "fault",
        lambda: twin,
        status,
        title=title,
        remedy=remedy,
        about=about[:200],
        status_code=status,
        sign_in=_sign_in(request) if code == "sign-in" else "",
        drafted=getattr(request.state, "drafted", False),
    )


def _sign_in(request: Request) -> str:
    """Back to the page of the form that was sent, when its address has one."""
    route = request.scope.get("route")
    known = "GET" in RIGHTS.get(getattr(route, "path", ""), {})
    return f"/login?{urlencode({'next': address(request)})}" if known else "/login"
