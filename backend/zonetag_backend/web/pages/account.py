"""`/account`: one's own: password, second factor, recovery codes.  `/account/totp` sets the second factor up."""

import io

import segno
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from zonetag_backend import passwords, secondfactor
from zonetag_backend.roles import FULL
from zonetag_backend.store import accounts, sessions
from zonetag_backend.store.accounts import Account
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.web.desk import Fault, desk_of
from zonetag_backend.web.guard import field
from zonetag_backend.web.languages import marked as _
from zonetag_backend.web.render import show
from zonetag_backend.web.visitor import set_token, visitor_of

ISSUER = "Zonetag"
WRONG, DIFFER, WRONG_CODE, CHANGED = "wrong", "differ", "wrong-code", "password"
# What is wrong with what was typed, or what was done.
TEXTS = {
    passwords.SHORT: _("The new password is too short: at least 10 characters."),
    passwords.LONG: _("The new password is too long: at most 1,000 characters."),
    passwords.NAME: _("The new password is hardly more than the name."),
    passwords.PLAIN: _("The new password is among the first that anybody tries."),
    WRONG: _("The password that you have now was typed wrongly."),
    DIFFER: _("The two new passwords differ."),
    WRONG_CODE: _("The code is not right. Is the telephone's clock right? Take the next code."),
    CHANGED: _("The password is changed. All other sessions have ended."),
}


def account(request: Request) -> Response:
    """What there is about oneself; `?done=` says what was just done."""
    done = request.query_params.get("done", "")
    return _account(request, "", done if done == CHANGED else "")


def _account(request: Request, error: str, done: str = "") -> Response:
    me = _me(request)
    with reading(desk_of(request).engine) as connection:
        left = accounts.recovery_left(connection, me.id)
    facts = {"name": me.name, "role": me.role, "second_factor": me.totp is not None, "recovery_codes": left}
    status = 400 if error else 200
    return show(
        request, "account", lambda: facts, status, me=me, left=left, error=TEXTS.get(error), done=TEXTS.get(done)
    )


def _me(request: Request) -> Account:
    which = visitor_of(request).account
    if which is None:
        raise Fault("sign-in", 401)
    with reading(desk_of(request).engine) as connection:
        return accounts.with_id(connection, which)


def new_password_fault(request: Request, name: str) -> str:
    """What is wrong with the fields `new` and `again`; empty for nothing."""
    new, again = field(request, "new"), field(request, "again")
    return passwords.fault(new, name) or ("" if passwords.normal(new) == passwords.normal(again) else DIFFER)


def password(request: Request) -> Response:
    """Change it: fields `password` (the present one), `new`, `again`.  A wrong present one counts as at the login."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    me, visitor = _me(request), visitor_of(request)
    error = new_password_fault(request, me.name)
    if error:
        return _account(request, error)
    if not _is_mine(request, me, now_ms):
        return _account(request, WRONG)
    hashed = passwords.hashed(field(request, "new"))
    with writing(desk.engine) as connection:
        accounts.set_password(connection, me, hashed, now_ms, visitor.actor)
        token = sessions.open_session(connection, me.id, FULL, now_ms)
    response = RedirectResponse(f"/account?done={CHANGED}", 303)
    set_token(request, response, token)
    return response


def _is_mine(request: Request, me: Account, now_ms: int) -> bool:
    engine = desk_of(request).engine
    with writing(engine) as connection:
        claimed = accounts.claim(connection, me.name, now_ms)
    right = passwords.fits(claimed.password if claimed else "", field(request, "password"))
    with writing(engine) as connection:
        if right:
            accounts.forgiven(connection, me.id)
        else:
            accounts.failed(connection, me.name, now_ms)
    return right


def recovery(request: Request) -> Response:
    """New recovery codes instead of the old ones; field `password`."""
    desk, now_ms = desk_of(request), desk_of(request).clock()
    me = _me(request)
    if me.totp is None or not _is_mine(request, me, now_ms):
        return _account(request, WRONG)
    codes = secondfactor.new_recovery_codes()
    with writing(desk.engine) as connection:
        accounts.set_recovery(connection, me, codes)
    return show(request, "recovery", lambda: {"codes": codes}, codes=codes)


def totp(request: Request) -> Response:
    """Set the second factor up: a QR code for the telephone, then a code from it; then the recovery codes, once."""
    me, visitor = _me(request), visitor_of(request)
    secret = secondfactor.secret_of(visitor.token)
    if request.method != "POST":
        return _enrol(request, me, secret)
    if me.totp is not None and not _is_mine(request, me, desk_of(request).clock()):
        return _enrol(request, me, secret, WRONG)
    desk, now_ms = desk_of(request), desk_of(request).clock()
    step = secondfactor.step_of(secret, field(request, "code"), now_ms, 0)
    if step is None:
        return _enrol(request, me, secret, WRONG_CODE)
    codes = secondfactor.new_recovery_codes()
    with writing(desk.engine) as connection:
        accounts.set_second_factor(connection, desk.keys, me, secret, now_ms)
        accounts.take_step(connection, me.id, step)
        accounts.set_recovery(connection, me, codes)
        if visitor.stage != FULL:
            accounts.signed_in(connection, me, now_ms)
        sessions.close_all(connection, me.id)
        token = sessions.open_session(connection, me.id, FULL, now_ms)
    response = show(request, "recovery", lambda: {"codes": codes}, codes=codes)
    set_token(request, response, token)
    return response


def _enrol(request: Request, me: Account, secret: bytes, error: str = "") -> Response:
    written = secondfactor.written(secret)
    grouped = " ".join(written[i : i + 4] for i in range(0, len(written), 4))
    picture = io.BytesIO()
    code = segno.make(secondfactor.address(secret, me.name, ISSUER), error="m", micro=False)
    code.save(picture, kind="svg", scale=5, border=3, light="#fff", xmldecl=False, svgns=False, omitsize=True)
    qr = Markup(picture.getvalue().decode())  # noqa: S704  # made here, of squares alone
    twin = {"secret": written}
    status = 400 if error else 200
    known = me.totp is not None
    return show(
        request, "totp", lambda: twin, status, me=me, qr=qr, secret=grouped, error=TEXTS.get(error), known=known
    )
