"""One-time links: who opens one sets a password, for an account that is there or for the first administrator."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, or_, select

from zonetag_backend.store import audit
from zonetag_backend.store.schema.accounts import account, account_link
from zonetag_backend.store.sessions import LONGEST_TOKEN, new_token

FIRST_MS = 30 * 60_000  # the link for an administrator, printed on the console of the server
INVITE_MS = 48 * 3_600_000  # a link that an administrator hands on


@dataclass(frozen=True, slots=True)
class OneTime:
    """An open link."""

    account: int | None
    # none: whoever opens it names a new account
    name: str
    role: str


def make(  # noqa: PLR0917  # what a link is for, until when, and who made it
    connection: Connection, whose: int | None, role: str, now_ms: int, lasts_ms: int, actor: str
) -> str:
    """A new link's token; earlier ones for the same end with it."""
    same = account_link.c.account.is_(None) if whose is None else account_link.c.account == whose
    connection.execute(delete(account_link).where(or_(same, account_link.c.expires_ms <= now_ms)))
    token = new_token()
    values = {"account": whose, "role": role, "expires_ms": now_ms + lasts_ms}
    connection.execute(insert(account_link).values(hash=_hash(token), **values))
    name = "" if whose is None else connection.scalar(select(account.c.name).where(account.c.id == whose))
    audit.record(connection, now_ms, actor, "account.link", name, "" if name else role)
    return token


def find(connection: Connection, token: str, now_ms: int) -> OneTime | None:
    """What a link is for, while it lasts.  One from further ahead than any lasts is from before a clock step."""
    if not token or len(token) > LONGEST_TOKEN:
        return None
    joined = account_link.outerjoin(account, account.c.id == account_link.c.account)
    columns = (account_link.c.account, account.c.name, account_link.c.role, account_link.c.expires_ms)
    row = connection.execute(select(*columns).select_from(joined).where(account_link.c.hash == _hash(token))).first()
    if row is None or not 0 < row.expires_ms - now_ms <= INVITE_MS:
        return None
    return OneTime(row.account, row.name or "", row.role)


def use_up(connection: Connection, token: str) -> bool:
    """The link is used; whether it still stood, so that of two who open it together one wins."""
    return connection.execute(delete(account_link).where(account_link.c.hash == _hash(token))).rowcount == 1


def _hash(token: str) -> bytes:
    return hashlib.sha256(b"link " + token.encode("utf-8", "replace")).digest()
