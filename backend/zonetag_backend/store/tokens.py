"""One-time tokens of enrolment (SPEC.md section 11.2), inside the caller's transaction.  Only hashes are stored."""

import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from zonetag_backend.store.schema import enrolment
from zonetag_protocol.crypto import sha256
from zonetag_protocol.enrolment import ID, PIN, SECRET, Token

MAX_TRIES = 5  # wrong secrets under a right id, after which a token is dead
HOUR_MS = 3_600_000
LASTS_H = 24

UNKNOWN, DEAD, WRONG, EXPIRED, USED = "token-unknown", "token-dead", "token-wrong", "token-expired", "token-used"

_t = enrolment.enrolment_token


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a good token is for."""

    gateway: str
    site: str
    used: bool
    # for these same keys: the answer got lost


def make(connection: Connection, where: tuple[str, str], pin: bytes, now_ms: int, lasts_h: int = LASTS_H) -> Token:
    """A new token for a gateway at a site; those of this gateway that were not used die with it."""
    gateway, site = where
    connection.execute(delete(_t).where(_t.c.gateway == gateway, _t.c.used_ms.is_(None)))
    connection.execute(delete(_t).where(_t.c.expires_ms < now_ms - 30 * 24 * HOUR_MS))
    token = Token(secrets.token_bytes(ID), secrets.token_bytes(SECRET), pin[:PIN])
    connection.execute(
        insert(_t).values(
            id=token.id.hex(),
            gateway=gateway,
            site=site,
            hash=sha256(token.secret),
            made_ms=now_ms,
            expires_ms=now_ms + lasts_h * HOUR_MS,
            tries=0,
        )
    )
    return token


def take(connection: Connection, token_id: bytes, secret: bytes, keys: bytes, now_ms: int) -> Ticket | str:
    """What the token is for, or why it does not count: a code from above.

    `keys`: hash of the keys that it is used for.  What is written here (a wrong try) must be committed in any case.
    """
    here = _t.c.id == token_id.hex()
    row = connection.execute(select(_t).where(here)).first()
    if row is None:
        return UNKNOWN
    if row.tries >= MAX_TRIES:
        return DEAD
    if not hmac.compare_digest(row.hash, sha256(secret)):
        connection.execute(update(_t).where(here).values(tries=_t.c.tries + 1))
        return WRONG
    r = enrolment.gateway_revoked
    revoked = connection.scalar(select(r.c.revoked_ms).where(r.c.gateway == row.gateway))
    if now_ms >= row.expires_ms or (revoked is not None and revoked >= row.made_ms):
        return EXPIRED
    if row.used_ms is not None and not hmac.compare_digest(row.used_for, keys):
        return USED
    if row.used_ms is None:
        connection.execute(update(_t).where(here).values(used_ms=now_ms, used_for=keys))
    return Ticket(row.gateway, row.site, row.used_ms is not None)
