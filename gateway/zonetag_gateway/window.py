"""A closed window: what was heard of one advert for a few seconds (SPEC.md section 7.2)."""

from collections.abc import Sequence
from dataclasses import dataclass

NO_RSSI = 127  # what Bluetooth controllers say when they could not measure (Core specification, vol. 4 part E 7.7.65.2)
UNMEASURED = -128  # what a window says when none of its adverts was measured: the farthest, never the nearest
LOWEST = -128  # dBm that a report can hold
HIGHEST = 126


@dataclass(slots=True)  # not frozen, though nobody changes it: freezing ten fields costs more than folding them
class ClosedWindow:
    """One identifier with one authenticator, from its first hearing to its last."""

    kind: int
    # report.KIND_ZONETAG or report.KIND_BADGE
    eid: bytes
    # 8 bytes
    auth: bytes
    # S[2] | MAC[4]; six zeros for a badge
    first: float
    last: float
    # seconds on the source's line, of the first and the last advert
    count: int
    # adverts, measured or not
    rssi_max: int
    rssi_p90: int
    rssi_median: int
    rssi_min: int
    # dBm, nearest rank (the lower of two for the median)


def quantiles(readings: Sequence[int]) -> tuple[int, int, int, int]:
    """Maximum, 90th percentile, median and minimum in dBm by nearest rank, of at least one reading.

    Readings that say "not measured" are left out; the rest are brought into the range of a report.
    """
    ranked = sorted(readings)
    if ranked[-1] >= NO_RSSI or ranked[0] < LOWEST:
        ranked = [max(LOWEST, reading) for reading in ranked if reading <= HIGHEST] or [UNMEASURED]
    n = len(ranked)
    return ranked[-1], ranked[(9 * n + 9) // 10 - 1], ranked[(n + 1) // 2 - 1], ranked[0]


def departed(readings: Sequence[int], change_db: int) -> bool:
    """Whether the wearer has moved: the median of the last three readings is `change_db` from that of the first three.

    A single reading proves nothing: fading alone moves it by 10 dB and more between two adverts.
    """
    if len(readings) < 6:
        return False
    level = sorted(readings[:3])[1]
    if abs(readings[-1] - level) < change_db and abs(readings[-2] - level) < change_db:
        return False  # two of three lie within, and so does their median: the usual case
    return abs(sorted(readings[-3:])[1] - level) >= change_db
