"""Brings a database to the newest schema and is killed at statement n, for every n that it is given.

    migrate_process.py FIXTURE.sql KEY FOLDER whole|piecemeal N...

Prints a JSON line for each n: whether it had been reached, and what the database held when it was opened once more.
"piecemeal" is the control: every statement commits by itself, as it would without the one transaction.
"""

import json
import os
import shutil
import signal
import sqlite3
import sys
from pathlib import Path

from sqlalchemy import event

from zonetag_backend.errors import DatabaseError
from zonetag_backend.store import engine

# Not compared: what says which schema it is.
SCHEMA_TABLES = ("alembic_version",)


def lay(fixture: Path, path: Path) -> None:
    """The old database."""
    db = sqlite3.connect(path)
    db.executescript(fixture.read_text())
    db.close()


def rows(path: Path, of: dict[str, list[str]]) -> dict[str, list[str]]:
    """The rows of these tables over these columns, as text."""
    db = sqlite3.connect(path)
    try:
        found: dict[str, list[str]] = {}
        there = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        for table, columns in of.items():
            if table not in there:
                found[table] = []
                continue
            has = {row[1] for row in db.execute(f'PRAGMA table_info("{table}")')}
            asked = ", ".join(f'"{column}"' if column in has else "'gone'" for column in columns)
            found[table] = sorted(map(repr, db.execute(f'SELECT {asked} FROM "{table}"')))
        [(verdict,)] = db.execute("PRAGMA integrity_check")
        assert verdict == "ok", verdict
        return found
    finally:
        db.close()


def columns(path: Path) -> dict[str, list[str]]:
    """The tables of a database and their columns."""
    db = sqlite3.connect(path)
    try:
        names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {
            name: [row[1] for row in db.execute(f'PRAGMA table_info("{name}")')]
            for name in names
            if name not in SCHEMA_TABLES
        }
    finally:
        db.close()


def migrate(path: Path, die_at: int, piecemeal: bool) -> bool:
    """In a process of its own; whether statement `die_at` was reached."""
    child = os.fork()
    if not child:
        try:
            _migrate(path, die_at, piecemeal)
        except BaseException:  # noqa: BLE001  # the parent looks at what is left
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _migrate(path: Path, die_at: int, piecemeal: bool) -> None:
    if piecemeal:
        vars(engine)["_sqlite_begun"] = lambda _connection: None  # no BEGIN: each statement commits
    made = engine.connect(f"sqlite:///{path}")
    left = die_at

    def count(*_: object) -> None:
        nonlocal left
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(made, "after_cursor_execute", count)
    engine.migrate(made)
    made.dispose()


def main() -> None:
    fixture, folder, how, *numbers = sys.argv[1:]
    path = Path(folder) / "zonetag.db"
    for number in map(int, numbers):
        for old in Path(folder).glob("zonetag.db*"):
            old.unlink()
        lay(Path(fixture), path)
        of = columns(path)
        before = rows(path, of)
        killed = migrate(path, number, how == "piecemeal")
        shutil.copy(path, path.with_name("as-it-was-left.db"))
        told = ""
        after: dict[str, list[str]] = {}
        try:
            engine.open_database(f"sqlite:///{path}").dispose()
            after = rows(path, of)
        except (DatabaseError, sqlite3.Error, AssertionError, Exception) as error:  # noqa: BLE001  # it is told
            told = f"statement {number}: {error}"
        lost = sum(len(set(kept) - set(after.get(table, []))) for table, kept in before.items())
        double = sum(max(0, len(after.get(table, [])) - len(kept)) for table, kept in before.items())
        stored = sum(map(len, after.values()))
        print(json.dumps({"killed": killed, "lost": lost, "double": double, "stored": stored, "told": told}))


if __name__ == "__main__":
    main()
