"""Which key of a gateway has got which certificate: each gets one, ever.  Inside the caller's transaction."""

from dataclasses import dataclass

from cryptography import x509
from sqlalchemy import Connection, func, insert, select

from zonetag_backend.pki import authority
from zonetag_backend.store.schema import enrolment

_c = enrolment.gateway_certificate


@dataclass(frozen=True, slots=True)
class Given:
    """What was handed out for a key."""

    gateway: str
    pem: str
    # the chain
    until_ms: int


def find(connection: Connection, key_hash: bytes) -> Given | None:
    """What a key has got."""
    row = connection.execute(select(_c.c.gateway, _c.c.pem, _c.c.until_ms).where(_c.c.key_hash == key_hash)).first()
    return None if row is None else Given(*row)


def since(connection: Connection, gateway: str, from_ms: int) -> int:
    """How many certificates a gateway has got since then."""
    query = select(func.count()).where(_c.c.gateway == gateway, _c.c.issued_ms > from_ms)
    return int(connection.scalar(query) or 0)


def note(connection: Connection, key_hash: bytes, gateway: str, chain: str, now_ms: int) -> None:
    """A key gets this."""
    leaf = x509.load_pem_x509_certificates(chain.encode())[0]
    connection.execute(
        insert(_c).values(
            key_hash=key_hash,
            gateway=gateway,
            serial=authority.serial(leaf),
            pem=chain,
            issued_ms=now_ms,
            until_ms=authority.span_ms(leaf)[1],
        )
    )
