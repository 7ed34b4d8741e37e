"""Identifiers and frames by the thousand, for resolvers (SPEC.md sections 4.3 and 5).  Servers only.

One temporary key serves 64 epochs, and ECB encrypts them all in one call: some hundred times as fast as one by one.
"""

import hmac
from functools import lru_cache

from zonetag_protocol.crypto import BLOCK, Aes
from zonetag_protocol.frame import MAC, SEALED
from zonetag_protocol.rotation import EID, ROTATION_BITS, TEMPORARY_KEY_BITS, Keys, temporary_key

EPOCHS = 1 << (TEMPORARY_KEY_BITS - ROTATION_BITS)  # 64 epochs a temporary key
STRIDE = 16  # bytes from one identifier to the next; the first 8 of them count

# The plaintexts of a key's 64 epochs differ between blocks only in bits 16 and up of t.
_LOW = [(i << ROTATION_BITS).to_bytes(2, "big") for i in range(EPOCHS)]


_REST = bytes(BLOCK - EID - MAC)  # behind EID | MAC in the keystream block
_X128 = 0x87  # x^128 in CMAC's field (RFC 4493 section 2.3)


@lru_cache(maxsize=256)
def plaintexts_of_block(block: int) -> bytes:
    """What the temporary key of a block encrypts: the same for every tag.  0 <= block < 65536, else ValueError."""
    if not 0 <= block < 1 << 16:
        raise ValueError("a block of epochs is numbered 0 to 65535")
    head = bytes(11) + bytes([ROTATION_BITS]) + block.to_bytes(2, "big")
    return b"".join([head + low for low in _LOW])


def eids_of_block(k_eid: bytes, block: int) -> bytes:
    """The identifiers of epochs 64 * block to 64 * block + 63: 64 strides of 16 bytes, of which the first 8 count.

    0 <= block < 65536; ValueError outside.
    """
    plaintexts = plaintexts_of_block(block)
    return Aes(temporary_key(k_eid, block << TEMPORARY_KEY_BITS)).encrypt(plaintexts)


class Verifier:
    """`frame.verify` for one tag with its ciphers made once.

    What the authenticator covers is 15 bytes, one padded block: its CMAC is one AES of that block XOR K2.
    """

    __slots__ = ("_enc", "_k2", "_mac")

    def __init__(self, keys: Keys) -> None:
        self._enc = Aes(keys.enc).encrypt
        self._mac = Aes(keys.mac).encrypt
        k = int.from_bytes(self._mac(bytes(BLOCK)), "big")
        for _ in range(2):
            k = (k << 1) & ((1 << 128) - 1) ^ (_X128 if k >> 127 else 0)
        self._k2 = k

    def open(self, epoch: int, eid: bytes, auth: bytes) -> tuple[int, int] | None:
        """(sub, status) of a frame whose `eid` was resolved to `epoch`, `auth` being S[2] | MAC[4]; None if forged."""
        mac = auth[SEALED:]
        pad = self._enc(eid + mac + _REST)
        sub = auth[0] ^ pad[0]
        status = auth[1] ^ pad[1]
        covered = b"\x01" + epoch.to_bytes(4, "big") + eid + bytes((sub, status, 0x80))
        expected = self._mac((int.from_bytes(covered, "big") ^ self._k2).to_bytes(BLOCK, "big"))
        return (sub, status) if hmac.compare_digest(expected[:MAC], mac) else None
