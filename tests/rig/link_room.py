"""Tags with the real firmware, real gateways that carry their links, a real broker, and room for a backend.

    room = LinkRoom(micropython, firmware, mosquitto, folder, tags=3)
    async with room.open():
        gateway = await room.gateway("door")
        async with room.backend() as backend:
            ...
            await room.until(lambda: ...)

The air's time is the only one: gateways stamp by it, the backend's clock is it.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bumble.device import Device
from rig.air_tag import ended, start_tag
from rig.brokers import Mosquitto
from rig.link_caller import Caller, Gone
from rig.micropython import Micropython
from rig.virtual_air import MOST_S, Heard, VirtualAir

from zonetag_backend import config as backend_config
from zonetag_backend.app import Backend
from zonetag_backend.keyfile import open_key_file
from zonetag_backend.store import registry, tags
from zonetag_backend.store.engine import open_database, writing
from zonetag_gateway.app import Gateway
from zonetag_gateway.central import NoTalk
from zonetag_gateway.clock import SystemClock
from zonetag_gateway.config import parse
from zonetag_gateway.source import Hear, Moment
from zonetag_protocol import advert, carriage
from zonetag_protocol.card import Card
from zonetag_protocol.rotation import EPOCH_S

START_MS = 1_795_140_000_000  # Friday 20 November 2026, 09:00 in Hanoi
DAY_MS = 86_400_000
LIMIT_S = 300.0
PACE_S = 0.008
MTU = 185
FULL_S = 260  # by then each tag has records in its log
T0 = tags.FIRST_SECOND + EPOCH_S - 200
Part = Callable[[bytes], list[bytes]]


def as_it_is(part: bytes) -> list[bytes]:
    """What an honest carrier makes of a part."""
    return [part]


class AirSource:
    """A gateway's source: what the air's scanner hears, while the gateway is near."""

    def __init__(self, air: VirtualAir) -> None:
        self._air = air
        self.hear: Hear | None = None
        self.near = True
        self.walked: set[str] = set()  # tags that have walked away from here
        self.arrived: set[str] | None = None  # and who has come; none: everybody is here

    async def run(self, hear: Hear) -> None:
        self.hear = hear
        await asyncio.Event().wait()

    def hears(self, tag: str) -> bool:
        """Whether a tag is near."""
        return self.near and tag not in self.walked and (self.arrived is None or tag in self.arrived)

    def now(self) -> float:
        return self._air.now_ms / 1000

    def moment(self, at: float) -> Moment:
        return Moment(START_MS + round(at * 1000), round(at * 1000) + 1, True)


class AirTalk:
    """A connection of the rig's central, as a carrier sees it; `up` and `down` may spoil what it carries."""

    def __init__(self, caller: Caller, up: Part, down: Part, parts: int) -> None:
        self._caller = caller
        self._left = parts  # upwards, until the tag walks away
        self._up, self._down = up, down
        self._queued: list[bytes] = []
        self.mtu = MTU

    @property
    def out_of_reach(self) -> bool:
        """Whether the tag has walked away."""
        return not self._left

    async def write(self, part: bytes) -> None:
        try:
            for each in self._down(part):
                await self._caller.write_part(each)
        except Gone as error:
            raise ConnectionError from error

    async def part(self) -> bytes:
        while not self._queued:
            part = await self._caller.part() if self._left else None
            if part is None:
                raise ConnectionError
            self._left -= 1
            self._queued = self._up(part)
        return self._queued.pop(0)


class AirCentral:
    """Connects on the virtual air."""

    def __init__(self, air: VirtualAir, device: Device, source: AirSource, senders: dict[bytes, Heard]) -> None:
        """`senders`: by identifier."""
        self._air = air
        self._device = device
        self._source = source
        self._senders = senders
        # What becomes of what is carried up and down, by tag, one connection after the other; then the tag walks away.
        self.spoilt: dict[str, list[tuple[Part, Part]]] = {}
        self.parts = 1 << 30  # of one connection; then its tag walks away
        self.talks = 0
        self._connecting = asyncio.Lock()  # a controller makes one connection after the other (Core 4.E.7.8.12)

    @contextlib.asynccontextmanager
    async def talk(self, eid: bytes, limit_s: float) -> AsyncIterator[AirTalk]:
        sender = self._senders.get(eid)
        if sender is None or not self._source.hears(sender.name):
            raise NoTalk(carriage.UNREACHABLE)
        caller = Caller(self._device, b"", MTU)
        try:
            async with self._connecting:
                await self._connect(caller, sender.address, limit_s)
        except Exception as error:
            raise NoTalk(carriage.UNREACHABLE) from error
        self.talks += 1
        left = self.spoilt.get(sender.name)
        up, down = left.pop(0) if left else (as_it_is, as_it_is)
        talk = AirTalk(caller, up, down, self.parts)
        try:
            yield talk
        finally:
            if talk.out_of_reach or left == []:
                self._source.walked.add(sender.name)
            await caller.hang_up()

    async def _connect(self, caller: Caller, address: bytes, limit_s: float) -> None:
        """Connect within so many seconds of the air, or have the controller give up."""
        work = asyncio.create_task(caller.connect(address))
        limit = asyncio.create_task(self._air.until(self._air.now_ms + limit_s * 1000))
        try:
            await asyncio.wait((work, limit), return_when=asyncio.FIRST_COMPLETED)
        finally:
            limit.cancel()
            if self._device.is_le_connecting:
                await self._device.cancel_connection()  # type: ignore[no-untyped-call]  # bumble's, without types
        await work


@dataclass
class Post:
    """A gateway that runs."""

    source: AirSource
    central: AirCentral
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    running: "asyncio.Task[Any] | None" = None


class LinkRoom:
    def __init__(
        self, micropython: Micropython, firmware: Path, mosquitto: Mosquitto, folder: Path, tags_: int = 3
    ) -> None:
        self._micropython = micropython
        self._firmware = firmware
        self._broker = mosquitto
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir()
        self.air = VirtualAir()
        self.posts: dict[str, Post] = {}
        self.senders: dict[bytes, Heard] = {}  # by identifier
        self.ends: list[dict[str, Any]] = []
        self.tags: list[int] = []
        self.people: list[int] = []
        self.clock_file = folder / "clock"
        self.cards = self._register(tags_)

    def _register(self, count: int) -> list[Card]:
        settings = self.settings()
        self.database = open_database(settings.database)
        keyring = open_key_file(settings.key_file, may_create=True)
        cards = []
        with writing(self.database) as connection:
            registry.add_site(connection, "hq", "Trụ sở", "Asia/Ho_Chi_Minh", 600)
            registry.add_place(connection, "hq", "Cửa chính", "entrance")
            for name in ("door", "hall"):
                registry.add_gateway(connection, name, "hq", "Cửa chính", START_MS - DAY_MS)
            for number in range(count):
                who = registry.add_person(connection, f"Person {number}", "Một cửa", f"NV{number}", START_MS - DAY_MS)
                # Their first epoch ends after some minutes: a record is written at the end of its epoch.
                new = tags.add_tag(connection, keyring, f"T-{number}", START_MS, t0=T0 + 8 * number)
                tags.hand_out(connection, keyring, new.id, who, START_MS)
                self.tags.append(new.id)
                self.people.append(who)
                cards.append(Card(f"T-{number}", new.master, new.t0, 200, 1000, 0xFFFF, -21))
        return cards

    def settings(self, **more: object) -> backend_config.Config:
        given = {"data": str(self.data), "broker.url": self._broker.url, "http.port": 0, "ingest.unsigned": "allow"}
        return backend_config.load(None, {**given, "link.every_s": 60, **more})

    def now_ms(self) -> int:
        return START_MS + int(self.air.now_ms)

    @property
    def broker_url(self) -> str:
        return self._broker.url

    def backend(self, **more: object) -> Backend:
        return Backend(self.settings(**more), self.now_ms)

    @contextlib.asynccontextmanager
    async def open(self, seconds: int, most_s: float = MOST_S) -> AsyncIterator[None]:
        """Tags on the air for at most so many seconds of its time, and `most_s` real ones."""
        async with self.air as air:
            air.on_heard = self._hear
            running = []
            for number, card in enumerate(self.cards):
                seat = await air.seat(card.number, rssi=-50 - 3 * number)
                folder = self.folder / card.number
                args = (self._micropython, self._firmware, folder, air, seat, card)
                running.append(await start_tag(*args))
            time = self._time = asyncio.create_task(air.run(seconds * 1000, most_s))
            try:
                yield
            finally:
                for post in self.posts.values():
                    post.stop.set()
                    if post.running is not None:
                        await asyncio.wait((post.running,))
                air.pace_s = 0.0
                air.end_soon()
                await time
                self.ends = [await ended(tag) for tag in running]
                self.database.dispose()

    def number(self, sql: str) -> int:
        """The one number that a query gives."""
        with self.database.connect() as connection:
            return int(str(connection.exec_driver_sql(sql).scalar()))

    async def gateway(self, name: str, number: int, connections: int = 1) -> Post:
        """A gateway that begins now, with so many connections at a time."""
        source = AirSource(self.air)
        post = Post(source, AirCentral(self.air, await self.air.central(number), source, self.senders))
        table: dict[str, Any] = {
            "site": "hq",
            "name": name,
            "report": {"every_s": 4},
            "health": {"every_s": 1},
            "link": {"enabled": True, "connections": connections},
            "spool": {"path": f"{name}.db", "max_mb": 8},
            "broker": {"url": self._broker.url, "resend_s": 1},
        }
        gateway = Gateway(parse(table, self.folder), source, SystemClock(), "test", central=post.central)
        post.running = asyncio.create_task(gateway.run(post.stop, 5.0))
        self.posts[name] = post
        return post

    async def until(self, done: Callable[[], object], what: str) -> None:
        """Wait for something, while the air's time goes on slowly; AssertionError when that is over before."""
        self.air.pace_s = PACE_S
        try:
            async with asyncio.timeout(LIMIT_S):
                while not done():  # what is waited for is in a database or another process
                    assert not self._time.done(), f"the air's time is over, and still not: {what}"
                    await asyncio.sleep(0.05)
        except TimeoutError as error:
            raise AssertionError(
                f"after {LIMIT_S:.0f} s, at {self.air.now_ms / 1000:.0f} s of the air: {what}"
            ) from error

    def _hear(self, one: Heard) -> None:
        heard = advert.frame_of(advert.decode(one.data))
        self.senders[heard.eid] = one
        if self.air.pace_s:
            draft = self.clock_file.with_suffix(".draft")
            draft.write_text(str(self.now_ms()))
            draft.replace(self.clock_file)  # whoever reads it finds it whole
        for post in self.posts.values():
            if post.source.hear is not None and post.source.hears(one.name):
                post.source.hear(one.data, one.rssi, one.at_ms / 1000)
