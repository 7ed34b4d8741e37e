"""The ledger of certificates, and which gateways are believed no longer.  Inside the caller's transaction."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, delete, func, insert, select, update

from zonetag_backend.errors import NotFound
from zonetag_backend.store import registry
from zonetag_backend.store.order import by_bytes
from zonetag_backend.store.schema import enrolment, gateway

FORGOTTEN_MS = 30 * 24 * 3600 * 1000  # after its end a server's certificate was missed, or is not needed

_c = enrolment.certificate.c
_l = enrolment.revocation_list.c
_r = enrolment.gateway_revoked.c


@dataclass(frozen=True, slots=True)
class Entry:
    """One certificate that was signed.  Times are UTC ms."""

    serial: str
    # 40 hexadecimal digits
    issuer: str
    # key identifier, 40 hexadecimal digits
    kind: str
    # as in pki.profile.KINDS
    name: str
    issued_ms: int
    ends_ms: int
    revoked_ms: int | None
    pem: str


@dataclass(frozen=True, slots=True)
class ListMade:
    """The last list of revoked certificates.  Times are UTC ms."""

    number: int
    start_ms: int
    made_ms: int
    ends_ms: int


def note(connection: Connection, entry: Entry) -> None:
    """A certificate was signed: to be committed before it is handed out."""
    connection.execute(
        insert(enrolment.certificate).values(
            serial=entry.serial,
            issuer=entry.issuer,
            kind=entry.kind,
            name=entry.name,
            issued_ms=entry.issued_ms,
            ends_ms=entry.ends_ms,
            revoked_ms=entry.revoked_ms,
            pem=entry.pem,
        )
    )


def entries(connection: Connection, now_ms: int, name: str | None = None) -> list[Entry]:
    """Those that have not ended, of everybody or of one name; the latest last."""
    query = (
        select(enrolment.certificate)
        .where(_c.ends_ms > now_ms)
        .order_by(by_bytes(_c.name), _c.issued_ms, by_bytes(_c.serial))
    )
    if name is not None:
        query = query.where(_c.name == name)
    return [Entry(*row) for row in connection.execute(query)]


def find(connection: Connection, serial: str) -> Entry | None:
    """One by its number, ended or not."""
    row = connection.execute(select(enrolment.certificate).where(_c.serial == serial)).first()
    return None if row is None else Entry(*row)


def revoke(connection: Connection, serials: Iterable[str], now_ms: int) -> int:
    """These count no longer; how many did until now."""
    named = _c.serial.in_(list(serials))
    statement = update(enrolment.certificate).where(named, _c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
    return connection.execute(statement).rowcount


def revoke_gateway(connection: Connection, name: str, now_ms: int) -> int:
    """Believe a gateway no longer: its certificates, and from this commit on anything it signs; how many they were.

    It stays registered, so that what it told before keeps its place; enrolling it again lifts this (`restore_gateway`).
    """
    if connection.scalar(select(gateway.c.name).where(gateway.c.name == name)) is None:
        raise NotFound(f"there is no gateway {name}: zonetag gateway list shows all")
    counted = [each.serial for each in entries(connection, now_ms, name) if each.revoked_ms is None]
    if connection.scalar(select(_r.gateway).where(_r.gateway == name)) is None:
        connection.execute(insert(enrolment.gateway_revoked).values(gateway=name, revoked_ms=now_ms))
    else:
        connection.execute(update(enrolment.gateway_revoked).where(_r.gateway == name).values(kicked_ms=None))
    keys = enrolment.gateway_key.c
    signed = keys.gateway == name
    connection.execute(update(enrolment.gateway_key).where(signed, keys.revoked_ms.is_(None)).values(revoked_ms=now_ms))
    registry.changed(connection)
    return revoke(connection, counted, now_ms)


def restore_gateway(connection: Connection, name: str) -> None:
    """It has been enrolled again, with new keys."""
    if connection.execute(delete(enrolment.gateway_revoked).where(_r.gateway == name)).rowcount:
        registry.changed(connection)


def is_revoked(connection: Connection, name: str) -> bool:
    """Whether a gateway is believed no longer."""
    return connection.scalar(select(_r.gateway).where(_r.gateway == name)) is not None


def to_kick(connection: Connection, revoked_by_ms: int) -> list[str]:
    """Gateways revoked until then whose session at the broker may go on."""
    late = _r.revoked_ms <= revoked_by_ms
    return list(
        connection.scalars(select(_r.gateway).where(_r.kicked_ms.is_(None), late).order_by(by_bytes(_r.gateway)))
    )


def kicked(connection: Connection, name: str, now_ms: int) -> None:
    """The broker was seen to refuse it, and its session has been ended."""
    connection.execute(update(enrolment.gateway_revoked).where(_r.gateway == name).values(kicked_ms=now_ms))


def last_list(connection: Connection, issuer: str) -> ListMade | None:
    """The last list of an issuing authority."""
    query = select(_l.number, _l.start_ms, _l.made_ms, _l.ends_ms).where(_l.issuer == issuer)
    row = connection.execute(query).first()
    return None if row is None else ListMade(*row)


def note_list(connection: Connection, issuer: str, made: ListMade) -> None:
    """A list was made."""
    connection.execute(delete(enrolment.revocation_list).where(_l.issuer == issuer))
    connection.execute(
        insert(enrolment.revocation_list).values(
            issuer=issuer, number=made.number, start_ms=made.start_ms, made_ms=made.made_ms, ends_ms=made.ends_ms
        )
    )


def revoked(connection: Connection, issuer: str, ended_after_ms: int) -> list[Entry]:
    """Those of an issuing authority that were revoked before their end, if that is after some time."""
    query = select(enrolment.certificate).where(
        _c.issuer == issuer, _c.revoked_ms.is_not(None), _c.ends_ms > ended_after_ms
    )
    return [Entry(*row) for row in connection.execute(query.order_by(_c.revoked_ms, _c.serial))]


def ends(connection: Connection, now_ms: int) -> list[tuple[str, str, int]]:
    """Kind and name of whoever holds certificates that count, and when the latest ends or ended, UTC ms.

    Gateways that are no longer registered, or revoked, are left out; and what ended long ago, for names that a server
    no longer has.
    """
    query = (
        select(_c.kind, _c.name, func.max(_c.ends_ms))
        .outerjoin(gateway, gateway.c.name == _c.name)
        .where(_c.revoked_ms.is_(None), _c.name.not_in(select(_r.gateway)))
        .where((_c.kind != "gateway") | gateway.c.name.is_not(None))
        .group_by(_c.kind, _c.name)
        .having((_c.kind == "gateway") | (func.max(_c.ends_ms) > now_ms - FORGOTTEN_MS))
    )
    return [
        (kind, name, at_ms)
        for kind, name, at_ms in connection.execute(query.order_by(by_bytes(_c.kind), by_bytes(_c.name)))
    ]


def list_ends_ms(connection: Connection) -> int | None:
    """When the newest list of revoked certificates must have been renewed, UTC ms; none if there is none."""
    found: int | None = connection.scalar(select(func.max(_l.ends_ms)))
    return found


def revoke_other_issuers(connection: Connection, issuer: str, now_ms: int) -> int:
    """What other keys than this signed counts no longer; how many that were."""
    statement = update(enrolment.certificate).where(_c.issuer != issuer, _c.revoked_ms.is_(None))
    connection.execute(delete(enrolment.revocation_list).where(_l.issuer != issuer))
    return connection.execute(statement.values(revoked_ms=now_ms)).rowcount
