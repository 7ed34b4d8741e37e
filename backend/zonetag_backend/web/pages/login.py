"""`/login`, `/login/code`, `/logout`: in, by password and then by a code, and out.

Whatever is wrong (name, password, code, an account that waits or is disabled) has one answer, after the same work.
"""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend import passwords
from zonetag_backend.roles import CODE, ENROL, FULL, WITHOUT_CODE
from zonetag_backend.secondfactor import step_of
from zonetag_backend.store import accounts, audit, sessions
from zonetag_backend.store.accounts import Account
from zonetag_backend.store.engine import Transaction, reading, writing
from zonetag_backend.web import typed
from zonetag_backend.web.desk import Desk, desk_of
from zonetag_backend.web.guard import NEXT_STEP, field
from zonetag_backend.web.localpath import safe_next
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import drop_token, set_token, visitor_of


def login(request: Request) -> Response:
    """Name and password; `?next=` is where to go on."""
    visitor = visitor_of(request)
    if request.method == "POST":
        return _sign_in(request)
    if visitor.stage == FULL:
        return RedirectResponse("/", 303)
    return _form(request, request.query_params.get("next", ""))


def _form(request: Request, then: str, *, wrong: bool = False) -> Response:
    with reading(desk_of(request).engine) as connection:
        first = accounts.is_first(connection)
    return show(request, "login", lambda: {}, 401 if wrong else 200, wrong=wrong, then=safe_next(then), first=first)


def _sign_in(request: Request) -> Response:
    desk, now_ms = desk_of(request), desk_of(request).clock()
    name, then = field(request, "name"), safe_next(field(request, "next"))
    with writing(desk.engine) as connection:
        claimed = accounts.claim(connection, name, now_ms)
    right = passwords.fits(claimed.password if claimed else "", field(request, "password"))
    with writing(desk.engine) as connection:
        if claimed is None or not right:
            accounts.failed(connection, name, now_ms)
            return _form(request, then, wrong=True)
        stage = stage_after_password(claimed)
        if stage == CODE:  # the code is still to be guessed, so failures are not forgotten yet
            accounts.take_back(connection, claimed.id)
        else:
            accounts.forgiven(connection, claimed.id)
        if stage == FULL:
            accounts.signed_in(connection, claimed, now_ms)
        token = renewed(request, connection, claimed.id, stage, now_ms)
    response = RedirectResponse(NEXT_STEP.get(stage, _now(desk, claimed.id, then)) + _on(then, stage), 303)
    set_token(request, response, token)
    return response


def _on(then: str, stage: str) -> str:
    """Where to go on, handed over the step of the code."""
    return f"?{urlencode({'next': then})}" if stage == CODE and then != "/" else ""


def _now(desk: Desk, account: int, then: str) -> str:
    """Where somebody goes who is in: first to what they had typed when their session was over."""
    return then if desk.drafts.of(account, desk.clock()) is None else typed.PAGE


def stage_after_password(who: Account) -> str:
    """What is still wanted of somebody whose password was right."""
    if who.totp is not None:
        return CODE
    return FULL if who.role in WITHOUT_CODE else ENROL


def renewed(request: Request, connection: Transaction, whose: int, stage: str, now_ms: int) -> str:
    """A new session in the place of the one of the request: a token known before is worth nothing after."""
    sessions.close(connection, visitor_of(request).token)
    return sessions.open_session(connection, whose, stage, now_ms)


def code(request: Request) -> Response:
    """The code of the second factor, or a recovery code; `?next=` is where to go on."""
    if request.method != "POST":
        return show(request, "code", lambda: {}, wrong=False, then=safe_next(request.query_params.get("next", "")))
    desk, now_ms = desk_of(request), desk_of(request).clock()
    visitor = visitor_of(request)
    with writing(desk.engine) as connection:
        claimed = accounts.claim(connection, visitor.name, now_ms)
    with writing(desk.engine) as connection:
        if claimed is None or not _take(desk, connection, claimed, field(request, "code"), now_ms):
            accounts.failed(connection, visitor.name, now_ms)
            wrong = True
        else:
            wrong = False
            accounts.forgiven(connection, claimed.id)
            accounts.signed_in(connection, claimed, now_ms)
            token = renewed(request, connection, claimed.id, FULL, now_ms)
    then = safe_next(field(request, "next"))
    if wrong or claimed is None:
        return show(request, "code", lambda: {}, 401, wrong=True, then=then)
    response = RedirectResponse(_now(desk, claimed.id, then), 303)
    set_token(request, response, token)
    return response


def _take(desk: Desk, connection: Transaction, who: Account, text: str, now_ms: int) -> bool:
    """Whether a code, or a recovery code, is right; it is used up then."""
    if who.totp is None:
        return False
    secret = accounts.second_factor(connection, desk.keys, who, now_ms)
    step = step_of(secret, text, now_ms, who.totp_step)
    if step is not None:
        return accounts.take_step(connection, who.id, step)
    return accounts.take_recovery(connection, who, text, now_ms)


def logout(request: Request) -> Response:
    """Out: the session is over on the server, whoever has a copy of its cookie."""
    desk, visitor = desk_of(request), visitor_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        known = sessions.find(connection, visitor.token, now_ms)
    with writing(desk.engine) as connection:
        sessions.close(connection, visitor.token)
        if known is not None:
            audit.record(connection, now_ms, visitor.actor, "logout", visitor.name)
    response = RedirectResponse("/login", 303)
    drop_token(request, response)
    return response
