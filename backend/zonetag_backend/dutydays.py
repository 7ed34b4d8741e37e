"""What people may ask of their own data, and by when the office has to answer (Law 91/2025/QH15, Decree 356/2025).

Pure.  A lawyer must confirm the figures; they stand here and nowhere else.
"""

import datetime as dt
from collections.abc import Collection
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

COPY, CORRECT, RESTRICT, ERASE, WITHDRAW = "copy", "correct", "restrict", "erase", "withdraw"

# Kind -> days from the request until it is carried out or refused: of the calendar, the last one whole.
DAYS = {COPY: 10, CORRECT: 10, RESTRICT: 15, ERASE: 20, WITHDRAW: 15}
KINDS = tuple(DAYS)
ACKNOWLEDGE_DAYS = 2  # working days until the office says that it has the request

# Public holidays of a fixed date, (month, day); those of the moon are named in the setting requests.holidays.
FIXED = frozenset({(1, 1), (4, 30), (5, 1), (9, 2)})
SATURDAY = 5
MOST_DAYS_OFF = 30  # in a row; a longer list of holidays is a mistake and ends the search


def is_working(day: dt.date, holidays: Collection[dt.date]) -> bool:
    """Monday to Friday, and no holiday."""
    return day.weekday() < SATURDAY and (day.month, day.day) not in FIXED and day not in holidays


def working_day_after(day: dt.date, n: int, holidays: Collection[dt.date]) -> dt.date:
    """The n-th working day after a day, which itself does not count."""
    off = 0
    while n and off < MOST_DAYS_OFF:
        day += timedelta(days=1)
        off = 0 if is_working(day, holidays) else off + 1
        n -= not off
    return day


def acknowledge_by_ms(asked_ms: int, zone: ZoneInfo, holidays: Collection[dt.date]) -> int:
    """By when somebody is told that the request is there: the end of that day, UTC in ms."""
    return _end_ms(working_day_after(_day(asked_ms, zone), ACKNOWLEDGE_DAYS, holidays), zone)


def due_ms(kind: str, asked_ms: int, zone: ZoneInfo) -> int:
    """By when it is carried out or refused: the end of that day, UTC in ms.  KeyError for what is no kind."""
    return _end_ms(_day(asked_ms, zone) + timedelta(days=DAYS[kind]), zone)


def _day(at_ms: int, zone: ZoneInfo) -> dt.date:
    return datetime.fromtimestamp(at_ms / 1000, zone).date()


def _end_ms(day: dt.date, zone: ZoneInfo) -> int:
    after = day + timedelta(days=1)
    return int(datetime(after.year, after.month, after.day, tzinfo=zone).timestamp() * 1000)
