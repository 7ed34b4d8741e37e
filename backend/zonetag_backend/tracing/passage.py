"""Windows of gateways on both sides of a door -> which way somebody went through it, and when.  Pure.

The door model (`door.follow`) takes packets at all receivers at once; a gateway reports windows of some seconds.  So
time is cut into bins, and each gateway's level in a bin is the strongest of its windows that touch it.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from zonetag_backend.tracing import door

BIN_MS = 1000  # shorter than a step through a door and back
QUIET_MS = 120_000  # unheard for so long on both sides is another visit to the door: nothing is carried over
INSIDE, OUTSIDE = "inside", "outside"
SIDES = (INSIDE, OUTSIDE)

Window = tuple[str, int, int, int]
"""Gateway, from and to in UTC ms, and the 90th percentile in dBm."""


class Crossing(NamedTuple):
    """Through the door, once."""

    at_ms: int
    inwards: bool


def crossings(windows: Iterable[Window], sides: Mapping[str, str]) -> list[Crossing]:
    """The crossings of one tag at one door, in order; none, and so unknown, while gateways hang on one side alone."""
    names = sorted(sides)
    if {INSIDE, OUTSIDE} - set(sides.values()):
        return []
    profile = door.by_sides([sides[name] == INSIDE for name in names])
    found: list[Crossing] = []
    for part in _parts(sorted((w for w in windows if w[0] in sides), key=lambda w: w[1])):
        first, last = part[0][1] // BIN_MS, max(end for _, _, end, _ in part) // BIN_MS
        levels = np.full((last - first + 1, len(names)), np.nan)
        for name, start, end, dbm in part:
            here = levels[start // BIN_MS - first : end // BIN_MS - first + 1, names.index(name)]
            here[:] = np.fmax(here, dbm)
        heard = np.flatnonzero(~np.isnan(levels).all(axis=1))
        times = np.asarray((heard + first) * (BIN_MS / 1000), np.float64)
        followed = door.follow(times, levels[heard], profile)
        found += [Crossing(round(each.at_s * 1000), each.inwards) for each in followed.crossings]
    return found


def _parts(windows: list[Window]) -> list[list[Window]]:
    parts: list[list[Window]] = []
    end = 0
    for window in windows:
        if not parts or window[1] - end > QUIET_MS:
            parts.append([])
        parts[-1].append(window)
        end = max(end, window[2])
    return parts
