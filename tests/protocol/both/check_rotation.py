"""Keys, epochs and slots."""

from both import vectors
from both.expect import refused, same

from zonetag_protocol import rotation


def check_keys() -> None:
    item = vectors.load("tag_frame")
    keys = rotation.derive_keys(bytes.fromhex(item["master_key"]))
    same({name: key.hex() for name, key in zip(("eid", "mac", "enc", "link"), keys)}, item["keys"])
    same(keys.link.hex(), item["keys"]["link"])


def check_key_size() -> None:
    for size in (0, 15, 17, 32):
        refused(ValueError, rotation.derive_keys, bytes(size))


def check_arithmetic() -> None:
    """Second, epoch, slot, and where that slot begins; literals, at each edge."""
    for t, epoch, sub, start in (
        (0, 0, 0, 0),
        (3, 0, 0, 0),
        (4, 0, 1, 4),
        (1023, 0, 255, 1020),
        (1024, 1, 0, 1024),
        (65535, 63, 255, 65532),
        (65536, 64, 0, 65536),
        (74565, 72, 209, 74564),
        (1073741823, 1048575, 255, 1073741820),  # 2^30: where small integers end on a tag
        (1073741824, 1048576, 0, 1073741824),
        (2147483648, 2097152, 0, 2147483648),
        (4294967295, 4194303, 255, 4294967292),
    ):
        same(rotation.epoch_of(t), epoch, t)
        same(rotation.slot_of(t), sub, t)
        same(rotation.slot_start(epoch, sub), start, t)


def check_identifier_holds_for_its_epoch() -> None:
    key = bytes(range(16))
    for start in (0, 64512, 65536, 2147482624, 4294966272):
        first = rotation.eid_of(key, start)
        same(rotation.eid_of(key, start + 1023), first, start)
        if start + 1024 < rotation.T_END:
            same(rotation.eid_of(key, start + 1024) != first, True, start)


def check_clock_range() -> None:
    key = bytes(16)
    for t in (-1, 1 << 32, 1 << 40):
        refused(ValueError, rotation.eid_of, key, t)
        refused(ValueError, rotation.temporary_key, key, t)
    for k in (-1, 16):
        refused(ValueError, rotation.eid_of, key, 0, k)
