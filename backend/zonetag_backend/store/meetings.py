"""Who was at a place with whom, and whose tag heard whose: rows for tracing, of many people at once.  Read only.

The statements are text, prepared once and given to the driver as they are: with thousands of rows a question, building
them anew and naming each column would cost as much as the question itself.  CROSS JOIN keeps SQLite to the order that
is written; the reach of an hour holds because no interval of presence is longer.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from zonetag_backend.presence import CUT_MS
from zonetag_backend.store import postgresql
from zonetag_backend.tracing.chain import Settled, nobody
from zonetag_backend.tracing.encounter import Meetings, Shared
from zonetag_backend.tracing.logs import EPOCH_MS, Record

Window = tuple[int, int]
Worn = tuple[int, int, int]
"""Person, from and to: one wearing of a tag, cut to what was asked."""

FOREVER_MS = 1 << 62
_AT_ONCE = 150  # questions in one statement: SQLite takes no more than some thousand parameters
_REACH = {"hour": CUT_MS, "epoch": EPOCH_MS}

ASK = "WITH ask(person, tag, low, high) AS (VALUES {values})"
_WORN = (
    "WITH ask(person, low, high) AS (VALUES {values}) "
    "SELECT a.person, w.tag, w.since_ms, w.until_ms, a.low, a.high FROM ask a CROSS JOIN wearing w "
    "WHERE w.person = a.person AND w.since_ms < a.high AND (w.until_ms IS NULL OR w.until_ms > a.low)"
)
# One's own intervals are cut to the window before others are looked for: once each, not once for everybody met.
# PostgreSQL is to look through that, or it knows too little of what is cut and reads the whole table.
_SHARED = """{ask}, own(person, tag, place, low, high) AS {once} (
 SELECT k.person, a.tag, a.place, CASE WHEN a.start_ms > k.low THEN a.start_ms ELSE k.low END,
  CASE WHEN a.end_ms < k.high THEN a.end_ms ELSE k.high END
 FROM ask k CROSS JOIN presence a
 WHERE a.tag = k.tag AND a.start_ms > k.low - {hour} AND a.start_ms < k.high AND a.end_ms > k.low)
SELECT a.person, b.tag, b.place,
 CASE WHEN a.low > b.start_ms THEN a.low ELSE b.start_ms END,
 CASE WHEN a.high < b.end_ms THEN a.high ELSE b.end_ms END
FROM own a CROSS JOIN presence b
WHERE b.place = a.place AND b.start_ms > a.low - {hour} AND b.start_ms < a.high AND b.end_ms > a.low
 AND b.tag <> a.tag"""
_STAYS = """{ask}
SELECT a.place, a.start_ms, a.end_ms, k.low, k.high FROM ask k CROSS JOIN presence a
WHERE a.tag = k.tag AND a.start_ms > k.low - {hour} AND a.start_ms < k.high AND a.end_ms > k.low"""
_NOTED = """{ask}
SELECT k.person, c.peer, c.tag, c.start_ms, c.cells, k.low, k.high FROM ask k CROSS JOIN contact_log c
WHERE c.tag = k.tag AND c.start_ms > k.low - {epoch} AND c.start_ms < k.high
UNION ALL
SELECT k.person, c.tag, c.tag, c.start_ms, c.cells, k.low, k.high FROM ask k CROSS JOIN contact_log c
WHERE c.peer = k.tag AND c.start_ms > k.low - {epoch} AND c.start_ms < k.high"""
_WEARERS = "SELECT tag, since_ms, until_ms, person FROM wearing WHERE tag IN ({values})"


def shared(connection: Connection, windows: Mapping[int, Window], settled: Settled = nobody) -> Meetings:
    """Who was at a place with each person, within that person's window: by person, never by tag.

    What `settled` says of two people is left out.
    """
    # By person and then by tag: with a pair as the key each row would cost half as much again.
    met: defaultdict[int, defaultdict[int, list[Shared]]] = defaultdict(lambda: defaultdict(list))
    for row in answers(connection, _SHARED, asks(connection, windows)):
        met[row[0]][row[1]].append(row)
    worn = _wearers(connection, {tag for by_tag in met.values() for tag in by_tag})
    found: Meetings = {}
    for asked, by_tag in met.items():
        low, high = windows[asked]
        for tag, rows in by_tag.items():
            for other, since, until in worn.get(tag, ()):  # none: nobody wore it
                if settled(asked, other):
                    continue
                cut = _cut(rows, since, until) if since > low or until < high else rows
                if cut and other != asked:  # not somebody's own two tags
                    known = found.get((asked, other))
                    found[asked, other] = cut if known is None else known + cut
    return found


def _cut(rows: Iterable[Shared], since: int, until: int) -> list[Shared]:
    cut = ((asked, tag, where, max(start, since), min(end, until)) for asked, tag, where, start, end in rows)
    return [row for row in cut if row[3] < row[4]]


def noted(connection: Connection, windows: Mapping[int, Window], settled: Settled = nobody) -> list[Record]:
    """What the tags of each person logged of others', and others' of theirs, record by record, by person."""
    rows = answers(connection, _NOTED, asks(connection, windows))
    worn = _wearers(connection, {row[1] for row in rows})
    found: list[Record] = []
    whose: dict[tuple[int, int], list[Worn]] = {}
    for asked, tag, reporter, start, cells, low, high in rows:
        wearings = whose.get((asked, tag))
        if wearings is None:
            of = worn.get(tag, ())
            wearings = whose[asked, tag] = [each for each in of if each[0] != asked and not settled(asked, each[0])]
        for other, since, until in wearings:
            begin, stop = max(low, since), min(high, until)
            if begin < start + EPOCH_MS and start < stop:
                found.append((asked, other, reporter, start, cells, begin, stop))
    return found


def stays(connection: Connection, who: int, window: Window) -> list[tuple[int, int, int]]:
    """Where a person was: (place, from, to)."""
    rows = answers(connection, _STAYS, asks(connection, {who: window}))
    cut = ((place, max(start, low), min(end, high)) for place, start, end, low, high in rows)
    return sorted((row for row in cut if row[1] < row[2]), key=lambda row: (row[1], row[0]))


def asks(connection: Connection, windows: Mapping[int, Window]) -> list[tuple[int, int, int, int]]:
    """Each wearing of each person: (person, tag, from, to)."""
    wanted = [(who, low, high) for who, (low, high) in windows.items() if low < high]
    return [
        (person, tag, max(low, since), high if until is None else min(high, until))
        for person, tag, since, until, low, high in answers(connection, _WORN, wanted)
    ]


def _wearers(connection: Connection, tags: Iterable[int]) -> dict[int, list[Worn]]:
    found: dict[int, list[Worn]] = defaultdict(list)
    for tag, since, until, person in answers(connection, _WEARERS, sorted(tags), 3 * _AT_ONCE):
        found[tag].append((person, since, FOREVER_MS if until is None else until))
    return dict(found)


def answers(connection: Connection, text: str, asked: Sequence[Any], at_once: int = _AT_ONCE) -> list[tuple[Any, ...]]:
    """All rows of a statement over questions, some at a time; each question is a number or a tuple of them."""
    found: list[tuple[Any, ...]] = []
    arrays = connection.dialect.name == postgresql.NAME
    cursor = connection.connection.cursor()
    try:
        for at in range(0, len(asked), at_once):
            some = asked[at : at + at_once]
            width = len(some[0]) if isinstance(some[0], tuple) else 0
            if arrays:
                columns = zip(*some, strict=True) if width else [some]
                cursor.execute(_text_of_arrays(text, width), [postgresql.array(each) for each in columns])
            else:
                values = [each for one in some for each in one] if width else some
                cursor.execute(_text(text, len(some), width), values)
            found += cursor.fetchall()
    finally:
        cursor.close()
    return found


@lru_cache(maxsize=1024)
def _text(text: str, n: int, width: int) -> str:
    """The statement of SQLite for so many questions: each number is a parameter."""
    one = f"({', '.join('?' * width)})" if width else "?"
    return text.replace("{ask}", ASK).format(values=", ".join([one] * n), once="MATERIALIZED", **_REACH)


@lru_cache(maxsize=128)
def _text_of_arrays(text: str, width: int) -> str:
    """The statement of PostgreSQL: a parameter is all numbers of a kind, so that its text is always the same."""
    arrays = ", ".join(["%s::bigint[]"] * max(1, width))
    text = text.replace("{ask}", ASK).replace("VALUES {values}", "SELECT * FROM unnest({values})")
    text = text.replace("IN ({values})", "= ANY({values})")
    return text.format(values=arrays, once="NOT MATERIALIZED", **_REACH)
