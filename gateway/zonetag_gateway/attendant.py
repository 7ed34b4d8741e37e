"""Looks at the gateway again and again, and tells systemd how it is.  Joins watchdog.py with notify.py."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from zonetag_gateway import watchdog
from zonetag_gateway.notify import Notify

log = logging.getLogger(__name__)

LOOK_S = 10.0  # without a watchdog; with one, at least three looks within its time


class Attendant:
    """`run` it beside the gateway; it ends only when cancelled."""

    def __init__(
        self,
        notify: Notify,
        monotonic: Callable[[], float],
        *,
        scan: Callable[[], float],
        publisher: Callable[[], float],
        look: Callable[[], Awaitable[dict[str, Any]]],
        connected: Callable[[], bool],
    ) -> None:
        """`scan`, `publisher`: their signs (watchdog.py); `look` reads the spool and gives the health."""
        self._notify = notify
        self._monotonic = monotonic
        self._scan = scan
        self._publisher = publisher
        self._look = look
        self._connected = connected
        self._reads = 0
        self._status = "starting"

    async def run(self) -> None:
        """Ready, then a look every third of the watchdog's time."""
        every = min(LOOK_S, (self._notify.watchdog_s or 3 * LOOK_S) / 3)
        state = watchdog.begin(self._monotonic())
        self._notify.say(ready=True, status=self._status)
        reading: asyncio.Task[None] | None = None
        try:
            while True:
                # Not awaited: a spool that never answers must be told of, not be waited for.
                if reading is None or reading.done():
                    if reading is not None:
                        reading.result()
                    reading = asyncio.create_task(self._read())
                await asyncio.sleep(every)
                signs = {
                    watchdog.SCAN: self._scan(),
                    watchdog.SPOOL: float(self._reads),
                    watchdog.PUBLISHER: self._publisher(),
                }
                now = self._monotonic()
                state = watchdog.advanced(state, signs, now)
                verdict = watchdog.judge(state, now)
                if not verdict.feed:
                    log.error("%s: systemd will restart the gateway", verdict.reason)
                self._notify.say(feed=verdict.feed, status=verdict.reason or self._status)
        finally:
            if reading is not None:
                reading.cancel()

    async def _read(self) -> None:
        health = await self._look()
        self._reads += 1
        self._status = status(health, connected=self._connected())


def status(health: dict[str, Any], *, connected: bool) -> str:
    """One line for `systemctl status`."""
    spool = health["spool"]
    parts = [
        f"heard {health['tallies'].get('adverts', 0)} adverts",
        f"{health['acknowledged']} reports delivered",
        f"{spool['reports'] + spool['held']} waiting",
        "broker connected" if connected else "no broker",
    ]
    if not health["synchronised"]:
        parts.append("clock not synchronised")
    if spool["held"]:
        parts.append("DISK REFUSES")
    return ", ".join(parts)
