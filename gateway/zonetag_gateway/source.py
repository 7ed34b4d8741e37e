"""The seam between whatever hears adverts and everything that follows.

A source has its own line of time, in seconds as a float: the system's monotonic clock for live ones, the capture's or
the simulation's for the others.  Nothing behind the seam reads a clock: it asks the source what `now` is, and what a
point of that line was in UTC.  `zonetag_gateway.sources.make(config: Config, clock: Clock) -> Source` chooses one.
"""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@dataclass(frozen=True, slots=True)
class Moment:
    """A point in time, as a report's base tells it (SPEC.md section 7.2)."""

    utc_ms: int
    # milliseconds since 1970, UTC
    monotonic_ms: int
    # milliseconds since some point in this boot; never steps
    synchronised: bool
    # whether the system calls its clock synchronised


class Clock(Protocol):
    """What an edge is given in place of a clock of its own."""

    def now(self) -> Moment: ...

    def monotonic(self) -> float:
        """Seconds since some point in this boot."""


class Hear(Protocol):
    """Where a source puts each advert: AD bytes, RSSI in dBm (int), seconds on the source's line.

    Must be called from the event loop's thread only.
    """

    def __call__(self, data: bytes, rssi: int, at: float, /) -> None: ...


class Source(Protocol):
    """Something that hears adverts."""

    async def run(self, hear: Hear) -> None:
        """Hear until cancelled, or to the end of a finite source.

        SourceError when it cannot go on; the caller may run it again.
        """

    def now(self) -> float:
        """The present on this source's line: live, the monotonic clock; replay or simulated, its last mark."""

    def moment(self, at: float) -> Moment:
        """UTC and monotonic time of the point `at` of this source's line."""


@runtime_checkable
class Telling(Protocol):
    """A source that has something to say of itself in health."""

    def tell(self) -> dict[str, Any]:
        """Names and values, beside the others of SPEC.md section 8.3; no identifier of a tag."""


@runtime_checkable
class Restartable(Protocol):
    """A source whose listening can be started again while it runs."""

    def restart(self) -> None:
        """At once; what was heard is not touched."""
