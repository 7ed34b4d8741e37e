"""Carries out the rungs of the ladder (recovery.py).  Whether one helped is not judged here: adverts do that."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from zonetag_gateway import rfkill
from zonetag_gateway.bluez import Bus
from zonetag_gateway.errors import SourceError
from zonetag_gateway.reboots import Reboots
from zonetag_gateway.recovery import Rung
from zonetag_gateway.source import Clock

PAUSE_S = 1.0  # off for that long: a controller's supply and its firmware settle in tenths of a second
POWER_TRIES = 3  # bluetoothd answers "busy" while it still works on what was asked before


class Repair:
    """What a gateway can do for its Bluetooth."""

    def __init__(
        self,
        reboots: Reboots,
        clock: Clock,
        *,
        pause_s: float = PAUSE_S,
        rfkill_device: Path = rfkill.DEVICE,
        rfkill_folder: Path = rfkill.FOLDER,
    ) -> None:
        self._reboots = reboots
        self._clock = clock
        self._pause_s = pause_s
        self._rfkill = (rfkill_device, rfkill_folder)

    async def __call__(self, rung: Rung, adapters: Sequence[str]) -> None:
        """Do it to these adapters (none: to all there are); SourceError when it could not be done."""
        async with Bus() as bus:
            await _RUNGS[rung](self, bus, adapters)

    async def _nothing(self, bus: Bus, adapters: Sequence[str]) -> None:
        """The scan is started again after every step anyway."""

    async def _power_cycle(self, bus: Bus, adapters: Sequence[str]) -> None:
        for name in adapters or [adapter.name for adapter in await bus.adapters()]:
            failure: SourceError | None = None
            try:
                await bus.set_powered(name, on=False)
            except SourceError as error:
                failure = error  # switched on all the same: an adapter must not stay off
            await asyncio.sleep(self._pause_s)
            await self._switch_on(bus, name)
            if failure is not None:
                raise failure

    async def _switch_on(self, bus: Bus, name: str) -> None:
        for _ in range(POWER_TRIES - 1):
            try:
                await bus.set_powered(name, on=True)
            except SourceError:
                await asyncio.sleep(self._pause_s)
            else:
                return
        await bus.set_powered(name, on=True)

    async def _rfkill_cycle(self, bus: Bus, adapters: Sequence[str]) -> None:
        for name in adapters or [adapter.name for adapter in await bus.adapters()]:
            # In a thread: the kernel waits for a controller that may not answer.
            await asyncio.to_thread(rfkill.block, name, True, *self._rfkill)
            try:
                await asyncio.sleep(self._pause_s)
            finally:
                await asyncio.to_thread(rfkill.block, name, False, *self._rfkill)
            await asyncio.sleep(self._pause_s)
            with contextlib.suppress(SourceError):  # bluetoothd restores the power by itself, mostly
                await self._switch_on(bus, name)

    async def _restart_bluetooth(self, bus: Bus, adapters: Sequence[str]) -> None:
        await bus.restart_bluetoothd()

    async def _reboot(self, bus: Bus, adapters: Sequence[str]) -> None:
        try:
            allowed = await asyncio.to_thread(self._reboots.take, self._clock.now().utc_ms)
        except OSError as error:
            raise SourceError(
                f"the reboot cannot be written down ({error.strerror}), so it is not made",
                "Make room in the folder of spool.path, and let the gateway's user write there",
            ) from error
        if not allowed:
            raise SourceError(
                "the reboots of this day are used up", "Look at the adapter: zonetag-gateway doctor; sudo dmesg"
            )
        await bus.reboot()


_RUNGS: dict[Rung, Callable[[Repair, Bus, Sequence[str]], Awaitable[None]]] = {
    Rung.RESTART_SCAN: Repair._nothing,
    Rung.POWER_CYCLE: Repair._power_cycle,
    Rung.RFKILL: Repair._rfkill_cycle,
    Rung.RESTART_BLUETOOTH: Repair._restart_bluetooth,
    Rung.REBOOT: Repair._reboot,
}
