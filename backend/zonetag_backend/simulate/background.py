"""What else is in the air of an office: phones, other people's beacons, and rubbish.  None of it may enter the book."""

from collections.abc import Callable

import numpy as np

from zonetag_backend.simulate import rhythm, tag
from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.emitter import Emitter
from zonetag_backend.simulate.plan import Point
from zonetag_backend.simulate.track import Track, still
from zonetag_protocol import advert, frame

PHONE_ROTATION_S = 900  # a phone's identifier lives about so long
_STREET: Point = (-4.0, 9.0)

_Body = Callable[[np.random.Generator], bytes]


def _bluezone(roll: np.random.Generator) -> bytes:
    return b"\x02\x01\x1a\x0f\xff\xb5\x22" + roll.bytes(12) + b"\x03\x03\x56\x4e"


def _bluezone_iphone(_: np.random.Generator) -> bytes:
    return b"\x02\x01\x1a\x11\x07" + advert.BLUEZONE_IPHONE


def _exposure(roll: np.random.Generator) -> bytes:
    return b"\x02\x01\x1a\x03\x03\x6f\xfd\x17\x16\x6f\xfd" + roll.bytes(20)


def _token(roll: np.random.Generator) -> bytes:
    return b"\x02\x01\x06\x03\x03\xff\xff\x17\x16\xff\xff" + roll.bytes(20)


def _find_hub(roll: np.random.Generator) -> bytes:
    return b"\x02\x01\x06\x18\x16\xaa\xfe\x40" + roll.bytes(20)


def _badge(roll: np.random.Generator) -> bytes:
    return frame.HEAD + b"\xeb" + roll.bytes(8)


def _apple(roll: np.random.Generator) -> bytes:
    return b"\x02\x01\x1a\x0a\xff\x4c\x00\x10\x05" + roll.bytes(5)


def _broken(roll: np.random.Generator) -> bytes:
    return b"\x02\x01\x06\x1e\x16\xaa\xfe\x30" + roll.bytes(9)  # a structure that passes the end


# What is carried about, and what lies somewhere; how many of each in a whole office, and its interval in ms.
CARRIED: tuple[tuple[_Body, int, int], ...] = ((_bluezone, 5, 500), (_bluezone_iphone, 2, 1000), (_exposure, 4, 270))
LYING: tuple[tuple[_Body, Point, int], ...] = (
    (_token, (3.0, 10.0), 1000),
    (_find_hub, (9.0, 2.0), 2000),
    (_badge, (21.0, 7.0), 1000),
    (_apple, (12.0, 10.0), 700),
    (_broken, (16.0, 4.0), 3000),
)


def background(seed: int, people: list[Track], length_s: float) -> list[Emitter]:
    """The emitters of the background; phones go where their owners go."""
    out = []
    owners = iter(dice(seed, "owners").permutation(len(people)))
    for body, count, interval_ms in CARRIED:
        for index in range(count):
            owner = next(owners, None)
            if owner is not None:
                purpose = f"{body.__name__}{index}"
                out.append(
                    _emitter(
                        seed, purpose, body, people[int(owner)], interval_ms=interval_ms, length_s=length_s, worn=True
                    )
                )
    for body, point, interval_ms in LYING:
        out.append(
            _emitter(seed, body.__name__, body, still(point), interval_ms=interval_ms, length_s=length_s, worn=False)
        )
    return [*out, _neighbour(seed, length_s)]


def _emitter(
    seed: int, purpose: str, body: _Body, track: Track, *, interval_ms: int, length_s: float, worn: bool
) -> Emitter:
    def say(at: float) -> bytes:
        return body(dice(seed, purpose, int(at // PHONE_ROTATION_S)))

    roll = dice(seed, purpose, "rhythm")
    times = rhythm.even(roll, interval_ms / 1000, 0.0, length_s)
    return Emitter(track, times, _remembered(say), len(say(0.0)), float(roll.uniform(-4, 4)), worn)


def _remembered(say: Callable[[float], bytes]) -> Callable[[float], bytes]:
    """The same, computed once a rotation."""
    known: dict[int, bytes] = {}

    def once(at: float) -> bytes:
        period = int(at // PHONE_ROTATION_S)
        if period not in known:
            known.clear()
            known[period] = say(at)
        return known[period]

    return once


def _neighbour(seed: int, length_s: float) -> Emitter:
    """A genuine tag of another company, which nobody here has a key for, lying at the window next door."""
    stranger = tag.make(seed, 1_000_000, "X-1")
    times = rhythm.even(dice(seed, "neighbour"), 5.0, 0.0, length_s)
    return Emitter(still(_STREET), times, stranger.advert, frame.LENGTH, 6.0, worn=False)
