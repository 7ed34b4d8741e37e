"""A Bluetooth air on this machine: virtual controllers of bumble, with the time of a simulation.

    async with VirtualAir() as air:
        air.on_heard = print                    # what a scanner beside the tags hears
        seat = await air.seat("tag")            # a controller; its HCI (H4 over TCP) is at seat.hci, time at air.time
        ... start a tag's process with both ...
        await air.run(until_ms=3_600_000)

Time is virtual and shared: a tag that sleeps asks the air (4 bytes of milliseconds; the answer is a byte, 1, or 0 when
the supply ends), and time goes on to the next wake when all ask.  So nothing depends on the speed of this machine.  The
scanner is bumble's own host and device, on a controller of the same air.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType

from bumble import hci, ll
from bumble.device import Advertisement, Device
from bumble.host import Host
from rig.air_controller import AirController, HciLine
from rig.air_link import AirLink

UNIT_MS = 0.625
# While somebody is connected, so many turns of the loop for each step of the air's time: what is under way arrives.
TURNS = 25
# Each advert of a slot is the same: after so many of one sleep, more add nothing but time.
ADVERTS_PER_SLEEP = 2
PACED = 20.0  # times as fast as real time at most, while there is a pace: brokers and gateways live in that
REAL_STEP_S = 0.02  # so often it is asked how fast time goes
MOST_S = 120  # real seconds that a simulation may take


@dataclass(frozen=True, slots=True)
class Heard:
    """One advert as the scanner reports it."""

    at_ms: float
    # virtual time
    address: bytes
    # type byte and 6 bytes, as the tag has it
    data: bytes
    rssi: int
    # dBm
    name: str
    # of the seat it was sent from


@dataclass(slots=True)
class Seat:
    """A place for one tag on the air."""

    controller: AirController
    hci: str
    # host:port of the controller


@dataclass(slots=True, eq=False)
class Sleeper:
    """A tag's line to the air's time."""

    writer: asyncio.StreamWriter
    wake_ms: float | None = field(default=None)
    # none: awake


class VirtualAir:
    """The air, its time, and the scanner beside the tags."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self.on_heard: Callable[[Heard], None] | None = None
        self.time = ""  # host:port
        # Real seconds for each step of the air's time while somebody is connected, else a quarter of that: for those
        # who talk to a tag by way of other processes.
        self.pace_s = 0.0
        # And how many times as fast as real time it goes then, at most: once for people at a page.
        self.paced = PACED
        # How strongly, dBm, the second of two names hears the first; none: not at all.  Else the sender's `rssi`.
        self.between: Callable[[str, str], int | None] | None = None
        # For receivers that have a time of their own: how many times as fast as this machine's time goes, at most.
        self.real: Callable[[], float] | None = None
        # Whoever else hears adverts: what is sent, its kind, dBm.
        self.receivers: list[Callable[[ll.AdvInd, int, int], object]] = []
        self.link = AirLink()
        self._seats: list[Seat] = []
        self._lines: list[HciLine] = []
        self._sleepers: list[Sleeper] = []
        self._joined = 0
        self._gone = 0
        self._until_ms = 0.0
        self._asked = asyncio.Event()
        self._server: asyncio.Server | None = None
        self._scanner: AirController | None = None
        self._centrals: list[AirController] = []
        self._awaited: list[tuple[float, asyncio.Future[None]]] = []  # moments that somebody waits for

    async def __aenter__(self) -> "VirtualAir":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.time = "{}:{}".format(*self._server.sockets[0].getsockname())
        self._scanner = AirController("scanner", self.link)
        host = Host()
        host.controller = self._scanner
        device = Device(name="scanner", address=hci.Address("F0:F1:F2:F3:F4:F5"), host=host)
        await device.power_on()
        device.on("advertisement", self._on_advertisement)
        await device.start_scanning(active=False, legacy=True, filter_duplicates=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for sleeper in self._sleepers:
            sleeper.writer.close()
        if self._server is not None:
            self._server.close()
        for line in self._lines:
            line.close()
        await asyncio.sleep(0)  # what was closed is let go at the loop's next turn

    async def seat(self, name: str, rssi: int = -60) -> Seat:
        """A controller for one more tag."""
        line = HciLine()
        self._lines.append(line)
        controller = AirController(name, self.link, line)
        controller.rssi = rssi
        seat = Seat(controller, await line.open())
        self._seats.append(seat)
        return seat

    async def central(self, number: int = 1) -> Device:
        """A device that can connect to tags: bumble's own host and GATT client."""
        controller = AirController(f"central {number}", self.link)
        self._centrals.append(controller)
        host = Host()
        host.controller = controller
        device = Device(name="central", address=hci.Address(f"F0:F1:F2:F3:F5:{number:02X}"), host=host)
        await device.power_on()
        return device

    async def until(self, at_ms: float) -> None:
        """Wait until the air's time has come there."""
        if at_ms > self.now_ms:
            moment = asyncio.get_running_loop().create_future()
            self._awaited.append((at_ms, moment))
            await moment

    async def run(self, until_ms: float, most_s: float = MOST_S) -> None:
        """Let time go on until then; then every tag's supply ends.  TimeoutError after `most_s` real seconds."""
        self._until_ms = until_ms
        async with asyncio.timeout(most_s):
            while self._joined < len(self._seats) or self._gone < self._joined:
                await self._asked.wait()
                self._asked.clear()
                await self._go_on()

    def end_soon(self) -> None:
        """Let the supply of every tag end now."""
        self._until_ms = min(self._until_ms, self.now_ms)

    async def _go_on(self) -> None:
        awake = self._joined < len(self._seats) or any(sleeper.wake_ms is None for sleeper in self._sleepers)
        if awake or not self._sleepers:
            return
        busy = any(controller.le_connections or controller.pending_le_connection for controller in self._centrals)
        if busy:
            for _ in range(TURNS):
                await asyncio.sleep(0)
        if self.pace_s:
            await asyncio.sleep(self.pace_s if busy else self.pace_s / 4)
        wake = min(sleeper.wake_ms or 0.0 for sleeper in self._sleepers)
        await self._send_until(min(wake, self._until_ms))
        await self._pass(wake)
        for at_ms, moment in self._awaited:
            if at_ms <= wake and not moment.done():
                moment.set_result(None)
        self._awaited = [(at_ms, moment) for at_ms, moment in self._awaited if not moment.done()]
        for sleeper in self._sleepers:
            if sleeper.wake_ms == wake:
                sleeper.wake_ms = None
                sleeper.writer.write(b"\1" if wake < self._until_ms else b"\0")

    async def _send_until(self, until_ms: float) -> None:
        """All adverts that are due, in the order of their time, up to a bound for each tag."""
        left = {id(seat): ADVERTS_PER_SLEEP for seat in self._seats}
        while True:
            due = [seat for seat in self._seats if seat.controller.advertiser.enabled and left[id(seat)]]
            if not due:
                break
            seat = min(due, key=lambda one: one.controller.advertiser.next_ms)
            advertiser = seat.controller.advertiser
            if advertiser.next_ms > until_ms:
                break
            left[id(seat)] -= self.real is None
            # What began while time stood still begins now.
            await self._pass(max(self.now_ms, advertiser.next_ms))
            if not advertiser.enabled:  # somebody has connected meanwhile
                continue
            await self._deliver(seat.controller)
            advertiser.next_ms = self.now_ms + advertiser.advertising_interval_min * UNIT_MS
        for seat in self._seats:
            advertiser = seat.controller.advertiser
            advertiser.next_ms = max(advertiser.next_ms, until_ms)

    async def _pass(self, until_ms: float) -> None:
        """Let time go on until then."""
        while self.real is not None and self.now_ms < until_ms:
            step_ms = min(until_ms - self.now_ms, REAL_STEP_S * 1000 * self.real())
            await asyncio.sleep(step_ms / 1000 / self.real())
            self.now_ms += step_ms
        if self.pace_s and until_ms > self.now_ms:
            await asyncio.sleep((until_ms - self.now_ms) / 1000 / self.paced)
        self.now_ms = until_ms

    async def _deliver(self, sender: AirController) -> None:
        advertiser = sender.advertiser
        pdu = ll.AdvInd(advertiser_address=advertiser.address, data=advertiser.advertising_data)
        for controller in [self._scanner, *self._centrals, *(seat.controller for seat in self._seats)]:
            if controller is not None and controller is not sender:
                rssi = sender.rssi if self.between is None else self.between(sender.name, controller.name)
                if rssi is not None:
                    controller.hear(pdu, advertiser.advertising_type, rssi)
        for receive in self.receivers:
            receive(pdu, advertiser.advertising_type, sender.rssi)
        # The scanner's host takes the report from the loop; only then may time go on.
        await asyncio.sleep(0)

    def _on_advertisement(self, advertisement: Advertisement) -> None:
        if self.on_heard is None:
            return
        address = advertisement.address
        whole = bytes([address.address_type]) + bytes(reversed(bytes(address)))
        controllers = (seat.controller for seat in self._seats)
        name = next(each.name for each in controllers if each.advertiser.address == address)
        self.on_heard(Heard(self.now_ms, whole, advertisement.data_bytes, advertisement.rssi, name))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sleeper = Sleeper(writer)
        self._sleepers.append(sleeper)
        self._joined += 1
        try:
            while asked := await reader.readexactly(4):
                sleeper.wake_ms = self.now_ms + int.from_bytes(asked, "little")
                self._asked.set()
        except (asyncio.IncompleteReadError, ConnectionResetError):
            self._sleepers.remove(sleeper)
            self._gone += 1
            self._asked.set()
            writer.close()
