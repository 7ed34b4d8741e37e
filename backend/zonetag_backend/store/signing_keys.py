"""With which keys gateways sign, written and read.

Every function works inside the caller's transaction (`store.engine.writing`); what is written calls backends at work to
read again, so that a revoked key counts for nothing from the next report on.
"""

from dataclasses import replace

from sqlalchemy import Connection, delete, insert, select, update

from zonetag_backend.errors import AlreadyThere
from zonetag_backend.signatures import NOT_ENROLLED, SigningKey
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.registry import changed
from zonetag_backend.store.schema import enrolment, gateway, place

_k = enrolment.gateway_key


def take(connection: Connection, name: str, public_key: bytes, now_ms: int) -> None:
    """A gateway signs with this key from now on; the one before stays good for what was captured until now."""
    other = connection.execute(select(_k).where(_k.c.public_key == public_key)).first()
    if other is not None and other.gateway == name and other.until_ms is None and other.revoked_ms is None:
        return
    if other is not None:
        raise AlreadyThere("this signing key was used before: let the gateway make a new one")
    here = (_k.c.gateway == name) & _k.c.until_ms.is_(None)
    connection.execute(update(_k).where(here).values(until_ms=now_ms))
    connection.execute(insert(_k).values(gateway=name, public_key=public_key, from_ms=now_ms))
    connection.execute(update(gateway).where(gateway.c.name == name).values(public_key=public_key))
    # What was refused because it had none is told no longer: it sends those reports again.
    r = enrolment.gateway_refusal
    connection.execute(delete(r).where(r.c.gateway == name, r.c.code == NOT_ENROLLED))
    changed(connection)


def site_of(connection: Connection, name: str) -> str | None:
    """The site of a registered gateway."""
    found = select(place.c.site).join(gateway, gateway.c.place == place.c.id).where(gateway.c.name == name)
    site: str | None = connection.scalar(found)
    return site


def all_keys(connection: Connection) -> list[SigningKey]:
    """Every key of every gateway, the newest of each first."""
    rows = connection.execute(select(_k).order_by(by_bytes(_k.c.gateway), _k.c.from_ms.desc()))
    keys = [SigningKey(row.gateway, row.public_key, row.until_ms, row.revoked_ms is not None) for row in rows]
    # Whoever was thrown out stays out, whatever it signs or does not sign.
    out = set(connection.scalars(select(enrolment.gateway_revoked.c.gateway)))
    return [
        *(replace(key, revoked=True) if key.gateway in out else key for key in keys),
        *(_none(name) for name in out),
    ]


def _none(name: str) -> SigningKey:
    """A key that is none, of a gateway that was thrown out before it ever had one."""
    return SigningKey(name, b"", None, revoked=True)
