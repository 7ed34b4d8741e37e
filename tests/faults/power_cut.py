"""The power is cut behind every file operation of the spool, and of the server's database.

strace records one run of the real code on the real SQLite; disk.py then says what may be on the disk behind each
operation.  Every such disk is opened again: what had been promised must be there, whole, and nothing that was not sent.
"""

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from faults.counting import Count
from faults.disk import TRACED, Disk, recording
from faults.engine import Fault, Run

from zonetag_gateway.errors import SpoolUnusable
from zonetag_gateway.spool import Spool

MB = 1_000_000
ROUNDS = {"spool": 40, "database": 14}
Found = dict[int, str]
"""What a disk still has: digest by key."""


def needs() -> str:
    """What it needs of the machine."""
    if not shutil.which("strace"):
        return "needs strace: apt-get install strace"
    done = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, text=True, check=False)
    return f"strace may not trace here: {done.stderr.strip()}" if done.returncode else ""


def record(what: str, folder: Path, seed: int, synchronous: str) -> Path:
    """Run the workload under strace; where its log is."""
    log = folder.parent / "strace.log"
    tests = Path(__file__).parents[1]
    done = subprocess.run(
        # No limit to what is shown of a write; -xx: all of it in hexadecimal.
        [
            *("strace", "-qq", "-y", "-xx", "-s", "10000000", "-e", f"trace={TRACED}", "-e", "signal=none"),
            *("-o", str(log), sys.executable, str(tests / "faults" / "powercut_workload.py")),
            *(what, str(folder), str(seed), str(ROUNDS[what]), synchronous),
        ],
        env={**os.environ, "PYTHONPATH": str(tests), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return log


def spool_has(folder: Path) -> Found:
    """The real spool, opened as a gateway opens it after the power is back."""
    spool = Spool(folder / "spool.db", 16 * MB, ballast=4096)
    try:
        return {record.seq: hashlib.sha256(record.sealed).hexdigest() for record in spool.oldest(1_000_000)}
    finally:
        spool.close()


def database_has(folder: Path) -> Found:
    """The database as SQLite recovers it; nothing may be half there."""
    path = folder / "zonetag.db"
    if not path.exists():
        return {}
    db = sqlite3.connect(path)
    try:
        if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'report'").fetchone():
            return {}
        found = {seq: digest.hex() for seq, digest in db.execute("SELECT seq, hash FROM report")}
        rows = db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'heard_*' AND type = 'table'").fetchall()
        windows = sum(db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in rows)
        assert windows == 4 * len(found), "a report is there without its windows"
        return found
    finally:
        db.close()


def cut_everywhere(
    log: Path, folder: Path, has: Callable[[Path], Found], dice: random.Random, others: int
) -> tuple[Count, int]:
    """Cut behind every operation, `others` times at random beside the two extremes; the figures and how many cuts."""
    image = _quick(folder.parent) / "image"
    disk = Disk()
    tried: Found = {}
    promised: set[int] = set()
    free: set[int] = set()
    lost = found_rows = double = cuts = 0
    told = ""
    for number, operation in enumerate(recording(log, folder)):
        if operation.kind == "say":
            for line in operation.data.decode().splitlines():
                kind, key, *digest = line.split()
                if kind == "T":
                    tried[int(key)] = digest[0]
                else:
                    (promised if kind == "K" else free).add(int(key))
            continue
        disk.do(operation)
        if operation.kind.startswith("sync"):
            continue  # certain disks differ only behind the next operation; the newest has not changed
        for content in (disk.oldest(), *(disk.any_other(dice) for _ in range(others)), disk.newest()):
            shutil.rmtree(image, ignore_errors=True)
            image.mkdir()
            for name, data in content.items():
                (image / name).write_bytes(data)
            cuts += 1
            try:
                found = has(image)
            except (SpoolUnusable, sqlite3.Error, AssertionError) as error:
                lost += len(promised - free) or 1
                told = told or f"behind operation {number} the disk cannot be used: {error}"
                continue
            missing = {key for key in promised - free if found.get(key) != tried[key]}
            found_rows += len(found)
            lost += len(missing)
            double += sum(tried.get(key) != digest for key, digest in found.items())  # nobody sent that
            if missing:
                told = told or f"behind operation {number} reports {sorted(missing)[:5]} are gone"
    for name, data in disk.newest().items():
        assert (folder / name).read_bytes() == data, f"the recording has missed something of {name}"
    shutil.rmtree(image.parent)
    return Count(len(promised), found_rows, lost, double, told), cuts


def _quick(folder: Path) -> Path:
    """A folder in memory, if there is one: nobody cuts the power of the machine that looks at thousands of disks."""
    memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="zonetag-faults-", dir=memory if memory.is_dir() else folder))


def _run(what: str, has: Callable[[Path], Found], run: Run) -> Count:
    total = Count(0, 0, 0, 0)
    cuts = 0
    for n in range(run.times):
        folder = run.folder / str(n) / "work"
        folder.mkdir(parents=True)
        log = record(what, folder, run.dice.randrange(1 << 32), "full")
        counted, done = cut_everywhere(log, folder, has, run.dice, others=1 if run.times == 1 else 6)
        total += counted
        cuts += done
        log.unlink()
        run.progress(n + 1)
    return Count(total.acknowledged, total.stored, total.lost, total.double, total.told, cuts)


def _control(what: str, has: Callable[[Path], Found], run: Run) -> bool:
    folder = run.folder / "work"
    folder.mkdir()
    log = record(what, folder, 1, "normal")
    counted, _ = cut_everywhere(log, folder, has, run.dice, others=0)
    return counted.lost > 0


SPOOL = Fault(
    "power-cut-spool",
    "the power goes behind each file operation of the spool, writes torn and reordered",
    1,
    20,
    lambda run: _run("spool", spool_has, run),
    lambda run: _control("spool", spool_has, run),
    "synchronous=NORMAL",
    needs,
)
DATABASE = Fault(
    "power-cut-database",
    "the same of the server's database",
    1,
    10,
    lambda run: _run("database", database_has, run),
    lambda run: _control("database", database_has, run),
    "synchronous=NORMAL",
    needs,
)
