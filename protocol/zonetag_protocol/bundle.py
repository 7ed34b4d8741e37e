"""Cards on their way from the flashing machine to the backend (SPEC.md section 9.2; RFC 9180).  Not on the tag.

A bundle is a text file, one line a tag: JSON `{"zonetag-bundle": 1, "number": N, "issued": S, "sealed": B}` with N the
printed number, S the UTC second at which the tag's clock stood at t0, and B base64 of the card of 64 bytes, sealed by
HPKE in base mode to the backend's X25519 key (DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM).  The number and
the second are bound in as HPKE's `info`, so that neither can be changed without notice.
"""

import base64
import binascii
import json
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from zonetag_protocol.card import Card, pack, unpack
from zonetag_protocol.errors import Forged, Malformed

VERSION = 1
MAX_LINE = 1024  # characters; a line of ours has under 300
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


@dataclass(frozen=True, slots=True)
class Issued:
    """A card and when it was issued."""

    card: Card
    issued: int
    # UTC second at which the tag's clock stood at `card.t0`


def seal(issued: Issued, backend: X25519PublicKey) -> str:
    """One line of a bundle, without its newline, that only the holder of the backend's private key can open."""
    number = issued.card.number
    sealed = _SUITE.encrypt(pack(issued.card), backend, _info(number, issued.issued))
    line = {
        "zonetag-bundle": VERSION,
        "number": number,
        "issued": issued.issued,
        "sealed": base64.b64encode(sealed).decode(),
    }
    return json.dumps(line, ensure_ascii=False)


def unseal(line: str, backend: X25519PrivateKey) -> Issued:
    """Open one line; Malformed if it is none, Forged if it was sealed to another key or changed since."""
    if len(line) > MAX_LINE:
        raise Malformed("longer than a line of a bundle can be")
    try:
        item = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Malformed("not a line of a bundle") from error
    if not isinstance(item, dict) or item.get("zonetag-bundle") != VERSION:
        raise Malformed("not a line of a bundle of version 1")
    number, issued, sealed = (item.get(name) for name in ("number", "issued", "sealed"))
    if (
        not isinstance(number, str)
        or not isinstance(sealed, str)
        or type(issued) is not int
        or not 0 <= issued < 1 << 40
    ):
        raise Malformed("a field of the line is missing or of the wrong type")
    try:
        data = _SUITE.decrypt(base64.b64decode(sealed, validate=True), backend, _info(number, issued))
    except binascii.Error as error:
        raise Malformed("the sealed part is not base64") from error
    except (InvalidTag, ValueError) as error:
        raise Forged("sealed to another backend, or changed since") from error
    card = unpack(data)
    if card.number != number:
        raise Forged("the card inside bears another number")
    return Issued(card, issued)


def _info(number: str, issued: int) -> bytes:
    return f"zonetag v1 bundle {issued} {number}".encode()
