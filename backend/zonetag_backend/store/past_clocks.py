"""How tags' clocks stood in the time that is kept: drawn from what gateways heard of them, day by day."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from sqlalchemy import ColumnElement, Connection, FromClause, Select, Table, inspect, select

from zonetag_backend.records import TagRecord, day_of
from zonetag_backend.store import heard
from zonetag_backend.store.schema import report, tag
from zonetag_backend.tagclock import Track
from zonetag_backend.tracing.past import Era, eras, mark, together

_DEPTH = 64  # halvings, and changes of battery within one day


def read(connection: Connection, tags: Iterable[TagRecord]) -> dict[int, list[Era]]:
    """The eras of each of these tags that was heard.

    Of each day the first hearing is read, and the clock as it is known now; where two that follow each other do not
    fit, what lies between is looked for by halves.  A battery that was changed twice from one day to the next, back to
    the same offset, is not noticed.
    """
    days = {
        name.removeprefix(heard.PREFIX): heard.table_of_day(name.removeprefix(heard.PREFIX))
        for name in sorted(inspect(connection).get_table_names())
        if name.startswith(heard.PREFIX)
    }
    marks: dict[int, list[Track]] = {each.id: [each.track] for each in tags if each.track.heard_ms}
    for day in days.values():
        for which, found in _firsts(connection, day):
            if which in marks:
                marks[which].append(found)
    known = {}
    for which, some in marks.items():
        some.sort(key=lambda each: each.offset_at_ms)
        beside: list[Track] = []
        for one, other in pairwise(some):
            day_of_jump = days.get(day_of(one.offset_at_ms))  # the next day's first hearing is there already
            if day_of_jump is not None and not together(one, other):
                beside += _between(connection, _hearings(day_of_jump).where(day_of_jump.c.tag == which), (one, other))
        known[which] = eras([*some, *beside])
    return known


def _hearings(day: FromClause, *columns: ColumnElement[Any]) -> Select[Any]:
    """What gateways heard that knew the time."""
    h, r = day.c, report.c
    known = select(r.seq).where(r.gateway == h.gateway, r.boot == h.boot, r.seq == h.seq, r.synchronised.is_(True))
    return select(*columns or (h.slot, h.start_ms, h.trusted)).where(h.slot >= 0, known.exists())


def _firsts(connection: Connection, day: Table) -> Iterator[tuple[int, Track]]:
    """The first hearing of each tag on a day.

    Column by column: so both databases look each of them up in the table's order, and never read the whole day.
    """
    columns = []
    for wanted in ("slot", "start_ms", "trusted"):
        h = day.alias()
        order = [h.c[column.name] for column in day.primary_key]
        ordered = _hearings(h, h.c[wanted]).where(h.c.tag == tag.c.id).order_by(*order[1:])
        columns.append(ordered.limit(1).correlate(tag).scalar_subquery())
    for which, slot, start_ms, trusted in connection.execute(select(tag.c.id, *columns)):
        if slot is not None:
            yield which, mark(slot, start_ms, trusted)


def _between(connection: Connection, mine: Select[Any], ends: tuple[Track, Track], depth: int = _DEPTH) -> list[Track]:
    """Hearings that stand beside a jump between two that do not fit, of one tag on one day."""
    one, other = ends
    if not depth or together(one, other):
        return []
    at = mine.selected_columns.start_ms
    low, high = one.offset_at_ms, other.offset_at_ms
    middle = (low + high) // 2
    row = (
        connection.execute(mine.where(at > middle, at < high).order_by(at).limit(1)).first()
        or connection.execute(mine.where(at > low, at <= middle).order_by(at.desc()).limit(1)).first()
    )
    if row is None:
        return []
    found = mark(row.slot, row.start_ms, row.trusted)
    return [
        found,
        *_between(connection, mine, (one, found), depth - 1),
        *_between(connection, mine, (found, other), depth - 1),
    ]
