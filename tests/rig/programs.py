"""The real programs as processes: started, watched on their standard error, stopped, and looked for afterwards."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

LIMIT_S = 120.0
_SIGTERM_BIT = 1 << (signal.SIGTERM - 1)


class Program:
    """A process whose standard error is read line by line."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[str] = []
        self._new_line = threading.Condition()
        assert self.process.stderr is not None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()

    @property
    def errors(self) -> str:
        """All of its standard error until now."""
        return "".join(self.lines)

    def wait_for(self, text: str) -> str:
        """The first line that holds `text`; fails when the program ends without it."""
        with self._new_line:
            found = self._new_line.wait_for(lambda: self._find(text) or self.process.poll() is not None, LIMIT_S)
        line = self._find(text)
        assert found
        assert line is not None, f"no line with {text!r} in: {self.errors}"
        return line

    def catches_sigterm(self) -> bool:
        """Whether it has come so far as to have a handler for it."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return bool(int(caught.split()[1], 16) & _SIGTERM_BIT)

    def end(self, number: signal.Signals | None = None) -> tuple[int, str]:
        """Send a signal, if one is given, and wait for the end: exit code and standard output."""
        if number is not None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        watchdog = threading.Timer(LIMIT_S, self.process.kill)
        watchdog.start()
        try:
            out = self.process.stdout.read()
            self._reader.join()
            return self.process.wait(), out
        finally:
            watchdog.cancel()
            self.process.stdout.close()

    def close(self) -> None:
        """End it at once, if it has not ended: for the end of a test that failed."""
        self.process.kill()
        assert self.process.stdout is not None
        if not self.process.stdout.closed:
            self.end()

    def _find(self, text: str) -> str | None:
        return next((line for line in self.lines if text in line), None)

    def _read(self, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._new_line:
                    self.lines.append(line)
                    self._new_line.notify_all()
        self.process.wait()
        with self._new_line:
            self._new_line.notify_all()


def script(name: str) -> str:
    """The path of a command of this project, beside the interpreter that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def mentioning(text: str) -> list[int]:
    """Processes with `text` on their command line, without those that have ended and wait to be reaped."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                if text in (folder / "cmdline").read_bytes().decode(errors="replace"):
                    found.append(int(folder.name))
            except OSError:
                pass  # it has ended meanwhile
    return found
