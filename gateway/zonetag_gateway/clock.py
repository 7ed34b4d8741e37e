"""The one file of the gateway that reads a clock.  Imported by app.py and cli.py only."""

import ctypes
import time

from zonetag_gateway.source import Moment

_TIMEX_BYTES = 256  # struct timex has 208 bytes on 64-bit Linux; the rest is room
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised


class SystemClock:
    """UTC, monotonic time, and whether the kernel calls its clock synchronised."""

    def now(self) -> Moment:
        return Moment(time.time_ns() // 1_000_000, time.monotonic_ns() // 1_000_000, self.synchronised())

    def monotonic(self) -> float:
        """Seconds since some point in this boot."""
        return time.monotonic()

    def synchronised(self) -> bool:
        """What adjtimex(2) says; True only if some time service has set the clock and its error is bounded."""
        try:
            state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_TIMEX_BYTES)))  # modes = 0: read only
        except (AttributeError, OSError):  # no Linux: nobody to ask, so the answer is no
            return False
        return 0 <= state < _TIME_ERROR
