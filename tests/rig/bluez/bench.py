"""A gateway's ear on real BlueZ: the project's own source with real bleak, and its folder, beside a virtual air.

async with Bench(machine, [Tag(1), badge(1)]) as bench:
    await bench.until(lambda: len(bench.windows) > 9, "ten windows")
    bench.check_windows()
"""

import asyncio
import functools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self

from rig.bluez import relay
from rig.bluez.air import Air
from rig.bluez.controller import Dongle, Sent
from rig.bluez.devices import Device
from rig.bluez.machine import Machine

from zonetag_gateway import bluez
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.errors import SourceError
from zonetag_gateway.sightings import Folder
from zonetag_gateway.sources.auto import Auto
from zonetag_gateway.sources.bleak import Bleak
from zonetag_gateway.sources.live import Live
from zonetag_gateway.sources.mgmt import Mgmt
from zonetag_gateway.window import ClosedWindow
from zonetag_protocol import advert
from zonetag_protocol.frame import TEST_COMPANY

LIMIT_S = 120.0  # for whatever is waited for; under emulation on a busy computer most things take a few seconds
POLL_S = 0.05
ADDRESSES = ("F0:F1:F2:F3:F4:F5", "F0:F1:F2:F3:F4:F6")

Name = tuple[bytes, bytes]
"""Identifier and authenticator (six zeros for a badge): what a window is about."""


@functools.lru_cache(maxsize=100_000)
def name_of(data: bytes) -> Name | None:
    """What these adverts' windows are about; none for those that make no window."""
    heard = advert.explain(data)
    if heard.kind == advert.ZONETAG:
        return heard.fields["eid"], heard.fields["sealed"] + heard.fields["mac"]
    return (heard.fields["eid"], bytes(6)) if heard.kind == advert.EDDYSTONE_EID else None


async def until(condition: Callable[[], bool], what: str, limit_s: float = LIMIT_S) -> None:
    """Wait for a condition on what other tasks do."""
    try:
        async with asyncio.timeout(limit_s):
            while not condition():  # noqa: ASYNC110  # the conditions are counters of the code under test
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"not within {limit_s:.0f} s: {what}") from None


async def adapters() -> list[bluez.Adapter]:
    """What the gateway sees of the adapters; none while there is no bluetoothd."""
    try:
        return await bluez.look()
    except SourceError:
        return []


async def powered(count: int = 1) -> None:
    """Wait until so many adapters are on."""
    async with asyncio.timeout(LIMIT_S):
        while sum(adapter.powered for adapter in await adapters()) < count:  # noqa: ASYNC110  # another machine's state
            await asyncio.sleep(POLL_S)


def _source(machine: Machine, kind: str, wanted: Sequence[str], mode: str, settings: dict[str, Any]) -> Live:
    if kind == "bleak":
        return Bleak(wanted, mode, TEST_COMPANY, SystemClock(), **settings)
    relay.start(machine)
    settings = {"connect": relay.connector(machine), **settings}
    if kind == "mgmt":
        return Mgmt(wanted, TEST_COMPANY, SystemClock(), **settings)
    return Auto(wanted, mode, TEST_COMPANY, SystemClock(), **settings)


class Bench:
    """`devices` on the air, from when the source scans; the process's system bus is the machine's."""

    def __init__(
        self,
        machine: Machine,
        devices: Iterable[Device],
        mode: str = "auto",
        wanted: Sequence[str] = (),
        dongles: int = 1,
        kind: str = "bleak",
        **settings: Any,
    ) -> None:
        """`kind`, `mode`, `wanted`: source.kind, .scanning and .adapters; `settings`: other arguments of the source."""
        plugs = zip(machine.hci_ports, ADDRESSES, strict=True)
        self.dongles = [Dongle(port, address) for port, address in plugs][:dongles]
        self.air = Air(devices)
        self.source = _source(machine, kind, wanted, mode, settings)
        self.windows: list[ClosedWindow] = []
        self.adverts: Counter[Name | None] = Counter()
        # that the source has passed on, by what they are about
        self.folder = Folder()
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        for dongle in self.dongles:
            await dongle.plug()
        await powered(len(self.dongles))
        self._tasks = [asyncio.create_task(self.source.run(self._hear)), asyncio.create_task(self._close_windows())]
        await self.until(lambda: all(owner.counts["starts"] for owner in self.source.owners), "the scan begins")
        self.air.chips = [dongle.chip for dongle in self.dongles]
        self._tasks.append(asyncio.create_task(self.air.run()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in reversed(self._tasks):
            task.cancel()
            await asyncio.wait((task,))
        for dongle in self.dongles:
            await dongle.pull()
        self.windows += self.folder.flush()

    async def until(self, condition: Callable[[], bool], what: str) -> None:
        """As `until`; ends at once when the source, the folder or the air has."""

        def ended() -> bool:
            return any(task.done() for task in self._tasks)

        await until(lambda: condition() or ended(), what)
        for task in self._tasks:
            if task.done():
                task.result()
        assert condition(), f"something has ended before: {what}"

    async def quiet(self) -> None:
        """Silence the air and wait until what was on its way has arrived."""
        self._tasks.pop().cancel()
        before = -1
        while before != (before := self.source.counts["adverts"]):  # noqa: ASYNC110  # BlueZ says no "that was all"
            await asyncio.sleep(1.0)

    def names(self, index: int) -> list[Name]:
        """What device `index` has sent so far, one for each slot, in order."""
        return list(dict.fromkeys(name for sent in self.air.sent[index] if (name := name_of(sent.data))))

    def heard_names(self, index: int) -> list[Name]:
        """Those of them that the source has passed on."""
        return [name for name in self.names(index) if self.adverts[name]]

    def share(self, indices: Iterable[int]) -> str:
        """What became of the adverts of these devices, for people."""
        chosen = list(indices)
        sent = sum(len(self.air.sent[index]) for index in chosen)
        told = sum(self.air.heard[index] for index in chosen)
        heard = sum(self.adverts[name] for index in chosen for name in self.names(index))
        return f"{sent} sent, {told / sent:.0%} past the chip, {heard / sent:.0%} at the gateway"

    def check_windows(self) -> None:
        """Every window is about something that was sent, and says of it what was sent and when."""
        sent: defaultdict[Name, list[Sent]] = defaultdict(list)
        for device in self.air.sent:
            for one in device:
                if name := name_of(one.data):
                    sent[name].append(one)
        losses = {dongle.chip.loss_db for dongle in self.dongles}
        assert self.windows
        for window in self.windows:
            of = sent[window.eid, window.auth]
            assert of, f"a window of something that was never sent: {window}"
            levels = {one.rssi - loss for one in of for loss in losses}
            assert {window.rssi_max, window.rssi_p90, window.rssi_median, window.rssi_min} <= levels, (window, levels)
            assert of[0].at <= window.first <= window.last, (window, of[0].at)
            assert window.count <= len(of) * len(self.dongles), (window, len(of))

    def _hear(self, data: bytes, rssi: int, at: float) -> None:
        self.adverts[name_of(data)] += 1
        self.folder.hear(data, rssi, at)

    async def _close_windows(self) -> None:
        while True:
            self.windows += self.folder.close(self.source.now())
            await asyncio.sleep(0.2)
