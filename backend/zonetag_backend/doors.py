"""Who has just held a tag close to a gateway, told from its reports.  Pure but for a lock.

What is usual at a gateway is learnt from the strengths that it reports, as a running percentile, anew from each start;
close is well above that, within bounds.  Nothing is kept but the last few arrivals of each place.
"""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

from zonetag_backend.records import Verdict
from zonetag_backend.rules import FORGED, RELAYED, STALE, UNKNOWN

SHARE = 0.02  # of adverts above the usual
STEP_DB = 0.1  # for an advert above
MARGIN_DB = 6.0  # above the usual is close
START_DBM = -55.0  # until something was learnt
LOWEST_DBM = -65.0  # never close below: some metres in the open
HIGHEST_DBM = -38.0  # always close above: a tag of 0 dBm within a hand's breadth
MOST_COUNTED = 16  # adverts of one window that teach: four seconds of a tag that moves

FRESH_MS = 20_000  # what was heard longer ago is no greeting any more: the network was away
REST_MS = 10_000  # a tag that was not close for so long arrives again
KEPT = 8  # arrivals of a place: a screen that asks late has missed the others
MOST_TAGS = 256  # last times of tags at a place that are remembered

STRANGE = (UNKNOWN, FORGED, STALE, RELAYED)  # reasons of what was kept apart that a screen answers to
NOBODY = -1  # instead of a tag: what was held there is none of ours, or not to be believed


@dataclass(frozen=True, slots=True)
class Heard:
    """A window, judged."""

    gateway: str
    place: int
    tag: int
    # NOBODY: it was kept apart
    mark: int
    # tells those of NOBODY from each other for a while: of its identifier
    end_ms: int
    # UTC, of its last advert
    adverts: int
    rssi: int
    # dBm, the 90th percentile; of what was kept apart the maximum


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody holds a tag close."""

    id: int
    # grows with each, also over restarts
    at_ms: int
    # UTC, when it was told
    tag: int
    # or NOBODY


class _Level:
    """What is usual at one gateway."""

    __slots__ = ("usual",)

    def __init__(self) -> None:
        self.usual = START_DBM

    def is_close(self, rssi: int, adverts: int) -> bool:
        close = rssi >= min(HIGHEST_DBM, max(LOWEST_DBM, self.usual + MARGIN_DB))
        n = min(adverts, MOST_COUNTED)
        if rssi > self.usual:
            self.usual = min(HIGHEST_DBM, self.usual + n * STEP_DB * (1 - SHARE))
        else:
            self.usual = max(LOWEST_DBM - MARGIN_DB, self.usual - n * STEP_DB * SHARE)
        return close and adverts > 1  # one strong reading may be a reflection


class Doors:
    """The arrivals of every place."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._levels: dict[str, _Level] = {}
        self._arrivals: dict[int, deque[Arrival]] = {}
        self._last: dict[int, dict[tuple[int, int], int]] = {}  # place -> who -> when last close, oldest first
        self._id = 0

    def hear(self, windows: Iterable[Heard], now_ms: int) -> None:
        """Windows that were committed, in the order of capture."""
        with self._lock:
            for window in windows:
                level = self._levels.setdefault(window.gateway, _Level())
                if level.is_close(window.rssi, window.adverts) and now_ms - window.end_ms <= FRESH_MS:
                    self._arrive(window, now_ms)

    def since(self, place: int, last: int) -> list[Arrival]:
        """Arrivals at a place with a greater id, the oldest first."""
        with self._lock:
            return [each for each in self._arrivals.get(place, ()) if each.id > last]

    def latest(self, now_ms: int) -> int:
        """An id from which on arrivals are new to somebody who begins to look now."""
        with self._lock:
            kept = [each for arrivals in self._arrivals.values() for each in arrivals]
            return max((each.id for each in kept if now_ms - each.at_ms > REST_MS), default=0)

    def _arrive(self, window: Heard, now_ms: int) -> None:
        last = self._last.setdefault(window.place, {})
        who = (window.tag, window.mark if window.tag == NOBODY else 0)
        before = last.pop(who, None)
        if len(last) >= MOST_TAGS:
            del last[next(iter(last))]
        last[who] = max(window.end_ms, before or 0)
        if before is not None and window.end_ms - before <= REST_MS:
            return
        self._id = max(self._id + 1, now_ms)
        arrivals = self._arrivals.setdefault(window.place, deque(maxlen=KEPT))
        arrivals.append(Arrival(self._id, now_ms, window.tag))


def windows_of(place: int, verdict: Verdict) -> list[Heard]:
    """A judged report as it is heard at a door, in the order of capture."""
    found = [
        Heard(o.gateway, place, o.tag, 0, o.start_ms + o.span_ms, o.adverts, o.rssi_p90) for o in verdict.observations
    ]
    found += [
        Heard(r.gateway, place, NOBODY, int.from_bytes(r.eid, "big"), r.start_ms + r.span_ms, r.adverts, r.rssi_max)
        for r in verdict.rejections
        if r.reason in STRANGE
    ]
    return sorted(found, key=lambda heard: heard.end_ms)
