"""When a tag is called, and at which gateway.  Pure.

A tag is called where it was just heard, if its log waits or there is an order for it; one session at a time.

| event | next call |
|---|---|
| all was said | after `every_s`, anywhere; at once if there is a new order |
| proved itself, then out of reach | at once, wherever it is heard |
| nothing came of the call | at that gateway after 15 s, 30 s, ... 15 min; at another one at once |
| nothing came of it yet, it is heard at another gateway, and not there for 45 s | at the other one at once |
"""

from typing import NamedTuple

from zonetag_protocol.rotation import EPOCH_S

FRESH_MS = 120_000  # heard longer ago it may be anywhere
BACK_OFF_MS = (15_000, 900_000)
LEAST_MS = 10_000  # of an identifier's life; a call with less would not be answered
MARGIN_MS = 4_000  # before its end the tag lets nobody in
VALID_S = 120  # of a call
IDLE_MS = 45_000  # after the end of a call's time, or without a message: the session is over
# Not heard where it is called, but elsewhere: it has walked there.  A gateway whose controller waits for a tag that has
# just shut again hears nothing for up to 20 s, of two in a row for 40.
ELSEWHERE_MS = 45_000
MOST_AT_GATEWAY = 16  # calls and sessions at one gateway
MOST_REMEMBERED = 100_000
NEVER_S = (1 << 32) - 1


class Sighting(NamedTuple):
    """A tag's frame, verified, as a gateway has just heard it."""

    tag: int
    gateway: str
    site: str
    at_ms: int
    eid: bytes
    epoch: int
    # of the identifier, on the tag's clock
    rssi_max: int
    # dBm
    ends_ms: int
    # UTC at which the epoch ends
    log_waits: bool


def ends_ms(epoch: int, offset_ms: int) -> int:
    """UTC at which an epoch of a tag's clock ends."""
    return (epoch + 1) * EPOCH_S * 1000 + offset_ms


def valid_s(sighting: Sighting, now_ms: int) -> int:
    """For how many seconds a call of what was heard is good; 0: not at all."""
    left_ms = sighting.ends_ms - MARGIN_MS - now_ms
    if left_ms < LEAST_MS or now_ms - sighting.at_ms > FRESH_MS:
        return 0
    return min(VALID_S, left_ms // 1000)


def walked_on(called: Sighting, heard_ms: int, there: Sighting) -> bool:
    """Whether a tag that is called, and was last heard there at `heard_ms`, has gone to where it was heard now."""
    return there.gateway != called.gateway and there.at_ms - heard_ms >= ELSEWHERE_MS


class Calls:
    """Remembers when to call again."""

    def __init__(self, every_s: int) -> None:
        """`every_s`: a log that was fetched is fetched again after so many seconds at the earliest."""
        self._every_ms = every_s * 1000
        self._fetched: dict[int, int] = {}  # tag -> when all was said
        self._refused: dict[tuple[int, str], tuple[int, int]] = {}  # tag, gateway -> not before, wait after that

    def wanted(self, sighting: Sighting, has_order: bool, now_ms: int) -> bool:
        """Whether to call it now, if nothing else forbids."""
        not_before, _ = self._refused.get((sighting.tag, sighting.gateway), (0, 0))
        if now_ms < not_before or not valid_s(sighting, now_ms):
            return False
        fetched = self._fetched.get(sighting.tag)
        return has_order or (sighting.log_waits and (fetched is None or now_ms - fetched >= self._every_ms))

    def waited_s(self, tag: int, now_ms: int) -> int:
        """How urgent it is: seconds since the log was fetched."""
        fetched = self._fetched.get(tag)
        return NEVER_S if fetched is None else max(0, (now_ms - fetched) // 1000)

    def fetched(self, tag: int, at_ms: int) -> None:
        """All was said, at `at_ms`."""
        self._fetched[tag] = at_ms

    def ended(self, tag: int, gateway: str, proved: bool, complete: bool, now_ms: int) -> None:
        """A session is over."""
        if complete:
            self.fetched(tag, now_ms)
        if proved:
            self._refused.pop((tag, gateway), None)
            return
        if len(self._refused) >= MOST_REMEMBERED:
            self._refused.clear()
        _, wait = self._refused.get((tag, gateway), (0, BACK_OFF_MS[0]))
        self._refused[tag, gateway] = now_ms + wait, min(2 * wait, BACK_OFF_MS[1])
