"""Which identifier a tag sends when: keys, epochs and slots (SPEC.md sections 3 and 4).

A tag's clock `t` counts seconds, 0 <= t < 2^32.  An *epoch* is 1024 s and has one identifier; a *slot* is 4 s and has
one frame.  Runs on CPython and MicroPython.
"""

from collections import namedtuple

from zonetag_protocol.crypto import KEY, Aes, hkdf_sha256

ROTATION_BITS = 10  # Eddystone's K: a new identifier every 2^10 s
EPOCH_S = 1 << ROTATION_BITS
SLOT_BITS = 2
SLOT_S = 1 << SLOT_BITS
SLOTS = EPOCH_S // SLOT_S  # 256 slots an epoch, so that a slot's number is one byte
TEMPORARY_KEY_BITS = 16  # Eddystone changes the temporary key every 2^16 s (18.2 h), 64 epochs
T_END = 1 << 32  # the clock is 32 bits wide on the air
EID = 8  # bytes of an identifier

Keys = namedtuple("Keys", ("eid", "mac", "enc", "link"))
"""The four keys of a tag, 16 bytes each, none of which tells another."""


def derive_keys(master: bytes) -> Keys:
    """HKDF-SHA256(master, no salt, "zonetag v1 <name>", 16) for each of the four names (section 3)."""
    if len(master) != KEY:
        raise ValueError("master key of 16 bytes wanted")
    return Keys(
        *[hkdf_sha256(master, b"", b"zonetag v1 " + name.encode(), KEY) for name in ("eid", "mac", "enc", "link")]
    )


def epoch_of(t: int) -> int:
    """The number of the 1024-second epoch that holds second `t`."""
    return t >> ROTATION_BITS


def slot_of(t: int) -> int:
    """`sub`: which 4-second slot of its epoch holds second `t`, 0 to 255."""
    return (t & (EPOCH_S - 1)) >> SLOT_BITS


def slot_start(epoch: int, sub: int) -> int:
    """The first second of slot `sub` of an epoch, on the tag's clock."""
    return (epoch << ROTATION_BITS) + (sub << SLOT_BITS)


def temporary_key(k_eid: bytes, t: int) -> bytes:
    """Eddystone's temporary key: AES(k_eid, 0^11 | FF | 0000 | (t >> 16) be16), 16 bytes."""
    _check(t)
    return Aes(k_eid).encrypt(bytes(11) + b"\xff\x00\x00" + (t >> TEMPORARY_KEY_BITS).to_bytes(2, "big"))


def eid_of(k_eid: bytes, t: int, k: int = ROTATION_BITS) -> bytes:
    """Eddystone-EID for second `t` with rotation exponent `k` (0 to 15): 8 bytes (section 4).

    AES(temporary key, 0^11 | K | (t with its low K bits cleared) be32)[0:8].
    """
    _check(t)
    if not 0 <= k <= 15:
        raise ValueError("Eddystone's rotation exponent is 0 to 15")
    block = bytes(11) + bytes([k]) + (t >> k << k).to_bytes(4, "big")
    return Aes(temporary_key(k_eid, t)).encrypt(block)[:EID]


def _check(t: int) -> None:
    if not 0 <= t < T_END:
        raise ValueError("a tag's clock is 0 to 2^32 - 1 seconds")
