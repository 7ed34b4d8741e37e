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
ROLE, TOTP, UNLOCK = "role", "totp", "unlock"
ACTS = (DISABLE, ENABLE, RESET, LINK, ROLE, TOTP, UNLOCK)
OWN = _("Nobody takes rights away from their own account: ask another administrator.")
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
    """Field `act`: disable, enable, reset (password and second factor), link (another one, for a password alone),
    role (field `role`), totp (take the second factor away), unlock.
    """
    desk, now_ms = desk_of(request), desk_of(request).clock()
    actor, act, text = visitor_of(request).actor, field(request, "act"), request.path_params["account"]
    role = field(request, "role") if act == ROLE else ""
    if act not in ACTS or (act == ROLE and role not in ROLES):
        raise Fault("bad-form", 400)
    known = text.isascii() and text.isdecimal() and len(text) <= 19 and int(text) <= LARGEST_ID
    token = ""
    try:
        with writing(desk.engine) as connection:
            who = store.with_id(connection, int(text) if known else -1)
            if act in (DISABLE, ROLE, TOTP) and who.id == visitor_of(request).account:
                return _list(request, OWN)
            if act == ROLE and role != who.role:
                store.set_role(connection, who, role, now_ms, actor)
                if not who.password:  # the link that they had is void
                    token = links.make(connection, who.id, role, now_ms, links.INVITE_MS, actor)
            if act == TOTP:
                store.reset_second_factor(connection, who, now_ms, actor)
            if act == UNLOCK:
                store.unlock(connection, who, now_ms, actor)
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
        lambda: {"accounts": [_twin(each, zone, desk.clock()) for each in found]},
        400 if error else 200,
        accounts=found,
        roles=ROLES,
        error=error,
        zone=zone,
        now_ms=desk.clock(),
    )


def _twin(each: Account, zone: Any, now_ms: int) -> dict[str, Any]:
    return {
        "account": str(each.id),
        "name": each.name,
        "role": each.role,
        "disabled": each.disabled,
        "locked": each.locked(now_ms),
        "password": bool(each.password),
        "second_factor": each.totp is not None,
        "last_login": iso(each.login_ms or None, zone),
    }


def _link(request: Request, who: Account, token: str) -> Response:
    link = f"{request.url.scheme}://{request.headers['host']}/start/{token}"
    hours = links.INVITE_MS // 3_600_000
    return show(request, "link", lambda: {"name": who.name, "link": link}, who=who, link=link, hours=hours)
