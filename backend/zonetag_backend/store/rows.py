"""Many rows at once: tuples straight to the driver, without a dictionary a row."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table

Row = tuple[Any, ...]


def insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows, each in the order of the table's columns."""
    if rows:
        connection.exec_driver_sql(_insert(table, connection.dialect), list(rows))


def insert_new(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert those rows whose primary key is not there yet."""
    if rows:
        connection.exec_driver_sql(f"{_insert(table, connection.dialect)} ON CONFLICT DO NOTHING", list(rows))


def upsert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows; one whose primary key is there already takes the place of the one that is."""
    if rows:
        connection.exec_driver_sql(_upsert(table, connection.dialect), list(rows))


def delete(connection: Connection, table: Table, keys: Sequence[Row]) -> None:
    """Delete the rows with these primary keys, each in the order of the key's columns."""
    if keys:
        connection.exec_driver_sql(_delete(table, connection.dialect), list(keys))


# Statements are looked up by the table itself, of which there is one a name (see `heard.table_of_day`).
@lru_cache(maxsize=512)
def _insert(table: Table, dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    columns = ", ".join(quote(c.name) for c in table.columns)
    marks = ", ".join([_mark(dialect)] * len(table.columns))
    return f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})"  # noqa: S608  # names of our own schema


@lru_cache(maxsize=64)
def _upsert(table: Table, dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    key = ", ".join(quote(c.name) for c in table.primary_key)
    rest = ", ".join(f"{quote(c.name)} = excluded.{quote(c.name)}" for c in table.columns if not c.primary_key)
    return f"{_insert(table, dialect)} ON CONFLICT ({key}) DO UPDATE SET {rest}"


@lru_cache(maxsize=64)
def _delete(table: Table, dialect: Dialect) -> str:
    quote = dialect.identifier_preparer.quote
    key = " AND ".join(f"{quote(c.name)} = {_mark(dialect)}" for c in table.primary_key)
    return f"DELETE FROM {quote(table.name)} WHERE {key}"  # noqa: S608  # names of our own schema


def _mark(dialect: Dialect) -> str:
    return "?" if dialect.paramstyle == "qmark" else "%s"
