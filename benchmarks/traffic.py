"""Adverts as a gateway meets them, for benchmarks: the same bytes for every competitor.

Each advert is a bytes object of its own, as a socket would give it, so that nobody profits from a cached hash.
"""

import random
from collections.abc import Callable

from zonetag_protocol import frame, rotation

Advert = tuple[bytes, int, float]  # AD bytes, RSSI dBm, seconds

SLOT_S = rotation.SLOT_S


def fresh(data: bytes) -> bytes:
    """The same bytes as a new object."""
    return bytes(bytearray(data))


def ours(tags: int, interval_s: float, seconds: float, seed: int = 1) -> list[Advert]:
    """`tags` of our tags, each heard every `interval_s`, a new frame every 4 s."""
    dice = random.Random(seed)
    keys = [rotation.derive_keys(dice.randbytes(16)) for _ in range(tags)]
    out: list[Advert] = []
    for number, key in enumerate(keys):
        strength = dice.randint(-90, -50)
        at = dice.random() * interval_s
        start = 1_790_000_000 + number * 37
        data, slot = b"", -1
        while at < seconds:
            if int(at) // SLOT_S != slot:
                slot = int(at) // SLOT_S
                data = frame.seal(key, start - start % SLOT_S + slot * SLOT_S, 7)
            out.append((fresh(data), strength + dice.randint(-6, 4), at))
            at += interval_s + dice.random() * 0.01
    out.sort(key=lambda advert: advert[2])
    return out


def strangers(devices: int, interval_s: float, seconds: float, seed: int = 2) -> list[Advert]:
    """What else is in the air of an office: phones, earphones, watches, beacons; a tenth of them change every time."""
    dice = random.Random(seed)
    shapes: tuple[Callable[[], bytes], ...] = (
        lambda: (
            bytes.fromhex("02011a0303 6ffd 1716 6ffd".replace(" ", "")) + dice.randbytes(20)
        ),  # exposure notification
        lambda: bytes.fromhex("020102 0fff b522".replace(" ", "")) + dice.randbytes(12) + bytes.fromhex("0303564e"),
        lambda: bytes.fromhex("02011a0bff4c001006") + dice.randbytes(6),  # Apple nearby
        lambda: bytes.fromhex("02011a1aff4c000215") + dice.randbytes(21),  # iBeacon
        lambda: bytes.fromhex("0201060303aafe0d16aafe30eb") + dice.randbytes(8),  # somebody's Eddystone-EID
        lambda: bytes.fromhex("02010617ff0600") + dice.randbytes(20),  # Microsoft
        lambda: bytes.fromhex("0201061107") + dice.randbytes(16),  # some 128-bit service
        lambda: bytes.fromhex("0201060d09") + bytes(dice.randint(65, 90) for _ in range(12)),  # a name
    )
    out: list[Advert] = []
    for number in range(devices):
        shape = shapes[number % len(shapes)]
        restless = number % 10 == 0
        data = shape()
        strength = dice.randint(-95, -60)
        at = dice.random() * interval_s
        while at < seconds:
            if restless:
                data = shape()
            out.append((fresh(data), strength + dice.randint(-6, 4), at))
            at += interval_s + dice.random() * 0.01
    out.sort(key=lambda advert: advert[2])
    return out


def mixed(seconds: float) -> list[Advert]:
    """A busy office: 60 of our tags, some moving, among 250 other devices."""
    every = ours(30, 0.25, seconds) + ours(30, 1.0, seconds, seed=3) + strangers(250, 0.3, seconds)
    every.sort(key=lambda advert: advert[2])
    return every
