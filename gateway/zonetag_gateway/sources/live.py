"""Real Bluetooth as a source: an owner (owner.py) for each adapter, all heard on one line of time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from zonetag_gateway.config import Config
from zonetag_gateway.reboots import Reboots
from zonetag_gateway.recovery import LABELS, SILENCE_S, Rung, Watch
from zonetag_gateway.source import Clock, Hear, Moment
from zonetag_gateway.sources.backend import Backend
from zonetag_gateway.sources.owner import COUNTS, Owner

REBOOTS_FILE = "reboots.json"  # beside the spool

Repair = Callable[[Rung, Sequence[str]], Awaitable[None]]
"""zonetag_gateway.repair.Repair: carries a rung out on these adapters."""

HEARTBEATS = ("heard", "silent", "never", "none")  # of several adapters the first counts


class Live:
    """Adapters as a source; its line of time is the clock's monotonic one."""

    def __init__(
        self,
        adapters: Sequence[str],
        backends: Callable[[], Sequence[Backend]],
        clock: Clock,
        *,
        silence_s: float = SILENCE_S,
        recover: Callable[[Rung], Awaitable[None]] | None = None,
        highest: Rung = Rung.RESTART_SCAN,
        heartbeat: bytes = b"",
        repair: Repair | None = None,
    ) -> None:
        """`adapters`: none for the first that can; `backends` makes those of one owner; `recover`: for `repair`."""
        self._clock = clock

        async def help_(rung: Rung, which: Sequence[str]) -> None:
            if recover is not None:
                await recover(rung)
            elif repair is not None and rung is not Rung.RESTART_SCAN:
                await repair(rung, which)

        self.owners = [
            Owner(
                name,
                backends(),
                clock,
                Watch(clock.monotonic(), highest, silence_s),
                heartbeat=heartbeat,
                recover=help_,
                others_hear=self._others_hear,
            )
            for name in dict.fromkeys(adapters) or ("",)
        ]

    @property
    def counts(self) -> dict[str, int]:
        """Those of all adapters together."""
        return {name: sum(owner.counts[name] for owner in self.owners) for name in COUNTS}

    def now(self) -> float:
        """Seconds on the monotonic clock."""
        return self._clock.monotonic()

    def moment(self, at: float) -> Moment:
        """UTC of a point of the monotonic clock, by what the clocks say now."""
        present = self._clock.now()
        back_ms = present.monotonic_ms - round(at * 1000)
        return Moment(present.utc_ms - back_ms, present.monotonic_ms - back_ms, present.synchronised)

    def tell(self) -> dict[str, Any]:
        """For health: what was done against silence, how the heartbeat is, and how each adapter is."""
        told = {owner.adapter or "default": owner.tell() for owner in self.owners}
        return {
            **{
                key: {rung: sum(one[key][rung] for one in told.values()) for rung in LABELS}
                for key in ("recovery", "recovery_failed")
            },
            "heartbeat": min((one["heartbeat"] for one in told.values()), key=HEARTBEATS.index),
            "adapters": told,
        }

    def restart(self) -> None:
        """Start the scans again at once."""
        for owner in self.owners:
            owner.restart()

    async def run(self, hear: Hear) -> None:
        """Scan until cancelled.  SourceError if no adapter even begins; later failures are waited out."""
        for owner in self.owners:
            if not owner.counts["starts"]:
                owner.tried.clear()
        running = [asyncio.create_task(owner.run(hear)) for owner in self.owners]
        beginning = asyncio.create_task(_all(owner.tried for owner in self.owners))
        try:
            await asyncio.wait((*running, beginning), return_when=asyncio.FIRST_COMPLETED)
            if beginning.done() and not any(owner.counts["starts"] for owner in self.owners):
                failures = [owner.failure for owner in self.owners if owner.failure is not None]
                raise failures[0]
            await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            beginning.cancel()
            for task in running:
                task.cancel()
            await asyncio.wait(running)
        for task in running:
            task.result()  # an owner ends by an error alone

    def _others_hear(self, one: Owner) -> bool:
        return any(owner.hears() for owner in self.owners if owner is not one)


async def _all(events: Iterable[asyncio.Event]) -> None:
    for event in events:
        await event.wait()


def settings(config: Config, clock: Clock) -> dict[str, Any]:
    """Arguments of `Live` that [recovery] describes."""
    from zonetag_gateway.repair import Repair as Hands  # noqa: PLC0415  # needs D-Bus, which a bare `Live` does not

    recovery = config.recovery
    reboots = Reboots(config.spool.path.with_name(REBOOTS_FILE), recovery.reboots_per_day)
    return {
        "highest": LABELS[recovery.highest],
        "heartbeat": recovery.heartbeat,
        "repair": Hands(reboots, clock),
    }
