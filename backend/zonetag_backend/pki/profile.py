"""What a certificate of this office looks like: SPEC.md section 11.1, as numbers and names.

All keys are ECDSA P-256, all signatures ECDSA with SHA-256: what TLS 1.3 must know (RFC 8446 section 9.1).
"""

from dataclasses import dataclass

from cryptography.x509.oid import ExtendedKeyUsageOID as Eku
from cryptography.x509.oid import ObjectIdentifier

DAY_MS = 24 * 3600 * 1000

BACKDATE_MS = DAY_MS  # a peer whose clock is up to a day slow takes a new certificate or list
ROOT_MS = 20 * 365 * DAY_MS  # as long as the office: it leaves its safe once in some years
ISSUING_MS = 5 * 365 * DAY_MS  # somebody has to fetch the root for a new one
LEAF_MS = 90 * DAY_MS  # so long a stolen key is of use where no list of revoked ones is looked at
RENEW_LEFT_MS = 30 * DAY_MS  # a leaf is renewed from day 60 of its 90: a month to notice that it does not work
CRL_MS = 30 * DAY_MS  # past it the broker refuses everybody, so it outlasts the longest holiday of a server
CRL_RENEW_MS = DAY_MS  # and a server at work makes a new one every day
MOMENT_MS = 10 * 60 * 1000  # of a certificate that is used once, at once

# Names with a dot: no gateway can be called so (topics.NAME_RULE), whatever it asks for.
BACKEND_NAME = "backend.zonetag"
OPERATOR_NAME = "operator.zonetag"  # `zonetag gateway command`
TAP_NAME = "tap.zonetag"  # `zonetag tap`
PROBE_NAME = "probe.zonetag"  # of certificates that are revoked on purpose, to see that the broker refuses them

GATEWAY, SERVER, CLIENT = "gateway", "server", "client"  # kinds of leaf


@dataclass(frozen=True, slots=True)
class Kind:
    """What one kind of leaf may be used for."""

    purpose: ObjectIdentifier
    # the only one of its extended key usages
    uri: str
    # what its subjectAltName begins with; empty for one that has names of hosts instead


KINDS = {
    GATEWAY: Kind(Eku.CLIENT_AUTH, "urn:zonetag:gateway:"),
    SERVER: Kind(Eku.SERVER_AUTH, ""),
    CLIENT: Kind(Eku.CLIENT_AUTH, "urn:zonetag:client:"),
}
