"""What a gateway reports of a day that is over, thinned: of each tag one window of 4 s in every minute.

A whole day heard advert by advert takes a minute to compute, and a million rows.  A visit, a stay in a room and a line
of the book come out the same; only when somebody came and went is known a minute less well.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from zonetag_backend.simulate.dice import Floats, dice
from zonetag_backend.simulate.emitter import Sent
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.radio import PACKET_SIGMA_DB, SENSITIVITY_DBM, Link
from zonetag_protocol.rotation import SLOT_S

EVERY = 15  # one slot of 4 s in so many: a window a minute; two further apart would not be one stay


class Heard(NamedTuple):
    """One window of a tag at a gateway: a slot's adverts, which all have one authenticator."""

    first_s: float
    last_s: float
    # of its adverts, seconds from the day's start
    tag: int
    # by number
    adverts: int
    # heard
    rssi_max: int
    rssi_p90: int
    rssi_median: int
    rssi_min: int
    # dBm, nearest rank


def windows(day: Day, link: Link) -> list[Heard]:
    """All windows of a gateway, in order of time."""
    found = [window for number in range(len(day.tags)) for window in _of_tag(day, link, number)]
    found.sort()
    return found


def _of_tag(day: Day, link: Link, number: int) -> Iterator[Heard]:
    tag, times = day.tags[number], day.times[number]
    slots = ((tag.t0_s + (day.since_s + times) * (1 + tag.drift_ppm * 1e-6)) // SLOT_S).astype(np.int64)
    kept = slots % EVERY == number % EVERY
    times, slots = times[kept], slots[kept]
    x, y, heading = day.tracks[number].at(times)
    power: Floats = np.zeros(len(times))
    roll = dice(day.seed[0], "thinned", link.receiver.name, number, *day.seed[1:])
    noise = roll.normal(0, PACKET_SIGMA_DB, len(times))
    level = link.rssi(Sent(times, x, y, heading, power, np.ones(len(times), dtype=bool))) + noise
    good = level >= SENSITIVITY_DBM
    times, slots, rssi = times[good], slots[good], np.clip(np.rint(level[good]), -127, 20).astype(int)
    edges = np.flatnonzero(np.diff(slots)) + 1
    for here, levels in zip(np.split(times, edges), np.split(rssi, edges), strict=True):
        n = len(here)
        if n:
            ordered = sorted(levels.tolist())
            ninety, middle = ordered[-(-9 * n // 10) - 1], ordered[(n - 1) // 2]
            yield Heard(float(here[0]), float(here[-1]), number, n, ordered[-1], ninety, middle, ordered[0])
