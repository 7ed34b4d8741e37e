"""The rungs carried out on a real bus with stand-ins for bluetoothd, systemd and logind; each with its control."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Message, Variant
from rig.bluetoothd import Bluetoothd, SystemBus
from rig.managers import Manager

from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.reboots import Reboots
from zonetag_gateway.recovery import Rung
from zonetag_gateway.repair import Repair
from zonetag_gateway.sources.bleak import Bleak

LIMIT_S = 60.0
FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
BADGE = bytes(range(8))


@pytest.fixture
def bus(require: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemBus]:
    """A system bus of the test's own, which this process takes for the system's."""
    bus = SystemBus(require("dbus-daemon", "apt-get install dbus-daemon"))
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    yield bus
    bus.stop()


@pytest.fixture
def repair(tmp_path: Path) -> Repair:
    """With a kernel's switches in a folder: hci0 has number 3."""
    for name, index, kind in (("phy0", 0, "rfkill0"), ("hci0", 3, "rfkill3")):
        folder = tmp_path / "rfkill" / kind
        folder.mkdir(parents=True)
        (folder / "name").write_text(f"{name}\n")
        (folder / "index").write_text(f"{index}\n")
    (tmp_path / "device").touch()
    return Repair(
        Reboots(tmp_path / "reboots.json", 2),
        SystemClock(),
        pause_s=0.01,
        rfkill_device=tmp_path / "device",
        rfkill_folder=tmp_path / "rfkill",
    )


def beside(daemon: Any, do: Callable[[], Awaitable[None]]) -> None:
    async def go() -> None:
        async with daemon, asyncio.timeout(LIMIT_S):
            await do()

    asyncio.run(go())


def powers(daemon: Bluetoothd) -> list[bool]:
    return [body[2].value for member, body in daemon.calls if member == "Set" and body[1] == "Powered"]


def test_power_cycle(bus: SystemBus, repair: Repair) -> None:
    for adapters in (["hci0"], []):  # by name, and all there are
        daemon = Bluetoothd(bus.address)
        beside(daemon, partial(repair, Rung.POWER_CYCLE, adapters))
        assert powers(daemon) == [False, True]


class Stubborn(Bluetoothd):
    """Refuses to switch off, and to switch on the first time."""

    refusals = 2

    def _answer(self, message: Message) -> Message | bool | None:
        answer = super()._answer(message)
        if message.member == "Set" and self.refusals:
            self.refusals -= 1
            return Message.new_error(message, "org.bluez.Error.Busy", "")
        return answer


def test_an_adapter_that_does_not_switch_off_is_switched_on_all_the_same(bus: SystemBus, repair: Repair) -> None:
    daemon = Stubborn(bus.address)
    with pytest.raises(SourceError, match=r"org\.bluez\.Error\.Busy"):
        beside(daemon, lambda: repair(Rung.POWER_CYCLE, ["hci0"]))
    assert powers(daemon) == [False, True, True]


def test_rfkill(bus: SystemBus, repair: Repair, tmp_path: Path) -> None:
    daemon = Bluetoothd(bus.address)
    beside(daemon, lambda: repair(Rung.RFKILL, ["hci0"]))
    # A device takes each event as it is written, a file keeps the last one: number 3, Bluetooth, change, free.
    assert (tmp_path / "device").read_bytes() == bytes.fromhex("03000000 02 02 00 00")
    assert powers(daemon) == [True]


@pytest.mark.parametrize(("fault", "says"), [("device", "usermod -aG netdev"), ("rfkill", "rfkill list")])
def test_rfkill_without_permission_or_switch(
    bus: SystemBus, repair: Repair, tmp_path: Path, fault: str, says: str
) -> None:
    (tmp_path / fault).rename(tmp_path / "away")
    with pytest.raises(SourceError, match=says):
        beside(Bluetoothd(bus.address), lambda: repair(Rung.RFKILL, ["hci0"]))


@pytest.mark.parametrize(
    ("rung", "service", "call"),
    [
        (Rung.RESTART_BLUETOOTH, "systemd1", ("RestartUnit", ["bluetooth.service", "replace"])),
        (Rung.REBOOT, "login1", ("Reboot", [False])),
    ],
)
def test_what_others_are_asked_to_do(
    bus: SystemBus, repair: Repair, rung: Rung, service: str, call: tuple[str, list[Any]]
) -> None:
    manager = Manager(bus.address, service)
    beside(manager, lambda: repair(rung, ["hci0"]))
    assert manager.calls == [call]
    denying = Manager(bus.address, service, allows=False)
    with pytest.raises(SourceError, match="polkit"):
        beside(denying, lambda: repair(rung, ["hci0"]))
    assert denying.calls == [call]


def test_reboots_have_a_budget_over_reboots(bus: SystemBus, repair: Repair, tmp_path: Path) -> None:
    manager = Manager(bus.address, "login1")

    async def three() -> None:
        await repair(Rung.REBOOT, [])
        await repair(Rung.REBOOT, [])
        with pytest.raises(SourceError, match="used up"):
            await Repair(Reboots(tmp_path / "reboots.json", 2), SystemClock())(Rung.REBOOT, [])

    beside(manager, three)
    assert len(manager.calls) == 2
    assert len(json.loads((tmp_path / "reboots.json").read_text())) == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"[1, true]", b"\xff", b"[" * 100_000])
def test_a_garbled_budget_is_a_spent_one_that_comes_back_after_a_day(tmp_path: Path, content: bytes) -> None:
    path, day = tmp_path / "reboots.json", 24 * 3600 * 1000
    path.write_bytes(content)
    now = 1_790_000_000_000
    assert not Reboots(path, 2).take(now)
    assert not Reboots(path, 2).take(now + day - 1)
    assert Reboots(path, 2).take(now + day)


def test_a_reboot_that_cannot_be_written_down_is_not_made(bus: SystemBus, tmp_path: Path) -> None:
    manager = Manager(bus.address, "login1")
    with pytest.raises(SourceError, match="written down"):
        beside(manager, lambda: Repair(Reboots(tmp_path / "no" / "file", 2), SystemClock())(Rung.REBOOT, []))
    assert manager.calls == []


class Deaf(Bluetoothd):
    """Hears nothing until its adapter was off and on again; no call ever fails."""

    def _answer(self, message: Message) -> Message | bool | None:
        answer = super()._answer(message)
        if message.member == "StartDiscovery" and powers(self) == [False, True]:
            self.hear("C0:00:00:00:00:01", RSSI=Variant("n", -60))
        return answer


@pytest.mark.parametrize(("highest", "cured"), [(Rung.POWER_CYCLE, True), (Rung.RESTART_SCAN, False)])
def test_a_deaf_adapter_is_cured_by_the_rung_it_needs_and_not_without(
    bus: SystemBus, repair: Repair, highest: Rung, cured: bool, caplog: pytest.LogCaptureFixture
) -> None:
    daemon, heard = Deaf(bus.address), []
    source = Bleak((), "auto", 0xFFFF, SystemClock(), silence_s=0.1, highest=highest, repair=repair)

    async def go() -> None:
        running = asyncio.create_task(source.run(lambda *advert: heard.append(advert)))
        while not (heard or source.counts["silences"] == 3):  # noqa: ASYNC110  # counters of the code under test
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})

    with caplog.at_level(logging.WARNING):
        beside(daemon, go)
    assert bool(heard) == cured
    told = source.tell()
    assert told["recovery"]["restart-scan"] == (1 if cured else 3)
    assert told["recovery"]["power-cycle"] == int(cured)
    assert ("recovery: power-cycle of hci0, because nothing was heard for" in caplog.text) == cured


def test_what_is_not_possible_is_counted_and_the_next_rung_comes(bus: SystemBus, repair: Repair) -> None:
    async def go() -> None:
        source = Bleak(("hci0",), "auto", 0xFFFF, SystemClock(), silence_s=0.05, highest=Rung.REBOOT, repair=repair)
        running = asyncio.create_task(source.run(lambda *_: None))
        while source.tell()["recovery"]["reboot"] == 0:  # noqa: ASYNC110  # counters of the code under test
            await asyncio.sleep(0.01)
        while source.tell()["recovery_failed"]["reboot"] == 0:  # noqa: ASYNC110  # counters of the code under test
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
        told = source.tell()
        assert list(told["recovery"].values()) == [1, 1, 1, 1, 1]
        assert list(told["recovery_failed"].values()) == [0, 0, 0, 1, 1]  # nobody has those names on this bus

    beside(Bluetoothd(bus.address), go)


def frame(identifier: bytes) -> dict[str, Variant]:
    data = {FEAA: Variant("ay", b"\x30\xeb" + identifier)}
    return {"RSSI": Variant("n", -60), "UUIDs": Variant("as", [FEAA]), "ServiceData": Variant("a{sv}", data)}


@pytest.mark.parametrize(
    ("identifier", "monitors", "expected"),
    [(BADGE, True, "silent"), (BADGE[::-1], True, "never"), (BADGE, False, "none")],
)
def test_the_heartbeat_on_a_bus(bus: SystemBus, identifier: bytes, monitors: bool, expected: str) -> None:
    daemon, heard = Bluetoothd(bus.address, monitors=monitors), []
    source = Bleak((), "auto", 0xFFFF, SystemClock(), silence_s=0.2, heartbeat=BADGE)

    async def go() -> None:
        running = asyncio.create_task(source.run(lambda *advert: heard.append(advert)))
        while source.counts["starts"] == 0:  # noqa: ASYNC110  # counters of the code under test
            await asyncio.sleep(0.01)
        daemon.hear("C0:00:00:00:00:01", **frame(identifier))
        while not heard:  # noqa: ASYNC110  # filled by the code under test
            await asyncio.sleep(0.01)
        before = source.counts["silences"]  # on a slow machine it was silent already
        while source.counts["silences"] == before:  # noqa: ASYNC110  # counters of the code under test
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})

    beside(daemon, go)
    assert len(heard) == 1
    assert source.tell()["heartbeat"] == expected
