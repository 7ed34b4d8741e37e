"""COSE_Sign1 around every message between gateway and backend (SPEC.md section 7.1; RFC 9052).  Servers only.

    COSE_Sign1 = 18([protected: bstr, unprotected: {}, payload: bstr, signature: bstr])

Signed: protected = {1: -8} (EdDSA), signature 64 bytes over Sig_structure with the message's name as external AAD, so
that one kind of message cannot be passed off as another.  Unsigned, while a gateway has no enrolled key: protected and
signature are empty.  Which of the two is accepted is the receiver's choice, never the message's.
"""

import io
from dataclasses import dataclass
from typing import Any

import cbor2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from zonetag_protocol.errors import Forged, Malformed

TAG = 18  # COSE_Sign1
VERSION = 1  # of every message inside
MAX_BYTES = 256 * 1024  # a report of 4096 windows is 106 kB; anything over this is refused unread
_EDDSA = cbor2.dumps({1: -8})
_DEPTH_LIMIT = 8  # no message of ours nests deeper
# CBOR tags to which the decoder would give a meaning.  None stands in a message of ours, and a hostile one makes them
# costly: huge fractions, patterns, values that hold themselves, numbers chosen to collide as keys.
_MEANINGS = (0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799)


def wrap(payload: bytes, about: str, key: Ed25519PrivateKey | None = None) -> bytes:
    """Put `payload` into an envelope, signed if a key is given; `about` is the message's name, as "report"."""
    if key is None:
        return cbor2.dumps(cbor2.CBORTag(TAG, [b"", {}, payload, b""]))
    return cbor2.dumps(cbor2.CBORTag(TAG, [_EDDSA, {}, payload, key.sign(_to_sign(_EDDSA, payload, about))]))


@dataclass(frozen=True, slots=True)
class Opened:
    """An envelope taken apart, its signature not yet looked at: whose it should be, the payload says."""

    payload: bytes
    protected: bytes
    # the header, empty if unsigned
    signature: bytes

    @property
    def signed(self) -> bool:
        """Whether it claims to be."""
        return self.protected == _EDDSA

    def fits(self, about: str, key: Ed25519PublicKey) -> bool:
        """Whether this key has signed it, as a message of the name `about`."""
        try:
            key.verify(self.signature, _to_sign(self.protected, self.payload, about))
        except InvalidSignature:
            return False
        return self.signed


def unwrap(data: bytes, about: str, key: Ed25519PublicKey | None = None) -> bytes:
    """The payload.  With a key, Forged unless its signature fits; without one, a signature is not looked at."""
    opened = take_apart(data)
    if key is not None:
        if not opened.signed:
            raise Forged("unsigned, where a signature is wanted")
        if not opened.fits(about, key):
            raise Forged("the signature does not fit")
    return opened.payload


def take_apart(data: bytes) -> Opened:
    """The parts of an envelope; Malformed for anything else, whatever the bytes."""
    outer = loads(data)
    if not isinstance(outer, cbor2.CBORTag) or outer.tag != TAG:
        raise Malformed("not a COSE_Sign1 envelope")
    parts = outer.value
    if not isinstance(parts, list | tuple) or len(parts) != 4:  # the decoder freezes what stands under a tag
        raise Malformed("an envelope has four parts")
    protected, unprotected, payload, signature = parts
    if not (isinstance(protected, bytes) and isinstance(payload, bytes) and isinstance(signature, bytes)):
        raise Malformed("a part of the envelope is of the wrong type")
    if unprotected != {} or protected not in (b"", _EDDSA):
        raise Malformed("an envelope header that this version does not know")
    return Opened(payload, protected, signature)


def loads(data: bytes) -> object:
    """One CBOR item and nothing behind it; Malformed for anything else, whatever the bytes."""
    if len(data) > MAX_BYTES:
        raise Malformed("larger than any message of ours")
    with io.BytesIO(data) as stream:
        try:
            item: object = cbor2.CBORDecoder(
                stream,
                semantic_decoders=dict.fromkeys(_MEANINGS, _refuse),
                max_depth=_DEPTH_LIMIT,
                allow_indefinite=False,
                allow_duplicate_keys=False,
            ).decode()
        except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError, MemoryError) as error:
            raise Malformed("not CBOR") from error
        if stream.tell() != len(data):
            raise Malformed("bytes behind the message")
    return item


def record(payload: bytes, fields: int) -> dict[int, Any]:
    """A message's map, whose keys are 1 to `fields` and no others, its version 1 under key 1; Malformed otherwise."""
    item = loads(payload)
    if not isinstance(item, dict) or set(item) != set(range(1, fields + 1)):
        raise Malformed("not a message of this kind")
    # True and 1.0 equal 1, here as keys and as values, and would pass for it.
    if not all(type(key) is int for key in item) or not is_uint(item[1], 8) or item[1] != VERSION:
        raise Malformed("not a message of version 1")
    return item


def is_uint(value: object, bits: int) -> bool:
    """Whether `value` is an unsigned integer of at most so many bits."""
    return type(value) is int and 0 <= value < 1 << bits


def _refuse(*_: object) -> object:
    raise ValueError("a tag that no message of ours has")


def _to_sign(protected: bytes, payload: bytes, about: str) -> bytes:
    return cbor2.dumps(["Signature1", protected, f"zonetag v1 {about}".encode(), payload])
