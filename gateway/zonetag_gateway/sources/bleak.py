"""Real Bluetooth: bleak on BlueZ.  The one file that imports bleak.

A scanner is started once and left running.  It is started again when bluetoothd or the bus went away, and when nothing
was heard for too long; what to do beyond that, and when, is the matter of recovery.py and repair.py.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
from zonetag_gateway.heartbeat import is_heartbeat
from zonetag_gateway.reboots import Reboots
from zonetag_gateway.recovery import LABELS, SILENCE_S, Rung, Watch
from zonetag_gateway.repair import Repair
from zonetag_gateway.source import Clock, Hear, Moment
from zonetag_gateway.sources import scanning
from zonetag_gateway.sources.picture import Album
from zonetag_protocol.errors import Malformed

_log = logging.getLogger(__name__)

REBOOTS_FILE = "reboots.json"  # beside the spool
_EDDYSTONE = "0000feaa-0000-1000-8000-00805f9b34fb"

NO_RSSI = -127  # what bleak says when BlueZ has none: a change that no advert caused
FIRST_RETRY_S = 1.0
MAX_RETRY_S = 60.0  # an adapter that was unplugged is found within a minute of coming back
# When bluetoothd was killed the kernel goes on with what it was told, 10.24 s at most, and refuses a new one so long.
BUSY = "org.bluez.Error.InProgress"
BUSY_TRIES = 15  # one each FIRST_RETRY_S
START_S = 30.0  # a scanner that has not begun by then will not: bluetoothd hangs
STOP_S = 10.0  # stopping a scanner whose bluetoothd hangs is given up after this
# Always a threshold: newer BlueZ throttles RSSI in active mode too for clients that set none.
FILTERS: BlueZDiscoveryFilters = {"Transport": "le", "RSSI": -127, "DuplicateData": True}

Listen = Callable[[BLEDevice, AdvertisementData], None]
Recover = Callable[[Rung], Awaitable[None]]
"""Called before the scan is started again after silence; SourceError when the rung could not be carried out."""


def make(config: Config, clock: Clock) -> "Bleak":
    """The scanner that [source] describes."""
    recovery = config.recovery
    reboots = Reboots(config.spool.path.with_name(REBOOTS_FILE), recovery.reboots_per_day)
    return Bleak(
        config.source.adapters,
        config.source.scanning,
        config.company,
        clock,
        highest=LABELS[recovery.highest],
        heartbeat=recovery.heartbeat,
        repair=Repair(reboots, clock),
    )


class Bleak:
    """BlueZ as a source; its line of time is the clock's monotonic one."""

    def __init__(
        self,
        adapters: Sequence[str],
        mode: str,
        company: int,
        clock: Clock,
        *,
        silence_s: float = SILENCE_S,
        recover: Recover | None = None,
        highest: Rung = Rung.RESTART_SCAN,
        heartbeat: bytes = b"",
        repair: Repair | None = None,
    ) -> None:
        """`mode` is a value of source.scanning; `company` the fleet's; `recover` stands in place of `repair`."""
        self._adapters = adapters
        self._mode = mode
        self._clock = clock
        self._recover = recover
        self._repair = repair
        self._heartbeat = heartbeat
        self._scanned: tuple[str, ...] = tuple(adapters)
        self._again = asyncio.Event()
        self._company = company
        self._album = Album(company)
        self._watch = Watch(clock.monotonic(), highest, silence_s)
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

    def tell(self) -> dict[str, Any]:
        """For health: what was done against silence, and how the heartbeat is."""
        return self._watch.tell(self._clock.monotonic(), configured=bool(self._heartbeat))

    def restart(self) -> None:
        """Start the scan again at once."""
        self._again.set()

    async def run(self, hear: Hear) -> None:
        """Scan until cancelled.  SourceError if it does not even begin; later failures are waited out."""
        retry_s = FIRST_RETRY_S
        while True:
            starts = self.counts["starts"]
            try:
                async with Bus() as bus:
                    plans = scanning.plan(await bus.adapters(), self._adapters, self._mode)
                    self._scanned = tuple(plan.adapter for plan in plans)
                    for plan in plans:
                        await bus.watch(plan.adapter)
                    await self._scan(plans, hear, bus.lost)
            except SourceError as error:
                if not self.counts["starts"]:
                    await self._climb()
                    raise
                _log.error("%s", error)
            await self._climb()
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
            if any(len(plan.modes) == 1 for plan in plans):
                self._hide_heartbeat()
            self._again.clear()
            self._watch.started(self._clock.monotonic())
            while (remaining := self._watch.remaining(self._clock.monotonic())) > 0:
                if await _first_of(remaining, lost, self._again):
                    if lost.is_set():
                        self.counts["lost"] += 1
                        _log.warning("bluetoothd or its adapter has gone away; waiting for it")
                    return

    def _hide_heartbeat(self) -> None:
        """Only passive and active scanning together show again and again an advert that never changes."""
        if self._heartbeat:
            _log.warning("recovery.heartbeat is not used: it needs passive+active scanning")
        self._heartbeat = b""
        self._watch.forget_heartbeat()

    async def _climb(self) -> None:
        """If it has been silent for too long, take the next rung of the ladder."""
        due = self._watch.step(self._clock.monotonic())
        if due is None:
            return
        rung, why = due
        self.counts["silences"] += 1
        _log.warning("recovery: %s of %s, because %s", rung.label, ", ".join(self._scanned) or "Bluetooth", why)
        try:
            if self._recover is not None:
                await self._recover(rung)
            elif self._repair is not None and rung is not Rung.RESTART_SCAN:
                await self._repair(rung, self._scanned)
        except SourceError as error:
            self._watch.failed[rung.label] += 1
            _log.error("recovery: %s was not possible: %s", rung.label, error)

    def _listener(self, hear: Hear) -> Listen:
        album, counts, clock, watch = self._album, self.counts, self._clock, self._watch

        def listen(_device: BLEDevice, data: AdvertisementData) -> None:
            if data.rssi == NO_RSSI:
                counts["no_rssi"] += 1
                return
            at = clock.monotonic()
            watch.heard(at, heartbeat=self._is_heartbeat(data.service_data))
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

    def _is_heartbeat(self, service_data: Mapping[str, bytes]) -> bool:
        if not self._heartbeat:
            return False
        return any(is_heartbeat(frame, self._heartbeat) for uuid, frame in service_data.items() if uuid == _EDDYSTONE)


async def _first_of(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of the events comes within that time."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return any(event.is_set() for event in events)


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
            async with asyncio.timeout(START_S):
                await scanner.start()
        except (BleakError, OSError, EOFError, TimeoutError) as error:
            if tries_left and isinstance(error, BleakDBusError) and error.dbus_error == BUSY:
                await asyncio.sleep(FIRST_RETRY_S)
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
