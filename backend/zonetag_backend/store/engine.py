"""Open a database, bring it to the newest schema, and begin its transactions.

SQLite runs in WAL mode with synchronous=FULL: what was committed, and only then acknowledged, outlives a power cut.
PostgreSQL is told the same (store/postgresql.py).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from sqlite3 import OperationalError
from time import sleep
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from zonetag_backend.errors import DatabaseError
from zonetag_backend.store import name_forms, postgresql

# So that others need not import SQLAlchemy to name them.
Database = Engine
Transaction = Connection
MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_MS = 30_000  # how long to wait for another writer; a report's transaction takes milliseconds
_WAL_TRIES, _WAL_WAIT_S = 200, 0.05  # together the ten seconds that a migration on a slow card may take
_REMEDIES = {
    "sqlite": ", and that its folder can be written by this user and has room",
    postgresql.NAME: ", and that PostgreSQL runs there (pg_isready) and has this database and this user (createdb,"
    " createuser; a password belongs into ~/.pgpass): docs/en/keeping.md",
}
_WRITING, _READING = {"zonetag_writing": True}, {"zonetag_reading": True}


def open_database(url: str) -> Engine:
    """The engine of a database at the newest schema.  DatabaseError says what to do when that cannot be."""
    engine = connect(url)
    try:
        with refusals(engine):
            migrate(engine)
    except DatabaseError:
        engine.dispose()
        raise
    return engine


@contextmanager
def refusals(engine: Engine) -> Iterator[None]:
    """What the database refuses inside (read-only, full, damaged) as a DatabaseError that says what to do."""
    try:
        yield
    except DBAPIError as error:
        remedy = _REMEDIES.get(engine.dialect.name, "")
        said = " ".join(str(error.orig).split()).rstrip(".")
        raise DatabaseError(
            f"cannot use the database {engine.url.render_as_string()}: {said}. Check the setting database{remedy}."
        ) from error


def connect(url: str) -> Engine:
    """The engine of a database as it is."""
    try:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite" and parsed.database and parsed.database != ":memory:":
            _private_file(Path(parsed.database))
        if parsed.get_backend_name() == postgresql.NAME:
            return postgresql.engine(parsed, BUSY_MS)
        engine = create_engine(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise DatabaseError(
            f"not a database URL that this installation can open ({error})."
            " Write sqlite:///PATH or postgresql://..., and install the driver that it needs (PostgreSQL:"
            " scripts/setup postgresql, or pip install zonetag[postgresql])."
        ) from error
    except OSError as error:
        raise DatabaseError(
            f"cannot make {parsed.database}: {error.strerror}. Choose another place with --data."
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begun)
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, undone on an error.

    The write lock is taken at the start, so that what was read inside is still true when it is written.
    """
    with engine.connect().execution_options(**_WRITING) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One transaction that only reads, all of it from the same state of the database."""
    with engine.connect().execution_options(**_READING) as connection, connection.begin():
        yield connection


def migrate(engine: Engine) -> None:
    """Bring the schema and the forms of names up to date, in one transaction; DatabaseError for a newer database."""
    # Two programs that start together: the second waits for the lock, then finds nothing left to do.
    with writing(engine) as connection:
        if engine.dialect.name == postgresql.NAME:
            postgresql.check(connection)
        try:
            command.upgrade(_alembic(connection), "head")
        except CommandError as error:
            raise DatabaseError(
                f"the database is of another version than this program ({error}). Install the newer zonetag,"
                " or put back the database's backup."
            ) from error
        name_forms.refill(connection)


def _alembic(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _private_file(path: Path) -> None:
    """Make an empty file that only its owner reads, before SQLite makes one that others may."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        return


def _sqlite_connected(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: sqlite3 would say it late, and never IMMEDIATE
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    _into_wal(cursor)
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA secure_delete=ON")  # what expires or is erased is overwritten, not only unlinked
    cursor.close()


def _into_wal(cursor: Any) -> None:
    """Into WAL mode, which a file keeps.

    While another connection does the same to a new file, SQLite says "locked" at once, whatever its busy timeout.
    """
    for tries_left in range(_WAL_TRIES, -1, -1):
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except OperationalError as error:
            if "locked" not in str(error) or not tries_left:
                raise
            sleep(_WAL_WAIT_S)


def _sqlite_begun(connection: Connection) -> None:
    is_writing = connection.get_execution_options().get("zonetag_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")
