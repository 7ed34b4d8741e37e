"""AES-CCM from the AES block (RFC 3610, NIST SP 800-38C; SPEC.md section 12.3).

The link uses nonces of 13 bytes and tags of 8; other sizes are here for the published vectors.  A wrong size raises
ValueError, bytes that do not open raise Forged and nothing of the plaintext is given away.

Runs on CPython and MicroPython.
"""

from zonetag_protocol.crypto import BLOCK, Aes, same
from zonetag_protocol.errors import Forged

NONCE = 13  # bytes: leaves L = 2, messages up to 65535 bytes
TAG = 8  # bytes of the link's tags
TAGS = (4, 6, 8, 10, 12, 14, 16)
MOST_AAD = 0xFEFF  # bytes: longer ones are written in another way, which the link has no use for


def seal(key: bytes, nonce: bytes, aad: bytes, message: bytes, tag: int = TAG) -> bytes:
    """ciphertext | tag: `len(message)` + `tag` bytes."""
    aes = _checked(key, nonce, aad, len(message), tag)
    pads = _pads(aes, nonce, len(message))
    mac = _mac(aes, nonce, aad, message, tag)
    return _xor(message, pads[BLOCK:]) + _xor(mac, pads)


def unseal(key: bytes, nonce: bytes, aad: bytes, sealed: bytes, tag: int = TAG) -> bytes:
    """The message of what `seal` made; Forged for anything else."""
    length = len(sealed) - tag
    if length < 0:
        raise Forged("shorter than its own authenticator")
    aes = _checked(key, nonce, aad, length, tag)
    pads = _pads(aes, nonce, length)
    message = _xor(sealed[:length], pads[BLOCK:])
    if not same(_xor(_mac(aes, nonce, aad, message, tag), pads), sealed[length:]):
        raise Forged("the sealed message does not open")
    return message


def _checked(key: bytes, nonce: bytes, aad: bytes, length: int, tag: int) -> Aes:
    if not 7 <= len(nonce) <= 13:
        raise ValueError("a CCM nonce has 7 to 13 bytes")
    if tag not in TAGS:
        raise ValueError("a CCM tag has 4, 6, 8, 10, 12, 14 or 16 bytes")
    if len(aad) > MOST_AAD:
        raise ValueError("associated data of 65279 bytes at most")
    if length >> (8 * (BLOCK - 1 - len(nonce))):
        raise ValueError("the message is too long for this nonce")
    return Aes(key)


def _pads(aes: Aes, nonce: bytes, length: int) -> bytes:
    """The keystream: block 0 covers the tag, the others the message.  All blocks in one call of the cipher."""
    wide = BLOCK - 1 - len(nonce)
    head = bytes([wide - 1]) + nonce
    blocks = (length + BLOCK - 1) // BLOCK + 1
    return aes.encrypt(b"".join([head + i.to_bytes(wide, "big") for i in range(blocks)]))


def _mac(aes: Aes, nonce: bytes, aad: bytes, message: bytes, tag: int) -> bytes:
    """CBC-MAC over length, nonce, associated data and message: `tag` bytes."""
    wide = BLOCK - 1 - len(nonce)
    flags = (64 if aad else 0) | (tag - 2) // 2 << 3 | (wide - 1)
    state = aes.encrypt(bytes([flags]) + nonce + len(message).to_bytes(wide, "big"))
    if aad:
        state = _chained(aes, state, len(aad).to_bytes(2, "big") + aad)
    return _chained(aes, state, message)[:tag]


def _chained(aes: Aes, state: bytes, data: bytes) -> bytes:
    for at in range(0, len(data), BLOCK):
        state = aes.encrypt(_xor(data[at : at + BLOCK], state) + state[len(data) - at :])
    return state


def _xor(data: bytes, pad: bytes) -> bytes:
    """`data` with as much of `pad`.  As whole numbers: byte by byte takes a tag ten times as long."""
    size = len(data)
    return (int.from_bytes(data, "big") ^ int.from_bytes(pad[:size], "big")).to_bytes(size, "big")
