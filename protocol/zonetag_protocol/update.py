"""The order that lets a gateway install another version of itself (SPEC.md section 8.4).  Servers only.

order = {1: 1, 2: tstr, 3: tstr, 4: tstr, 5: bstr .size 32, 6: uint, 7: uint}
        ; version, site, gateway, version of the package, its SHA-256, its bytes, UTC ms when it was signed

in an envelope of the name `update`, signed with the backend's key.  A gateway follows each order once, and none that
was signed before one that it has followed: an old package comes back by no old order.
"""

import re
from dataclasses import dataclass

import cbor2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_protocol import envelope
from zonetag_protocol.errors import Malformed
from zonetag_protocol.topics import is_name

UPDATE = "update"  # the message's name, and the folder at the server: /update/<SHA-256 in hexadecimal>
SHA256 = 32  # bytes
MAX_PACKAGE = 128 * 1024 * 1024  # bytes; one with wheels for two Pythons has 25 MB
MAX_ORDER = 512  # bytes of an envelope; in hexadecimal it still fits into a command
_VERSION = re.compile(r"[0-9][A-Za-z0-9.+~-]{0,63}")


@dataclass(frozen=True, slots=True)
class Order:
    """Which package one gateway shall install."""

    site: str
    gateway: str
    version: str
    # as dpkg has it
    sha256: bytes
    # of the file
    size: int
    # bytes
    signed_ms: int
    # UTC


def seal(order: Order, key: Ed25519PrivateKey) -> bytes:
    """In an envelope, signed."""
    fields = (1, order.site, order.gateway, order.version, order.sha256, order.size, order.signed_ms)
    return envelope.wrap(cbor2.dumps(dict(enumerate(fields, 1))), UPDATE, key)


def open_order(data: bytes, key: Ed25519PublicKey) -> Order:
    """What the backend with this key has ordered; Forged, Malformed."""
    if len(data) > MAX_ORDER:
        raise Malformed("longer than any order")
    item = envelope.record(envelope.unwrap(data, UPDATE, key), 7)
    order = Order(*(item[number] for number in range(2, 8)))
    good = (
        isinstance(order.site, str)
        and isinstance(order.gateway, str)
        and isinstance(order.version, str)
        and is_name(order.site)
        and is_name(order.gateway)
        and _VERSION.fullmatch(order.version)
        and isinstance(order.sha256, bytes)
        and len(order.sha256) == SHA256
        and envelope.is_uint(order.size, 32)
        and 0 < order.size <= MAX_PACKAGE
        and envelope.is_uint(order.signed_ms, 63)
    )
    if not good:
        raise Malformed("an order with a field that breaks a rule")
    return order
