"""The source goes on by itself when bluetoothd dies or the adapter is pulled out, and says how long it was deaf."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable

import pytest
from rig.bluez.bench import Bench
from rig.bluez.devices import Tag, badge, others
from rig.bluez.machine import EXPERIMENTAL, Machine

SLOT_S = 2.0

Fault = Callable[[Machine, Bench], Awaitable[None]]


async def bluetoothd_dies(machine: Machine, bench: Bench) -> None:
    """Killed, and started again by systemd."""
    await asyncio.to_thread(machine.kill_bluetoothd)
    await bench.until(lambda: bench.source.counts["lost"] == 1, "the source notices")
    await asyncio.to_thread(machine.bluetoothd, EXPERIMENTAL)


async def bus_is_restarted(machine: Machine, bench: Bench) -> None:
    """D-Bus itself is killed and started again, and bluetoothd, which ends with it, too."""
    await asyncio.to_thread(machine.run, "dbus_kill")
    await bench.until(lambda: bench.source.counts["lost"] == 1, "the source notices")
    await asyncio.to_thread(machine.run, "dbus_start; bluetoothd_kill 2>/dev/null; true")
    await asyncio.to_thread(machine.bluetoothd, EXPERIMENTAL)


async def adapter_is_pulled(machine: Machine, bench: Bench) -> None:
    """Pulled out, and put back."""
    await bench.dongles[0].pull()
    await bench.until(lambda: bench.source.counts["lost"] == 1, "the source notices")
    await bench.dongles[0].plug()
    bench.air.chips = [bench.dongles[0].chip]


async def adapter_is_switched_off(machine: Machine, bench: Bench) -> None:
    """Switched off by some program, and on again."""
    await asyncio.to_thread(machine.run, "bluetoothctl power off")
    await bench.until(lambda: bench.source.counts["lost"] == 1, "the source notices")
    await asyncio.to_thread(machine.run, "bluetoothctl power on")


@pytest.mark.parametrize("fault", [bluetoothd_dies, bus_is_restarted, adapter_is_pulled, adapter_is_switched_off])
def test_the_scan_goes_on_after(machine: Machine, fault: Fault, capsys: pytest.CaptureFixture[str]) -> None:
    tags = [Tag(number, slot_s=SLOT_S) for number in range(5)]

    async def go() -> Bench:
        async with Bench(machine, [*tags, badge(1), *others(20)]) as bench:
            await bench.until(lambda: all(bench.heard_names(i) for i in range(5)), "every tag")
            await fault(machine, bench)
            known = [len(bench.heard_names(i)) for i in range(5)]
            await bench.until(
                lambda: all(len(bench.heard_names(i)) > known[i] + 1 for i in range(5)), "every tag is heard again"
            )
            # A bluetoothd that was killed leaves the kernel busy for 10 s: until then passive scanning alone must do.
            await bench.until(lambda: bench.source.counts["starts"] == 2, "everything scans again")
            assert bench.source.counts["silences"] == 0
        return bench

    bench = asyncio.run(go())
    bench.check_windows()
    edges = sorted(at for window in bench.windows for at in (window.first, window.last))
    deaf_s = max(later - earlier for earlier, later in itertools.pairwise(edges))
    with capsys.disabled():
        print(f"\n  {machine.accelerator}, {fault.__name__}: deaf for {deaf_s:.1f} s")


def test_a_chip_that_hangs_is_silence(machine: Machine) -> None:
    """No call fails and nothing is lost: only the silence tells.  What is done about it is another one's matter."""

    async def go() -> None:
        asked: list[object] = []

        async def recover(step: object) -> None:
            asked.append(step)
            await bench.dongles[0].pull()
            await bench.dongles[0].plug()
            bench.air.chips = [bench.dongles[0].chip]

        bench = Bench(machine, [Tag(1, slot_s=SLOT_S)], silence_s=5.0, recover=recover)
        async with bench:
            await bench.until(lambda: bool(bench.heard_names(0)), "the tag")
            bench.dongles[0].chip.mute = True
            await bench.until(lambda: bool(asked), "the silence is noticed")
            known = len(bench.heard_names(0))
            await bench.until(lambda: len(bench.heard_names(0)) > known + 1, "the tag is heard again")

    asyncio.run(go())
