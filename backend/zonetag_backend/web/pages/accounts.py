"""`/accounts`: who may sign in.  A new one, or one that was reset, gets a one-time link, which is shown once."""

from typing import Any

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend.errors import AlreadyThere, BadValue, NotFound
from zonetag_backend.roles import ROLES
from zonetag_backend.store import accounts as store
from zonetag_backend.store import links
from zonetag_backend.store.accounts import Account
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.pages.start import BAD_NAME, TAKEN
from zonetag_backend.web.render import show
from zonetag_backend.web.times import iso
from zonetag_backend.web.visitor import visitor_of
from zonetag_backend.web.zones import first_zone

LARGEST_ID = 2**63 - 1
DISABLE, ENABLE, RESET, LINK = "disable", "enable", "reset", "link"  # what `act` may say
LAST = _("This is the last administrator: make another one first.")


def accounts(request: Request) -> Response:
    """The list; and a new account (fields `name`, `role`)."""
    if request.method != "POST":
        return _list(request)
    desk, now_ms = desk_of(request), desk_of(request).clock()
    actor = visitor_of(request).actor
    role = field(request, "role")
    if role not in ROLES:
        raise Fault("bad-form", 400)
    try:
        with writing(desk.engine) as connection:
            new = store.add(connection, field(request, "name"), role, now_ms, actor)
            token = links.make(connection, new, role, now_ms, links.INVITE_MS, actor)
            who = store.with_id(connection, new)
    except AlreadyThere:
        return _list(request, TAKEN)
    except BadValue:
        return _list(request, BAD_NAME)
    return _link(request, who, token)


def change(request: Request) -> Response:
    """Field `act`: disable, enable, reset (password and second factor), link (another one, for a password alone)."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    actor, act, text = visitor_of(request).actor, field(request, "act"), request.path_params["account"]
    if act not in (DISABLE, ENABLE, RESET, LINK):
        raise Fault("bad-form", 400)
    known = text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID
    token = ""
    try:
        with writing(desk.engine) as connection:
            who = store.with_id(connection, int(text) if known else -1)
            if act in (DISABLE, ENABLE):
                store.set_disabled(connection, who, act == DISABLE, now_ms, actor)
            if act == RESET:
                store.reset(connection, who, now_ms, actor)
            if act in (RESET, LINK):
                token = links.make(connection, who.id, who.role, now_ms, links.INVITE_MS, actor)
    except NotFound:
        raise Fault("no-account", 404, text) from None
    except BadValue:
        return _list(request, LAST)
    return _link(request, who, token) if token else RedirectResponse("/accounts", 303)


def _list(request: Request, error: str = "") -> Response:
    desk = desk_of(request)
    with reading(desk.engine) as connection:
        found = store.all_accounts(connection)
        zone = first_zone(connection)
    return show(
        request,
        "accounts",
        lambda: {"accounts": [_twin(each, zone) for each in found]},
        400 if error else 200,
        accounts=found,
        roles=ROLES,
        error=error,
        zone=zone,
        now_ms=desk.clock(),
    )


def _twin(each: Account, zone: Any) -> dict[str, Any]:
    return {
        "account": str(each.id),
        "name": each.name,
        "role": each.role,
        "disabled": each.disabled,
        "password": bool(each.password),
        "second_factor": each.totp is not None,
        "last_login": iso(each.login_ms or None, zone),
    }


def _link(request: Request, who: Account, token: str) -> Response:
    link = f"{request.url.scheme}://{request.headers['host']}/start/{token}"
    hours = links.INVITE_MS // 3_600_000
    return show(request, "link", lambda: {"name": who.name, "link": link}, who=who, link=link, hours=hours)
