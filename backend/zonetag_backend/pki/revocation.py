"""The list of revoked certificates (RFC 5280 section 5): version 2, whole, with number and key identifier."""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from zonetag_backend.pki import profile
from zonetag_backend.pki.authority import Authority, moment, utc_ms

SECOND_MS = 1000


@dataclass(frozen=True, slots=True)
class Revoked:
    """One that counts no longer."""

    serial: str
    # hexadecimal
    at_ms: int
    # UTC


def crl(
    issuing: Authority, revoked: Iterable[Revoked], number: int, now_ms: int, before_ms: int | None = None
) -> x509.CertificateRevocationList:
    """The list `number`.  `before_ms`: the start of the list before it.

    OpenSSL takes the list that starts last, and of two of the same second the older one; so each starts after the one
    before, backdated only as far as that leaves room.
    """
    start_ms = now_ms - profile.BACKDATE_MS
    if before_ms is not None and start_ms <= before_ms < now_ms:
        start_ms = before_ms + SECOND_MS
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuing.certificate.subject)
        .last_update(moment(start_ms))
        .next_update(moment(now_ms + profile.CRL_MS))
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.key.public_key()), critical=False)
    )
    for each in sorted(revoked, key=lambda one: (one.at_ms, one.serial)):
        entry = x509.RevokedCertificateBuilder().serial_number(int(each.serial, 16)).revocation_date(moment(each.at_ms))
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(issuing.key, hashes.SHA256())


def crl_pem(made: x509.CertificateRevocationList) -> bytes:
    """As brokers read it."""
    return made.public_bytes(serialization.Encoding.PEM)


def crl_span_ms(made: x509.CertificateRevocationList) -> tuple[int, int]:
    """Its start, and when it must have been renewed, UTC ms."""
    until = made.next_update_utc
    return utc_ms(made.last_update_utc), 0 if until is None else utc_ms(until)


def crl_number(made: x509.CertificateRevocationList) -> int:
    """Its number."""
    return made.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
