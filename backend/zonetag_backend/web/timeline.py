"""Geometry of a person's day: which stretch of the day is shown, its hours, and bars in percent of it.  Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from zonetag_backend.store.book import Stay
from zonetag_backend.store.person_day import Spell

HOUR_MS = 3_600_000
LEAST_HOURS = 4  # a shorter stretch would make minutes look like hours
MOST_TICKS = 9  # hours written under the line; more run together on a phone
LEAST_WIDTH = 0.4  # percent: a bar of a few seconds can still be seen


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar of a row, in percent of the width."""

    left: float
    width: float
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class TimelineRow:
    """The bars of one place, or of the stays when `place` is empty."""

    place: str
    kind: str
    # "visit", "entrance" or "room"
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Rows over one stretch of time."""

    rows: tuple[TimelineRow, ...]
    ticks: tuple[tuple[float, int], ...]
    # percent from the left, UTC in ms


def timeline_of(stays: Sequence[Stay], spells: Sequence[Spell], start_ms: int, end_ms: int) -> Timeline | None:
    """Draw a day [start_ms, end_ms) from its first to its last hour that has anything; none when nothing has."""
    spans = [(stay.came_ms, stay.last_ms) for stay in stays] + [(spell.start_ms, spell.end_ms) for spell in spells]
    if not spans:
        return None
    first = max(start_ms, min(start for start, _ in spans))
    last = min(end_ms, max(end for _, end in spans))
    # Whole hours from the beginning of the day, so that zones of half an hour get their own hours.
    begin = start_ms + (first - start_ms) // HOUR_MS * HOUR_MS
    end = min(end_ms, start_ms - (start_ms - last) // HOUR_MS * HOUR_MS)
    end = max(end, min(end_ms, begin + LEAST_HOURS * HOUR_MS))
    begin = min(begin, max(start_ms, end - LEAST_HOURS * HOUR_MS))

    def bar(from_ms: int, to_ms: int) -> Bar:
        left = (min(max(from_ms, begin), end) - begin) / (end - begin) * 100
        right = (min(max(to_ms, begin), end) - begin) / (end - begin) * 100
        width = max(LEAST_WIDTH, right - left)
        return Bar(round(min(left, 100 - width), 3), round(width, 3), from_ms, to_ms)

    rows = [TimelineRow("", "visit", tuple(bar(stay.came_ms, stay.last_ms) for stay in stays))]
    for name, kind in dict.fromkeys((spell.place, spell.kind) for spell in spells):
        bars = (bar(spell.start_ms, spell.end_ms) for spell in spells if (spell.place, spell.kind) == (name, kind))
        rows.append(TimelineRow(name, kind, tuple(bars)))
    step = -(-(end - begin) // HOUR_MS // (MOST_TICKS - 1)) or 1
    ticks = range(begin, end + 1, step * HOUR_MS)
    return Timeline(tuple(rows), tuple((round((at - begin) / (end - begin) * 100, 3), at) for at in ticks))
