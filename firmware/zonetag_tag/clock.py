"""The tag's clock: pure (SPEC.md section 3).

Laws:
1. No floating point: the ESP32's floats are single precision, good for 24 bits, a clock needs 32.
2. Only differences of a millisecond counter are used.  That counter wraps at 2^30 ms (12.4 days) and starts anywhere.
   `time.time()` (whole seconds since 2000 on the ESP32, lost at each reset) is never asked.
3. A second is used only after one at or beyond it has been reserved on flash (`reservation`), so that no identifier
   and slot is ever sent twice, whatever the moment of a reset.
"""

from zonetag_protocol.rotation import SLOT_S, T_END

TICKS_MASK = (1 << 30) - 1  # ms: MicroPython's tick period on machines with 32-bit words
SECOND_MS = 1000
SLOT_MS = SLOT_S * SECOND_MS


class Clock:
    """Seconds and milliseconds that only go forward.

    `t` seconds of the tag's clock, `ms` 0 to 999 behind it, `synchronised` whether somebody who may (the backend, over
    the sealed link) has confirmed it since the last reset.
    """

    def __init__(self, t: int, ticks: int) -> None:
        """Begin at second `t` (section 3) at the counter's reading `ticks`."""
        self.t = t
        self.ms = 0
        self.synchronised = False
        self._ticks = ticks

    def advance(self, ticks: int) -> None:
        """Go on to the counter's reading `ticks`; to be called at least once each 12 days (it is, each slot)."""
        ms = self.ms + ((ticks - self._ticks) & TICKS_MASK)
        self._ticks = ticks
        self.t += ms // SECOND_MS
        self.ms = ms % SECOND_MS

    def confirm(self, t: int) -> None:
        """Take the true second from the backend.  An earlier one than ours is not taken: it would send frames twice."""
        if t > self.t:
            self.t = t
            self.ms = 0
        self.synchronised = True

    def exhausted(self) -> bool:
        """Whether the 32 bits of the air's clock are used up (after 136 years)."""
        return self.t >= T_END

    def slot(self) -> int:
        """The number of the present slot, counted from second 0."""
        return self.t // SLOT_S

    def to_slot_end_ms(self) -> int:
        """Milliseconds until the next slot begins: 1 to 4000."""
        return SLOT_MS - (self.t % SLOT_S * SECOND_MS + self.ms)


def reservation(t: int, stride: int) -> int:
    """The first second that may NOT be used once `t + stride` is on flash; whole slots, so that none is cut in two."""
    return (t + stride + SLOT_S - 1) // SLOT_S * SLOT_S
