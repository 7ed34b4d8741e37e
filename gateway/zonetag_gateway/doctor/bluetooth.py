"""Checks of Bluetooth: pure functions from what the probes saw to findings."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zonetag_gateway.config import SourceConfig
from zonetag_gateway.doctor.findings import Finding, fail, ok, warn
from zonetag_gateway.errors import SourceError
from zonetag_gateway.sources import scanning
from zonetag_gateway.sources.scanning import AdapterState

# The oldest BlueZ that this was tried with is Debian 12's; advertisement monitors came with 5.56.
TRIED_BLUEZ = (5, 66)
MONITOR_BLUEZ = (5, 56)
MONITOR_KERNEL = (5, 10)


@dataclass(frozen=True, slots=True)
class Switch:
    """One rfkill switch of a Bluetooth adapter."""

    name: str
    # hci0
    soft: bool
    # blocked by a program
    hard: bool
    # blocked by a key or switch of the machine


def version_of(text: str) -> tuple[int, int] | None:
    """The first "a.b" in what a program or the kernel says of itself."""
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else None


def bluez_version(text: str | None) -> Finding:
    """`text`: what `bluetoothctl --version` prints, None when there is no such program."""
    version = version_of(text) if text else None
    if version is None:
        return fail("bluez", "BlueZ is not installed", "sudo apt install bluez")
    found = f"BlueZ {version[0]}.{version[1]}"
    if version < MONITOR_BLUEZ:
        return fail("bluez", f"{found}, too old", "Use Debian 12, Raspberry Pi OS 12 or later: BlueZ 5.66 is there")
    if version < TRIED_BLUEZ:
        return warn("bluez", f"{found}, older than the oldest that was tried (5.66)", "sudo apt full-upgrade")
    return ok("bluez", found)


def kernel(release: str) -> Finding:
    """`release`: what uname -r prints."""
    version = version_of(release)
    if version is not None and version < MONITOR_KERNEL:
        return warn("kernel", f"Linux {release} cannot scan passively", "sudo apt full-upgrade (5.10 or later)")
    return ok("kernel", f"Linux {release}")


def rfkill(switches: Sequence[Switch]) -> Finding:
    """Whether something keeps the radio off."""
    for switch in switches:
        if switch.hard:
            return fail("rfkill", f"{switch.name} is off by a key or switch of the machine", "Turn that switch on")
    for switch in switches:
        if switch.soft:
            return fail("rfkill", f"{switch.name} is blocked", "sudo rfkill unblock bluetooth")
    return ok("rfkill", "nothing blocks Bluetooth")


def adapters(found: Sequence[AdapterState] | SourceError, source: SourceConfig) -> list[Finding]:
    """Bluetoothd, permission, adapters, passive scanning: `found` is what bluetoothd answered."""
    if isinstance(found, SourceError):
        return [fail("bluetoothd", found.what, found.to_do)]
    findings = [ok("bluetoothd", "runs, and answers this user")]
    try:
        # Passive scanning is a finding of its own, below.
        plans = scanning.plan(found, source.adapters, scanning.ACTIVE)
    except SourceError as error:
        return [*findings, fail("adapter", error.what, error.to_do)]
    names = [plan.adapter for plan in plans]
    findings.append(ok("adapter", ", ".join(names) + " is on" if len(names) == 1 else ", ".join(names) + " are on"))
    lacking = [state.name for state in found if state.name in names and not state.monitors]
    if not lacking:
        findings.append(ok("passive-scanning", "advertisement monitors are offered"))
    else:
        report = fail if scanning.PASSIVE in source.scanning.split("+") else warn
        found_text = f"{', '.join(lacking)}: no advertisement monitors (bluetoothd is not experimental)"
        findings.append(report("passive-scanning", found_text, scanning.ENABLE_MONITORS))
    return findings


def management(refused: SourceError | None, source: SourceConfig) -> Finding:
    """`refused`: why this process cannot hear by the kernel's management socket, None if it can."""
    if refused is None:
        return ok("mgmt", "the management socket may be used")
    if source.kind == "mgmt":
        return fail("mgmt", refused.what, refused.to_do)
    if source.scanning != scanning.AUTO:
        return ok("mgmt", "not wanted, as source.scanning names a way of bleak's")
    return warn("mgmt", f"{refused.what}: bleak is used, at several times the cost", refused.to_do)


def package(installed: bool) -> Finding:
    """Whether bleak can be imported."""
    if installed:
        return ok("bleak", "the Python package is installed")
    return fail("bleak", "the Python package is not installed", "pip install 'zonetag[gateway]'")
