"""At which place tags are, from all that gateways heard of them.  Read only.

What was heard stands in a table a day.  Of a time of which it is kept no more, presence alone tells.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, inspect, select

from zonetag_backend.presence import CUT_MS
from zonetag_backend.records import day_of
from zonetag_backend.store import heard
from zonetag_backend.store.meetings import Window, answers, asks
from zonetag_backend.store.schema import place
from zonetag_backend.tracing.whereabouts import LOOK_MS, Hearing, Stay, likeliest, settled

DAY_MS = 86_400_000
REACH_MS = 60_000  # windows last some seconds: what began earlier ended before the look

Moment = tuple[int, str, int]
"""A tag, a site, and a time, UTC ms."""

_HEARD = """{{ask}}
SELECT k.person, h.place, k.high - h.start_ms - h.span_ms, h.rssi_p90 FROM ask k CROSS JOIN {table} h
WHERE h.tag = k.tag AND h.start_ms > k.low - {reach} AND h.start_ms <= k.high
 AND h.start_ms + h.span_ms >= k.low AND h.start_ms + h.span_ms <= k.high"""
_PRESENCE = """{ask}
SELECT k.person, p.place, p.end_ms, p.start_ms FROM ask k CROSS JOIN presence p
WHERE p.tag = k.tag AND p.start_ms <= k.high AND p.start_ms >= k.low"""
_OF_PERSON = """{{ask}}
SELECT h.place, h.start_ms, h.start_ms + h.span_ms, h.rssi_p90 FROM ask k CROSS JOIN {table} h
WHERE h.tag = k.tag AND h.start_ms >= k.low AND h.start_ms < k.high"""


def names_at(connection: Connection, moments: Sequence[Moment]) -> list[str]:
    """The name of the place of its site at which each tag was at its time; empty when none is known."""
    if not moments:
        return []
    site_of: dict[int, str] = {}
    name_of: dict[int, str] = {}
    for which, of, name in connection.execute(select(place.c.id, place.c.site, place.c.name)):
        site_of[which], name_of[which] = of, name
    asked = [(n, tag, at - CUT_MS, at) for n, (tag, _, at) in enumerate(moments)]
    last: dict[int, tuple[int, int, int]] = {}  # (end, start, place) of what ends last
    ends: dict[int, dict[int, int]] = defaultdict(dict)  # when each place had heard it
    for n, where, end, start in answers(connection, _PRESENCE, asked):
        if site_of[where] == moments[n][1]:
            last[n] = max(last.get(n, (0, 0, 0)), (end, start, where))
            ends[n][where] = max(ends[n].get(where, 0), end)
    several = [
        (n, tag, at - LOOK_MS, at)
        for n, tag, _, at in asked
        if len(ends[n]) > 1 and sorted(ends[n].values())[-2] >= at - LOOK_MS
    ]
    found = _likeliest(connection, several)
    # A tag may be heard at two sites at once until that is found out: then what ends last at this one tells.
    names = []
    for n, (_, of, _) in enumerate(moments):
        where = found.get(n, 0)
        if site_of.get(where) != of:
            where = last[n][2] if n in last else 0
        names.append(name_of.get(where, ""))
    return names


def _likeliest(connection: Connection, asked: Sequence[tuple[int, int, int, int]]) -> dict[int, int]:
    """The likeliest place of each question of which windows are still there."""
    if not asked:
        return {}
    rows: list[tuple[Any, ...]] = []
    for day in _days(connection, min(low for _, _, low, _ in asked) - REACH_MS, max(high for *_, high in asked)):
        begin = _begin_ms(day)
        there = [each for each in asked if each[3] >= begin and each[2] - REACH_MS < begin + DAY_MS]
        rows += answers(connection, _of_day(_HEARD, day), there)
    return likeliest(rows)


def settled_stays(connection: Connection, who: int, window: Window, stays: Sequence[Stay]) -> list[Stay]:
    """A person's stays by presence, where several places heard them at once only the likeliest left."""
    low, high = window
    if low >= high or len({where for where, _, _ in stays}) < 2:
        return list(stays)
    asked = asks(connection, {who: window})
    rows: list[Hearing] = []
    for day in _days(connection, low, high):
        begin = _begin_ms(day)
        there = [each for each in asked if each[3] > begin and each[2] < begin + DAY_MS]
        rows += map(Hearing._make, answers(connection, _of_day(_OF_PERSON, day), there))
    return settled(stays, rows)


def _days(connection: Connection, low_ms: int, high_ms: int) -> Iterable[str]:
    """The days of a time of which there is a table."""
    there = set(inspect(connection).get_table_names())
    wanted = (day_of(at) for at in range(low_ms // DAY_MS * DAY_MS, high_ms + 1, DAY_MS))
    return [day for day in wanted if f"{heard.PREFIX}{day}" in there]


@cache  # days are numbered by 86,400 seconds, like UTC in ms
def _begin_ms(day: str) -> int:
    return int(datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).timestamp()) * 1000


@cache  # a text a day, and as many days as are kept
def _of_day(text: str, day: str) -> str:
    return text.format(table=f"{heard.PREFIX}{day}", reach=REACH_MS)
