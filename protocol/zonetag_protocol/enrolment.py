"""How a gateway gets its identity, and renews it (SPEC.md section 11).  Servers only.

The token that an operator carries from the server to the gateway, as text: base32 of

| offset | bytes | field |
|---|---|---|
| 0 | 4 | id: names it, no secret |
| 4 | 16 | secret |
| 20 | 16 | pin: the first bytes of the SHA-256 of the root's public key (SubjectPublicKeyInfo, DER) |
| 36 | 4 | check: the first bytes of the SHA-256 of the bytes before; finds what was mistyped |

and what the gateway posts, each in an envelope signed with its Ed25519 key:

enrol = {1: 1, 2: bstr .size 4, 3: bstr .size 16, 4: bstr .size 32, 5: bstr}    ; id, secret, public key, request
renew = {1: 1, 2: tstr, 3: bstr}                                                ; gateway, request
"""

import base64
import binascii
from dataclasses import dataclass, field

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_protocol import envelope
from zonetag_protocol.crypto import sha256
from zonetag_protocol.errors import Forged, Malformed
from zonetag_protocol.topics import is_name

ENROL = "enrol"  # names of the messages, and their paths at the server
RENEW = "renew"
ROOT_PATH = "/root.pem"  # where the server shows its root, to be checked against the pin
ID, SECRET, PIN, CHECK = 4, 16, 16, 4  # bytes
MAX_CSR = 4096  # bytes, PEM; one with a P-256 key has 500
MAX_REQUEST = 8192  # bytes of a posted message
_GROUP = 8  # characters of a token between hyphens


@dataclass(frozen=True, slots=True)
class Token:
    """What lets one gateway in, once."""

    id: bytes
    secret: bytes = field(repr=False)
    pin: bytes

    @property
    def text(self) -> str:
        """To be typed at the gateway."""
        body = self.id + self.secret + self.pin
        plain = base64.b32encode(body + sha256(body)[:CHECK]).decode().lower()
        return "-".join(plain[at : at + _GROUP] for at in range(0, len(plain), _GROUP))

    @classmethod
    def read(cls, text: str) -> "Token":
        """From what was typed; Malformed if that is none or has a slip in it."""
        try:
            raw = base64.b32decode("".join(text.split()).replace("-", "").upper())
        except (binascii.Error, ValueError) as error:
            raise Malformed("not a token: it has 64 letters and digits, in groups of 8") from error
        body, check = raw[:-CHECK], raw[-CHECK:]
        if len(raw) != ID + SECRET + PIN + CHECK or sha256(body)[:CHECK] != check:
            raise Malformed("not a token, or mistyped: copy it again, whole")
        return cls(body[:ID], body[ID : ID + SECRET], body[ID + SECRET :])


@dataclass(frozen=True, slots=True)
class Enrolment:
    """A gateway asks to be let in."""

    token_id: bytes
    secret: bytes = field(repr=False)
    public_key: bytes
    # Ed25519, 32 bytes: with which it will sign
    csr: bytes
    # PKCS#10, PEM


@dataclass(frozen=True, slots=True)
class Renewal:
    """A gateway asks for its next certificate."""

    gateway: str
    csr: bytes
    # PKCS#10, PEM, of a key that never had a certificate


def seal_enrolment(token: Token, csr: bytes, key: Ed25519PrivateKey) -> bytes:
    """The message, signed with the key that it announces: whoever sends it has that key."""
    public = key.public_key().public_bytes_raw()
    payload = cbor2.dumps({1: envelope.VERSION, 2: token.id, 3: token.secret, 4: public, 5: csr})
    return envelope.wrap(payload, ENROL, key)


def open_enrolment(data: bytes) -> Enrolment:
    """Malformed for what section 11.2 does not allow, Forged if it is not signed with its own key."""
    opened = _opened(data)
    item = envelope.record(opened.payload, 5)
    sizes = ((2, ID), (3, SECRET), (4, 32))
    if any(not isinstance(item[key], bytes) or len(item[key]) != size for key, size in sizes) or not _is_csr(item[5]):
        raise Malformed("a field of an enrolment is of the wrong type or size")
    if not opened.fits(ENROL, Ed25519PublicKey.from_public_bytes(item[4])):
        raise Forged("not signed with the key that it announces")
    return Enrolment(item[2], item[3], item[4], item[5])


def seal_renewal(renewal: Renewal, key: Ed25519PrivateKey) -> bytes:
    """The message, signed with the key that the server has on record."""
    return envelope.wrap(cbor2.dumps({1: envelope.VERSION, 2: renewal.gateway, 3: renewal.csr}), RENEW, key)


def open_renewal(data: bytes) -> tuple[Renewal, envelope.Opened]:
    """What it says, and the envelope, whose signature is still to be checked.  Malformed as above."""
    opened = _opened(data)
    item = envelope.record(opened.payload, 3)
    if not isinstance(item[2], str) or not is_name(item[2]) or not _is_csr(item[3]):
        raise Malformed("a field of a renewal is of the wrong type or size")
    return Renewal(item[2], item[3]), opened


def _opened(data: bytes) -> envelope.Opened:
    if len(data) > MAX_REQUEST:
        raise Malformed("larger than any request of ours")
    return envelope.take_apart(data)


def _is_csr(value: object) -> bool:
    return isinstance(value, bytes) and 0 < len(value) <= MAX_CSR
