"""Sessions of the pages: the token is in the browser's cookie alone, its hash is here."""

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from zonetag_backend.roles import ABSOLUTE_MS, FULL, is_over
from zonetag_backend.store.schema.accounts import account, account_session

TOKEN_BYTES = 32
LONGEST_TOKEN = 64  # characters of a cookie that is looked at
TOUCH_MS = 60_000  # a session's last use is written at most once a minute


@dataclass(frozen=True, slots=True)
class Session:
    """Whose a request is."""

    account: int
    name: str
    role: str
    stage: str
    made_ms: int
    used_ms: int


def new_token() -> str:
    """A token for a cookie."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def open_session(connection: Connection, whose: int, stage: str, now_ms: int, made_ms: int | None = None) -> str:
    """A new session and its token.  Also sweeps those that are long over."""
    token = new_token()
    connection.execute(delete(account_session).where(account_session.c.made_ms < now_ms - 2 * ABSOLUTE_MS))
    values = {"account": whose, "stage": stage, "made_ms": now_ms if made_ms is None else made_ms, "used_ms": now_ms}
    connection.execute(insert(account_session).values(hash=_hash(token), **values))
    return token


def find(connection: Connection, token: str, now_ms: int) -> Session | None:
    """The session of a token, if it lasts and its account may still be used."""
    known = _known(connection, token)
    return None if known is None or _is_over(known, now_ms) else known


def ended(connection: Connection, token: str, now_ms: int) -> int | None:
    """Whose token this was, if they were signed in and the session ended by itself, not by signing out."""
    known = _known(connection, token)
    return known.account if known is not None and known.stage == FULL and _is_over(known, now_ms) else None


def _is_over(of: Session, now_ms: int) -> bool:
    return is_over(of.role, of.stage, of.made_ms, of.used_ms, now_ms)


def _known(connection: Connection, token: str) -> Session | None:
    if not token or len(token) > LONGEST_TOKEN:
        return None
    columns = (account.c.id, account.c.name, account.c.role, account_session.c.stage)
    times = (account_session.c.made_ms, account_session.c.used_ms)
    joined = account_session.join(account, account.c.id == account_session.c.account)
    mine = (account_session.c.hash == _hash(token), account.c.disabled.is_(False))
    row = connection.execute(select(*columns, *times).select_from(joined).where(*mine)).one_or_none()
    return None if row is None else Session(*row)


def touch(connection: Connection, token: str, now_ms: int) -> None:
    """The session was used just now."""
    mine = account_session.c.hash == _hash(token)
    connection.execute(update(account_session).where(mine).values(used_ms=now_ms))


def close(connection: Connection, token: str) -> None:
    """End a session: its cookie is worth nothing from now on, whoever has a copy."""
    connection.execute(delete(account_session).where(account_session.c.hash == _hash(token)))


def close_all(connection: Connection, whose: int) -> None:
    """End every session of an account."""
    connection.execute(delete(account_session).where(account_session.c.account == whose))


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
