"""A real mosquitto on a free port, with whatever configuration a test wants; killed and started again at will."""

import signal
import subprocess
import threading
import weakref
from pathlib import Path
from typing import IO

from rig.ports import hold

LIMIT_S = 120.0
READY = " running\n"  # "mosquitto version 2.0.11 running": said once it listens


class Mosquitto:
    """One broker.  Its files are in `folder`; nothing of the system's own mosquitto is touched."""

    def __init__(self, program: str, folder: Path, extra: str = "allow_anonymous true\n") -> None:
        self._program = program
        self._config = folder / "mosquitto.conf"
        held = hold()  # also while it is killed and not started again yet
        weakref.finalize(self, held.close)
        self.port: int = held.getsockname()[1]
        # As root it would become the user "mosquitto", who cannot read this folder.
        self._config.write_text(f"listener {self.port} 127.0.0.1\nuser root\npersistence false\n{extra}")
        self._process: subprocess.Popen[str] | None = None
        self.log: list[str] = []  # lines, all runs

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Of the process, while it runs."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, "-v", "-c", str(self._config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout is not None
        ready = threading.Event()
        threading.Thread(target=self._listen, args=(self._process.stdout, ready), daemon=True).start()
        assert ready.wait(LIMIT_S), f"mosquitto does not listen: {''.join(self.log)}"
        assert self._process.poll() is None, "".join(self.log)

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _listen(self, output: IO[str], ready: threading.Event) -> None:
        with output:
            for line in output:
                self.log.append(line)
                if line.endswith(READY):
                    ready.set()
        ready.set()  # it has ended: `start` looks

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.wait(LIMIT_S)
