"""Windows of gateways on both sides of a door -> which way somebody went through it, and when.  Pure.

The door model (`door.follow`) takes packets at all receivers at once; a gateway reports windows of some seconds.  So
time is cut into bins, and each gateway's level in a bin is the strongest of its windows that touch it.

Most of the day somebody sits on one side.  So the model is asked only around the moments at which the other side
becomes the stronger one, `TURN_MS` before and after them, and not at all where that never happens.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from zonetag_backend.presence import merged
from zonetag_backend.tracing import door
from zonetag_backend.tracing.door import Floats

BIN_MS = 1000  # shorter than a step through a door and back
QUIET_MS = 120_000  # unheard for so long on both sides is another visit to the door: nothing is carried over
TURN_MS = 30_000  # what the model needs around a turn: it has forgotten the rest by then
SMOOTH = 5  # bins over which the difference of the sides is averaged to find turns: about a gateway's window
TURN_DB = 1.0  # beyond, on the other side than before
INSIDE, OUTSIDE = "inside", "outside"
IN, OUT, UNKNOWN = "in", "out", "unknown"
SIDES = (INSIDE, OUTSIDE)

Window = tuple[str, int, int, int]
"""Gateway, from and to in UTC ms, and the 90th percentile in dBm."""


class Crossing(NamedTuple):
    """Through the door, once."""

    at_ms: int
    inwards: bool


class Way(NamedTuple):
    """What the door says of one stay."""

    state: str
    # IN or OUT by the last crossing; UNKNOWN while none is
    in_ms: int | None
    # when they came in through it; none: not seen
    out_ms: int | None
    # when they went out at the end; none: not seen, or in again


def way(seen: Iterable[Crossing]) -> Way:
    """Of the crossings about a stay, in order."""
    known = list(seen)
    if not known:
        return Way(UNKNOWN, None, None)
    first, last = known[0], known[-1]
    return Way(
        IN if last.inwards else OUT, first.at_ms if first.inwards else None, None if last.inwards else last.at_ms
    )


def crossings(windows: Iterable[Window], sides: Mapping[str, str]) -> list[Crossing]:
    """The crossings of one tag at one door, in order; none, and so unknown, while gateways hang on one side alone."""
    if {INSIDE, OUTSIDE} - set(sides.values()):
        return []
    hung = tuple(sorted((name, side == INSIDE) for name, side in sides.items()))
    found: list[Crossing] = []
    for part in _parts(sorted((w for w in windows if w[0] in sides), key=lambda w: (w[1], w))):
        found += _of_part(tuple(part), hung)
    return found


@lru_cache(maxsize=4096)  # a page that is looked at asks for the same minutes again and again
def _of_part(part: tuple[Window, ...], hung: tuple[tuple[str, bool], ...]) -> tuple[Crossing, ...]:
    """The crossings of one time at the door; `hung`: each gateway, and whether it hangs inside."""
    at = {name: column for column, (name, _) in enumerate(hung)}
    within = np.array([inside for _, inside in hung])
    profile = door.by_sides(within.tolist())
    first, last = part[0][1] // BIN_MS, max(end for _, _, end, _ in part) // BIN_MS
    levels = np.full((last - first + 1, len(hung)), np.nan)
    for name, start, end, dbm in part:
        here = levels[start // BIN_MS - first : end // BIN_MS - first + 1, at[name]]
        here[:] = np.fmax(here, dbm)
    found: list[Crossing] = []
    for low, high in _turns(levels, within):
        here = levels[low:high]
        heard = np.flatnonzero(~np.isnan(here).all(axis=1))
        times = np.asarray((heard + low + first) * (BIN_MS / 1000), np.float64)
        followed = door.follow(times, here[heard], profile)
        found += [Crossing(round(each.at_s * 1000), each.inwards) for each in followed.crossings]
    return tuple(found)


def _turns(levels: Floats, within: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of bins (from, before which) around each turn from one side to the other."""
    filled = np.where(np.isnan(levels), door.NOT_HEARD_DBM, levels)
    heard = ~np.isnan(levels).all(axis=1)
    difference = (filled[:, within].mean(axis=1) - filled[:, ~within].mean(axis=1)) * heard
    ones = np.ones(SMOOTH)
    weight = np.convolve(heard, ones, "same")
    smooth = np.convolve(difference, ones, "same") / np.maximum(weight, 1)
    at = np.flatnonzero(np.abs(smooth) > TURN_DB)
    reach = TURN_MS // BIN_MS
    spans = [(int(a) - reach, int(b) + reach + 1) for a, b in pairwise(at) if (smooth[a] > 0) != (smooth[b] > 0)]
    return [(max(low, 0), min(high, len(levels))) for low, high in merged(spans, 0)]


def _parts(windows: list[Window]) -> list[list[Window]]:
    parts: list[list[Window]] = []
    end = 0
    for window in windows:
        if not parts or window[1] - end > QUIET_MS:
            parts.append([])
        parts[-1].append(window)
        end = max(end, window[2])
    return parts
