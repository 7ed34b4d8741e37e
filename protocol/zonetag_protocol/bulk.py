"""Identifiers by the thousand, for resolvers (SPEC.md section 4.3).  Servers only.

One temporary key serves 64 epochs, and ECB encrypts them all in one call: some hundred times as fast as one by one.
"""

from zonetag_protocol.crypto import Aes
from zonetag_protocol.rotation import ROTATION_BITS, TEMPORARY_KEY_BITS, temporary_key

EPOCHS = 1 << (TEMPORARY_KEY_BITS - ROTATION_BITS)  # 64 epochs a temporary key
STRIDE = 16  # bytes from one identifier to the next; the first 8 of them count

# The plaintexts of a key's 64 epochs differ between blocks only in bits 16 and up of t.
_LOW = [(i << ROTATION_BITS).to_bytes(2, "big") for i in range(EPOCHS)]


def eids_of_block(k_eid: bytes, block: int) -> bytes:
    """The identifiers of epochs 64 * block to 64 * block + 63: 64 strides of 16 bytes, of which the first 8 count.

    0 <= block < 65536; ValueError outside.
    """
    if not 0 <= block < 1 << 16:
        raise ValueError("a block of epochs is numbered 0 to 65535")
    head = bytes(11) + bytes([ROTATION_BITS]) + block.to_bytes(2, "big")
    return Aes(temporary_key(k_eid, block << TEMPORARY_KEY_BITS)).encrypt(b"".join([head + low for low in _LOW]))
