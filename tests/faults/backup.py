"""Backups made while everything runs, some of them killed half way, and each that was made put back."""

import shutil
import sqlite3
import sys

from faults import counting, kills
from faults.counting import Count
from faults.engine import Fault, Run
from faults.stack import Process, Stack, stack
from faults.waiting import pause

MAIN = "import sys; from zonetag_backend.cli import main; sys.exit(main())"


def _command(made: Stack, log: str, *words: str) -> Process:
    return Process(made.networks.server, made.folder / log, sys.executable, "-c", MAIN, *words)


def _run(run: Run) -> Count:
    with stack(run.folder) as made:
        made.start()
        data, key = str(made.database.parent), str(made.folder / "private.pem")
        phrase = made.folder / "phrase"
        phrase.write_text("vì một ổ đĩa sẽ hỏng\n")
        phrase.chmod(0o600)
        words = ("--passphrase-file", str(phrase))
        _done(made, "backup", "--new-key", key, *words, "--data", data)
        total = Count(0, 0, 0, 0)
        for n in range(run.times):
            made.progress()
            folder = made.folder / f"backups{n}"
            if n % 2:  # killed half way: what lies there is no backup, and the next one is made all the same
                dying = _command(made, "killed.log", "backup", str(folder), "--data", data)
                pause(run.dice.uniform(0.2, 1.5))
                dying.kill()
                shutil.rmtree(folder, ignore_errors=True)
            before = counting.read_database(made.database)
            _done(made, "backup", str(folder), "--data", data)
            [backup] = folder.glob("*.ztb")
            restored = made.folder / f"restored{n}"
            _done(made, "restore", str(backup), "--key", key, *words, "--data", str(restored))
            total += _compared(before, counting.read_database(restored / "zonetag.db"))
            shutil.rmtree(restored)
            run.progress(n + 1)
        made.finish()
        return total


def _done(made: Stack, *words: str) -> None:
    """A command that must succeed."""
    command = _command(made, "command.log", *words)
    code, _ = command.wait()
    assert code == 0, command.log.read_text(errors="replace")[-2000:]


def _compared(before: counting.Stored, after: counting.Stored) -> Count:
    """All that stood there when the backup began stands in what was put back, once."""
    names = before.names | set(before.rejected)
    lost = len(names - after.names - set(after.rejected))
    double = sum(n - 1 for n in after.observed.values()) + sum(n - 1 for n in after.content.values())
    told = f"{lost} of {len(names)} not put back" if lost else ""
    return Count(len(names), len(names) - lost, lost, double, told)


def _control(run: Run) -> bool:
    """A copy of the database's file, made with cp while the server writes."""
    with stack(run.folder) as made:
        made.start()
        made.progress(20)
        before = counting.read_database(made.database)
        copy = made.folder / "copy.db"
        shutil.copy(made.database, copy)
        try:
            failed = _compared(before, counting.read_database(copy)).lost > 0
        except (AssertionError, sqlite3.Error):  # not whole: worse than incomplete
            failed = True
        made.finish()
        return failed


FAULT = Fault(
    "backup-restore",
    "backups made while the server writes, every other one after one that was killed half way; each is put back",
    2,
    50,
    _run,
    _control,
    "the database's file is copied without its log",
    kills.needs,
)
