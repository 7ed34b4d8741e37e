"""A tag's frame: sealed, read and verified."""

from both import vectors
from both.expect import refused, same

from zonetag_protocol import frame, rotation
from zonetag_protocol.errors import Forged


def _flipped(data: bytes, bit: int) -> bytes:
    other = bytearray(data)
    other[bit // 8] ^= 1 << bit % 8
    return bytes(other)


def check_seal() -> None:
    item = vectors.load("tag_frame")
    keys = rotation.derive_keys(bytes.fromhex(item["master_key"]))
    for one in item["frames"]:
        sealed = frame.seal(keys, one["t"], one["status"], one["tx_power"])
        same(sealed.hex(), one["advert"], one["t"])
        same(len(sealed), 31)


def check_verify() -> None:
    item = vectors.load("tag_frame")
    keys = rotation.derive_keys(bytes.fromhex(item["master_key"]))
    for one in item["frames"]:
        eid, sealed, mac = [bytes.fromhex(one[name]) for name in ("eid", "sealed", "mac")]
        read = frame.verify(keys, one["t"] >> 10, eid, sealed, mac)
        same((read.sub, read.status), (one["sub"], one["status"]), one["t"])


def check_each_flipped_bit_is_forged() -> None:
    item = vectors.load("tag_frame")
    keys = rotation.derive_keys(bytes.fromhex(item["master_key"]))
    one = item["frames"][0]
    epoch = one["t"] >> 10
    eid, sealed, mac = [bytes.fromhex(one[name]) for name in ("eid", "sealed", "mac")]
    for bit in range(64):
        refused(Forged, frame.verify, keys, epoch, _flipped(eid, bit), sealed, mac)
    for bit in range(16):
        refused(Forged, frame.verify, keys, epoch, eid, _flipped(sealed, bit), mac)
    for bit in range(32):
        refused(Forged, frame.verify, keys, epoch, eid, sealed, _flipped(mac, bit))


def check_each_bit_of_the_mac_counts() -> None:
    """A forger who could reseal the pair under each flipped authenticator: only the comparison stands in the way."""
    item = vectors.load("tag_frame")
    keys = rotation.derive_keys(bytes.fromhex(item["master_key"]))
    one = item["frames"][0]
    eid, mac = [bytes.fromhex(one[name]) for name in ("eid", "mac")]
    for bit in range(32):
        other = _flipped(mac, bit)
        pad = frame.keystream(keys.enc, eid, other)
        sealed = bytes([one["sub"] ^ pad[0], one["status"] ^ pad[1]])
        refused(Forged, frame.verify, keys, one["t"] >> 10, eid, sealed, other)


def check_wrong_epoch_and_keys_are_forged() -> None:
    item = vectors.load("tag_frame")
    master = bytes.fromhex(item["master_key"])
    keys = rotation.derive_keys(master)
    one = item["frames"][0]
    epoch = one["t"] >> 10
    eid, sealed, mac = [bytes.fromhex(one[name]) for name in ("eid", "sealed", "mac")]
    for other in (0, epoch - 1, epoch + 1, (1 << 22) - 1):
        refused(Forged, frame.verify, keys, other, eid, sealed, mac)
    for bit in (0, 127):
        refused(Forged, frame.verify, rotation.derive_keys(_flipped(master, bit)), epoch, eid, sealed, mac)


def check_parts_of_other_frames_are_forged() -> None:
    """Each part of one frame with the rest of another: nothing can be mixed."""
    keys = rotation.derive_keys(bytes(16))
    one, two = frame.seal(keys, 5000, 3), frame.seal(keys, 5004, 3)  # neighbouring slots of one epoch
    same(one[13:21], two[13:21])
    refused(Forged, frame.verify, keys, 4, one[13:21], one[25:27], two[27:31])
    refused(Forged, frame.verify, keys, 4, one[13:21], two[25:27], one[27:31])


def check_wrong_lengths() -> None:
    """A caller's own mistake, told at once: the decoder gives no such parts."""
    keys = rotation.derive_keys(bytes(16))
    refused((Forged, ValueError), frame.verify, keys, 0, bytes(7), bytes(2), bytes(4))
    refused((Forged, ValueError), frame.verify, keys, 0, bytes(8), bytes(2), bytes(5))


def check_outside_its_range() -> None:
    keys = rotation.derive_keys(bytes(16))
    for args in ((-1, 0), (1 << 32, 0), (0, -1), (0, 256), (0, 0, -129), (0, 0, 128), (0, 0, 0, -1), (0, 0, 0, 65536)):
        refused(ValueError, frame.seal, keys, *args)


def check_power_and_company() -> None:
    keys = rotation.derive_keys(bytes(16))
    for tx, byte in ((-128, 0x80), (-21, 0xEB), (-1, 0xFF), (0, 0), (127, 0x7F)):
        same(frame.seal(keys, 0, 0, tx)[12], byte, tx)
    same(frame.seal(keys, 0, 0, 0, 0x0059)[23:25], b"\x59\x00")


def check_second_implementation_agrees() -> None:
    """Random inputs, sealed by another implementation: master, t be32, status, tx, company le16, advert."""
    count = 0
    for master, t, status, tx, company, advert in vectors.lines("random_frames"):
        power = tx[0] - 256 if tx[0] > 127 else tx[0]
        keys = rotation.derive_keys(master)
        second = int.from_bytes(t, "big")
        got = frame.seal(keys, second, status[0], power, int.from_bytes(company, "little"))
        same(got, advert, (master, t))
        read = frame.verify(keys, second >> 10, advert[13:21], advert[25:27], advert[27:])
        same((read.sub, read.status), (rotation.slot_of(second), status[0]), (master, t))
        count += 1
    same(count > 20, True, "vectors")
