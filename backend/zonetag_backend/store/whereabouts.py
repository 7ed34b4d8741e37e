"""At which place tags are, from all that gateways heard of them.  Read only.

What was heard stands in a table a day.  Of a time of which it is kept no more, presence alone tells.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, inspect

from zonetag_backend.presence import CUT_MS
from zonetag_backend.records import day_of
from zonetag_backend.store import heard
from zonetag_backend.store.meetings import Window, answers, asks
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
_PLACES = "SELECT id, site, name FROM place WHERE id IN ({values})"
_OF_PERSON = """{{ask}}
SELECT h.place, h.start_ms, h.start_ms + h.span_ms, h.rssi_p90 FROM ask k CROSS JOIN {table} h
WHERE h.tag = k.tag AND h.start_ms >= k.low AND h.start_ms < k.high"""


def names_at(connection: Connection, moments: Sequence[Moment]) -> list[str]:
    """The name of the place of its site at which each tag was at its time; empty when none is known."""
    if not moments:
        return []
    # Presence is asked only where windows leave it open: nearly everybody of a full house was heard a moment ago.
    found = _likeliest(connection, [(n, tag, at - LOOK_MS, at) for n, (tag, _, at) in enumerate(moments)])
    known = _places(connection, set(found.values()))
    # A tag may be heard at two sites at once until that is found out: then what ends last at this one tells.
    open_ = [n for n, (_, of, _) in enumerate(moments) if n not in found or known[found[n]][0] != of]
    last: dict[int, tuple[int, int, int]] = {}  # (end, start, place)
    asked = [(n, moments[n][0], moments[n][2] - CUT_MS, moments[n][2]) for n in open_]
    present = answers(connection, _PRESENCE, asked)
    known |= _places(connection, {where for _, where, _, _ in present} - known.keys())
    for n, where, end, start in present:
        if known[where][0] == moments[n][1]:
            last[n] = max(last.get(n, (0, 0, 0)), (end, start, where))
    found |= {n: last[n][2] if n in last else 0 for n in open_}
    return [known[found[n]][1] if found[n] else "" for n in range(len(moments))]


def _places(connection: Connection, which: Iterable[int]) -> dict[int, tuple[str, str]]:
    """Site and name of some places; an office may have thousands."""
    return {id: (of, name) for id, of, name in answers(connection, _PLACES, sorted(which))}


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
