"""When a case met whom, day by day, as bars in percent of the width.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from zonetag_backend.store.case_story import Contact
from zonetag_backend.tracing.outcome import Who, Zone
from zonetag_backend.web.times import Day, local

MOST_ROWS = 40  # F1 in the picture; the list has them all
MOST_TICKS = 8  # dates written under it; more run together on a phone
FEW_DAYS = 2  # of so many the hours are written
HOUR_MS = 3_600_000
LEAST_WIDTH = 0.5  # percent: a bar of minutes among days can still be seen


@dataclass(frozen=True, slots=True)
class Stretch:
    """A bar, in percent of the width."""

    left: float
    width: float
    start_ms: int
    end_ms: int
    evidence: str
    # "stay" for where the case itself was


@dataclass(frozen=True, slots=True)
class Row:
    """The bars of one person."""

    who: Who
    bars: tuple[Stretch, ...]


@dataclass(frozen=True, slots=True)
class CaseTimeline:
    """Rows over whole days."""

    rows: tuple[Row, ...]
    # of the case itself first
    ticks: tuple[tuple[float, int], ...]
    # percent from the left, UTC ms: where each day begins, of few days each six hours
    hourly: bool
    # whether the hour is written, and not the day
    every: int
    # of how many ticks one is written
    left_out: int


def timeline_of(case: Who, contacts: Sequence[Contact], zones: Sequence[Zone], zone: ZoneInfo) -> CaseTimeline | None:
    """Draw the days on which a case met its F1; none when nobody was met."""
    met = [each for each in contacts if each.generation == 1]
    touches = [touch for each in met for touch in each.days]
    if not touches:
        return None
    first = local(min(touch.first_ms for touch in touches), zone).date()
    last = local(max(touch.last_ms for touch in touches), zone).date()
    days = [Day(first + timedelta(days=n), zone, last) for n in range((last - first).days + 1)]
    begin, end = days[0].start_ms, days[-1].end_ms

    def bar(start: int, stop: int, evidence: str) -> Stretch:
        left = (max(start, begin) - begin) / (end - begin) * 100
        width = max(LEAST_WIDTH, (min(stop, end) - begin) / (end - begin) * 100 - left)
        return Stretch(round(min(left, 100 - width), 3), round(width, 3), start, stop, evidence)

    stays = tuple(bar(z.start_ms, z.end_ms, "stay") for z in zones if z.start_ms < end and z.end_ms > begin)
    rows = [Row(case, stays)]
    for each in sorted(met, key=lambda each: each.first_ms)[:MOST_ROWS]:
        rows.append(Row(each.who, tuple(bar(touch.first_ms, touch.last_ms, touch.evidence) for touch in each.days)))
    hourly = len(days) <= FEW_DAYS
    times = range(begin, end, 6 * HOUR_MS) if hourly else [day.start_ms for day in days]
    ticks = tuple((round((at - begin) / (end - begin) * 100, 3), at) for at in times)
    return CaseTimeline(tuple(rows), ticks, hourly, -(-len(ticks) // MOST_TICKS), len(met) - len(rows) + 1)
