"""Days and times of a site: from what was asked, to what a page or its JSON twin shows."""

import datetime as dt
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_timedelta

from zonetag_backend.web.desk import Fault

MINUTE_MS = 60_000
NEVER = 10**6  # as a threshold: do not go on to the next larger unit

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Years that a book can have; beyond them arithmetic on days and times fails.
YEARS = range(2000, 2100)


@dataclass(frozen=True, slots=True)
class Day:
    """A day on the site's calendar."""

    date: dt.date
    zone: ZoneInfo
    today: dt.date

    @property
    def start_ms(self) -> int:
        """Its first moment, UTC in ms."""
        return _midnight_ms(self.date, self.zone)

    @property
    def end_ms(self) -> int:
        """The first moment of the next day, UTC in ms; a day may have 23 or 25 hours."""
        return _midnight_ms(self.date + timedelta(days=1), self.zone)

    @property
    def is_today(self) -> bool:
        """Whether it is the day that is going on at the site."""
        return self.date == self.today

    @property
    def before(self) -> dt.date:
        """The day before."""
        return self.date - timedelta(days=1)

    @property
    def after(self) -> dt.date:
        """The day after."""
        return self.date + timedelta(days=1)


def day_asked(text: str, zone: ZoneInfo, now_ms: int) -> Day:
    """The day of `?day=YYYY-MM-DD`, today when it is empty; Fault("bad-day", 400) for anything else."""
    today = local(now_ms, zone).date()
    if not text:
        return Day(today, zone, today)
    try:
        asked = dt.date.fromisoformat(text)
    except ValueError:
        raise Fault("bad-day", 400, text) from None
    if text != asked.isoformat() or asked.year not in YEARS:
        raise Fault("bad-day", 400, text)
    return Day(asked, zone, today)


def local(at_ms: int, zone: ZoneInfo) -> datetime:
    """A time on the clocks of a site."""
    return (EPOCH + timedelta(milliseconds=at_ms)).astimezone(zone)


def iso(at_ms: int | None, zone: ZoneInfo) -> str | None:
    """ISO 8601 with the site's offset, to the second; none stays none."""
    return None if at_ms is None else local(at_ms, zone).isoformat(timespec="seconds")


def clock_time(at_ms: int, zone: ZoneInfo, day: dt.date | None, locale: Locale) -> str:
    """Hours and minutes; with the date before it when it is not of `day`."""
    at = local(at_ms, zone)
    hours = f"{at:%H:%M}"
    return hours if at.date() == day else f"{short_date(at.date(), locale)} {hours}"


def short_date(day: dt.date, locale: Locale) -> str:
    """Day and month, as the language writes them."""
    return format_date(day, "d/M" if locale.language == "vi" else "d MMM", locale)


def numeric_date(day: dt.date, locale: Locale) -> str:
    """Day, month and year, as the language writes them."""
    return format_date(day, "dd/MM/yyyy" if locale.language == "vi" else "d MMM yyyy", locale)


def long_date(day: dt.date, locale: Locale) -> str:
    """Weekday and date in full."""
    return format_date(day, "EEEE, 'ngày' dd/MM/yyyy" if locale.language == "vi" else "EEEE d MMMM yyyy", locale)


def duration(of_ms: int, locale: Locale) -> str:
    """Hours and minutes of a stretch of time, such as "3 giờ 5 phút"; less than a minute counts as one."""
    hours, minutes = divmod(max(1, round(of_ms / MINUTE_MS)), 60)
    parts = []
    if hours:
        parts.append(format_timedelta(timedelta(hours=hours), "hour", threshold=NEVER, locale=locale))
    if minutes:
        parts.append(format_timedelta(timedelta(minutes=minutes), "minute", threshold=NEVER, locale=locale))
    return " ".join(parts)


def ago(at_ms: int, now_ms: int, locale: Locale) -> str:
    """How long ago, roughly: "5 phút trước"."""
    return format_timedelta(timedelta(milliseconds=min(0, at_ms - now_ms)), add_direction=True, locale=locale)


def _midnight_ms(day: dt.date, zone: ZoneInfo) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp() * 1000)
