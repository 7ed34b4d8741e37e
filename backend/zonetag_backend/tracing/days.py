"""Days as the clocks on the wall count them.  Pure."""

from collections.abc import Iterator
from datetime import datetime, time, timedelta, tzinfo

_QUARTER_MS = 900_000  # every time zone's offset is a multiple of a quarter of an hour


class Days:
    """Beginnings of days in one time zone, UTC ms."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[int, tuple[int, int]] = {}  # (beginning, end) by quarter: tracing asks thousands of times

    def of(self, utc_ms: int) -> tuple[int, int]:
        """Beginning and end of the day that holds a time."""
        quarter = utc_ms // _QUARTER_MS
        found = self._known.get(quarter)
        if found is None:
            date = datetime.fromtimestamp(quarter * _QUARTER_MS // 1000, self._zone).date()
            begin, end = (
                int(datetime.combine(d, time(), self._zone).timestamp()) * 1000 for d in (date, date + timedelta(1))
            )
            found = self._known[quarter] = (begin, end)
        return found

    def cut(self, start_ms: int, end_ms: int) -> Iterator[tuple[int, int, int]]:
        """A time cut at midnights: (day, start, end)."""
        while start_ms < end_ms:
            day, midnight = self.of(start_ms)
            yield day, start_ms, min(end_ms, midnight)
            start_ms = midnight
