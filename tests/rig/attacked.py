"""An air that a test writes itself, heard by real gateways as processes; their reports go wherever their broker is.

Three gateways: gw1 and gw3 at the door and in a room of site hq, gw4 at the gate of site annex (rig/registry.py).
"""

import asyncio
import json
import sys
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.simulate.emitter import Heard
from zonetag_backend.simulate.office import STEP_S, Office
from zonetag_backend.simulate.tag import Tag

SITES = {"gw1": "hq", "gw3": "hq", "gw4": "annex"}
LIMIT_S = 60.0


class Script:
    """What is on the air, advert by advert, at each gateway; stands where AirServer wants an office."""

    def __init__(self, length_s: float, *names: str) -> None:
        self.length_s = length_s
        self.steps = int(-(-length_s // STEP_S))
        self.plan = SimpleNamespace(receivers=[SimpleNamespace(name=name) for name in names])
        self.tags: list[Tag] = []  # nobody to connect to
        self.sent: dict[str, list[Heard]] = {name: [] for name in names}
        self._steps: dict[int, dict[str, list[Heard]]] = {}

    def put(self, gateway: str, at_s: float, data: bytes, rssi: int = -60) -> None:
        """One advert."""
        assert 0 <= at_s < self.length_s
        self.sent[gateway].append(Heard(at_s, rssi, data))

    def hear(self, step: int) -> dict[str, list[Heard]]:
        """What AirServer asks for."""
        if not self._steps:
            steps: dict[int, dict[str, list[Heard]]] = defaultdict(lambda: {name: [] for name in self.sent})
            for name, heard in self.sent.items():
                for each in sorted(heard, key=lambda each: each.at):
                    steps[int(each.at // STEP_S)][name].append(each)
            self._steps = steps
        return self._steps[step]

    def office(self) -> Office:
        """As AirServer takes it: it asks for nothing else."""
        return cast(Office, self)


def config(folder: Path, name: str, air: AirServer, broker_port: int, **sections: dict[str, Any]) -> Path:
    """A gateway's configuration in a folder of its own."""
    folder.mkdir(exist_ok=True)
    every: dict[str, dict[str, Any]] = {
        "source": {"kind": "simulated", "air": f"127.0.0.1:{air.port}"},
        "spool": {"path": str(folder / "spool.db")},
        "broker": {"url": f"mqtt://127.0.0.1:{broker_port}", "resend_s": 1},
        "health": {"every_s": 1},
        **sections,
    }
    lines = [f'site = "{SITES[name]}"', f'name = "{name}"']
    for section, values in every.items():
        lines += [f"[{section}]", *(f"{key} = {json.dumps(value)}" for key, value in values.items())]
    path = folder / "gateway.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


async def start(path: Path, *, drain_s: float = 60, level: str = "info") -> asyncio.subprocess.Process:
    """`zonetag-gateway run`; what it says goes to `log` beside its configuration."""
    with path.with_name("log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "zonetag_gateway", "--log-level", level),
            *("run", "--config", str(path), "--json", "--drain", str(drain_s)),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )


async def ended(process: asyncio.subprocess.Process) -> dict[str, int]:
    """Its summary, when it has heard the end of the air and delivered all."""
    out, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    assert process.returncode == 0
    return cast(dict[str, int], json.loads(out))
