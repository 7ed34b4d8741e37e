"""All of a database into another one: PostgreSQL into a file that is backed up, and such a file back."""

from collections.abc import Callable, Iterator

from sqlalchemy import Connection, Engine, Table, delete, func, inspect, select

from zonetag_backend.errors import DatabaseError
from zonetag_backend.store import heard, postgresql, rows
from zonetag_backend.store.engine import reading, writing
from zonetag_backend.store.schema import audit, metadata, person, report, site

_PIECE = 5000  # rows at a time


def copy(source: Engine, target: Engine, progress: Callable[[int, int], None]) -> None:
    """Everything, of one moment, in one transaction; `progress(tables done, tables in all)`.

    Both are at the newest schema.  DatabaseError when something stands in the target already.
    """
    with reading(source) as old, writing(target) as new:
        if any(new.scalar(select(func.count()).select_from(t)) for t in (site, person, report, audit.audit)):
            raise DatabaseError(
                f"{target.url.render_as_string()} is not empty: make a new database (createdb), and name it in the"
                " setting database"
            )
        for table in reversed(metadata.sorted_tables):  # what migrations have put there
            new.execute(delete(table))
        tables = list(_tables(old))
        for done, table in enumerate(tables):
            progress(done, len(tables))
            table.create(new, checkfirst=True)
            _rows(old, new, table)
        if new.dialect.name == postgresql.NAME:
            postgresql.count_rows(new, [table.name for table in tables])
        progress(len(tables), len(tables))


def _tables(source: Connection) -> Iterator[Table]:
    """Those that others refer to first."""
    yield from metadata.sorted_tables
    for name in sorted(inspect(source).get_table_names()):
        if name.startswith(heard.PREFIX):
            yield heard.table_of_day(name.removeprefix(heard.PREFIX))


def _rows(source: Connection, target: Connection, table: Table) -> None:
    found = source.execute(select(table).execution_options(yield_per=_PIECE))
    for some in found.partitions():
        rows.insert(target, table, [tuple(row) for row in some])
