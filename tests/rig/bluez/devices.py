"""What is on the virtual air: tags with frames by the real code, badges, phones, and other people's devices.

Each is a row of data, so hundreds cost nothing but what they send.  A device's own time `t` is seconds since it began.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rig.bluez.controller import ADV_IND, ADV_NONCONN_IND, ADV_SCAN_IND

from zonetag_protocol import frame, rotation

TAG_INTERVAL_S = 0.25
OTHERS_INTERVAL_S = 1.0
EPOCH = 1_700_000  # that the tags' clocks begin in
Rssi = Callable[[int], int]
"""Number of the advert -> dBm."""


@dataclass(frozen=True, slots=True)
class Advert:
    """What a device sends at one moment."""

    address: bytes
    # random address, most significant byte first
    data: bytes
    kind: int = ADV_NONCONN_IND


class Device(Protocol):
    """Anything that sends."""

    @property
    def interval_s(self) -> float: ...

    def advert(self, number: int, t: float) -> Advert:
        """Its advert number `number`, at second `t`."""

    def rssi(self, number: int) -> int:
        """dBm, of that advert at the antenna."""


def ad(*structures: tuple[int, bytes]) -> bytes:
    """AD structures from (type, data)."""
    return b"".join(bytes((len(data) + 1, kind)) + data for kind, data in structures)


def address(*of: object) -> bytes:
    """A random static address that follows from `of`."""
    raw = hashlib.sha256(repr(of).encode()).digest()[:6]
    return bytes([raw[0] | 0xC0]) + raw[1:]


class Tag:
    """A tag of the fleet: a new frame each slot, a new identifier and a new address each epoch."""

    interval_s = TAG_INTERVAL_S

    def __init__(
        self,
        number: int,
        rssi: int | Rssi = -60,
        *,
        slot_s: float = rotation.SLOT_S,
        rotates_at: float = 1000.0,
        master: bytes | None = None,
    ) -> None:
        """`slot_s`: real seconds a slot; `rotates_at`: seconds until the first rotation, at most 1024 of its own."""
        self.keys = rotation.derive_keys(master or number.to_bytes(16, "big"))
        self._number = number
        self._rssi = rssi
        self._pace = rotation.SLOT_S / slot_s
        self._begin = EPOCH * rotation.EPOCH_S + max(0, rotation.EPOCH_S - round(rotates_at * self._pace))

    def clock(self, t: float) -> int:
        """The tag's own clock, seconds."""
        return self._begin + int(t * self._pace)

    def advert(self, number: int, t: float) -> Advert:
        clock = self.clock(t)
        return Advert(
            address("tag", self._number, rotation.epoch_of(clock)), frame.seal(self.keys, clock, self._number & 0xFF)
        )

    def rssi(self, number: int) -> int:
        return self._rssi if isinstance(self._rssi, int) else self._rssi(number)


@dataclass(frozen=True, slots=True)
class Steady:
    """A device whose adverts are all the same."""

    what: Advert
    interval_s: float = OTHERS_INTERVAL_S
    dbm: int = -70

    def advert(self, number: int, t: float) -> Advert:
        return self.what

    def rssi(self, number: int) -> int:
        return self.dbm


@dataclass(frozen=True, slots=True)
class Changing:
    """A device whose adverts end with a byte that counts."""

    first: Advert
    interval_s: float = OTHERS_INTERVAL_S

    def advert(self, number: int, t: float) -> Advert:
        return Advert(self.first.address, self.first.data[:-1] + bytes([number & 0xFF]), self.first.kind)

    def rssi(self, number: int) -> int:
        return -55 - number % 40


def badge(number: int, rssi: int = -65) -> Steady:
    """A plain Eddystone-EID badge, its payload constant."""
    eid = hashlib.sha256(b"badge %d" % number).digest()[:8]
    data = ad((1, b"\x06"), (3, b"\xaa\xfe"), (0x16, b"\xaa\xfe\x30\xeb" + eid))
    return Steady(Advert(address("badge", number), data), TAG_INTERVAL_S, rssi)


def bluezone(number: int) -> Steady:
    """An Android phone with Bluezone 2, as it was captured: scannable, its identifier in manufacturer data."""
    identifier = hashlib.sha256(b"bluezone %d" % number).digest()[:12]
    data = ad((1, b"\x02"), (0xFF, b"\xb5\x22" + identifier), (3, b"\x56\x4e"))
    return Steady(Advert(address("bluezone", number), data, ADV_IND))


def exposure(number: int) -> Steady:
    """A phone with Exposure Notification."""
    body = hashlib.sha256(b"exposure %d" % number).digest()[:20]
    data = ad((1, b"\x1a"), (3, b"\x6f\xfd"), (0x16, b"\x6f\xfd" + body))
    return Steady(Advert(address("exposure", number), data))


def others(count: int, seed: int = 1) -> list[Device]:
    """Headphones, televisions, sensors: manufacturer data, names, service data; still and changing; all PDU types."""
    chance = random.Random(seed)
    found: list[Device] = []
    for number in range(count):
        where = address("other", seed, number)
        kind = chance.choice((ADV_IND, ADV_SCAN_IND, ADV_NONCONN_IND))
        body = chance.randbytes(chance.randint(2, 18))
        company = chance.choice((0x004C, 0x0006, 0x0075, 0x00E0)).to_bytes(2, "little")
        match number % 4:
            case 0:
                data = ad((1, b"\x1a"), (0xFF, company + b"\x10" + body))
            case 1:
                data = ad((1, b"\x06"), (9, b"TV %04d" % number), (3, b"\x0f\x18"))
            case 2:
                data = ad((1, b"\x06"), (0x16, b"\xd2\xfc\x40" + body))
            case _:
                data = ad((0xFF, company + body))  # without flags
        if chance.random() < 0.3:
            found.append(Changing(Advert(where, data, kind)))
        else:
            found.append(Steady(Advert(where, data, kind)))
    return found
