"""Databases with all their tables, copied instead of made: that takes a tenth of a second, and most tests want one.

That they can be made is what tests of the store and of the programs prove.
"""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import event

from zonetag_backend.store.engine import Database, open_database


@cache
def _made() -> bytes:
    """The file of an empty database at the newest schema."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made.db"
        open_database(f"sqlite:///{path}").dispose()
        return path.read_bytes()


def new_database(path: Path, url: str = "") -> Database:
    """A database of that file, which need not be there.  `url`: of an empty one, opened as the programs do."""
    if not url and not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(_made())
    database = open_database(url or f"sqlite:///{path}")
    if not url:
        database.dispose()
        event.listen(database, "connect", _hurry)
    return database


def _hurry(connection: Any, _record: object) -> None:
    """Nobody cuts the power here: nothing waits for the disk."""
    connection.execute("PRAGMA synchronous=OFF")
