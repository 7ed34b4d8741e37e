"""A real PostgreSQL in a folder of its own, on a socket there and on no port; killed and started again at will.

Its program refuses to run as root: then it runs as the user that Debian's package made for it.
"""

import os
import shutil
import signal
import subprocess
import threading
from pathlib import Path
from tempfile import gettempdir, mkdtemp
from typing import IO

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

LIMIT_S = 60.0
USER = "postgres"
READY = "database system is ready to accept connections"
OWNER = "zonetag"
ROOM = 2 << 30  # bytes
# Vietnamese order in the database itself: nothing may hang on how the server sorts.
CLUSTER = ("--encoding=UTF8", "--locale-provider=icu", "--icu-locale=vi-VN", "--locale=C.UTF-8", "--auth=trust")


def programs() -> Path | None:
    """Where the newest server's programs are: Debian keeps them off the PATH, by version."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


class PostgreSQL:
    """One server.  Its folder has a short path: a longer one has no room in a socket's address."""

    def __init__(self, programs: Path, folder: Path | None = None) -> None:
        """In a new folder in `folder`, by default wherever that is quickest."""
        self._programs = programs
        self.folder = Path(mkdtemp(prefix="zonetag-pg-", dir=folder or _room()))
        self._data = self.folder / "data"
        self._process: subprocess.Popen[str] | None = None
        self.log: list[str] = []  # lines, all runs
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER)
        made = self._command("initdb", f"--username={OWNER}", *CLUSTER, "--no-sync", "-D", str(self._data))
        subprocess.run(made, check=True, capture_output=True, cwd=self.folder)

    def url(self, name: str) -> str:
        """Of a database of this server, as the setting `database` takes it."""
        return f"postgresql+psycopg://{OWNER}@/{name}?host={self.folder}"

    def start(self, *more: str) -> None:
        """Start it, with `more` options, and wait until it takes connections."""
        options = ("-c", "listen_addresses=", "-c", f"unix_socket_directories={self.folder}")
        self._process = subprocess.Popen(
            self._command("postgres", "-D", str(self._data), *options, *more),
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )
        assert self._process.stderr is not None
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self._process.stderr, ready), daemon=True).start()
        assert ready.wait(LIMIT_S), f"PostgreSQL does not start: {''.join(self.log)}"
        assert self._process.poll() is None, "".join(self.log)

    def kill(self) -> None:
        """kill -9, all of its processes: what is not on the disk is lost."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGSTOP)  # so that it makes no new ones meanwhile
            for each in [*_children(process.pid), process.pid]:
                os.kill(each, signal.SIGKILL)
            process.wait(LIMIT_S)

    def stop(self) -> None:
        """Whoever is connected is sent away."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGINT)
            process.wait(LIMIT_S)

    def files(self, url: str) -> list[Path]:
        """The files of a database's tables, as they are on the disk."""
        engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text("CHECKPOINT"))
            number = connection.execute(text("SELECT oid FROM pg_database WHERE datname = current_database()")).scalar()
        return [path for path in (self._data / "base" / str(number)).iterdir() if path.is_file()]

    def spent_s(self) -> float:
        """Processor time of all its processes that run, so far."""
        assert self._process is not None
        running = [self._process.pid, *_children(self._process.pid)]
        return sum(int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) for pid in running) / 1e9

    def close(self) -> None:
        """Stop it, and leave nothing behind."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make(self, name: str, template: str = "template1") -> str:
        """The URL of a new database."""
        self._administer(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def drop(self, name: str) -> None:
        self._administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def _administer(self, statement: str) -> None:
        engine = create_engine(self.url("postgres"), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))

    def _command(self, program: str, *arguments: str) -> list[str]:
        as_user = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--init-groups", "--"] if os.geteuid() == 0 else []
        return [*as_user, str(self._programs / program), *arguments]

    def _listen(self, output: IO[str], ready: threading.Event) -> None:
        with output:
            for line in output:
                self.log.append(line)
                if READY in line:
                    ready.set()
        ready.set()  # it has ended: `start` looks


def _room() -> Path:
    """In memory where there is plenty: a program is killed, not the machine, and no disk has to be waited for."""
    memory = Path("/dev/shm")
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > ROOM
    return memory if roomy else Path(gettempdir())


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
