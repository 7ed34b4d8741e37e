"""A gateway of the demo: the real program in a process of its own, with the simulated air as its source."""

import asyncio
import contextlib
import json
import sys
from pathlib import Path

from zonetag_backend.demo.registry import SITE

DRAIN_S = 120.0  # at the end it may take so long to deliver what it still has; it takes a second
_HEALTH_S = 5.0
_CONNECTIONS = 4  # at once: the office's quarter of an hour is half a minute, in which forty logs are fetched


class GatewayProcess:
    """`zonetag-gateway run` under one name, from `start` to `stop`."""

    def __init__(self, name: str, folder: Path, broker_url: str, air_port: int) -> None:
        """Writes its configuration to `folder`."""
        self.name = name
        self.summary: dict[str, int] | None = None
        # what it printed at its end; none when it did not get so far
        self._config = folder / f"gateway-{name}.toml"
        text = json.dumps  # a JSON string is a TOML string
        self._config.write_text(
            f"# Written by `zonetag demo`.\n"
            f"site = {text(SITE)}\n"
            f"name = {text(name)}\n"
            f'[source]\nkind = "simulated"\nair = {text(f"127.0.0.1:{air_port}")}\n'
            f"[spool]\npath = {text(str(folder / f'spool-{name}.db'))}\n"
            f"[broker]\nurl = {text(broker_url)}\n"
            f"[identity]\nfolder = {text(str(folder / f'identity-{name}'))}\n"
            f"[health]\nevery_s = {_HEALTH_S}\n"
            f"[link]\nenabled = true\nconnections = {_CONNECTIONS}\n",
            encoding="utf-8",
        )
        self._identity = folder / f"identity-{name}"
        self._process: asyncio.subprocess.Process | None = None
        self._ending: asyncio.Task[int] | None = None

    async def enrol(self, url: str, token: str) -> int:
        """Let it make its keys and have them enrolled; the command's exit code."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "zonetag_gateway", "--log-level", "warning", "enrol", url, token),
            *("--dir", str(self._identity), "--config", str(self._config)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            return await process.wait()
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()

    async def start(self) -> None:
        """Begin; what it logs goes to our standard error."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "zonetag_gateway", "--log-level", "warning"),
            *("run", "--config", str(self._config), "--json", "--drain", str(DRAIN_S)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C in a terminal reaches a whole group: this one is told to end by us, when its turn has come.
            start_new_session=True,
        )
        self._ending = asyncio.create_task(self._wait(self._process))

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself or by `stop`."""
        assert self._ending is not None
        return await asyncio.shield(self._ending)

    async def stop(self, within_s: float) -> None:
        """Ask it to end, as systemd would: it delivers what it has.  Kill it when that takes longer than `within_s`."""
        if self._process is None or self._ending is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._ending), within_s)
        except TimeoutError:
            pass  # what it still had is in its spool
        finally:
            self.kill()
            await asyncio.wait((self._ending,))

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()

    async def _wait(self, process: asyncio.subprocess.Process) -> int:
        out, _ = await process.communicate()
        with contextlib.suppress(ValueError):
            self.summary = json.loads(out)
        code = process.returncode
        assert code is not None
        return code
