"""Somebody in the street before the door who wants a person in the book that is not there.

The replayer records a tag's frame and sends it again minutes later; the forger takes a living identifier and invents
the authenticator.  Neither has a key.
"""

import numpy as np

from zonetag_backend.simulate import rhythm
from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.emitter import Emitter
from zonetag_backend.simulate.plan import Point
from zonetag_backend.simulate.tag import Tag
from zonetag_backend.simulate.track import still
from zonetag_protocol import frame

_WHERE: Point = (-1.5, 4.5)
_INTERVAL_S = 0.1
_BURST_S = 8.0
_POWER_DB = 8.0  # over a tag's: they want to be heard
MIN_DELAY_S = 60.0  # a replay later than this is stale for certain
_AUTHENTICATOR = 6  # bytes: S[2] | MAC[4], the end of the frame


def attackers(seed: int, tags: list[Tag], length_s: float) -> list[Emitter]:
    """Two replays and two forgeries in a period long enough for them; none in one too short."""
    roll = dice(seed, "attackers")
    out = []
    for recorded, sent in ((0.4, 0.5), (0.45, 0.85)):
        victim = tags[int(roll.integers(len(tags)))]
        if (sent - recorded) * length_s >= MIN_DELAY_S:
            stolen = victim.advert(recorded * length_s)
            out.append(_burst(roll, stolen, sent * length_s, length_s))
    for sent in (0.55, 0.7):
        victim = tags[int(roll.integers(len(tags)))]
        invented = victim.advert(sent * length_s)[:-_AUTHENTICATOR] + roll.bytes(_AUTHENTICATOR)
        out.append(_burst(roll, invented, sent * length_s, length_s))
    return out


def _burst(roll: np.random.Generator, data: bytes, start_s: float, length_s: float) -> Emitter:
    times = rhythm.even(roll, _INTERVAL_S, start_s, min(start_s + _BURST_S, length_s))
    return Emitter(still(_WHERE), times, lambda _: data, frame.LENGTH, _POWER_DB, worn=False)
