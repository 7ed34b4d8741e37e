"""In front of every page: who asks, whether they may, whether it is really they, and the audit log."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from inspect import iscoroutinefunction
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message, Receive

from zonetag_backend.roles import CODE, ENROL, FULL, HEALTH, SCREEN, WORKER
from zonetag_backend.store import audit, mine_codes, screens, sessions
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web import csrf, typed
from zonetag_backend.web.desk import Desk, Fault, desk_of
from zonetag_backend.web.localpath import safe_next
from zonetag_backend.web.render import address, wants_json
from zonetag_backend.web.rights import FORM_BYTES, RIGHTS, Rule
from zonetag_backend.web.visitor import STRANGER, Visitor, set_token, token_of

REPEAT_MS = 15 * 60_000  # a page that stays open asks again and again: its read is recorded once in so long
# Where somebody who is in the middle of signing in goes on.
NEXT_STEP = {CODE: "/login/code", ENROL: "/account/totp"}


Page = Callable[[Request], Any]


def guarded(routes: Iterable[Route]) -> list[Route]:
    """The routes with their rules before them.  ValueError for one that is not in the rights table."""
    out = []
    for route in routes:
        if route.path not in RIGHTS:
            raise ValueError(f"{route.path} is not in RIGHTS (web/rights.py): say there who may")
        verbs = RIGHTS[route.path]
        out.append(Route(route.path, _guard(route.path, route.endpoint, verbs), methods=list(verbs)))
    return out


def form_of(request: Request) -> FormData:
    """What a form sent; the guard has read it, within the rule's size."""
    form = request.state.form
    assert isinstance(form, FormData)
    return form


def _guard(path: str, page: Page, verbs: dict[str, Rule]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(asked: Request) -> Response:
        rule = verbs["GET" if asked.method == "HEAD" else asked.method]
        request = Request(asked.scope, _limited(asked.receive, rule.body_bytes))
        visitor = await run_in_threadpool(_who, request, rule)
        request.state.visitor, request.state.page = visitor, path
        try:
            if not rule.roles & visitor.roles:
                if asked.method not in csrf.SAFE and visitor.stage != FULL:
                    request.state.drafted = await _draft(request, visitor)
                return _refuse(request, visitor)
            if asked.method not in csrf.SAFE:
                request.state.form = await _checked_form(request, visitor, rule.body_bytes)
            if rule.read:
                about = request.path_params.get(rule.about, "")
                await run_in_threadpool(_record_read, desk_of(request), visitor.actor, rule.read, about)
            response = await page(request) if iscoroutinefunction(page) else await run_in_threadpool(page, request)
        finally:
            await request.close()  # files that a form sent
        assert isinstance(response, Response)
        if asked.method not in csrf.SAFE and response.status_code < 400:
            desk_of(request).drafts.drop(visitor.account, address(request))
        if not token_of(request) and asked.method == "GET" and "text/html" in response.headers.get("content-type", ""):
            set_token(request, response, visitor.token)  # so that its forms have a token
        return response

    return answer


def _who(request: Request, rule: Rule) -> Visitor:
    desk, token = desk_of(request), token_of(request)
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        session = sessions.find(connection, token, now_ms)
        device = screens.find(connection, token) if session is None else None
        who = mine_codes.find(connection, token, now_ms) if session is None and device is None else None
    if device is not None:
        return Visitor("", frozenset({SCREEN}), stage=FULL, token=token, screen=device)
    if who is not None:
        return Visitor("", frozenset({WORKER}), stage=FULL, token=token, person=who)
    if session is None:
        if desk.demo:
            return Visitor("", frozenset({HEALTH}), token=token or sessions.new_token(), demo=True)
        return replace(STRANGER, token=token or sessions.new_token())
    # What a page asks for by itself, to stay fresh, is no sign that anybody sits there.
    by_itself = rule.rests or "x-have" in request.headers
    if not by_itself and not 0 <= now_ms - session.used_ms < sessions.TOUCH_MS:
        with writing(desk.engine) as connection:
            sessions.touch(connection, token, now_ms)
    roles = frozenset({session.role if session.stage == FULL else session.stage})
    return Visitor(session.name, roles, session.account, session.stage, token)


def _record_read(desk: Desk, actor: str, action: str, about: str) -> None:
    now_ms = desk.clock()
    with reading(desk.engine) as connection:
        if audit.recorded_since(connection, now_ms - REPEAT_MS, actor, action, about):
            return
    with writing(desk.engine) as connection:
        audit.record(connection, now_ms, actor, action, about)


def _refuse(request: Request, visitor: Visitor) -> Response:
    """To the page where they sign in, or go on with it; who is signed in, or is no browser, is told no."""
    if visitor.stage == FULL or visitor.demo:
        raise Fault("not-yours", 403)
    if wants_json(request) or request.method not in csrf.SAFE:
        raise Fault("sign-in", 401)
    where = NEXT_STEP.get(visitor.stage, "/login")
    here = address(request)
    if where == "/login" and here != "/":
        where = f"/login?{urlencode({'next': here})}"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": where})
    return RedirectResponse(where, 303)


async def _draft(request: Request, visitor: Visitor) -> bool:
    """Keep what was typed by somebody whose session is over, for when they are back; whether it is kept."""
    desk, where = desk_of(request), address(request)
    now_ms = desk.clock()

    def whose() -> int | None:
        with reading(desk.engine) as connection:
            return sessions.ended(connection, visitor.token, now_ms)

    if where.startswith(typed.NEVER) or safe_next(where) != where or wants_json(request):
        return False
    account = await run_in_threadpool(whose)
    if account is None:
        return False
    try:
        fields = typed.fields_of(await _checked_form(request, visitor, FORM_BYTES), FORM_BYTES, csrf.FIELD)
    except Fault:  # from elsewhere, or too large
        return False
    if fields:
        desk.drafts.keep(account, typed.Typed(where, fields, now_ms))
    return bool(fields)


async def _checked_form(request: Request, visitor: Visitor, most: int) -> FormData:
    length = request.headers.get("content-length", "")
    if length.isascii() and length.isdecimal() and (len(length) > 18 or int(length) > most):
        raise Fault("too-large", 413)  # said beforehand: nothing of it is read, and no file begun
    try:
        await csrf.check(request, visitor, most)
        return await request.form(max_part_size=most)
    except _TooLarge:
        raise Fault("too-large", 413) from None
    except HTTPException:  # a form that python-multipart cannot read
        raise Fault("bad-form", 400) from None


def field(request: Request, name: str) -> str:
    """A field of a form as text; empty when it is not there, or is a file."""
    value = form_of(request).get(name, "")
    return value if isinstance(value, str) else ""


class _TooLarge(Exception):
    pass


def _limited(receive: Receive, most: int) -> Receive:
    """The body, until it is more than it may be."""
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise _TooLarge
        return message

    return limited
