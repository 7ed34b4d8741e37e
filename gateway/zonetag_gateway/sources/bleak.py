"""Real Bluetooth: bleak on BlueZ.  The one file that imports bleak.

A scanner is started once and left running.  It is started again when bluetoothd or the bus went away, and when nothing
was heard for too long; what to do beyond that (power cycle, rfkill, restarting services) is `recover`'s.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from bleak import BleakScanner
from bleak.args.bluez import BlueZDiscoveryFilters, OrPattern, OrPatternLike
from bleak.assigned_numbers import AdvertisementDataType
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakDBusError, BleakError

from zonetag_gateway.bluez import Bus
from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.source import Clock, Hear, Moment
from zonetag_gateway.sources import scanning
from zonetag_gateway.sources.picture import Album
from zonetag_protocol.errors import Malformed

_log = logging.getLogger(__name__)

NO_RSSI = -127  # what bleak says when BlueZ has none: a change that no advert caused
FIRST_RETRY_S = 1.0
MAX_RETRY_S = 60.0  # an adapter that was unplugged is found within a minute of coming back
# When bluetoothd was killed the kernel goes on with what it was told, 10.24 s at most, and refuses a new one so long.
BUSY = "org.bluez.Error.InProgress"
BUSY_TRIES = 15  # one each FIRST_RETRY_S
STOP_S = 10.0  # stopping a scanner whose bluetoothd hangs is given up after this
# Always a threshold: newer BlueZ throttles RSSI in active mode too for clients that set none.
FILTERS: BlueZDiscoveryFilters = {"Transport": "le", "RSSI": -127, "DuplicateData": True}

Listen = Callable[[BLEDevice, AdvertisementData], None]
Recover = Callable[[int], Awaitable[None]]
"""Called before the scan is started again after silence, with the number of silences in a row (1, 2, ...)."""


def make(config: Config, clock: Clock) -> "Bleak":
    """The scanner that [source] describes."""
    return Bleak(config.source.adapters, config.source.scanning, config.company, clock)


async def _only_restart(silences: int) -> None:
    """The lowest rung of the ladder: nothing beside the restart itself."""


class Bleak:
    """BlueZ as a source; its line of time is the clock's monotonic one."""

    def __init__(
        self,
        adapters: Sequence[str],
        mode: str,
        company: int,
        clock: Clock,
        *,
        silence_s: float = scanning.SILENCE_S,
        recover: Recover = _only_restart,
    ) -> None:
        """`mode` is a value of source.scanning; `company` the fleet's."""
        self._adapters = adapters
        self._mode = mode
        self._clock = clock
        self._recover = recover
        self._company = company
        self._album = Album(company)
        self._silence_s = silence_s
        self._vigil = scanning.Vigil(clock.monotonic(), silence_s)
        self.counts = {"adverts": 0, "no_rssi": 0, "malformed": 0, "starts": 0, "lost": 0, "silences": 0}
        # since the beginning: adverts passed on, changes without an advert, what fits no advert, starts of the scan,
        # how often bluetoothd or an adapter went away, how often the scan was started again because of silence

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return self._clock.monotonic()

    def moment(self, at: float) -> Moment:
        """UTC of a point of the monotonic clock, by what the clocks say now."""
        present = self._clock.now()
        back_ms = present.monotonic_ms - round(at * 1000)
        return Moment(present.utc_ms - back_ms, present.monotonic_ms - back_ms, present.synchronised)

    async def run(self, hear: Hear) -> None:
        """Scan until cancelled.  SourceError if it does not even begin; later failures are waited out."""
        retry_s = FIRST_RETRY_S
        while True:
            starts = self.counts["starts"]
            try:
                async with Bus() as bus:
                    plans = scanning.plan(await bus.adapters(), self._adapters, self._mode)
                    for plan in plans:
                        await bus.watch(plan.adapter)
                    await self._scan(plans, hear, bus.lost)
            except SourceError as error:
                if not self.counts["starts"]:
                    raise
                _log.error("%s", error)
            retry_s = FIRST_RETRY_S if self.counts["starts"] > starts else min(MAX_RETRY_S, retry_s * 2)
            await asyncio.sleep(retry_s)

    async def _scan(self, plans: Sequence[scanning.Plan], hear: Hear, lost: asyncio.Event) -> None:
        """Scan until bluetoothd is lost or silence is too long."""
        async with contextlib.AsyncExitStack() as stack:
            for plan in plans:
                ear = _Ear(self._listener(hear))
                for mode in plan.modes:
                    scanner = _scanner(plan.adapter, mode, self._company, ear.of(mode))
                    await _start(scanner, plan.adapter, mode)
                    ear.mode = mode
                    stack.push_async_callback(_stop, scanner)
                _log.info("%s scans, %s", plan.adapter, "+".join(plan.modes))
                if self._mode == scanning.AUTO and scanning.PASSIVE not in plan.modes:
                    _log.warning(
                        "without passive scanning only about one advert of each slot is heard. %s",
                        scanning.ENABLE_MONITORS,
                    )
            self.counts["starts"] += 1
            self._vigil.started(self._clock.monotonic())
            while (remaining := self._vigil.remaining(self._clock.monotonic())) > 0:
                # Not wait_for: Python 3.11's loses a cancellation that comes together with the event.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(remaining):
                        await lost.wait()
                    self.counts["lost"] += 1
                    _log.warning("bluetoothd or its adapter has gone away; waiting for it")
                    return
        self.counts["silences"] += 1
        self._vigil.silent()
        _log.warning("nothing heard for too long (%d in a row): the scan starts again", self._vigil.silences)
        await self._recover(self._vigil.silences)

    def _listener(self, hear: Hear) -> Listen:
        album, counts, clock = self._album, self.counts, self._clock

        def listen(_device: BLEDevice, data: AdvertisementData) -> None:
            if data.rssi == NO_RSSI:
                counts["no_rssi"] += 1
                return
            at = clock.monotonic()
            self._vigil.heard(at)
            try:
                # platform_data begins with the object's path: unlike the address, it tells adapters apart.
                made = album.advert(
                    str(data.platform_data[0]), data.service_data, data.manufacturer_data, data.service_uuids
                )
            except Malformed:
                counts["malformed"] += 1
                return
            counts["adverts"] += 1
            hear(made, data.rssi, at)

        return listen


class _Ear:
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
            await scanner.start()
        except (BleakError, OSError, EOFError) as error:
            if tries_left and isinstance(error, BleakDBusError) and error.dbus_error == BUSY:
                await asyncio.sleep(FIRST_RETRY_S)
                continue
            raise SourceError(
                f"{adapter} does not begin to scan ({mode}): {error}",
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
