"""The tables of what was heard, one a UTC day: made when the first window of the day comes."""

from functools import cache

from sqlalchemy import Connection, Table

from zonetag_backend.store.schema import heard_table

PREFIX = "heard_"


@cache  # a table is described once, so that statements about it are made once
def table_of_day(day: str) -> Table:
    """The description of a day's table, YYYYMMDD."""
    return heard_table(day)


def make(connection: Connection, day: str) -> Table:
    """The table of a day, made now if it is not there."""
    table = table_of_day(day)
    table.create(connection, checkfirst=True)
    return table
