"""The scanner on a real bus, with a stand-in for bluetoothd: starts, recovers, tells apart, says what to type.

How the real bluetoothd behaves is the test bench's matter.
"""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest
from dbus_fast import Variant
from rig.bluetoothd import Bluetoothd, SystemBus

from zonetag_gateway import bluez
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.sources.bleak import Bleak

LIMIT_S = 60.0
SITE = 0xFFFF
FEAA = "0000feaa-0000-1000-8000-00805f9b34fb"
EID = b"\x30\xeb" + b"12345678"
FRAME = bytes.fromhex("0201060303aafe0d16aafe") + EID + bytes.fromhex("09ffffff") + b"aabbbb"

Heard = list[tuple[bytes, int, float]]


@pytest.fixture
def bus(require: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Iterator[SystemBus]:
    """A system bus of the test's own, which this process takes for the system's."""
    bus = SystemBus(require("dbus-daemon", "apt-get install dbus-daemon"))
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", bus.address)
    yield bus
    bus.stop()


def frame(rssi: int = -60, structure: bytes = b"aabbbb") -> dict[str, Variant]:
    return {
        "RSSI": Variant("n", rssi),
        "UUIDs": Variant("as", [FEAA]),
        "ServiceData": Variant("a{sv}", {FEAA: Variant("ay", EID)}),
        "ManufacturerData": Variant("a{qv}", {SITE: Variant("ay", structure)}),
    }


async def until(condition: Callable[[], bool], what: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not condition():  # noqa: ASYNC110  # the conditions are counters of the code under test
            await asyncio.sleep(0.01)
    assert condition(), what


Test = Callable[[Bluetoothd, Bleak, Heard], Coroutine[Any, Any, None]]


def beside(daemon: Bluetoothd, test: Test, mode: str = "auto", silence_s: float = LIMIT_S) -> None:
    """Run `test` beside a source that scans with `daemon`; the source must outlive it."""

    async def go() -> None:
        heard: Heard = []
        source = Bleak((), mode, SITE, SystemClock(), silence_s=silence_s)
        async with daemon:
            running = asyncio.create_task(source.run(lambda *advert: heard.append(advert)))
            testing = asyncio.create_task(test(daemon, source, heard))
            await asyncio.wait({running, testing}, return_when=asyncio.FIRST_COMPLETED)
            ended = running.done()
            running.cancel()
            testing.cancel()
            results = await asyncio.gather(running, testing, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result
        assert not ended, "the source has ended"

    asyncio.run(go())


@pytest.mark.parametrize(
    ("mode", "monitors", "calls"),
    [
        ("auto", True, ["RegisterMonitor", "SetDiscoveryFilter", "StartDiscovery"]),
        ("auto", False, ["SetDiscoveryFilter", "StartDiscovery"]),
        ("passive", True, ["RegisterMonitor"]),
        ("active", True, ["SetDiscoveryFilter", "StartDiscovery"]),
    ],
)
def test_modes_and_filters(bus: SystemBus, mode: str, monitors: bool, calls: list[str]) -> None:
    async def test(daemon: Bluetoothd, source: Bleak, heard: Heard) -> None:
        await until(lambda: source.counts["starts"] == 1, "starts")
        made = [(member, body) for member, body in daemon.calls if member != "GetManagedObjects"]
        assert [member for member, _ in made] == calls
        for member, body in made:
            if member == "SetDiscoveryFilter":
                asked = {name: variant.value for name, variant in body[0].items()}
                assert asked == {"Transport": "le", "DuplicateData": True, "RSSI": -127}
        daemon.hear("C0:00:00:00:00:01", **frame())
        daemon.hear("C0:00:00:00:00:02", **frame(-70))
        await until(lambda: len(heard) >= 2, "is heard")
        # Each once, whatever the number of scanners.
        assert [(data, rssi) for data, rssi, _ in heard] == [(FRAME, -60), (FRAME, -70)]

    beside(Bluetoothd(bus.address, monitors=monitors), test, mode)


def test_changes_of_a_device(bus: SystemBus) -> None:
    async def test(daemon: Bluetoothd, source: Bleak, heard: Heard) -> None:
        await until(lambda: source.counts["starts"] == 1, "starts")
        one = "C0:00:00:00:00:01"
        daemon.hear(one, **frame(-60))
        daemon.hear(one, RSSI=Variant("n", -61))  # the same advert again
        daemon.hear(one, **frame(-62, b"ccdddd"))  # the next slot
        daemon.hear("C0:00:00:00:00:02", UUIDs=Variant("as", []))  # known, but not heard: no RSSI
        daemon.hear("C0:00:00:00:00:03", RSSI=Variant("n", -90))  # somebody
        await until(lambda: len(heard) == 4, "is heard")
        next_slot = FRAME[:-6] + b"ccdddd"
        assert [(data, rssi) for data, rssi, _ in heard] == [
            (FRAME, -60),
            (FRAME, -61),
            (next_slot, -62),
            (b"\x02\x01\x06", -90),
        ]
        assert source.counts["no_rssi"] == 1
        at = heard[0][2]
        assert 0 <= source.now() - at < LIMIT_S
        assert abs(source.moment(source.now()).utc_ms - SystemClock().now().utc_ms) < 5000

    beside(Bluetoothd(bus.address), test)


@pytest.mark.parametrize("fault", ["power_off", "unplug"])
def test_an_adapter_that_goes_away_is_noticed_at_once(bus: SystemBus, fault: str) -> None:
    async def test(daemon: Bluetoothd, source: Bleak, heard: Heard) -> None:
        await until(lambda: source.counts["starts"] == 1, "starts")
        getattr(daemon, fault)()
        await until(lambda: source.counts["lost"] == 1, "notices")

    beside(Bluetoothd(bus.address), test)


def test_a_bluetoothd_that_comes_back_is_scanned_with_again(bus: SystemBus) -> None:
    async def test(daemon: Bluetoothd, source: Bleak, heard: Heard) -> None:
        await until(lambda: source.counts["starts"] == 1, "starts")
        daemon.leave()
        await until(lambda: source.counts["lost"] == 1, "notices")
        async with Bluetoothd(bus.address) as another:
            await until(lambda: source.counts["starts"] == 2, "starts again")
            another.hear("C0:00:00:00:00:01", **frame())
            await until(lambda: bool(heard), "is heard")

    beside(Bluetoothd(bus.address), test)


def test_silence_starts_the_scan_again_and_hearing_does_not(bus: SystemBus) -> None:
    async def test(daemon: Bluetoothd, source: Bleak, heard: Heard) -> None:
        await until(lambda: source.counts["silences"] == 1 and source.counts["starts"] == 2, "starts again")
        assert daemon.count("StopDiscovery") == 1
        assert source.counts["lost"] == 0

    beside(Bluetoothd(bus.address), test, silence_s=0.2)


def run_alone() -> None:
    asyncio.run(Bleak((), "auto", SITE, SystemClock()).run(lambda *_: None))


def test_without_bluetoothd_the_error_says_what_to_type(bus: SystemBus) -> None:
    with pytest.raises(SourceError) as error:
        run_alone()
    assert "systemctl enable --now bluetooth" in error.value.to_do


def test_without_a_bus_the_error_says_what_to_type(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", f"unix:path={tmp_path / 'none'}")
    with pytest.raises(SourceError) as error:
        run_alone()
    assert "systemctl start dbus" in error.value.to_do


def test_an_adapter_that_is_off(bus: SystemBus) -> None:
    async def go() -> None:
        async with Bluetoothd(bus.address, powered=False):
            await Bleak((), "auto", SITE, SystemClock()).run(lambda *_: None)

    with pytest.raises(SourceError) as error:
        asyncio.run(go())
    assert "power on" in error.value.to_do


@pytest.mark.parametrize(
    ("name", "to_do"),
    [
        ("org.freedesktop.DBus.Error.AccessDenied", "usermod -aG bluetooth"),
        ("org.freedesktop.DBus.Error.ServiceUnknown", "apt install bluez"),
        ("org.freedesktop.DBus.Error.Spawn.ChildExited", "apt install bluez"),
        ("org.bluez.Error.Failed", "journalctl -u bluetooth"),
    ],
)
def test_refusals(name: str, to_do: str) -> None:
    assert to_do in bluez.refusal(name, "text").to_do


def test_what_doctor_sees(bus: SystemBus) -> None:
    async def look() -> list[bluez.Adapter]:
        async with Bluetoothd(bus.address):
            return await bluez.look()

    assert asyncio.run(look()) == [bluez.Adapter("hci0", True, "", True, True, False)]


def test_without_bleak_replay_works_and_the_error_says_what_to_install(tmp_path: Path) -> None:
    script = """
import sys
from pathlib import Path
from typing import Any
sys.modules["bleak"] = sys.modules["dbus_fast"] = None  # as if neither were installed
from zonetag_gateway.cli import main
sys.exit(main(sys.argv[1:]))
"""
    capture = tmp_path / "empty"
    capture.write_bytes(b"btsnoop\0\0\0\0\1\0\0\3\xea")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", script, *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)

    assert run("scan", "--file", str(capture), "--json").returncode == 0
    refused = run("scan")
    assert refused.returncode == 1
    assert "pip install 'zonetag[gateway]'" in refused.stderr
