"""A gateway on real BlueZ beside tags with the real firmware, connected through the machine's kernel and bluetoothd.

    async with room.open(SECONDS):
        await room.air.until(FULL_S * 1000)        # fast; from here on no faster than this machine's time goes
        async with LinkBench(room, machine, "mgmt", connections=4) as bench:
            await bench.until(lambda: ..., "a log")

A connection's exchanges are as far apart as Linux asks for (50 ms at most), or the time that this machine takes.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

import numpy as np
from bumble import ll
from rig.bluez import bench
from rig.bluez.air import Air
from rig.bluez.controller import Dongle, Sent
from rig.bluez.devices import Tag
from rig.bluez.machine import Machine
from rig.link_room import LinkRoom

from zonetag_gateway.app import Gateway
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import parse
from zonetag_gateway.source import Hear, Moment
from zonetag_gateway.sources import central
from zonetag_gateway.sources.live import Live

INTERVAL_S = 0.05
# So many times as fast as real the tags' time goes.  A tag drops who has not said hello within 6 s, which includes ten
# exchanges of bluetoothd with a new device; before each of them an emulated processor on a busy computer may think for
# seconds.  So while it is BlueZ's turn time nearly stands still, unless for so long that nothing may be hoped for.
QUICK, CONNECTED, THINKING = 3.0, 0.5, 0.02
MOMENT_S, GONE_S = 0.4, 20.0
LIMIT_S = 300.0  # a tag that is not reached three times is called a minute and a half later
CROWD = 4  # other tags, by which it is measured what the adapter hears


class _OnAirTime:
    """A source whose moments are those of the room, whose time goes faster or slower than real time."""

    def __init__(self, source: Live, room: LinkRoom) -> None:
        self._source = source
        self._room = room
        self._real: list[float] = []  # s on the source's clock, and UTC ms of the room at that time
        self._air: list[int] = []

    async def run(self, hear: Hear) -> None:
        await self._source.run(hear)

    def now(self) -> float:
        return self._source.now()

    def compare(self) -> None:
        """Look at both clocks: between two looks each goes at its own speed."""
        self._real.append(self._source.now())
        self._air.append(self._room.now_ms())

    def moment(self, at: float) -> Moment:
        self.compare()
        return Moment(round(np.interp(at, self._real, self._air)), round(at * 1000), True)


class LinkBench:
    """`kind`: source.kind."""

    def __init__(self, room: LinkRoom, machine: Machine, kind: str, connections: int) -> None:
        """`connections`: at a time."""
        self._room = room
        self._connections = connections
        self._dongle = Dongle(machine.hci_ports[0], bench.ADDRESSES[0], room.air.link)
        self._source = bench._source(machine, kind, (), "auto", {})
        self._on_air = _OnAirTime(self._source, room)
        self._stop = asyncio.Event()
        self._alone_s = 0.0  # on the loop's clock: when there was no connection for the last time
        self._tasks: list[asyncio.Task[Any]] = []
        self.crowd = Air([Tag(100 + number) for number in range(CROWD)])

    async def __aenter__(self) -> Self:
        air = self._room.air
        air.real = self._speed
        air.link.interval_s = INTERVAL_S
        await self._dongle.plug()
        await bench.powered()
        table = {
            "site": "hq",
            "name": "door",
            "report": {"every_s": 2},
            "health": {"every_s": 2},  # by it the backend learns that this gateway takes calls
            "link": {"enabled": True, "connections": self._connections},
            "spool": {"path": "door.db", "max_mb": 8},
            "broker": {"url": self._room.broker_url, "resend_s": 1},
        }
        config = parse(table, self._room.folder)
        self._gateway = Gateway(config, self._on_air, SystemClock(), "test", central=central.make(config))
        self._tasks.append(asyncio.create_task(self._gateway.run(self._stop, 5.0)))
        await self.until(lambda: all(owner.counts["starts"] for owner in self._source.owners), "the scan begins")
        air.receivers.append(self._receive)
        self.crowd.chips = [self.chip]
        self._tasks.append(asyncio.create_task(self.crowd.run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._room.air.receivers.clear()
        self._stop.set()
        gateway, *others = self._tasks
        for task in others:
            task.cancel()
        await asyncio.wait(self._tasks)
        await self._dongle.pull()
        self._room.air.real = None
        gateway.result()

    def _speed(self) -> float:
        self._on_air.compare()
        now = asyncio.get_running_loop().time()
        chip = getattr(self._dongle, "chip", None)
        if chip is None or not chip.le_connections:
            self._alone_s = now
            return QUICK
        link = self._room.air.link
        since_s = now - max(link.moved_s, self._alone_s)
        bluez = link.sender is not chip or link.moved_s < self._alone_s
        return THINKING if bluez and MOMENT_S < since_s < GONE_S else CONNECTED

    @property
    def chip(self) -> Any:
        """The adapter's."""
        return self._dongle.chip

    @property
    def crowded(self) -> Counter[tuple[str, bool]]:
        """Adverts by what else the adapter was doing ("", "connecting", "connected") and whether its host was told."""
        return Counter(self.chip.shares)

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """As `bench.until`; ends at once when the gateway or the air has."""

        def ended() -> bool:
            return any(task.done() for task in self._tasks)

        try:
            await bench.until(lambda: condition() or ended(), what, LIMIT_S)
        except AssertionError as error:
            carrier = self._gateway._carrier
            raise AssertionError(
                f"{error}; the carrier: {carrier and carrier.tell()}; the chip: {self.crowded}"
            ) from None
        for task in self._tasks:
            if task.done():
                task.result()
        assert condition(), f"something has ended before: {what}"

    def _receive(self, pdu: ll.AdvInd, kind: int, rssi: int) -> None:
        address = bytes(reversed(bytes(pdu.advertiser_address)))
        self.chip.hear(Sent(asyncio.get_running_loop().time(), address, pdu.data, rssi, kind))
