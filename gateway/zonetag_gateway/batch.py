"""Windows gathered into reports (SPEC.md section 7.2).  Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from zonetag_gateway.source import Moment
from zonetag_gateway.window import ClosedWindow
from zonetag_protocol import envelope, report

TICKS_PER_S = 1000 // report.TICK_MS
MAX_REACH_S = 590.0  # from a report's first window to the first hearing of its last: 655 s less the longest window
BACK_S = 120.0  # a window that ended so long before the report began: the line went back (the longest one is 60 s)
_UTC_LIMIT = 1 << 48  # of report.decode
_MONOTONIC_LIMIT = 1 << 53


@dataclass(frozen=True, slots=True)
class Draft:
    """A report that has no name yet: it gets one when it is stored, so that a draft that is lost leaves no gap."""

    base: report.Base
    # the moment of `base_at`
    base_at: float
    # seconds on the source's line: the first hearing of all windows
    windows: tuple[ClosedWindow, ...]
    tallies: dict[str, int]
    # counts since the draft before

    @property
    def adverts(self) -> int:
        """Adverts counted in the windows."""
        return sum(window.count for window in self.windows)


@dataclass(frozen=True, slots=True)
class Chain:
    """What the next report of this boot is called."""

    boot: int
    seq: int = 1
    previous: bytes = report.FIRST_PREVIOUS
    # SHA-256 of the payload before


class Batcher:
    """Gathers windows until a report is due: after `every_s` of source time, or at `max_windows`."""

    def __init__(self, every_s: float, max_windows: int) -> None:
        self._every_s = every_s
        self._max_windows = max_windows
        self._since: float | None = None  # on the source's line: when the report in the making began
        self._held: list[ClosedWindow] = []

    def collect(
        self,
        windows: Iterable[ClosedWindow],
        now: float,
        take_tallies: Callable[[], dict[str, int]],
        moment: Callable[[float], Moment],
        *,
        final: bool = False,
    ) -> list[Draft]:
        """Add closed windows; the reports that are due at `now` (all there is, if `final`).

        `take_tallies` is asked once if a report is due, and the last one carries its answer; a report with neither
        windows nor tallies is none.  `moment` tells UTC and monotonic time of a point of the source's line.
        """
        windows = sorted(windows, key=lambda window: window.last)
        if self._since is None:
            self._since = min([now, *[window.first for window in windows]])
        full: list[list[ClosedWindow]] = []
        for window in windows:
            if self._held and self._must_cut_before(window, self._since):
                full.append(self._held)
                self._held = []
                # A whole number of periods on, as a running gateway would have cut.
                self._since += (window.last - self._since) // self._every_s * self._every_s
            self._held.append(window)
        if final or full or len(self._held) >= self._max_windows or abs(now - self._since) >= self._every_s:
            if final or not full or abs(now - self._since) >= self._every_s:
                full.append(self._held)
                self._held = []
                self._since = now
            tallies = take_tallies()
            return self._drafts(full, tallies, now, moment)
        return []

    def _must_cut_before(self, window: ClosedWindow, since: float) -> bool:
        return (
            len(self._held) >= self._max_windows
            or not -BACK_S < window.last - since < self._every_s
            or abs(window.first - self._held[0].first) > MAX_REACH_S / 2  # to either side: the rest lies within
        )

    @staticmethod
    def _drafts(
        groups: list[list[ClosedWindow]], tallies: dict[str, int], now: float, moment: Callable[[float], Moment]
    ) -> list[Draft]:
        drafts = []
        for group in groups:
            last = group is groups[-1]
            if group or (last and tallies):
                base_at = min((window.first for window in group), default=now)
                drafts.append(Draft(_base(moment(base_at)), base_at, tuple(group), tallies if last else {}))
        return drafts


def merged(dropped: Draft, into: Draft, reason: str) -> Draft:
    """`into` with the tallies of a draft that could not be kept, whose adverts are counted as `reason`."""
    tallies = dict(dropped.tallies)
    tallies[reason] = tallies.get(reason, 0) + dropped.adverts
    return added(into, tallies)


def added(draft: Draft, tallies: dict[str, int]) -> Draft:
    """`draft` with more counts."""
    total = dict(draft.tallies)
    for name, n in tallies.items():
        total[name] = total.get(name, 0) + n
    return replace(draft, tallies=total)


def seal(draft: Draft, gateway: str, chain: Chain) -> tuple[bytes, Chain]:
    """The envelope of a draft under the name that `chain` gives it, and the chain behind it."""
    columns = report.columns_of([_on_wire(window, draft.base_at) for window in draft.windows])
    payload = report.encode(
        report.Report(gateway, chain.boot, chain.seq, chain.previous, draft.base, columns, draft.tallies)
    )
    return envelope.wrap(payload, "report"), Chain(chain.boot, chain.seq + 1, report.hash_of(payload))


def _on_wire(window: ClosedWindow, base_at: float) -> report.Window:
    first = round((window.first - base_at) * TICKS_PER_S)
    last = round((window.last - base_at) * TICKS_PER_S)
    return report.Window(
        window.kind,
        window.eid,
        window.auth,
        first,
        min(last - first, report.MAX_TICKS),
        window.count,
        window.rssi_max,
        window.rssi_p90,
        window.rssi_median,
        window.rssi_min,
    )


def _base(moment: Moment) -> report.Base:
    """Within the wire's range, whatever the clock says: a clock that is so wrong is not synchronised either."""
    utc_ms = min(max(moment.utc_ms, 0), _UTC_LIMIT - 1)
    monotonic_ms = min(max(moment.monotonic_ms, 0), _MONOTONIC_LIMIT - 1)
    return report.Base(utc_ms, monotonic_ms, moment.synchronised and utc_ms == moment.utc_ms)
