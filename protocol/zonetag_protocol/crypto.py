"""AES-128, AES-CMAC and HKDF-SHA256: the only file that knows which Python it is on (SPEC.md section 2).

CPython uses `cryptography`; MicroPython has AES blocks (`cryptolib`) and SHA-256 (`hashlib`) and builds the rest.
Keys and blocks are `bytes`; a wrong size raises ValueError on both.
"""

import sys

BLOCK = 16  # bytes in an AES block
KEY = 16  # bytes in an AES-128 key
DIGEST = 32  # bytes in a SHA-256 digest

if sys.implementation.name == "micropython":
    import hashlib

    import cryptolib

    _ECB = 1
    _HMAC_BLOCK = 64  # bytes: SHA-256's block, to which an HMAC key is padded

    class Aes:
        """AES-128 in ECB mode: encrypts whole blocks, keeps no state between calls."""

        def __init__(self, key: bytes) -> None:
            if len(key) != KEY:
                raise ValueError("AES-128 key of 16 bytes wanted")
            self._key = bytes(key)

        def encrypt(self, blocks: bytes) -> bytes:
            """Encrypt n * 16 bytes, each block by itself."""
            if len(blocks) % BLOCK:
                raise ValueError("whole blocks of 16 bytes wanted")
            # A cipher object is tied to its direction and mode at its first use; a new one costs little here.
            return bytes(cryptolib.aes(self._key, _ECB).encrypt(blocks))

    def _doubled(block: bytes) -> bytes:
        """Multiply by x in GF(2^128) (RFC 4493 section 2.3)."""
        out = bytearray(BLOCK)
        carry = 0
        for i in range(BLOCK - 1, -1, -1):
            out[i] = (block[i] << 1) & 0xFF | carry
            carry = block[i] >> 7
        if carry:
            out[BLOCK - 1] ^= 0x87
        return bytes(out)

    def cmac(key: bytes, message: bytes) -> bytes:
        """AES-CMAC of any message (RFC 4493): 16 bytes."""
        aes = Aes(key)
        sub_key = _doubled(aes.encrypt(bytes(BLOCK)))
        whole = max(0, (len(message) - 1) // BLOCK) * BLOCK
        last = message[whole:]
        if len(last) < BLOCK:
            sub_key = _doubled(sub_key)
            last = last + b"\x80" + bytes(BLOCK - 1 - len(last))
        state = bytes(BLOCK)
        for start in range(0, whole, BLOCK):
            state = aes.encrypt(bytes(a ^ b for a, b in zip(state, message[start : start + BLOCK])))
        return aes.encrypt(bytes(a ^ b ^ c for a, b, c in zip(state, last, sub_key)))

    def hmac_sha256(key: bytes, message: bytes) -> bytes:
        """HMAC-SHA256 (RFC 2104): 32 bytes."""
        if len(key) > _HMAC_BLOCK:
            key = hashlib.sha256(key).digest()
        key = key + bytes(_HMAC_BLOCK - len(key))
        inner = hashlib.sha256(bytes(b ^ 0x36 for b in key))
        inner.update(message)
        outer = hashlib.sha256(bytes(b ^ 0x5C for b in key))
        outer.update(inner.digest())
        return outer.digest()

    def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        """HKDF-SHA256 (RFC 5869): `length` bytes, at most 8160."""
        if not 0 < length <= 255 * DIGEST:
            raise ValueError("HKDF-SHA256 gives 1 to 8160 bytes")
        pseudo_random_key = hmac_sha256(salt or bytes(DIGEST), secret)
        out = block = b""
        counter = 1
        while len(out) < length:
            block = hmac_sha256(pseudo_random_key, block + info + bytes([counter]))
            out += block
            counter += 1
        return out[:length]

    def sha256(message: bytes) -> bytes:
        """SHA-256: 32 bytes."""
        return hashlib.sha256(message).digest()

else:
    import hashlib
    import hmac

    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.cmac import CMAC
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    class Aes:  # type: ignore[no-redef]  # the same class for the other Python
        """AES-128 in ECB mode: encrypts whole blocks, keeps no state between calls."""

        def __init__(self, key: bytes) -> None:
            if len(key) != KEY:
                raise ValueError("AES-128 key of 16 bytes wanted")
            # ECB carries nothing from block to block, so one encryptor serves for ever.
            self._update = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update  # noqa: S305  # bare blocks

        def encrypt(self, blocks: bytes) -> bytes:
            """Encrypt n * 16 bytes, each block by itself."""
            if len(blocks) % BLOCK:
                raise ValueError("whole blocks of 16 bytes wanted")
            return self._update(blocks)

    def cmac(key: bytes, message: bytes) -> bytes:
        """AES-CMAC of any message (RFC 4493): 16 bytes."""
        if len(key) != KEY:
            raise ValueError("AES-128 key of 16 bytes wanted")
        mac = CMAC(algorithms.AES(key))
        mac.update(message)
        return mac.finalize()

    def hmac_sha256(key: bytes, message: bytes) -> bytes:
        """HMAC-SHA256 (RFC 2104): 32 bytes."""
        return hmac.digest(key, message, "sha256")

    def hkdf_sha256(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
        """HKDF-SHA256 (RFC 5869): `length` bytes, at most 8160."""
        if not 0 < length <= 255 * DIGEST:
            raise ValueError("HKDF-SHA256 gives 1 to 8160 bytes")
        return HKDF(algorithm=SHA256(), length=length, salt=salt or None, info=info).derive(secret)

    def sha256(message: bytes) -> bytes:
        """SHA-256: 32 bytes."""
        return hashlib.sha256(message).digest()


def same(left: bytes, right: bytes) -> bool:
    """Compare two authenticators in a time that does not depend on where they differ."""
    if len(left) != len(right):
        return False
    difference = 0
    for a, b in zip(left, right):
        difference |= a ^ b
    return difference == 0
