"""Joins the parts of a running gateway: source -> folder -> batcher -> journal -> spool -> uplink -> broker.

Two threads beside the event loop: the spool's (every disk access, one at a time) and paho's.  The loop itself never
waits for a disk or a network, so scanning goes on whatever becomes of them.
"""

import asyncio
import functools
import logging
import random
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from zonetag_gateway import homeassistant, metrics, metrics_server, trial, updating
from zonetag_gateway.announced import Announced
from zonetag_gateway.arrivals import Arrivals
from zonetag_gateway.attendant import Attendant
from zonetag_gateway.batch import Batcher, Draft
from zonetag_gateway.central import Central
from zonetag_gateway.config import Config
from zonetag_gateway.errors import SourceError
from zonetag_gateway.feedback import Feedback
from zonetag_gateway.health import Tallies, health, summary
from zonetag_gateway.identity import Identity
from zonetag_gateway.journal import Journal, check_owner, warn_of_disk
from zonetag_gateway.led import Led
from zonetag_gateway.link import Carrier
from zonetag_gateway.notify import Notify
from zonetag_gateway.overlay import OverlayFile
from zonetag_gateway.publisher import Counters
from zonetag_gateway.remote import Remote
from zonetag_gateway.renewal import keeping
from zonetag_gateway.sightings import Folder
from zonetag_gateway.source import Clock, Hear, Source, Telling
from zonetag_gateway.spool import Spool
from zonetag_gateway.tasks import cancel, drain, every, until
from zonetag_gateway.uplink import Uplink
from zonetag_protocol import topics
from zonetag_protocol.report import MAX_TALLIES

log = logging.getLogger(__name__)

TICK_S = 0.2  # how often windows are closed; far below the window's length
KEEP_TIME_S = 60.0  # how often the clock is asked to keep the time; how often it does is its own affair
SOURCE_RETRY_FIRST_S = 1.0
SOURCE_RETRY_MAX_S = 30.0
FINITE = ("replay", "simulated")  # sources whose error is the end: trying again changes nothing
MB = 1_000_000

_T = TypeVar("_T")


class Gateway:
    """One gateway, from its first advert to its last report."""

    def __init__(
        self,
        config: Config,
        source: Source,
        clock: Clock,
        version: str,
        *,
        notify: Notify | None = None,
        keep_time: Callable[[], object] | None = None,
        overlay: OverlayFile | None = None,
        identity: Identity | None = None,
        behind: Callable[[], bool] = lambda: False,
        central: Central | None = None,
    ) -> None:
        """`notify`: the service manager, if there is one; `keep_time` writes the time down for the next boot.

        `overlay`: the settings from afar that `config` holds already; `identity` of an enrolled gateway; `behind` says
        whether the system's clock is known to be in the past; `central` connects to tags, if that is wanted.
        """
        self._central = central
        self._carrier: Carrier | None = None
        self._identity = identity
        self._behind = behind
        self._notify = notify or Notify()
        self._keep_time = keep_time
        self._overlay = overlay
        self._updates = updating.of(config, identity, version)
        self.again = False  # it has ended in order to begin again, with other settings
        self._line = 0.0  # the source's line when windows were last closed
        self._started_s = self._heard_s = clock.monotonic()  # the latter: the last report with adverts
        self._config = config
        self._source = source
        self._clock = clock
        self._version = version
        windows = config.windows
        self._folder = Folder(
            windows.length_s, windows.change_db, config.company, windows.max_open, silence_s=windows.silence_s
        )
        led = config.feedback.led
        self._feedback = None if led is None else Feedback(Led(led), config.company)
        at_once = config.report.close_at_once and config.source.kind != "replay"  # of which all runs are alike
        self._arrivals = Arrivals(config.company) if at_once else None
        self._batcher = Batcher(config.report.every_s, config.report.max_windows)
        self._tallies = Tallies()
        self._reports = 0

    async def fold_only(self, stop: asyncio.Event) -> dict[str, Any]:
        """Run the source into windows and nowhere else; counts by name."""
        await self._until_end(stop, self._throw_away)
        await self._throw_away(self._collect(final=True))
        return {
            **summary(tallies=self._tallies, reports=self._reports, counters=Counters(), spooled=0),
            "tallies": self._tallies.as_dict(),
        }

    async def run(self, stop: asyncio.Event, drain_s: float) -> dict[str, int]:
        """Until `stop` is set or the source ends; then spool what is open and try to deliver for `drain_s` seconds.

        Returns the summary.  SpoolBusy, SpoolUnusable, SpoolFull at the start; SourceError of a finite source.
        """
        config = self._config
        with ThreadPoolExecutor(1, "spool") as executor:
            loop = asyncio.get_running_loop()

            def in_spool_thread(function: Callable[..., _T], /, *args: Any) -> Awaitable[_T]:
                return loop.run_in_executor(executor, functools.partial(function, *args))

            spool = await in_spool_thread(Spool, config.spool.path, config.spool.max_mb * MB)
            try:
                await in_spool_thread(check_owner, spool, config.name)
                warn_of_disk(config.spool.path, config.spool.max_mb * MB)
                boot = (await in_spool_thread(spool.next_boot)) << 32 | secrets.randbits(32)
                journal = Journal(spool, config.name, boot)
                uplink = Uplink(
                    config,
                    spool,
                    boot,
                    self._clock,
                    run=in_spool_thread,
                    jitter=random.random,
                    version=self._version,
                    identity=self._identity,
                    behind=self._behind,
                )
                renewal = keeping(
                    self._identity, self._clock, uplink.connect_anew, jitter=random.random, behind=self._behind
                )

                async def store(drafts: list[Draft]) -> None:
                    if (drafts or journal.held) and await in_spool_thread(journal.store, drafts):
                        uplink.wake()

                async def look() -> dict[str, Any]:
                    self._tallies.set(journal.dropped)
                    return health(
                        now=self._clock.now(),
                        boot=boot,
                        source=config.source.kind,
                        fill=await in_spool_thread(spool.fill),
                        held=journal.held,
                        counters=uplink.publisher.counters,
                        tallies=self._tallies,
                        broker={"version": uplink.mqtt_version, "connects": uplink.connects},
                        commands=remote.desk.told(),
                        certificate=None if renewal is None else renewal.told(),
                        link=None if self._carrier is None else self._carrier.tell(),
                    ) | (self._source.tell() if isinstance(self._source, Telling) else {})

                beside_spool = config.spool.path.with_name(config.spool.path.name + ".announced")
                announced = Announced(beside_spool, homeassistant.wanted(config, self._version))
                uplink.greetings = await in_spool_thread(announced.prepare)

                async def tell_health() -> None:
                    uplink.tell_health(await look())
                    await in_spool_thread(announced.settle, uplink.greeted)

                again = asyncio.Event()
                remote = self._remote(uplink, tell_health, again.set)
                log.info("gateway %s at %s, boot %d, source %s", config.name, config.site, boot, config.source.kind)
                sending = asyncio.create_task(uplink.run())
                telling = asyncio.create_task(every(config.health.every_s, tell_health))
                beside = [asyncio.create_task(work) for work in self._beside(uplink, look, in_spool_thread)]
                far = (remote.run(), until(again), self._trial(uplink, remote, again.set))
                beside += [asyncio.create_task(work) for work in far]
                beside += [] if renewal is None else [asyncio.create_task(renewal.run())]
                try:
                    await self._until_end(stop, store, sending, telling, *beside)
                finally:
                    self.again = again.is_set() and not stop.is_set()
                    self._notify.say(stopping=not self.again, status="delivering what is left")
                    for task in beside:
                        await cancel(task)
                    await store(self._collect(final=True))
                    await drain(uplink.drained, drain_s)
                    await cancel(telling)
                    await tell_health()
                    await cancel(sending)
                fill = await in_spool_thread(spool.fill)
                self._tallies.set(journal.dropped)
                return summary(
                    tallies=self._tallies,
                    reports=journal.stored,
                    counters=uplink.publisher.counters,
                    spooled=fill.reports + journal.held,
                )
            finally:
                await in_spool_thread(spool.close)

    def _remote(
        self, uplink: Uplink, tell_health: Callable[[], Awaitable[None]], restart: Callable[[], None]
    ) -> Remote:
        """What an operator may do from afar; nothing, unless it is switched on."""
        remote = Remote(
            self._clock,
            self._source,
            say=uplink.tell_done,
            tell_health=tell_health,
            overlay=self._overlay,
            restart=restart,
            show=None if self._feedback is None else self._feedback.show,
            updates=self._updates,
        )
        if self._config.remote.enabled:
            uplink.listen(topics.CMD, remote.receive)
        return remote

    async def _trial(self, uplink: Uplink, remote: Remote, restart: Callable[[], None]) -> None:
        """Decide on settings from afar that are on trial, and say that another version works."""

        def works() -> bool:
            return self._tallies["adverts"] > 0 and uplink.publisher.counters.acknowledged > 0

        trials = trial.watch(self._overlay, works=works, answer=remote.answer, restart=restart)
        await asyncio.gather(trials, updating.watch(self._updates, works, remote.answer))

    def _beside(
        self,
        uplink: Uplink,
        look: Callable[[], Awaitable[dict[str, Any]]],
        in_spool_thread: Callable[..., Awaitable[Any]],
    ) -> list[Coroutine[Any, Any, None]]:
        """What runs beside hearing and delivering, as far as it is wanted."""
        config, keep_time, monotonic = self._config, self._keep_time, self._clock.monotonic
        work: list[Coroutine[Any, Any, None]] = []
        if self._central is not None:
            self._carrier = Carrier(config, self._central, uplink.say, self._clock, self._identity)
            uplink.listen(topics.DOWNLINK, self._carrier.receive)
            work.append(self._carrier.run())

        async def keep() -> None:
            await in_spool_thread(keep_time)

        async def page() -> str:
            now = monotonic()
            told = await look()
            return metrics.page(
                metrics.Scene(
                    health=told,
                    version=self._version,
                    limit_bytes=config.spool.max_mb * MB,
                    connected=uplink.connected,
                    last_advert_age_s=now - self._heard_s,
                    uptime_s=now - self._started_s,
                )
            )

        if keep_time is not None:
            work.append(every(KEEP_TIME_S, keep))
        if config.metrics.listen is not None:
            work.append(metrics_server.serve(*config.metrics.listen, page))
        if self._notify.wanted:
            attendant = Attendant(
                self._notify,
                monotonic,
                scan=lambda: self._line,
                publisher=lambda: uplink.rounds,
                look=look,
                connected=lambda: uplink.connected,
            )
            work.append(attendant.run())
        return work

    def _collect(self, *, final: bool = False) -> list[Draft]:
        now = self._line = self._source.now()
        arrived = set() if self._arrivals is None else self._arrivals.take()
        self._folder.end(arrived)
        closed = self._folder.flush() if final else self._folder.close(now)
        due = final or bool(arrived)
        return self._batcher.collect(closed, now, self._take_tallies, self._source.moment, final=due)

    def _take_tallies(self) -> dict[str, int]:
        tallies = self._folder.take_tallies()
        self._tallies.add(tallies)
        if tallies.get("adverts"):
            self._heard_s = self._clock.monotonic()
        assert len(tallies) < MAX_TALLIES  # three kinds of names for each of ten kinds of adverts, and a few
        return tallies

    async def _until_end(
        self, stop: asyncio.Event, store: Callable[[list[Draft]], Awaitable[None]], *others: "asyncio.Task[None]"
    ) -> None:
        """Hear until `stop` or the source's end, closing windows all the while; `others` must not end meanwhile."""

        over = asyncio.Event()

        async def close_windows() -> None:
            while not over.is_set():
                await asyncio.wait((ending,), timeout=TICK_S)
                await store(self._collect())

        ending = asyncio.create_task(over.wait())
        hearing = asyncio.create_task(self._hear())
        closing = asyncio.create_task(close_windows())
        stopping = asyncio.create_task(stop.wait())
        try:
            done, _ = await asyncio.wait((hearing, closing, stopping, *others), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()  # an error ends the gateway: better a restart than a silent one
        finally:
            for task in (hearing, stopping):
                await cancel(task)
            # Never cancelled: windows that are on their way to the spool would be lost.
            over.set()
            await asyncio.wait((closing,))
            await cancel(ending)

    async def _hear(self) -> None:
        """Run the source; again and again if it is a live one."""
        wait = SOURCE_RETRY_FIRST_S
        while True:
            started = self._clock.monotonic()
            try:
                hear: Hear = self._folder.hear
                for along in (self._feedback, self._arrivals, self._carrier):
                    hear = hear if along is None else along.over(hear)
                await self._source.run(hear)
            except SourceError as error:
                if self._config.source.kind in FINITE:
                    raise
                if self._clock.monotonic() - started > SOURCE_RETRY_MAX_S:
                    wait = SOURCE_RETRY_FIRST_S
                log.error("source: %s Trying again in %.0f s", error, wait)
                await asyncio.sleep(wait)
                wait = min(wait * 2, SOURCE_RETRY_MAX_S)
            else:
                log.info("source: at its end")
                return

    async def _throw_away(self, drafts: list[Draft]) -> None:
        self._reports += len(drafts)
