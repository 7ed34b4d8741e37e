"""The demo from start to end: broker, air, backend and gateways, begun in this order and ended the other way round."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zonetag_backend.app import Backend
from zonetag_backend.broker import EmbeddedBroker
from zonetag_backend.config import load
from zonetag_backend.demo import registry
from zonetag_backend.demo.firstcase import FirstCase, first_case
from zonetag_backend.demo.gateway import GatewayProcess
from zonetag_backend.demo.history import History, day_of, working_days
from zonetag_backend.demo.pace import Pace, lead_s
from zonetag_backend.demo.result import Truth, result
from zonetag_backend.errors import DatabaseError
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.simulate.air_server import AirServer
from zonetag_backend.simulate.contactlog import NAME as LOG_NAME
from zonetag_backend.simulate.contactlog import ContactLog
from zonetag_backend.simulate.dice import dice
from zonetag_backend.simulate.looks import Day
from zonetag_backend.simulate.office import Office
from zonetag_backend.store import counting
from zonetag_backend.store.book import sites
from zonetag_backend.store.counting import Stored
from zonetag_backend.store.engine import open_database, reading

SETTINGS = "server.toml"  # in the folder: what commands on a database elsewhere have to be told
STOP_S = 10.0  # a gateway that is told to end has so long to deliver what it has


@dataclass(frozen=True, slots=True)
class Settings:
    """What the command line says."""

    seed: int
    speed: float
    # times real time
    length_s: float
    # of the simulated period
    start_ms: int
    # UTC of its beginning
    folder: Path
    # for database, keys and spools; has no database yet
    port: int
    # of the page
    days: int = 0
    # working days of the past that are laid down first
    database: str = ""
    # its URL; empty: a file in the folder


def _for_commands(settings: Settings) -> None:
    told = {"data": str(settings.folder), "database": settings.database}
    lines = (f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in told.items())
    file = settings.folder / SETTINGS
    file.touch(mode=0o600)  # a URL may hold a password
    file.write_text("".join(lines))


class GatewayDied(Exception):
    """A gateway ended before its time; what it said stands above, on standard error."""

    def __init__(self, name: str, code: int) -> None:
        super().__init__(f"gateway {name} has ended with code {code} before its time; why stands above")


class Demo:
    """Everything that runs, once `running` has been entered."""

    def __init__(
        self, settings: Settings, monotonic: Callable[[], float], tell: Callable[[float], None] = lambda _: None
    ) -> None:
        """`tell` hears how much of the past is laid down, 0 to 1, from another thread."""
        self.settings = settings
        self.past = working_days(settings.start_ms, settings.days)
        self.office = Office(settings.seed, settings.length_s, days=max(self.past, default=0), seated=True)
        self.logs = [
            ContactLog(self.office.tags, i, dice(settings.seed, "log", i).bytes(LOG_NAME))
            for i in range(len(self.office.tags))
        ]
        for tag, log in zip(self.office.tags, self.logs, strict=True):
            tag.waiting = log.waiting
        self.days: list[Day] = []
        # what really happened, the past and the day itself, once entered
        self._tell = tell
        self._stopped = threading.Event()
        self._before: Stored
        self._monotonic = monotonic
        self.air: AirServer
        self.backend: Backend
        self.gateways: list[GatewayProcess] = []

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Demo"]:
        """Start all parts; on leaving, however, stop all of them."""
        s = self.settings
        async with (
            EmbeddedBroker() as broker,
            AirServer(self.office, s.start_ms, s.speed, self._monotonic, self.logs) as self.air,
        ):
            given = {"data": str(s.folder), "broker.url": broker.url, "http.port": s.port}
            if s.database:
                given["database"] = s.database
                _for_commands(s)
            config = load(None, {**given, "enrolment.listen": "127.0.0.1:0"})
            await self._lay(config.database, config.key_file)
            async with Backend(config, clock=self.air.now_ms, demo=True) as self.backend:
                for receiver in self.office.plan.receivers:
                    gateway = GatewayProcess(receiver.name, s.folder, broker.url, self.air.port)
                    self.gateways.append(gateway)
                try:
                    await asyncio.gather(*(self._enrol(gateway) for gateway in self.gateways))
                    for gateway in self.gateways:
                        await gateway.start()
                    yield self
                finally:
                    await self.stop_gateways()

    async def day(self) -> None:
        """Let the simulated period go by.  GatewayDied when a gateway ends before the air does."""
        s = self.settings
        lead = lead_s(s.speed, self.office.absence_s)
        self.air.allow(lead)
        pace = asyncio.create_task(Pace(self.air, self.backend.engine, s.start_ms, len(self.gateways), lead).run())
        air = asyncio.create_task(self.air.run())
        ends = {asyncio.create_task(gateway.ended()): gateway for gateway in self.gateways}
        try:
            await asyncio.wait({air, pace, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if pace.done():
                pace.result()  # it runs for ever: what ended it is an error
            for end, gateway in ends.items():
                if end.done() and not self.air.over:
                    raise GatewayDied(gateway.name, end.result())
            await air
        finally:
            for task in (air, pace, *ends):
                task.cancel()
            await asyncio.gather(air, pace, *ends, return_exceptions=True)

    async def gateways_done(self) -> None:
        """Wait until the gateways have delivered everything and ended by themselves, as they do after the air's end."""
        for gateway in self.gateways:
            code = await gateway.ended()
            if code or gateway.summary is None:
                raise GatewayDied(gateway.name, code)

    async def stop_gateways(self) -> None:
        """End them; they deliver first what they have, if that takes no longer than a moment."""
        await asyncio.gather(*(gateway.stop(STOP_S) for gateway in self.gateways))

    def kill_gateways(self) -> None:
        """End them at once."""
        for gateway in self.gateways:
            gateway.kill()

    def first_case(self) -> FirstCase | None:
        """Whom to enter as a first case; none without a past."""
        return first_case(self.office, self.days[:-1])

    async def inside(self) -> int:
        """How many people the book calls inside now."""
        since_ms = self.air.now_ms() - self.office.absence_s * 1000

        def count() -> int:
            with reading(self.backend.engine) as connection:
                rows = counting.visits(connection, registry.SITE)
            return len({row.number for row in rows if row.last_ms > since_ms})

        return await asyncio.to_thread(count)

    def remarks(self) -> list[str]:
        """What is not as it should be and does not show in the result, in sentences."""
        out = []
        counted = [gateway.summary for gateway in self.gateways if gateway.summary is not None]
        dropped = sum(summary["dropped"] for summary in counted)
        if dropped:
            out.append(f"The gateways dropped {dropped:,} adverts.")
        unheard = self.air.adverts - sum(summary["adverts"] for summary in counted)
        if unheard and self.air.over and len(counted) == len(self.gateways):
            out.append(f"The air sent {unheard:,} adverts that no gateway counted.")
        return out

    async def result(self) -> dict[str, Any]:
        """What was measured until now; for the end, when the gateways are done."""
        summaries = []
        for gateway in self.gateways:
            if gateway.summary is None:
                raise GatewayDied(gateway.name, await gateway.ended())
            summaries.append(gateway.summary)
        truth = Truth(self.office, self.logs, self.days, self.settings.start_ms, self.air.told_s, self._before)
        return await asyncio.to_thread(result, self.backend.engine, truth, summaries)

    async def _enrol(self, gateway: GatewayProcess) -> None:
        """As in an office: a token from the server, keys made by the gateway."""
        backend, now_ms = self.backend, self.air.now_ms()
        folder = self.settings.folder
        token = await asyncio.to_thread(registry.token_for, backend.engine, folder, gateway.name, now_ms)
        code = await gateway.enrol(f"https://127.0.0.1:{backend.enrolment.port}", token)
        if code:
            raise GatewayDied(gateway.name, code)

    async def _lay(self, database: str, key_file: Path) -> None:
        """Fill the registry and lay down the past, in a thread; when this is cancelled, that soon ends too."""
        laying = asyncio.create_task(asyncio.to_thread(self._register, database, key_file))
        try:
            await asyncio.shield(laying)
        except asyncio.CancelledError:
            self._stopped.set()
            await asyncio.wait((laying,))
            if not laying.cancelled():
                laying.exception()  # that it was stopped is known
            raise

    def _register(self, database: str, key_file: Path) -> None:
        engine = open_database(database)
        s = self.settings
        try:
            with reading(engine) as connection:
                if sites(connection):
                    url = engine.url.render_as_string()  # without its password
                    raise DatabaseError(f"{url} holds an office already: give --database a new, empty one")
            registry.found_authority(s.folder, s.start_ms)
            keyring = open_key_file(key_file)
            registry.fill(engine, keyring, self.office, s.start_ms, max(self.past, default=0))
            history = History(self.office, self.logs, s.start_ms, self._stopped.is_set)
            self.days = history.lay(engine, keyring, self.past, self._tell)
            today = day_of(self.office, 0, s.length_s)
            for owner, log in enumerate(self.logs):
                log.live(today.heard(owner), today.since_s)
                if self._stopped.is_set():
                    return
            self.days.append(today)
            with reading(engine) as connection:
                self._before = counting.stored(connection)
        finally:
            engine.dispose()
