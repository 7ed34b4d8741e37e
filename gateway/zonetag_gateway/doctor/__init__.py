"""`zonetag-gateway doctor`: looks for what keeps a gateway from working, and says what to type.

Each check is a function from what a probe saw to findings (bluetooth.py, system.py, broker.py); probes.py looks.
"""

import functools
from collections.abc import Callable
from pathlib import Path

from zonetag_gateway.config import LIVE, Config, SourceConfig, load
from zonetag_gateway.doctor import bluetooth, system
from zonetag_gateway.doctor.broker import broker
from zonetag_gateway.doctor.enrolment import enrolment
from zonetag_gateway.doctor.findings import Finding, fail, ok
from zonetag_gateway.doctor.probes import Probes, real
from zonetag_gateway.errors import ConfigFaults
from zonetag_gateway.source import Clock

__all__ = ["Finding", "doctor"]


async def doctor(
    path: Path, clock: Clock, probes: Probes | None = None, say: Callable[[Finding], None] | None = None
) -> list[Finding]:
    """All findings, in the order of the checks; `say` is given each as it is made.

    Without a usable configuration the machine is checked all the same, with nothing said of spool and broker.
    """
    probes = probes or real()
    findings: list[Finding] = []

    def tell(*found: Finding) -> None:
        for finding in found:
            findings.append(finding)
            if say is not None:
                say(finding)

    config, told = _config(path)
    tell(*told)
    if config is None or config.source.kind in LIVE:
        tell(*await _bluetooth(config, probes))
    tell(system.clock(clock.now()))
    if config is not None:
        tell(_disk(config, probes))
        tell(enrolment(probes.identity(config), clock.now()))
        speak = functools.partial(probes.speak, probes.settings(config), config.site, config.name)
        tell(*await broker(config.broker, probes.reach, speak))
    return findings


def _config(path: Path) -> tuple[Config | None, list[Finding]]:
    try:
        config = load(path)
    except ConfigFaults as faults:
        return None, [fail("config", f"{path}: {fault}", f"Correct {path}") for fault in faults.faults]
    return config, [ok("config", f"{path} is right")]


async def _bluetooth(config: Config | None, probes: Probes) -> list[Finding]:
    source = config.source if config is not None else SourceConfig()
    managed = [] if source.kind == "bleak" else [bluetooth.management(await probes.mgmt(), source)]
    return [
        bluetooth.package(probes.bleak()),
        bluetooth.bluez_version(await probes.bluez()),
        bluetooth.kernel(probes.kernel()),
        bluetooth.rfkill(probes.rfkill()),
        *bluetooth.adapters(await probes.adapters(), source),
        *managed,
    ]


def _disk(config: Config, probes: Probes) -> Finding:
    spool = config.spool
    try:
        spooled = spool.path.stat().st_size
    except OSError:
        spooled = 0  # none yet
    return system.disk(spool.path, probes.disk(spool.path.parent), spool.max_mb, spooled)
