"""The ladder on real BlueZ: an ear that comes back with the adapter's power, and the kernel's switch.

What each rung does when it is refused, and the ladder's timetable, are tested without a machine.
"""

import asyncio
from pathlib import Path

import pytest
from rig.bluez.bench import Bench
from rig.bluez.devices import Tag
from rig.bluez.machine import EXPERIMENTAL, Machine
from rig.managers import Manager

from zonetag_gateway import rfkill
from zonetag_gateway.bluez import Bus
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.reboots import Reboots
from zonetag_gateway.recovery import Rung
from zonetag_gateway.repair import Repair

SLOT_S = 2.0
SILENCE_S = 3.0


@pytest.mark.parametrize("highest", [Rung.POWER_CYCLE, Rung.RESTART_SCAN])
def test_an_ear_that_comes_back_with_power(machine: Machine, tmp_path: Path, highest: Rung) -> None:
    """No call ever fails.  Where the ladder may not reach the power (the control), it stays deaf."""
    repair = Repair(Reboots(tmp_path / "reboots.json", 1), SystemClock())

    async def go() -> None:
        bench = Bench(machine, [Tag(1, slot_s=SLOT_S)], silence_s=SILENCE_S, highest=highest, repair=repair)
        async with bench, Bus() as bus:
            await bench.until(lambda: bool(bench.heard_names(0)), "the tag")
            await bus.watch("hci0")
            bench.air.chips = []  # nothing reaches the antenna
            if highest is Rung.RESTART_SCAN:
                await bench.until(lambda: bench.source.counts["silences"] == 2, "two silences")
                assert not bus.lost.is_set()
                assert bench.source.tell()["recovery"]["restart-scan"] == 2
                return
            await bench.until(bus.lost.is_set, "the adapter is off")
            bench.air.chips = [bench.dongles[0].chip]
            known = len(bench.heard_names(0))
            await bench.until(lambda: len(bench.heard_names(0)) > known + 1, "the tag is heard again")
            told = bench.source.tell()
            assert (told["recovery"]["restart-scan"], told["recovery"]["power-cycle"]) == (1, 1)
            assert set(told["recovery_failed"].values()) == {0}

    asyncio.run(go())


def test_the_kernel_understands_what_is_written_to_its_switch(machine: Machine, tmp_path: Path) -> None:
    def switch(number: int, *, blocked: bool) -> str:
        """What the gateway would write, as a shell writes it."""
        folder = tmp_path / "rfkill" / "rfkill0"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "name").write_text("hci0\n")
        (folder / "index").write_text(f"{number}\n")
        device = tmp_path / "device"
        device.write_bytes(b"")
        rfkill.block("hci0", blocked, device, folder.parent)
        return "printf '" + "".join(f"\\{byte:03o}" for byte in device.read_bytes()) + "' > /dev/rfkill"

    async def go() -> None:
        bench = Bench(machine, [Tag(1, slot_s=SLOT_S)])
        async with bench:
            await bench.until(lambda: bool(bench.heard_names(0)), "the tag")
            seen = await asyncio.to_thread(machine.run, "cat /sys/class/rfkill/*/name /sys/class/rfkill/*/index")
            name, number = (line.strip() for line in seen)
            assert name == "hci0"
            await asyncio.to_thread(machine.run, switch(int(number), blocked=True))
            await bench.until(lambda: bench.source.counts["lost"] == 1, "the source notices")
            await asyncio.to_thread(machine.run, switch(int(number), blocked=False))
            known = len(bench.heard_names(0))
            await bench.until(lambda: len(bench.heard_names(0)) > known + 1, "the tag is heard again")

    asyncio.run(go())


# Who asks systemd and logind is root inside; this bus allows nobody their names until it is told to.
POLICY = (
    '<busconfig><policy context="default"><allow own="org.freedesktop.systemd1"/><allow own="org.freedesktop.login1"/>'
    '<allow send_destination="org.freedesktop.systemd1"/><allow send_destination="org.freedesktop.login1"/>'
    "</policy></busconfig>"
)


def test_the_rungs_above(machine: Machine, tmp_path: Path) -> None:
    """bluetoothd is restarted as systemd would, by a stand-in; a reboot is asked for once a day and no oftener."""
    repair = Repair(Reboots(tmp_path / "reboots.json", 1), SystemClock())
    address = machine.environment["DBUS_SYSTEM_BUS_ADDRESS"]
    restarts: list[asyncio.Task[None]] = []

    async def restart() -> None:
        await asyncio.to_thread(machine.kill_bluetoothd)
        await asyncio.to_thread(machine.bluetoothd, EXPERIMENTAL)

    machine.run(f"echo '{POLICY}' >/etc/dbus-1/system.d/managers.conf; kill -HUP $(pidof dbus-daemon)")

    async def go() -> None:
        bench = Bench(machine, [Tag(1, slot_s=SLOT_S)])
        systemd = Manager(address, "systemd1", uid=0, act=lambda: restarts.append(asyncio.create_task(restart())))
        logind = Manager(address, "login1", uid=0)
        async with bench, systemd, logind:
            await bench.until(lambda: bool(bench.heard_names(0)), "the tag")
            await repair(Rung.RESTART_BLUETOOTH, ())
            assert systemd.calls == [("RestartUnit", ["bluetooth.service", "replace"])]
            await asyncio.gather(*restarts)
            await bench.until(lambda: bench.source.counts["lost"] == 1, "the source notices")
            known = len(bench.heard_names(0))
            await bench.until(lambda: len(bench.heard_names(0)) > known + 1, "the tag is heard again")
            await repair(Rung.REBOOT, ())
            with pytest.raises(SourceError, match="used up"):
                await repair(Rung.REBOOT, ())
            assert logind.calls == [("Reboot", [False])]

    asyncio.run(go())
