"""`zonetag serve` and the first administrator: a link on a terminal, never in a log."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from zonetag_backend.roles import ADMIN
from zonetag_backend.store import accounts
from zonetag_backend.store.engine import connect, open_database, writing

ZONETAG = [sys.executable, "-c", "import sys; from zonetag_backend.cli import main; sys.exit(main())"]
LINK = re.compile(r"http://127\.0\.0\.1:\d+/start/[\w-]{43}")
LAST = "Nobody is there."  # of what serve says at its start, where nothing is set up


def said(data: Path, *, terminal: bool) -> str:
    """What a server says on a terminal, or into a pipe, until it has told what comes next."""
    reader, writer = os.openpty() if terminal else os.pipe()
    program = [*ZONETAG, "serve", "--data", str(data), "--broker", "mqtt://127.0.0.1:9", "--port", "0"]
    process = subprocess.Popen(program, stderr=writer, stdin=subprocess.DEVNULL)
    os.close(writer)
    text = b""
    try:
        while LAST.encode() not in text and process.poll() is None:
            text += os.read(reader, 65536)
        return text.decode()
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            while os.read(reader, 65536):  # or it would wait for room
                pass
        except OSError:  # a terminal that nobody writes to any more
            pass
        os.close(reader)
        process.wait(60)


def test_a_terminal_is_given_the_link_and_a_log_is_not(tmp_path: Path) -> None:
    shown = said(tmp_path, terminal=True)
    assert LINK.search(shown), shown
    assert "within 30 minutes" in shown
    logged = said(tmp_path, terminal=False)
    assert not LINK.search(logged)
    assert "zonetag account link --admin --data" in logged


def test_whoever_has_an_administrator_is_told_nothing(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'zonetag.db'}")
    with writing(engine) as connection:
        new = accounts.add(connection, "sếp", ADMIN, 1, "system")
    assert accounts_first(tmp_path)
    with writing(engine) as connection:
        accounts.set_password(connection, accounts.with_id(connection, new), "x", 1, "system")
    assert not accounts_first(tmp_path)
    engine.dispose()
    shown = said(tmp_path, terminal=True)
    assert "sign in" not in shown


def accounts_first(data: Path) -> bool:
    engine = connect(f"sqlite:///{data / 'zonetag.db'}")
    try:
        with writing(engine) as connection:
            return accounts.is_first(connection)
    finally:
        engine.dispose()
