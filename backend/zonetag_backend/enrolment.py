"""Gateways are let in, and their certificates renewed (SPEC.md section 11).  Behind it the database and the authority.

Both requests may come twice, because an answer got lost or because somebody replays them: a key gets one certificate,
ever, and whoever asks for it again gets that one, which is of use to nobody without the key.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization

from zonetag_backend.errors import AlreadyThere, BadRequest, DatabaseError
from zonetag_backend.office_ca import OfficeCa
from zonetag_backend.signatures import REVOKED, Signatures
from zonetag_backend.store import audit, certificates, issued, signing_keys, tokens
from zonetag_backend.store.engine import Database, Transaction, refusals, writing
from zonetag_backend.web.enrolment import Refusal
from zonetag_protocol import enrolment
from zonetag_protocol.crypto import sha256
from zonetag_protocol.errors import ZonetagError

PER_DAY = 10  # certificates of one gateway: what is more is not a gateway that renews
DAY_MS = 24 * 3600 * 1000

# Code -> (HTTP status, for people).
REFUSALS = {
    "malformed": (400, "this is no request of ours: are gateway and server of the same version?"),
    "bad-csr": (400, "the certificate request breaks a rule"),
    tokens.UNKNOWN: (403, "there is no such token: make a new one"),
    tokens.WRONG: (403, "the token's secret is wrong: copy it again, whole"),
    tokens.DEAD: (403, "too many wrong tries: make a new token"),
    tokens.EXPIRED: (403, "the token has expired: make a new one"),
    tokens.USED: (403, "the token has been used already, by another: if that was not you, revoke this gateway"),
    "key-used": (409, "this key has been used before: let the gateway make a new one"),
    "not-signed": (403, "the request does not bear this gateway's signature: enrol it anew"),
    REVOKED: (403, "this gateway was revoked"),
    "not-registered": (403, "this gateway is not registered any more"),
    "too-many": (429, "this gateway had too many certificates today"),
    "unavailable": (503, "the server cannot do that now: try again later"),
}


class Refused(Refusal):
    """A request is refused, by a code of REFUSALS."""

    def __init__(self, code: str) -> None:
        super().__init__(code, *REFUSALS[code])


@dataclass(frozen=True, slots=True)
class Registrar:
    """Answers the requests of gateways."""

    database: Database
    ca: OfficeCa
    backend_key: bytes
    # public, Ed25519, 32 bytes: signs acknowledgements
    broker_url: str
    # as gateways reach it
    clock: Callable[[], int]
    # UTC, ms

    def root(self) -> bytes:
        """The root, PEM: no secret, and of no worth without the pin."""
        return self.ca.root_pem

    def enrol(self, data: bytes) -> dict[str, object]:
        """The answer to an enrolment; Refused."""
        try:
            asked = enrolment.open_enrolment(data)
        except ZonetagError as error:
            raise Refused("malformed") from error
        now_ms = self.clock()
        key_hash = _key_hash(asked.csr)
        try:
            with refusals(self.database), writing(self.database) as connection:
                both = sha256(asked.public_key + key_hash)
                ticket = tokens.take(connection, asked.token_id, asked.secret, both, now_ms)
                if isinstance(ticket, tokens.Ticket):
                    chain = self._enrolled(connection, ticket, asked, key_hash, now_ms)
        except AlreadyThere as error:
            raise Refused("key-used") from error
        except DatabaseError as error:
            raise Refused("unavailable") from error
        if isinstance(ticket, str):
            raise Refused(ticket)  # after the commit: a wrong try counts
        return self._answer(ticket.site, ticket.gateway, chain)

    def _enrolled(
        self, connection: Transaction, ticket: tokens.Ticket, asked: enrolment.Enrolment, key_hash: bytes, now_ms: int
    ) -> str:
        known = issued.find(connection, key_hash)
        if ticket.used and known is not None:
            return known.pem
        if signing_keys.site_of(connection, ticket.gateway) != ticket.site:
            raise Refused("not-registered")
        certificates.restore_gateway(connection, ticket.gateway)
        signing_keys.take(connection, ticket.gateway, asked.public_key, now_ms)
        audit.record(connection, now_ms, audit.SYSTEM, "gateway.enrol", ticket.gateway, "token used")
        return self._issue(connection, asked.csr, ticket.gateway, key_hash, now_ms)

    def renew(self, data: bytes) -> dict[str, object]:
        """The answer to a renewal; Refused."""
        try:
            asked, opened = enrolment.open_renewal(data)
        except ZonetagError as error:
            raise Refused("malformed") from error
        now_ms = self.clock()
        key_hash = _key_hash(asked.csr)
        try:
            with refusals(self.database), writing(self.database) as connection:
                site = signing_keys.site_of(connection, asked.gateway)
                if site is None:
                    raise Refused("not-registered")
                signatures = Signatures(signing_keys.all_keys(connection), allow_unsigned=False)
                why = signatures.refusal(asked.gateway, opened, enrolment.RENEW, now_ms)
                if why:
                    raise Refused(REVOKED if why == REVOKED else "not-signed")
                known = issued.find(connection, key_hash)
                if known is None:
                    chain = self._issue(connection, asked.csr, asked.gateway, key_hash, now_ms)
                elif known.gateway == asked.gateway and now_ms < known.until_ms:
                    chain = known.pem
                else:
                    raise Refused("key-used")
        except DatabaseError as error:
            raise Refused("unavailable") from error
        return self._answer(site, asked.gateway, chain)

    def _issue(self, connection: Transaction, csr: bytes, gateway: str, key_hash: bytes, now_ms: int) -> str:
        if issued.find(connection, key_hash) is not None:
            raise Refused("key-used")
        if issued.since(connection, gateway, now_ms - DAY_MS) >= PER_DAY:
            raise Refused("too-many")
        try:
            chain = self.ca.gateway(connection, csr, gateway, now_ms)
        except BadRequest as error:
            raise Refused("bad-csr") from error
        issued.note(connection, key_hash, gateway, chain.decode(), now_ms)
        return chain.decode()

    def _answer(self, site: str, gateway: str, chain: str) -> dict[str, object]:
        return {
            "site": site,
            "name": gateway,
            "certificate": chain,
            "backend_key": self.backend_key.hex(),
            "broker": self.broker_url,
        }


def _key_hash(csr: bytes) -> bytes:
    """SHA-256 of the public key that a request is for."""
    try:
        key = x509.load_pem_x509_csr(csr).public_key()
        info = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Refused("bad-csr") from error
    return sha256(info)
