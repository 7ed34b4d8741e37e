"""How long certificates and the list of revoked ones still last, and whether that is an alarm.  Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from cryptography import x509

from zonetag_backend.pki import authority, profile

DAY_MS = profile.DAY_MS

OK, SOON, URGENT, ENDED = "ok", "soon", "urgent", "ended"
LEVELS = (OK, SOON, URGENT, ENDED)  # from good to bad

ROOT, ISSUING, CRL = "root", "issuing", "crl"

# What -> (time left at which it is soon, and at which it is urgent).  What renews itself is soon when that has not
# happened for a good while; what a person has to renew leaves that person time.
LEFT_MS = {
    ROOT: (730 * DAY_MS, 365 * DAY_MS),
    ISSUING: (180 * DAY_MS, 60 * DAY_MS),
    CRL: (profile.CRL_MS - 7 * DAY_MS, 7 * DAY_MS),  # a week without renewal
    profile.GATEWAY: (20 * DAY_MS, 7 * DAY_MS),  # it should have renewed at 30
    profile.SERVER: (20 * DAY_MS, 7 * DAY_MS),
    profile.CLIENT: (20 * DAY_MS, 7 * DAY_MS),
}


@dataclass(frozen=True, slots=True)
class Term:
    """Something that ends."""

    what: str
    # a key of LEFT_MS
    name: str
    # whose; empty for the list
    ends_ms: int
    # UTC
    level: str
    # of LEVELS


def term(what: str, name: str, ends_ms: int, now_ms: int) -> Term:
    """How much of its time something has left."""
    left_ms = ends_ms - now_ms
    soon_ms, urgent_ms = LEFT_MS[what]
    level = ENDED if left_ms <= 0 else URGENT if left_ms <= urgent_ms else SOON if left_ms <= soon_ms else OK
    return Term(what, name, ends_ms, level)


def worst(terms: Iterable[Term]) -> str:
    """The worst level of all."""
    return max((each.level for each in terms), key=LEVELS.index, default=OK)


def due(certificate: x509.Certificate | None, issuer: str, now_ms: int) -> bool:
    """Whether to make one anew: there is none, it is of another issuing key, or a third of its time is left."""
    if certificate is None:
        return True
    signed = certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier
    start_ms, ends_ms = authority.span_ms(certificate)
    left_ms = min(profile.RENEW_LEFT_MS, (ends_ms - start_ms) // 3)
    return signed is None or signed.hex() != issuer or now_ms < start_ms or ends_ms - now_ms <= left_ms
