"""The databases of every release so far are brought to the newest schema, also when that is killed at any statement.

`releases/` keeps what each release has left: a server's database with invented people, heard windows, visits and
corrections, its key file, and a gateway's spool.  A release adds its own; none is ever changed.
"""

import json
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

from faults.counting import Count
from faults.engine import Fault, Run
from rig.registry import HOUR_MS, take
from rig.reports import NOW_MS, Gateway, Tag

from zonetag_backend.ingest import Ingest
from zonetag_backend.store import roster
from zonetag_backend.store.engine import open_database, reading
from zonetag_backend.store.keyring import open_keyring
from zonetag_backend.store.writer import Writer
from zonetag_gateway.spool import Record, Spool
from zonetag_protocol import envelope, report
from zonetag_protocol.acknowledgement import Acknowledgement

HERE = Path(__file__).parent
RELEASES = HERE / "releases"
STATEMENTS = 400  # more than any migration so far has; those that are not reached are not counted
MB = 1_000_000


def _killed_at(folder: Path, numbers: list[int], how: str = "whole") -> Count:
    folder.mkdir(exist_ok=True)
    total = Count(0, 0, 0, 0)
    for fixture in sorted(RELEASES.glob("server-*.sql")):
        done = subprocess.run(
            [sys.executable, str(HERE / "migrate_process.py"), str(fixture), str(folder), how, *map(str, numbers)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        for line in done.stdout.splitlines():
            told = json.loads(line)
            if told["killed"]:
                total += Count(0, told["stored"], told["lost"], told["double"], told["told"], 1)
    return total


def _server(run: Run) -> Count:
    """At statements drawn by lot, or at every one if there are so many times."""
    reached = _killed_at(run.folder / "all", [STATEMENTS])
    assert not reached.times, "a migration has more statements than this test knows of"
    numbers = list(range(1, STATEMENTS))
    if run.times < STATEMENTS:
        numbers = [1, *sorted(run.dice.sample(range(2, 60), min(run.times, 58)))]
    done = _killed_at(run.folder / "some", numbers)
    assert done.times
    run.progress(done.times)
    return done


def _spool(run: Run) -> Count:
    """What waits in an old spool is there, is taken further and can be acknowledged."""
    total = Count(0, 0, 0, 0)
    for fixture in sorted(RELEASES.glob("spool-*.sql")):
        path = run.folder / fixture.stem / "spool.db"
        path.parent.mkdir()
        db = sqlite3.connect(path)
        db.executescript(fixture.read_text())
        before = db.execute("SELECT boot, seq, sealed FROM report ORDER BY id").fetchall()
        db.close()
        spool = Spool(path, 16 * MB)
        waiting = spool.oldest(1000)
        there = {(record.boot, record.seq, record.sealed) for record in waiting}
        windows = sum(report.decode(envelope.unwrap(record.sealed, "report")).columns.n for record in waiting)
        boot = spool.next_boot()
        spool.append([Record(boot << 32, 1, b"new")])
        for record in waiting:
            spool.acknowledged(Acknowledgement("gw1", record.boot, record.seq, ()))
        left = spool.oldest(1000)
        spool.close()
        good = [record.sealed for record in left] == [b"new"] and boot > 1
        total += Count(windows, windows, len(set(before) - there) + (not good), len(there - set(before)))
    return total


def _goes_on(run: Run) -> Count:
    """The old key file opens the tags' keys in the migrated database, and a report of today is taken."""
    total = Count(0, 0, 0, 0)
    for fixture in sorted(RELEASES.glob("server-*.sql")):
        folder = run.folder / fixture.stem
        folder.mkdir()
        shutil.copy(fixture.with_suffix(".key"), folder / "tag-keys.key")
        (folder / "tag-keys.key").chmod(0o600)
        db = sqlite3.connect(folder / "zonetag.db")
        db.executescript(fixture.read_text())
        db.close()
        database = open_database(f"sqlite:///{folder / 'zonetag.db'}")
        keyring = open_keyring(database, folder / "tag-keys.key")
        with reading(database) as connection:
            tags = roster.read(connection).tags
        gateway = Gateway("gw1", boot=9 << 32)
        at = NOW_MS + 24 * HOUR_MS
        worn = [Tag(keyring.open(tag.id, tag.sealed_key), tag.track.offset_ms) for tag in tags if tag.sealed_key]
        writer = Writer(database, Ingest(keyring.open, 3, 300_000), allow_unsigned=True)
        done = take(writer, gateway.report(*(tag.window(at) for tag in worn)), now_ms=at + HOUR_MS)
        database.dispose()
        total += Count(done.windows, done.observations, len(tags) - done.observations, 0)
    return total


def _both(run: Run) -> Count:
    return _server(run) + _spool(run) + _goes_on(run)


def _piecemeal(run: Run) -> bool:
    """Every statement commits by itself."""
    return _killed_at(run.folder / "piecemeal", list(range(1, 60, 8)), "piecemeal").lost > 0


FAULT = Fault(
    "old-schema",
    "databases and spools of every release, the migration killed at its statements; stored: rows of the tables",
    6,
    STATEMENTS,
    _both,
    _piecemeal,
    "each statement of a migration commits by itself",
)
