"""`/start/<token>`: a one-time link, at which somebody sets a password."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend import passwords
from zonetag_backend.errors import AlreadyThere, BadValue
from zonetag_backend.roles import FULL
from zonetag_backend.store import accounts, links
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.links import OneTime
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import NEXT_STEP, field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.pages.account import TEXTS, new_password_fault
from zonetag_backend.web.pages.login import renewed, stage_after_password
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import set_token

TAKEN = _("There is an account of this name already: choose another.")
BAD_NAME = _("A name for signing in is 1 to 64 characters.")


def start(request: Request) -> Response:
    """Name (for a new account) and password, twice; then on to the second factor."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    token = request.path_params["token"]
    with reading(desk.engine) as connection:
        link = links.find(connection, token, now_ms)
    if link is None:
        raise Fault("link-over", 404)
    if request.method != "POST":
        return _form(request, link)
    name = link.name or field(request, "name")
    error = new_password_fault(request, name)
    if error:
        return _form(request, link, TEXTS[error])
    hashed = passwords.hashed(field(request, "new"))
    try:
        with writing(desk.engine) as connection:
            if not links.use_up(connection, token):
                raise Fault("link-over", 404)
            whose = link.account
            if whose is None:
                whose = accounts.add(connection, name, link.role, now_ms, "link")
            who = accounts.with_id(connection, whose)
            accounts.set_password(connection, who, hashed, now_ms, f"account:{who.name}")
            stage = stage_after_password(who)
            if stage == FULL:
                accounts.signed_in(connection, who, now_ms)
            cookie = renewed(request, connection, whose, stage, now_ms)
    except AlreadyThere:
        return _form(request, link, TAKEN)
    except BadValue:
        return _form(request, link, BAD_NAME)
    response = RedirectResponse(NEXT_STEP.get(stage, "/"), 303)
    set_token(request, response, cookie)
    return response


def _form(request: Request, link: OneTime, error: str = "") -> Response:
    twin = {"name": link.name, "role": link.role}
    typed = field(request, "name") if error else ""
    return show(request, "start", lambda: twin, 400 if error else 200, link=link, error=error, typed=typed)
