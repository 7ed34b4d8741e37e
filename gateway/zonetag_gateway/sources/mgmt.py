"""Real Bluetooth: adverts from the kernel's management socket, beside a running bluetoothd.

Everything that the adapter hears comes as one event each, with its own RSSI; a third of the work of the way over D-Bus
for the gateway, a fifth for bluetoothd, none for the bus (docs/benchmarks.md).
A discovery of the kernel lasts 10 s and is asked for again each time; one advertisement monitor with a real pattern
keeps the controller's filter of duplicates off, and the adapter scanning between two discoveries.  Needs CAP_NET_ADMIN.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any

from zonetag_gateway import mgmt
from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.mgmt_socket import Connect, Management, connect, refusal
from zonetag_gateway.source import Clock
from zonetag_gateway.sources import live, picture
from zonetag_gateway.sources.backend import Ear, Scan
from zonetag_gateway.triage import surely_unknown
from zonetag_protocol import advert
from zonetag_protocol.errors import Malformed

_log = logging.getLogger(__name__)

LEGACY_BYTES = 31  # what an advert holds; longer ones are of devices that answer, or extended
AGAIN_S = 1.0  # between two tries to begin a discovery that another program holds
PATTERN = mgmt.pattern(advert.SERVICE_DATA16, 0, advert.EDDYSTONE_UUID.to_bytes(2, "little"))


def make(config: Config, clock: Clock) -> "Mgmt":
    """The source that [source] describes."""
    return Mgmt(config.source.adapters, config.company, clock, **live.settings(config, clock))


class Mgmt(live.Live):
    """The management socket as a source."""

    def __init__(
        self, adapters: Sequence[str], company: int, clock: Clock, *, connect: Connect = connect, **settings: Any
    ) -> None:
        """`company`: the fleet's; `settings` as of Live."""
        super().__init__(adapters, lambda: (Managed(company, connect),), clock, **settings)


class Managed:
    """The management socket as an owner's backend."""

    name = "mgmt"

    def __init__(self, company: int, connect: Connect = connect) -> None:
        """`company`: the fleet's; `connect` opens the socket."""
        self._company = company
        self._connect = connect

    @contextlib.asynccontextmanager
    async def scan(self, wanted: str, ear: Ear) -> AsyncIterator[Scan]:
        """See backend.Backend."""
        session = _Session(self._company, ear)
        async with Management(session.take, self._connect) as management:
            session.management = management
            try:
                session.index = await _choose(management, wanted)
                await session.watch_monitors()
            except Malformed as error:
                raise SourceError(
                    f"the kernel's management answers cannot be read ({error})", 'Set source.kind = "bleak"'
                ) from error
            keeping = asyncio.create_task(session.keep())
            try:
                await session.begun(keeping)
                yield Scan(f"hci{session.index}", self.name, whole=True, lost=management.lost)
            finally:
                keeping.cancel()
                await asyncio.wait((keeping,))
                await session.leave()


async def _choose(management: Management, wanted: str) -> int:
    """The index of the adapter; SourceError if it is not there, or off."""
    there = mgmt.indices(await management.must(mgmt.READ_INDEX_LIST))
    names = {f"hci{index}": index for index in there}
    if wanted and wanted not in names:
        raise SourceError(
            f"there is no adapter {wanted}", f"Set source.adapters to one of: {', '.join(names) or 'none'}"
        )
    chosen = [names[wanted]] if wanted else there
    needed = mgmt.POWERED | mgmt.LOW_ENERGY
    for index in chosen:
        if mgmt.settings(await management.must(mgmt.READ_INFO, index)) & needed == needed:
            return index
    if not chosen:
        raise SourceError(
            "there is no Bluetooth adapter", "Plug one in; see sudo dmesg | grep -i bluetooth; rfkill list"
        )
    raise SourceError(
        f"{wanted or 'every adapter'} is switched off, or knows no Bluetooth LE",
        "Switch it on: sudo rfkill unblock bluetooth; bluetoothctl power on",
    )


class _Session:
    """One scan on one adapter."""

    def __init__(self, company: int, ear: Ear) -> None:
        self._company = company
        self._ear = ear
        self.management: Management
        self.index = mgmt.NO_INDEX
        self._monitors: set[int] = set()  # handles of all there are, whosever they are: any one serves
        self._own: int | None = None  # ours, which nobody but us removes
        self._discovering = False
        self._hearing = False  # a discovery goes on, ours or another's
        self._changed = asyncio.Event()  # something that `keep` looks at

    def take(self, event: mgmt.Packet) -> None:
        """An event of the socket.  Malformed."""
        if event.index != self.index:
            return
        match event.code:
            case mgmt.DEVICE_FOUND | mgmt.MONITOR_DEVICE_FOUND:
                self._hear(event)
            case mgmt.DISCOVERING:
                self._discovering = mgmt.discovering(event)
                self._changed.set()
            case mgmt.MONITOR_ADDED:
                self._monitors.add(mgmt.handle(event.body))
            case mgmt.MONITOR_REMOVED:
                self._monitors.discard(mgmt.handle(event.body))
                self._changed.set()
            case mgmt.INDEX_REMOVED:
                self.management.lost.set()
            case mgmt.NEW_SETTINGS if not mgmt.new_settings(event.body) & mgmt.POWERED:
                self.management.lost.set()

    def _hear(self, event: mgmt.Packet) -> None:
        try:
            found = mgmt.found(event)
            if found is None:
                self._ear.odd("no_rssi")
                return
            data = found.data
            if found.connectable or len(data) > LEGACY_BYTES:
                data = picture.UNKNOWN if surely_unknown(data) else picture.plain(data, self._company)
        except Malformed:
            self._ear.odd("malformed")
            return
        self._ear.advert(data, found.rssi)

    async def watch_monitors(self) -> None:
        """Learn which monitors there are.  SourceError, Malformed."""
        self._monitors |= set(mgmt.monitors(await self.management.must(mgmt.READ_MONITORS, self.index)))

    async def begun(self, keeping: "asyncio.Task[None]") -> None:
        """Wait until discovery has begun; SourceError if `keeping` fails before."""
        while not self._hearing:
            changing = asyncio.create_task(self._changed.wait())
            await asyncio.wait((changing, keeping), return_when=asyncio.FIRST_COMPLETED)
            changing.cancel()
            if keeping.done():
                keeping.result()
            await asyncio.sleep(0)

    async def keep(self) -> None:
        """Keep one monitor and a discovery going until cancelled; SourceError at the first refusal that lasts."""
        try:
            while True:
                self._changed.clear()
                if not self._monitors:
                    # One that a killed gateway has left serves as well, and so none piles up in the kernel.
                    self._own = mgmt.handle(await self.management.must(mgmt.ADD_MONITOR, self.index, PATTERN))
                    self._monitors.add(self._own)
                if self._discovering:
                    await self._changed.wait()
                elif not await self._discover():
                    # Another program's: what it finds comes to us too.  Ours follows when it ends.
                    await asyncio.sleep(0)
                    self._changed.clear()
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(AGAIN_S):
                            await self._changed.wait()
        except (SourceError, Malformed) as error:
            _log.warning("hci%d: %s", self.index, error)
            self.management.lost.set()
            raise

    async def _discover(self) -> bool:
        """Begin a discovery; False while another one goes on."""
        self._discovering = True  # before the answer: its end may be told together with it
        answer = await self.management.ask(mgmt.START_DISCOVERY, self.index, mgmt.LE_BOTH)
        if answer.status not in (mgmt.SUCCESS, mgmt.BUSY):
            raise refusal(mgmt.START_DISCOVERY, answer.status)
        self._hearing = True
        self._changed.set()
        if answer.status == mgmt.BUSY:
            self._discovering = False
        return answer.status == mgmt.SUCCESS

    async def leave(self) -> None:
        """Take away what was ours; there is nothing left to do about a failure."""
        if self.management.lost.is_set():
            return
        with contextlib.suppress(SourceError):
            await self.management.ask(mgmt.STOP_DISCOVERY, self.index, mgmt.LE_BOTH)
            if self._own is not None:
                await self.management.ask(mgmt.REMOVE_MONITOR, self.index, self._own.to_bytes(2, "little"))
