"""A stream sealed to the holder of a private key, for backups (STREAM of Hoang et al., CRYPTO 2015, over AES-256-GCM).

| offset | bytes | field |
|---|---|---|
| 0 | 4 | "ZTB1" |
| 4 | 4 | n, big endian |
| 8 | n | header, JSON: `made_ms`, `expires_ms`, `version`, and `key`, base64 of the file's key sealed by HPKE |
| 8 + n | | chunks: ciphertext of 1 MiB (the last one of less, never of more) and its GCM tag of 16 bytes |

HPKE is RFC 9180 in base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-128-GCM.  The nonce of chunk i is
`i[11] | last[1]`, big endian, last being 1 for the last chunk alone: none can be cut off, moved or repeated.  The
associated data of every chunk is SHA-256 of all that stands before the first one.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from zonetag_backend.errors import BackupError

MAGIC = b"ZTB1"
CHUNK = 1 << 20
_TAG = 16
_MAX_HEADER = 4096
_INFO = b"zonetag v1 backup"
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_128_GCM)


@dataclass(frozen=True, slots=True)
class Header:
    """What stands in clear."""

    made_ms: int
    expires_ms: int
    # not to be restored, and to be deleted, from then on
    version: str
    # of the program that made it


def seal(header: Header, to: X25519PublicKey, content: Iterable[bytes]) -> Iterator[bytes]:
    """The pieces of the sealed stream; `content` in pieces of any length."""
    key = secrets.token_bytes(32)
    told = {"made_ms": header.made_ms, "expires_ms": header.expires_ms, "version": header.version}
    sealed = base64.b64encode(_SUITE.encrypt(key, to, _INFO)).decode()
    text = json.dumps(told | {"key": sealed}).encode()
    head = MAGIC + len(text).to_bytes(4, "big") + text
    yield head
    gcm, about = AESGCM(key), hashlib.sha256(head).digest()
    waiting = b""
    number = 0
    for piece in content:
        waiting += piece
        while len(waiting) > CHUNK:  # a full one waits until it is known whether another follows
            yield gcm.encrypt(_nonce(number, last=False), waiting[:CHUNK], about)
            waiting = waiting[CHUNK:]
            number += 1
    yield gcm.encrypt(_nonce(number, last=True), waiting, about)


def read_header(file: BinaryIO) -> tuple[Header, bytes, bytes]:
    """The header, the file's sealed key, and the associated data; the file then stands before the first chunk."""
    head = file.read(8)
    size = int.from_bytes(head[4:], "big")
    if len(head) != 8 or head[:4] != MAGIC or size > _MAX_HEADER:
        raise BackupError("this is no backup of zonetag")
    text = file.read(size)
    try:
        item = json.loads(text)
        header = Header(int(item["made_ms"]), int(item["expires_ms"]), str(item["version"]))
        return header, base64.b64decode(item["key"], validate=True), hashlib.sha256(head + text).digest()
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BackupError("the head of this backup is damaged") from error


def unseal(file: BinaryIO, private: X25519PrivateKey) -> Iterator[bytes]:
    """The content of a sealed stream, a chunk at a time.  BackupError when it is damaged, cut, or sealed to another."""
    _, sealed, about = read_header(file)
    try:
        gcm = AESGCM(_SUITE.decrypt(sealed, private, _INFO))
    except (InvalidTag, ValueError) as error:
        raise BackupError("this backup was sealed to another key: give the private key that belongs to it") from error
    number = 0
    chunk = file.read(CHUNK + _TAG)
    while True:
        following = file.read(CHUNK + _TAG)
        try:
            yield gcm.decrypt(_nonce(number, last=not following), chunk, about)
        except (InvalidTag, ValueError) as error:
            raise BackupError("this backup is damaged or cut short: take another one") from error
        if not following:
            return
        chunk = following
        number += 1


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
