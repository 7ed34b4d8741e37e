"""The one file of the gateway that reads a clock.  Imported by app.py and cli.py only.

A Raspberry Pi boots in the past and may find no NTP.  Nothing here waits for it: while the kernel does not call its
clock synchronised, UTC goes on from the last time that was known, if that is later than what the system says; as soon
as it is synchronised, the system is right, whatever was kept (a kept time that was too late is repaired by that).
"""

import ctypes
import time
from collections.abc import Callable

from zonetag_gateway.lasttime import LATEST_MS, LastTime
from zonetag_gateway.source import Moment

KEEP_S = 300  # the kept time is at most so old after a pulled plug; one small write in that time
_TIMEX_BYTES = 256  # struct timex has 208 bytes on 64-bit Linux; the rest is room
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


def kernel_is_synchronised() -> bool:
    """What adjtimex(2) says; True only if some time service has set the clock and its error is bounded."""
    try:
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))  # modes = 0: read only
    except (AttributeError, OSError):  # no Linux: nobody to ask, so the answer is no
        return False
    return 0 <= state < _TIME_ERROR


class SystemClock:
    """UTC, monotonic time, and whether the kernel calls its clock synchronised."""

    def __init__(
        self,
        kept: LastTime | None = None,
        *,
        utc_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
        synchronised: Callable[[], bool] = kernel_is_synchronised,
    ) -> None:
        """`kept`: where the last known time is, if it is kept; the rest are the system's clocks."""
        self._kept = kept
        self._utc_ns = utc_ns
        self._monotonic_ns = monotonic_ns
        self._synchronised = synchronised
        self._floor_ms = kept.read() if kept else 0
        self._floor_at_ms = self._kept_at_ms = monotonic_ns() // 1_000_000

    def now(self) -> Moment:
        """The present.  Never before the last known time, unless the system is synchronised and knows better."""
        utc_ms, monotonic_ms = self._utc_ns() // 1_000_000, self._monotonic_ns() // 1_000_000
        synchronised = self._synchronised()
        if not synchronised and self._floor_ms:
            utc_ms = max(utc_ms, self._floor_ms + monotonic_ms - self._floor_at_ms)
        return Moment(utc_ms, monotonic_ms, synchronised)

    def behind(self) -> bool:
        """Whether the system lives in the past: its clock is known to be wrong, and nothing has set it yet."""
        return not self._synchronised() and self._utc_ns() // 1_000_000 < self._floor_ms

    def monotonic(self) -> float:
        """Seconds since some point in this boot."""
        return self._monotonic_ns() / 1e9

    def keep(self) -> bool:
        """Write the present down for the next boot, once in KEEP_S at most; whether it was.  Touches the disk."""
        now = self.now()
        if self._kept is None or now.monotonic_ms - self._kept_at_ms < KEEP_S * 1000 or now.utc_ms > LATEST_MS:
            return False
        self._kept_at_ms = now.monotonic_ms
        self._floor_ms, self._floor_at_ms = now.utc_ms, now.monotonic_ms
        return self._kept.write(now.utc_ms)
