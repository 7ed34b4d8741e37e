"""Where reports wait on disk until the backend has them.  The only file of the gateway that imports sqlite3.

What it promises:
1. `append` returns only when the reports are on the disk (WAL, synchronous=FULL): a power cut loses none of them.
2. Nothing leaves but by `acknowledged`, or by the cap: when the file would grow over `max_bytes` the OLDEST reports
   go first, are counted for ever, and the caller is told.  (The newest matter most to whoever asks who is in the
   building now; the oldest are nearest to their expiry.)
3. A full disk makes `append` raise SpoolFull and changes nothing.  On a full disk SQLite cannot DELETE either, since
   its log has to grow; so a ballast file of `BALLAST` bytes lies beside the spool, is released when that happens, and
   is laid down again once there is room.
4. One process owns a spool: a second one gets SpoolBusy.

Every method is for one thread at a time.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from zonetag_gateway.errors import SpoolBusy, SpoolFull, SpoolUnusable
from zonetag_protocol.acknowledgement import Acknowledgement

log = logging.getLogger(__name__)

PAGE = 4096  # bytes
WAL_PAGES = 128  # the log is written back at half a MiB
# Writing the log back makes the file grow by what is in the log: at most WAL_PAGES, and once more as many when the disk
# got full while that could not be done.  The rest is for the deletions themselves.
BALLAST = 4 * WAL_PAGES * PAGE  # bytes
DROP_STEP = 16  # reports dropped at a time when the cap is reached
SCHEMA_VERSION = 1

_SCHEMA = """
CREATE TABLE IF NOT EXISTS report (
  id INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of appending
  boot INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  UNIQUE (boot, seq)
);
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class Record:
    """A report as it is kept and sent."""

    boot: int
    seq: int
    # (gateway, boot, seq) names a report for ever
    sealed: bytes
    # the envelope, ready to be published
    id: int = 0
    # place in the spool, ascending; 0 before it is there


@dataclass(frozen=True, slots=True)
class Fill:
    """How full the spool is."""

    reports: int
    # reports waiting
    bytes: int
    # bytes of the file in use (free pages within it do not count)
    dropped: int
    # reports that the cap has dropped since the spool was made


class Spool:
    """One spool file, owned by this process until `close`."""

    def __init__(self, path: Path, max_bytes: int, ballast: int = BALLAST) -> None:
        """Open or make the spool; SpoolBusy, SpoolUnusable."""
        self._path = path
        self._max_pages = max(max_bytes // PAGE, 16)
        self._ballast_path = path.with_name(path.name + ".ballast")
        self._ballast = min(ballast, max(max_bytes // 8, PAGE))
        self._lock = self._own(path)
        try:
            self._db = self._open(path)
        except sqlite3.Error as error:
            os.close(self._lock)
            if _is_full(error):
                raise SpoolUnusable(f"no room on the disk of {path}", "Free some space on it") from error
            raise SpoolUnusable(
                f"{path} cannot be used as a spool ({error})", "Move it away, with its -wal file; a new one is made"
            ) from error
        self._lay_ballast()

    def close(self) -> None:
        """Write the log back and let go of the file."""
        with contextlib.suppress(sqlite3.Error):  # a full disk: the log stays and is read at the next start
            self._db.close()
        os.close(self._lock)

    def next_boot(self) -> int:
        """Count this start of the gateway, durably; the count begins at 1.  SpoolFull when the disk refuses."""
        with self._refusals(), self._transaction():
            self._db.execute("INSERT INTO state VALUES ('boots', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1")
        return self._one("SELECT value FROM state WHERE name = 'boots'")

    def append(self, records: Sequence[Record]) -> int:
        """Keep reports, all or none, in one transaction; how many old ones had to go for the cap.

        SpoolFull when the disk is full or fails: nothing has changed, try again later.
        """
        self._keep_room_to_delete(records)
        with self._refusals(), self._transaction():
            # After an I/O error in a commit it is unclear whether the report is there: then the newer bytes stand.
            self._db.executemany(
                "INSERT OR REPLACE INTO report (boot, seq, sealed) VALUES (?, ?, ?)",
                [(record.boot, record.seq, record.sealed) for record in records],
            )
            dropped = 0
            while self._used_pages() > self._max_pages:
                gone = self._db.execute(
                    "DELETE FROM report WHERE id IN (SELECT id FROM report ORDER BY id LIMIT ?)", (DROP_STEP,)
                ).rowcount
                if not gone:
                    break
                dropped += gone
            if dropped:
                self._db.execute(
                    "INSERT INTO state VALUES ('dropped', ?1) ON CONFLICT (name) DO UPDATE SET value = value + ?1",
                    (dropped,),
                )
        return dropped

    def oldest(self, limit: int, after: int = 0) -> list[Record]:
        """The first `limit` reports behind place `after`, in order of appending."""
        rows = self._db.execute(
            "SELECT boot, seq, sealed, id FROM report WHERE id > ? ORDER BY id LIMIT ?", (after, limit)
        )
        return [Record(*row) for row in rows]

    def find(self, boot: int, seqs: Sequence[int]) -> list[Record]:
        """Those of these reports that are here."""
        rows = self._db.execute(
            f"SELECT boot, seq, sealed, id FROM report WHERE boot = ? AND seq IN ({','.join('?' * len(seqs))})",  # noqa: S608  # question marks
            (boot, *seqs),
        )
        return [Record(*row) for row in rows]

    def acknowledged(self, ack: Acknowledgement) -> int:
        """Delete what the backend has; how many reports that was.  SpoolFull when even the ballast did not help."""
        try:
            return self._delete(ack)
        except sqlite3.Error as error:
            if not _is_full(error):
                raise SpoolFull(f"the spool refuses to delete ({error})", "Check the disk") from error
        self._drop_ballast()
        with self._refusals():
            self._write_back()
            return self._delete(ack)

    def fill(self) -> Fill:
        """How full it is."""
        dropped = self._one("SELECT coalesce(max(value), 0) FROM state WHERE name = 'dropped'")
        return Fill(self._one("SELECT count(*) FROM report"), self._used_pages() * PAGE, dropped)

    def _delete(self, ack: Acknowledgement) -> int:
        with self._transaction():
            gone = self._db.execute(
                "DELETE FROM report WHERE boot = ? AND seq BETWEEN 1 AND ?", (ack.boot, _fits(ack.through))
            ).rowcount
            gone += sum(
                self._db.execute("DELETE FROM report WHERE boot = ? AND seq = ?", (ack.boot, seq)).rowcount
                for seq in ack.beyond
                if seq == _fits(seq)
            )
        return gone

    def _keep_room_to_delete(self, records: Sequence[Record]) -> None:
        """Once the ballast is spent, the file must not take what it has left: nothing could be deleted then."""
        if self._lay_ballast():
            return
        needed = sum(len(record.sealed) + PAGE for record in records)
        if needed > self._one("PRAGMA freelist_count") * PAGE:
            raise SpoolFull(f"the disk of {self._path} is full", "Free space on it, or lower spool.max_mb")

    def _write_back(self) -> None:
        """Empty the log and give its room back to the disk, as far as that succeeds."""
        with contextlib.suppress(sqlite3.OperationalError):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite has rolled back by itself after some errors
                self._db.execute("ROLLBACK")
            raise

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            what = "the disk is full" if _is_full(error) else f"the disk refuses ({error})"
            raise SpoolFull(f"{what}: {self._path}", "Free space on it, or lower spool.max_mb") from error

    def _one(self, query: str) -> int:
        (value,) = self._db.execute(query).fetchone()
        return int(value)

    def _used_pages(self) -> int:
        return self._one("PRAGMA page_count") - self._one("PRAGMA freelist_count")

    @staticmethod
    def _own(path: Path) -> int:
        """Lock the spool for this process; the kernel lets go of it however the process ends."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SpoolUnusable(
                f"{path.parent} cannot be written ({error.strerror})",
                "Make the folder and give it to this user, or set spool.path",
            ) from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(lock)
            raise SpoolBusy(
                f"another gateway uses the spool {path}", "Stop it, or give this one a spool.path of its own"
            ) from error
        return lock

    @staticmethod
    def _open(path: Path) -> sqlite3.Connection:
        # Made by this file's own name and mode, since it holds who was heard where.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        try:
            for pragma in (
                f"page_size = {PAGE}",
                "locking_mode = EXCLUSIVE",  # no shared memory file: one file less to fail on a full disk
                "journal_mode = WAL",
                "synchronous = FULL",
                f"wal_autocheckpoint = {WAL_PAGES}",
                "secure_delete = OFF",
            ):
                db.execute(f"PRAGMA {pragma}")
            version = db.execute("PRAGMA user_version").fetchone()[0]
            if version not in (0, SCHEMA_VERSION):
                raise sqlite3.DatabaseError(f"version {version}, written by a newer gateway")
            if version == 0:
                db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {SCHEMA_VERSION}; COMMIT")
        except BaseException:
            db.close()
            raise
        return db

    def _lay_ballast(self) -> bool:
        """Take the ballast's room on the disk, if there is twice as much; whether it lies there."""
        try:
            if self._ballast_path.exists() and self._ballast_path.stat().st_size >= self._ballast:
                return True
            if shutil.disk_usage(self._path.parent).free < 2 * self._ballast:
                return False
            with self._ballast_path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self._ballast)
                os.fsync(file.fileno())
        except OSError as error:
            log.warning("spool ballast not laid: %s", error.strerror)
            return False
        return True

    def _drop_ballast(self) -> None:
        log.warning("disk full: releasing the spool's ballast to delete acknowledged reports")
        with contextlib.suppress(OSError):
            self._ballast_path.unlink(missing_ok=True)


def room_for(path: Path, max_bytes: int) -> int | None:
    """How many bytes the disk lacks for a spool of `max_bytes` at `path`; None if it has them."""
    try:
        free = shutil.disk_usage(path.parent).free + (path.stat().st_size if path.exists() else 0)
    except OSError:
        return None
    return max_bytes - free if free < max_bytes else None


def _fits(seq: int) -> int:
    """SQLite's integers are signed 64-bit; an acknowledgement's may be larger and name nothing then."""
    return min(seq, (1 << 63) - 1)


def _is_full(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
