"""What `zonetag-gateway doctor` says of a real bluetoothd."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from rig.bluez.bench import ADDRESSES, powered
from rig.bluez.controller import Dongle
from rig.bluez.machine import EXPERIMENTAL, Machine

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.doctor import Finding, doctor
from zonetag_gateway.doctor.probes import real

CONFIG = """site = "office"
name = "entrance"
[source]
kind = "bleak"
scanning = "{scanning}"
[spool]
path = "{folder}/spool.db"
[broker]
url = "mqtt://127.0.0.1:1"
"""
CHECKS = ("bluetoothd", "adapter", "passive-scanning")


@pytest.fixture
def findings(tmp_path: Path) -> Callable[..., dict[str, Finding]]:
    """`findings(Machine, scanning, ...)`: what doctor finds of Bluetooth, by check."""

    async def no_broker(*_: object) -> str:
        return "not asked"

    def find(
        machine: Machine, scanning: str = "auto", prepare: Callable[[], object] = lambda: None
    ) -> dict[str, Finding]:
        path = tmp_path / "gateway.toml"
        path.write_text(CONFIG.format(scanning=scanning, folder=tmp_path))

        async def look() -> list[Finding]:
            async with Dongle(machine.hci_ports[0], ADDRESSES[0]):
                await powered()
                await asyncio.to_thread(prepare)
                return await doctor(path, SystemClock(), replace(real(), reach=no_broker))

        return {finding.check: finding for finding in asyncio.run(look()) if finding.check in CHECKS}

    return find


Findings = Callable[..., dict[str, Finding]]


def levels(found: dict[str, Finding]) -> dict[str, str]:
    return {check: finding.level for check, finding in found.items()}


def test_all_is_well(machine: Machine, findings: Findings) -> None:
    found = findings(machine)
    assert levels(found) == {"bluetoothd": "ok", "adapter": "ok", "passive-scanning": "ok"}
    assert "hci0" in found["adapter"].found


@pytest.mark.parametrize(("scanning", "level"), [("auto", "warn"), ("passive", "fail"), ("active", "warn")])
def test_without_the_experimental_flag(machine: Machine, findings: Findings, scanning: str, level: str) -> None:
    machine.kill_bluetoothd()
    machine.bluetoothd()
    found = findings(machine, scanning)
    assert levels(found) == {"bluetoothd": "ok", "adapter": "ok", "passive-scanning": level}
    assert "Experimental = true" in found["passive-scanning"].to_do


def test_what_it_says_to_type_turns_passive_scanning_on(machine: Machine, findings: Findings) -> None:
    """The setting of main.conf that doctor names does the same as the flag."""
    machine.kill_bluetoothd()
    machine.run("cd /etc/bluetooth; cp main.conf main.conf.before")
    machine.run("sed -i 's/^#Experimental = false/Experimental = true/' /etc/bluetooth/main.conf")
    machine.bluetoothd()
    try:
        assert findings(machine)["passive-scanning"].level == "ok"
    finally:
        machine.run("cd /etc/bluetooth; mv main.conf.before main.conf")


def test_an_adapter_that_is_off(machine: Machine, findings: Findings) -> None:
    found = findings(machine, prepare=lambda: machine.run("bluetoothctl power off"))
    assert levels(found) == {"bluetoothd": "ok", "adapter": "fail"}
    assert "bluetoothctl power on" in found["adapter"].to_do


def test_no_adapter(machine: Machine, tmp_path: Path) -> None:
    async def look() -> dict[str, Finding]:
        async with asyncio.timeout(120.0):
            while True:
                findings = await doctor(tmp_path / "none.toml", SystemClock(), real())
                found = {finding.check: finding for finding in findings}
                if not found["adapter"].found.startswith("hci"):
                    return found
                await asyncio.sleep(0.1)  # that of the test before is on its way out

    found = asyncio.run(look())
    assert found["bluetoothd"].level == "ok"
    assert found["adapter"].level == "fail"
    assert "dmesg" in found["adapter"].to_do


def test_no_bluetoothd(machine: Machine, findings: Findings) -> None:
    found = findings(machine, prepare=machine.kill_bluetoothd)
    assert levels(found) == {"bluetoothd": "fail"}
    assert "systemctl" in found["bluetoothd"].to_do
    machine.bluetoothd(EXPERIMENTAL)  # as every test leaves it
