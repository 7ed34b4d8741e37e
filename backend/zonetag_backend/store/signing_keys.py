"""With which keys gateways sign, written and read.

Every function works inside the caller's transaction (`store.engine.writing`); what is written calls backends at work to
read again, so that a revoked key counts for nothing from the next report on.
"""

from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from zonetag_backend.errors import AlreadyThere
from zonetag_backend.store.registry import changed
from zonetag_backend.store.schema import enrolment, gateway

PUBLIC_KEY = 32  # bytes, Ed25519

_k = enrolment.gateway_key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that a gateway signs or signed with."""

    gateway: str
    public_key: bytes
    # Ed25519, 32 bytes
    until_ms: int | None
    # when another took its place
    revoked: bool


def take(connection: Connection, name: str, public_key: bytes, now_ms: int) -> None:
    """A gateway signs with this key from now on; the one before stays good for what was captured until now."""
    if connection.scalar(select(gateway.c.public_key).where(gateway.c.name == name)) == public_key:
        return
    other = connection.execute(select(_k).where(_k.c.public_key == public_key)).first()
    if other is not None:
        raise AlreadyThere("this signing key was used before: let the gateway make a new one")
    here = (_k.c.gateway == name) & _k.c.until_ms.is_(None)
    connection.execute(update(_k).where(here).values(until_ms=now_ms))
    connection.execute(insert(_k).values(gateway=name, public_key=public_key, from_ms=now_ms))
    connection.execute(update(gateway).where(gateway.c.name == name).values(public_key=public_key))
    changed(connection)


def revoke(connection: Connection, name: str, now_ms: int) -> int:
    """No key of this gateway counts any more, nor what any of them signed; how many that were."""
    good = (_k.c.gateway == name) & _k.c.revoked_ms.is_(None)
    found = connection.execute(update(_k).where(good).values(revoked_ms=now_ms)).rowcount
    connection.execute(update(gateway).where(gateway.c.name == name).values(public_key=None))
    # Nor may a token that was not used yet bring it back.
    t = enrolment.enrolment_token
    unused = (t.c.gateway == name) & t.c.used_ms.is_(None)
    connection.execute(update(t).where(unused).values(expires_ms=now_ms))
    changed(connection)
    return int(found)


def all_keys(connection: Connection) -> list[SigningKey]:
    """Every key of every gateway, the newest of each first."""
    rows = connection.execute(select(_k).order_by(_k.c.gateway, _k.c.from_ms.desc()))
    return [SigningKey(row.gateway, row.public_key, row.until_ms, row.revoked_ms is not None) for row in rows]
