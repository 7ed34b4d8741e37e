"""When a device advertises: its interval while it moves and at rest, and the 0 to 10 ms that Bluetooth adds each time.

(Core specification 6.0, volume 6, part B, section 4.4.2.2.1: advDelay, so that two devices do not collide for ever.)
"""

import numpy as np

from zonetag_backend.simulate.dice import Floats

MAX_DELAY_S = 0.010
HOLD_S = 10.0  # a tag takes itself for moving so long after its last step


def of_walker(
    roll: np.random.Generator, walks: tuple[tuple[float, float], ...], moving_s: float, rest_s: float, length_s: float
) -> Floats:
    """The moments of all adverts in [0, length_s) of a tag that knows when it moves."""
    parts = []
    at = 0.0
    for start, end in walks:
        if start > at:
            parts.append(_even(roll, at, min(start, length_s), rest_s))
        begin = max(start, at)
        at = max(at, min(end + HOLD_S, length_s))
        parts.append(_even(roll, begin, at, moving_s))
    parts.append(_even(roll, at, length_s, rest_s))
    return np.concatenate(parts)


def even(roll: np.random.Generator, interval_s: float, start_s: float, end_s: float) -> Floats:
    """The moments of all adverts in [start_s, end_s) of what always keeps one interval."""
    return _even(roll, start_s, end_s, interval_s)


def _even(roll: np.random.Generator, start: float, end: float, interval: float) -> Floats:
    if end <= start:
        return np.empty(0)
    first = start + roll.uniform(0, interval)
    count = max(0, int((end - first) / interval)) + 2
    times = first + np.concatenate([[0.0], np.cumsum(interval + roll.uniform(0, MAX_DELAY_S, count))])
    return times[times < end]
