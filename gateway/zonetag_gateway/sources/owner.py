"""One owner for each adapter: keeps a scan running on it, judges it by what it hears, and helps it when it is deaf.

An owner knows several ways of hearing (backends), best first.  Where one does not begin, the next is tried at once;
where one hears nothing, the ladder's first step starts it again and each step after it takes the next.  After BETTER_S
with a lesser one the best is tried again.  What each adapter hears, and what is done about it, is no other adapter's
affair; but while another one hears, no step is taken that would hit both (recovery.LOCAL).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from zonetag_gateway.errors import SourceError
from zonetag_gateway.heartbeat import is_heartbeat
from zonetag_gateway.recovery import LOCAL, Rung, Watch
from zonetag_gateway.source import Clock, Hear
from zonetag_gateway.sources.backend import Backend, Scan
from zonetag_protocol import advert
from zonetag_protocol.errors import Malformed

_log = logging.getLogger(__name__)

FIRST_RETRY_S = 1.0
MAX_RETRY_S = 60.0  # an adapter that was unplugged is found within a minute of coming back
BETTER_S = 3600.0  # a lesser way is left so often for a try of the best: a second of deafness in an hour
COUNTS = ("adverts", "no_rssi", "malformed", "starts", "lost", "silences")
# since the beginning: adverts passed on, changes without an advert, what fits no advert, starts of the scan,
# how often what is heard with went away, how often the scan was started again because of silence

Recover = Callable[[Rung, Sequence[str]], Awaitable[None]]
"""Called before the scan is started again after silence; SourceError when the rung could not be carried out."""


class Owner:
    """Of one adapter."""

    def __init__(
        self,
        wanted: str,
        backends: Sequence[Backend],
        clock: Clock,
        watch: Watch,
        *,
        heartbeat: bytes = b"",
        recover: Recover | None = None,
        others_hear: Callable[["Owner"], bool] = lambda _: False,
        better_s: float = BETTER_S,
    ) -> None:
        """`wanted`: hci0, or "" for the first that can; `others_hear`: whether another owner's adapter does."""
        self._wanted = wanted
        self._backends = backends
        self._clock = clock
        self._watch = watch
        self._heartbeat = heartbeat
        self._heart = heartbeat  # as long as the way of hearing shows it
        self._recover = recover
        self._others_hear = others_hear
        self._better_s = better_s
        self._first = 0  # the backend that is tried first; another than 0 after silence
        self._hear: Hear = lambda _data, _rssi, _at: None
        self._again = asyncio.Event()
        self._last = float("-inf")
        self.adapter = wanted
        # "" until the first scan has begun
        self.how = ""
        # it hears with; "" while it does not
        self.why: dict[str, str] = {}
        # better backends that were tried: why not
        self.counts = dict.fromkeys(COUNTS, 0)
        self.tried = asyncio.Event()
        # set when a first scan has begun, or could not
        self.failure: SourceError | None = None
        # of the last try; None while it scans

    def restart(self) -> None:
        """Start the scan again at once."""
        self._again.set()

    def hears(self) -> bool:
        """Whether it scans and has heard within its patience."""
        return bool(self.how) and self._watch.hears(self._clock.monotonic())

    def tell(self) -> dict[str, Any]:
        """For health."""
        now = self._clock.monotonic()
        told: dict[str, Any] = {
            "backend": self.how,
            "why": dict(self.why),
            **self.counts,
            "last_advert_age_s": None if self.counts["adverts"] == 0 else round(now - self._last, 1),
        }
        return told | self._watch.tell(now, configured=bool(self._heart))

    # As an Ear

    def advert(self, data: bytes, rssi: int) -> None:
        """Pass on what was heard."""
        self._last = at = self._clock.monotonic()
        heart = self._heart
        self._watch.heard(at, heartbeat=bool(heart) and heart in data and _is_heartbeat(data, heart))
        self.counts["adverts"] += 1
        self._hear(data, rssi, at)

    def odd(self, what: str) -> None:
        """Count it; what fits no advert shows all the same that the adapter hears."""
        self.counts[what] += 1
        if what == "malformed":
            self._watch.heard(self._clock.monotonic())

    async def run(self, hear: Hear) -> None:
        """Scan until cancelled; failures are waited out."""
        self._hear = hear
        retry_s = FIRST_RETRY_S
        while True:
            starts = self.counts["starts"]
            better = await self._try_all()
            await self._climb()
            self.tried.set()
            if self.counts["starts"] > starts:
                retry_s = FIRST_RETRY_S
            if not better:
                await asyncio.sleep(retry_s)
                if self.counts["starts"] == starts:
                    retry_s = min(MAX_RETRY_S, retry_s * 2)

    async def _try_all(self) -> bool:
        """Scan with the first backend that begins, till its end: whether that was to try a better one."""
        self.why.clear()
        failure: SourceError | None = None
        order = range(self._first, self._first + len(self._backends))
        for number in (at % len(self._backends) for at in order):
            backend = self._backends[number]
            try:
                async with backend.scan(self._wanted, self) as scan:
                    return await self._listen(scan, best=number == 0)
            except SourceError as error:
                failure = error
                self.why[backend.name] = error.what
                if len(self._backends) > 1:
                    _log.info("%s: %s is not used: %s", self.adapter or "Bluetooth", backend.name, error)
            finally:
                self.how = ""
        assert failure is not None
        self.failure = failure
        if self.tried.is_set():
            _log.error("%s: %s", self.adapter or "Bluetooth", failure)
        return False

    async def _listen(self, scan: Scan, *, best: bool) -> bool:
        """Until it is lost, silent for too long, or to be started again: whether to try a better one now."""
        self.adapter, self.how, self.failure = scan.adapter, scan.how, None
        because = "; ".join(f"{name}: {why}" for name, why in self.why.items())
        _log.info("%s scans, %s%s", scan.adapter, scan.how, f" (not {because})" if because else "")
        self.counts["starts"] += 1
        self.tried.set()
        self._heart = self._heartbeat if scan.whole else b""
        if self._heartbeat and not scan.whole:
            _log.warning("recovery.heartbeat is not used: %s does not show what never changes", scan.how)
            self._watch.forget_heartbeat()
        self._again.clear()
        self._watch.started(self._clock.monotonic())
        until_better = float("inf") if best else self._clock.monotonic() + self._better_s
        while (remaining := self._watch.remaining(self._clock.monotonic())) > 0:
            now = self._clock.monotonic()
            if now >= until_better and self.hears():
                self._first = 0
                return True
            if await _first_of(min(remaining, max(until_better - now, self._better_s / 60)), scan.lost, self._again):
                if scan.lost.is_set():
                    self.counts["lost"] += 1
                    _log.warning("%s: what it hears with has gone away (%s); waiting for it", scan.adapter, scan.how)
                return False
        return False

    async def _climb(self) -> None:
        """If it has been silent for too long, take the next rung of the ladder."""
        highest = LOCAL if self._others_hear(self) else None
        due = self._watch.step(self._clock.monotonic(), highest)
        if due is None:
            return
        rung, why = due
        self.counts["silences"] += 1
        if self._watch.steps > 1:
            self._first = (self._first + 1) % len(self._backends)
        _log.warning("recovery: %s of %s, because %s", rung.label, self.adapter or "Bluetooth", why)
        try:
            if self._recover is not None:
                await self._recover(rung, (self.adapter,) if self.adapter else ())
        except SourceError as error:
            self._watch.failed[rung.label] += 1
            _log.error("recovery: %s was not possible: %s", rung.label, error)


def _is_heartbeat(data: bytes, identifier: bytes) -> bool:
    try:
        frame = advert.Structures(data).service.get(advert.EDDYSTONE_UUID, b"")
    except Malformed:
        return False
    return is_heartbeat(frame, identifier)


async def _first_of(seconds: float, *events: asyncio.Event) -> bool:
    """Whether one of the events comes within that time."""
    waiting = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(waiting, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
    return any(event.is_set() for event in events)
