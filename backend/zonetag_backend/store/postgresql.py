"""PostgreSQL instead of a file: its connections, its transactions, and what of its settings must be right.

Whoever writes takes one lock of the database first and keeps it until the commit.  So all writers follow each other, as
they do in SQLite: what was read inside is still true when it is written, whichever program wrote before.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import ProgrammingError

from zonetag_backend.errors import DatabaseError

NAME = "postgresql"
DRIVER = "postgresql+psycopg"
LOCK = int.from_bytes(b"zonetag", "big")  # a number that no other program of this database takes
IDLE_MS = 300_000  # a transaction in which nothing is asked for so long is a lost machine's


def engine(url: URL, busy_ms: int) -> Engine:
    """An engine; connections that a restart of the server has cut are made anew when they are next asked for.

    `busy_ms`: how long to wait for another writer.
    """
    made = create_engine(url.set(drivername=DRIVER), pool_pre_ping=True)
    settings = (
        "SET synchronous_commit = on;"  # what was committed, and only then acknowledged, outlives a power cut
        f"SET lock_timeout = {busy_ms};"
        f"SET idle_in_transaction_session_timeout = {IDLE_MS};"
        "SET jit = off"  # our questions take milliseconds, to compile them takes longer
    )

    psycopg: Any = made.dialect.loaded_dbapi  # loaded by its dialect: an installation without it need not have it
    values = (_text(psycopg.types.string), _whole(psycopg.types.numeric))

    def connected(connection: Any, _record: object) -> None:
        text, whole = values
        connection.adapters.register_dumper(str, text)
        connection.adapters.register_loader("numeric", whole)
        connection.autocommit = True
        connection.execute(settings)
        connection.autocommit = False

    event.listen(made, "connect", connected)
    event.listen(made, "begin", _begun)
    return made


def check(connection: Connection) -> None:
    """DatabaseError unless the server keeps what it is given, as it is given."""
    wanted = {"fsync": "on", "full_page_writes": "on", "server_encoding": "UTF8"}
    for name, value in wanted.items():
        if (found := connection.exec_driver_sql(f"SHOW {name}").scalar()) != value:
            raise DatabaseError(
                f"PostgreSQL has {name} = {found}, and Zonetag wants {value}: with another it would lose what it has"
                " acknowledged, or names. Change postgresql.conf; the encoding is chosen when a database is made"
                " (createdb -E UTF8 -T template0)."
            )


def count_rows(connection: Connection, tables: Iterable[str]) -> None:
    """Tell PostgreSQL what stands in tables that were filled at once.

    It finds out by itself within minutes; until then it takes them for empty, and reads a whole table for each row.
    """
    quote = connection.dialect.identifier_preparer.quote
    for name in tables:
        connection.exec_driver_sql(f"ANALYZE {quote(name)}")


def array(numbers: Iterable[int]) -> str:
    """Many whole numbers as one parameter, to be cast to bigint[]."""
    return f"{{{','.join(map(str, numbers))}}}"


def vacuum(engine: Engine, tables: Iterable[str], *, anew: bool) -> None:
    """Take out of the tables' files what was deleted; `anew`: write them anew, so that not a byte of it stays there.

    Their rows are counted by the way (`count_rows`).  A table that others drop meanwhile is passed over.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        quote = connection.dialect.identifier_preparer.quote
        for name in tables:
            try:
                connection.exec_driver_sql(f"VACUUM ({'FULL, ' if anew else ''}ANALYZE) {quote(name)}")
            except ProgrammingError as error:
                if getattr(error.orig, "sqlstate", "") != "42P01":  # undefined_table
                    raise


def _text(string: Any) -> type:
    """How text is given: PostgreSQL keeps no NUL, which comes from nobody's keyboard, and would refuse the whole."""

    class Text(string.StrDumperUnknown):  # type: ignore[misc]  # psycopg's own, known only where it is installed
        def dump(self, text: str) -> Any:
            return super().dump(text.replace("\x00", "\ufffd"))

    return Text


def _whole(numeric: Any) -> type:
    """How sums come back: PostgreSQL adds big numbers up to a decimal, and ours are whole."""

    class Whole(numeric.FloatLoader):  # type: ignore[misc]  # psycopg's own, likewise
        def load(self, data: Any) -> int | float:
            return float(data) if b"." in bytes(data) else int(bytes(data))

    return Whole


def _begun(connection: Connection) -> None:
    options = connection.get_execution_options()
    if options.get("zonetag_writing", False):
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    elif options.get("zonetag_reading", False):
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
