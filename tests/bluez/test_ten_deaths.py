"""bluetoothd is killed ten times in a row: no tag is unheard for longer than the stated bound.

The control is bleak alone, started once, as scripts and some gateways do: one death, and it is deaf for longer.
"""

import asyncio
import itertools
from collections import defaultdict

import pytest
from bleak import BleakScanner
from rig.bluez.air import Air
from rig.bluez.bench import ADDRESSES, Bench, Name, name_of, powered, until
from rig.bluez.controller import Dongle
from rig.bluez.devices import Tag, badge, others
from rig.bluez.machine import EXPERIMENTAL, Machine

from zonetag_backend.presence import GAP_MS
from zonetag_gateway.sources.bleak import DEAF_S

DEATHS = {"bleak": 10, "auto": 3}  # auto takes the management socket, whose adverts come past bluetoothd
TAGS = 5


class Timed(Bench):
    """Remembers when each device was heard."""

    times: defaultdict[Name | None, list[float]]

    def _hear(self, data: bytes, rssi: int, at: float) -> None:
        self.times[name_of(data)].append(at)
        super()._hear(data, rssi, at)

    def deaf_s(self, index: int) -> float:
        """The longest that a device was not heard, from when it was heard first."""
        at = sorted(moment for name in self.names(index) for moment in self.times[name])
        return max(later - earlier for earlier, later in itertools.pairwise(at))

    def last(self, index: int) -> float:
        """When a device was heard last."""
        return max(moment for name in self.names(index) for moment in self.times[name] or [0.0])

    def count(self, index: int) -> int:
        """How many adverts of a device were heard."""
        return sum(self.adverts[name] for name in self.names(index))


@pytest.mark.parametrize("kind", list(DEATHS))
def test_ten_deaths_of_bluetoothd(machine: Machine, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    """All stand still; the badge, whose advert never changes, is one that BlueZ alone forgets most easily."""
    tags = [Tag(number) for number in range(TAGS)]
    indices = range(TAGS + 1)
    deaths = DEATHS[kind]

    async def go() -> tuple[Timed, float]:
        bench = Timed(machine, [*tags, badge(1), *others(10)], kind=kind)
        bench.times = defaultdict(list)
        async with bench:
            await bench.until(lambda: all(map(bench.count, indices)), "each is heard")
            away_s = [await death(bench) for _ in range(deaths)]
        return bench, max(away_s)

    async def death(bench: Timed) -> float:
        """Killed and started again; ends when each is heard again.  Seconds that it was away."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        await asyncio.to_thread(machine.kill_bluetoothd)
        await asyncio.to_thread(machine.bluetoothd, EXPERIMENTAL)
        begun = loop.time()
        await bench.until(lambda: all(bench.last(index) > begun for index in indices), "each is heard again")
        return begun - begin

    bench, away_s = asyncio.run(go())
    bench.check_windows()
    deaf = [bench.deaf_s(index) for index in indices]
    with capsys.disabled():
        print(
            f"\n  {machine.accelerator}, {kind}, killed {deaths} times: a tag was unheard for {max(deaf[:TAGS]):.1f} s"
            f" at most, a badge for {deaf[TAGS]:.1f} s (bound {DEAF_S:.1f} s, bluetoothd away for {away_s:.1f} s)"
        )
    assert max(deaf) <= DEAF_S + away_s
    assert max(deaf) * 1000 < GAP_MS, "for the server nobody has left"


def test_control_bleak_alone_does_not_come_back(machine: Machine) -> None:
    """Nothing tells it, and it raises nothing."""
    heard: list[float] = []

    async def go() -> None:
        loop = asyncio.get_running_loop()
        async with Dongle(machine.hci_ports[0], ADDRESSES[0]) as dongle:
            await powered()
            sending = asyncio.create_task(Air([Tag(1)], [dongle.chip]).run())
            scanner = BleakScanner(lambda _device, _data: heard.append(loop.time()), bluez={"adapter": "hci0"})
            await scanner.start()
            await until(lambda: bool(heard), "the tag")
            await asyncio.to_thread(machine.kill_bluetoothd)
            await asyncio.to_thread(machine.bluetoothd, EXPERIMENTAL)
            begun = loop.time()
            await powered()
            await until(lambda: loop.time() - begun > DEAF_S, "as long as the gateway may take")
            assert not [at for at in heard if at > begun]
            sending.cancel()
            await asyncio.wait((sending,))

    asyncio.run(go())
