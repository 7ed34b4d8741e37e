"""A copy of the database while it is in use, whole and of one moment; and the check of such a copy."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine

from zonetag_backend.errors import DatabaseError
from zonetag_backend.store import copying
from zonetag_backend.store.engine import open_database, refusals

_PAGES = 2000  # copied at a time, 8 MB: writers get their turn between


def copy(engine: Engine, to: Path, progress: Callable[[int, int], None]) -> None:
    """Copy the database to a new SQLite file, whatever it is itself; `progress(done, in all)`, pages or tables.

    DatabaseError when that cannot be.
    """
    if engine.dialect.name != "sqlite":
        return _into_file(engine, to, progress)
    try:
        raw = engine.raw_connection()
        with closing(raw), closing(sqlite3.connect(to)) as target:
            source = raw.driver_connection
            assert isinstance(source, sqlite3.Connection)
            source.backup(target, pages=_PAGES, progress=lambda _, left, whole: progress(whole - left, whole))
            target.execute("PRAGMA journal_mode=DELETE")  # one file, with no log beside it
    except sqlite3.Error as error:
        raise DatabaseError(f"the database cannot be copied to {to}: {error}. Is there room?") from error


def _into_file(engine: Engine, to: Path, progress: Callable[[int, int], None]) -> None:
    target = open_database(f"sqlite:///{to}")
    try:
        with refusals(target):
            copying.copy(engine, target, progress)
    finally:
        target.dispose()
    with closing(sqlite3.connect(to)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")


def check(path: Path) -> None:
    """DatabaseError unless the file is a whole SQLite database."""
    try:
        with closing(sqlite3.connect(path)) as connection:
            [(said,)] = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except (sqlite3.Error, ValueError) as error:
        raise DatabaseError(f"{path} is damaged: {error}") from error
    if said != "ok":
        raise DatabaseError(f"{path} is damaged: {said}")
