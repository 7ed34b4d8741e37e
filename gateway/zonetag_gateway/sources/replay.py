"""Captures played again: at real speed, N times as fast, or as fast as possible, with the times of the capture itself.

The line of time is seconds since the first advert of the first file.  It never goes backwards: where a capture's clock
steps back, or the next file begins before the last one ended, the line goes on from where it was with the capture's own
intervals, and the step is counted.  At real speed a gap is waited for MAX_WAIT_S at most, though it counts in full.
"""

import asyncio
import logging
import math
from collections.abc import Iterator
from pathlib import Path

from zonetag_gateway.captures import BrokenCapture, Capture
from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Clock, Hear, Moment

_log = logging.getLogger(__name__)

MAX_WAIT_S = 60.0  # nobody wants to sit through a night without adverts
BREATH = 256  # adverts between two turns of the event loop, so that publishing goes on at full speed
STEP_S = 2.0  # more than this backwards is a clock that was set; less is two packets out of order


def make(config: Config, clock: Clock) -> "Replay":
    """A replay of `source.file` at `source.speed`."""
    return Replay(config.source.file, config.source.speed, clock)


class Replay:
    """Capture files as a source.  A file that breaks off is given as far as it is whole; see `faults`."""

    def __init__(self, files: tuple[Path, ...], speed: float, clock: Clock) -> None:
        """`speed` 1.0 is real, math.inf without waiting; `clock` only paces."""
        if not speed > 0:
            raise SourceError(f"a speed of {speed} never arrives", 'Give a number above 0, "real" or "max"')
        self._files = files
        self._speed = speed
        self._clock = clock
        self._now = 0.0
        self._zero_us = 0  # UTC of 0.0 of the line
        self._shift_us = 0  # what steps back have taken away, put on again
        self.faults: list[BrokenCapture] = []
        # captures that broke off
        self.counts: dict[str, int] = {}
        # what was in the captures (captures.tally), and "steps_back"

    def now(self) -> float:
        """The time of the last advert given, seconds."""
        return self._now

    def moment(self, at: float) -> Moment:
        """The capture's own UTC, called synchronised until its clock has stepped back."""
        return Moment((self._zero_us + round(at * 1e6)) // 1000, round(at * 1000), not self._shift_us)

    async def run(self, hear: Hear) -> None:
        """Play all files to their end.  NotACapture for one that is none."""
        pace = _Pace(self._clock, self._speed)
        for given, (utc_us, data, rssi) in enumerate(self._adverts()):
            if not given:
                self._zero_us = utc_us
            self._now = self._line(utc_us)
            if given % BREATH == 0 or pace.ahead(self._now) > 0:
                await pace.wait(self._now)
            hear(data, rssi, self._now)

    def _line(self, utc_us: int) -> float:
        """The point of the line at which an advert of `utc_us` is heard: never before the last one."""
        at = (utc_us + self._shift_us - self._zero_us) / 1e6
        if at < self._now - STEP_S:
            self._shift_us += round((self._now - at) * 1e6)
            self.counts["steps_back"] = self.counts.get("steps_back", 0) + 1
        return max(at, self._now)

    def _adverts(self) -> Iterator[tuple[int, bytes, int]]:
        for path in self._files:
            capture = Capture(path)
            try:
                yield from capture.adverts()
            except BrokenCapture as broken:
                _log.warning("%s", broken)
                self.faults.append(broken)
            finally:
                for name, count in capture.tally.counts.items():
                    self.counts[name] = self.counts.get(name, 0) + count


class _Pace:
    """When to wait, so that the line of time runs at a given speed of the clock's."""

    def __init__(self, clock: Clock, speed: float) -> None:
        self._clock = clock
        self._speed = speed
        self._start = clock.monotonic()
        self._skipped = 0.0  # seconds of the line that were not waited for

    async def wait(self, at: float) -> None:
        """Until `at` has come; at least one turn of the event loop."""
        ahead = self.ahead(at)
        if ahead > MAX_WAIT_S:
            self._skipped += (ahead - MAX_WAIT_S) * self._speed
        await asyncio.sleep(min(max(0.0, ahead), MAX_WAIT_S))

    def ahead(self, at: float) -> float:
        """Seconds of the clock until the point `at` of the line."""
        if math.isinf(self._speed):
            return 0.0
        return (at - self._skipped) / self._speed - (self._clock.monotonic() - self._start)
