"""The tables of what was heard, one a UTC day: made when the first window of the day comes."""

from functools import cache

from sqlalchemy import Connection, Table, inspect

from zonetag_backend.records import day_of
from zonetag_backend.store.schema import heard_table

PREFIX = "heard_"
_DAY_MS = 86_400_000


@cache  # a table is described once, so that statements about it are made once
def table_of_day(day: str) -> Table:
    """The description of a day's table, YYYYMMDD."""
    return heard_table(day)


def make(connection: Connection, day: str) -> Table:
    """The table of a day, made now if it is not there."""
    table = table_of_day(day)
    table.create(connection, checkfirst=True)
    return table


def days(connection: Connection, low_ms: int, high_ms: int) -> list[str]:
    """The days YYYYMMDD of a time of which there is a table."""
    there = set(inspect(connection).get_table_names())
    wanted = [day_of(at) for at in range(low_ms // _DAY_MS * _DAY_MS, high_ms + 1, _DAY_MS)]
    return [day for day in wanted if f"{PREFIX}{day}" in there]
