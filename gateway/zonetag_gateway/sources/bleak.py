"""Real Bluetooth: bleak on BlueZ.  The one file that imports bleak.

A scanner is started once and left running; whoever owns the adapter (owner.py) decides when it is started again.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters, OrPattern, OrPatternLike
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError

from zonetag_gateway.bluez import Bus
from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Clock
from zonetag_gateway.sources import live, scanning
from zonetag_gateway.sources.backend import Ear, Scan
from zonetag_gateway.sources.owner import FIRST_RETRY_S
from zonetag_gateway.sources.picture import Album
from zonetag_protocol.errors import Malformed

_log = logging.getLogger(__name__)

NO_RSSI = -127  # what bleak says when BlueZ has none: a change that no advert caused
RETRY_S = 1.0
# When bluetoothd was killed the kernel goes on with what it was told, 10.24 s at most, and refuses a new one so long.
BUSY = "org.bluez.Error.InProgress"
KERNEL_BUSY_S = 10.24
SLOT_S = 4.0  # a tag's frame changes so often (SPEC.md section 4.1)
BUSY_TRIES = 15  # one each RETRY_S
START_S = 30.0  # a scanner that has not begun by then will not: bluetoothd hangs
# Once bluetoothd is back from whatever death, no tag is unheard for longer: the first try, a kernel that refuses for as
# long as it can, the last try, and a frame's slot, since a scanner may have told this one already.  Held by
# tests/bluez/test_ten_deaths.py: a first death costs 2 s; of ten in a row one costs 11 s.
DEAF_S = FIRST_RETRY_S + KERNEL_BUSY_S + RETRY_S + SLOT_S
STOP_S = 10.0  # stopping a scanner whose bluetoothd hangs is given up after this
# Always a threshold: newer BlueZ throttles RSSI in active mode too for clients that set none.
FILTERS: BlueZDiscoveryFilters = {"Transport": "le", "RSSI": -127, "DuplicateData": True}

Listen = Callable[[BLEDevice, AdvertisementData], None]


def make(config: Config, clock: Clock) -> "Bleak":
    """The scanner that [source] describes."""
    source = config.source
    return Bleak(source.adapters, source.scanning, config.company, clock, **live.settings(config, clock))


class Bleak(live.Live):
    """BlueZ by way of bleak, as a source."""

    def __init__(self, adapters: Sequence[str], mode: str, company: int, clock: Clock, **settings: Any) -> None:
        """`mode` is a value of source.scanning; `company` the fleet's; `settings` as of Live."""
        super().__init__(adapters, lambda: (Scanning(mode, company),), clock, **settings)


class Scanning:
    """One way of scanning, as an owner's backend."""

    def __init__(self, mode: str, company: int) -> None:
        """As Bleak."""
        self.name = mode
        self._company = company
        self._album = Album(company)

    @contextlib.asynccontextmanager
    async def scan(self, wanted: str, ear: Ear) -> AsyncIterator[Scan]:
        """See backend.Backend."""
        async with Bus() as bus, contextlib.AsyncExitStack() as stack:
            [plan] = scanning.plan(await bus.adapters(), [wanted] if wanted else [], self.name)
            await bus.watch(plan.adapter)
            turn = _Turn(_listener(self._album, ear))
            for mode in plan.modes:
                scanner = _scanner(plan.adapter, mode, self._company, turn.of(mode))
                await _start(scanner, plan.adapter, mode)
                turn.mode = mode
                stack.push_async_callback(_stop, scanner)
            if self.name == scanning.AUTO and scanning.PASSIVE not in plan.modes:
                _log.warning(
                    "without passive scanning only about one advert of each slot is heard. %s",
                    scanning.ENABLE_MONITORS,
                )
            # Only passive and active scanning together show again and again an advert that never changes.
            yield Scan(plan.adapter, "+".join(plan.modes), len(plan.modes) > 1, bus.lost)


def _listener(album: Album, ear: Ear) -> Listen:
    def listen(_device: BLEDevice, data: AdvertisementData) -> None:
        if data.rssi == NO_RSSI:
            ear.odd("no_rssi")
            return
        try:
            # platform_data begins with the object's path: unlike the address, it tells adapters apart.
            made = album.advert(
                str(data.platform_data[0]), data.service_data, data.manufacturer_data, data.service_uuids
            )
        except Malformed:
            ear.odd("malformed")
            return
        ear.advert(made, data.rssi)

    return listen


class _Turn:
    """bleak gives each change to every scanner of an adapter: only the one that was started last listens."""

    def __init__(self, listen: Listen) -> None:
        self._listen = listen
        self.mode = ""
        # whose turn it is

    def of(self, mode: str) -> Listen:
        """The ear of the scanner of that mode."""

        def listen(device: BLEDevice, data: AdvertisementData) -> None:
            if self.mode == mode:
                self._listen(device, data)

        return listen


def _scanner(adapter: str, mode: str, company: int, listen: Listen) -> BleakScanner:
    if mode == scanning.PASSIVE:
        patterns: list[OrPatternLike] = [
            OrPattern(at, AdvertisementDataType(kind), data) for at, kind, data in scanning.patterns(company)
        ]
        return BleakScanner(listen, scanning_mode="passive", bluez={"adapter": adapter, "or_patterns": patterns})
    return BleakScanner(listen, scanning_mode="active", bluez={"adapter": adapter, "filters": FILTERS})


async def _start(scanner: BleakScanner, adapter: str, mode: str) -> None:
    for tries_left in reversed(range(BUSY_TRIES)):
        try:
            async with asyncio.timeout(START_S):
                await scanner.start()
        except (BleakError, OSError, EOFError, TimeoutError) as error:
            if tries_left and isinstance(error, BleakDBusError) and error.dbus_error == BUSY:
                await asyncio.sleep(RETRY_S)
                continue
            raise SourceError(
                f"{adapter} does not begin to scan ({mode}): {error or 'no answer'}",
                "Run `zonetag-gateway doctor`; if it finds nothing: sudo systemctl restart bluetooth",
            ) from error
        return


async def _stop(scanner: BleakScanner) -> None:
    """Stop, whatever has become of bluetoothd: there is nothing left to do about a failure."""
    try:
        async with asyncio.timeout(STOP_S):
            await scanner.stop()
    except (BleakError, OSError, EOFError, TimeoutError, AssertionError, ValueError) as error:
        # AssertionError, ValueError: bleak after its bus has died under it
        _log.info("while stopping the scan: %s", error)
