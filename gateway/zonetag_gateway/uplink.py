"""Keeps a connection to the broker, and carries reports from the spool over it and acknowledgements back.

Joins publisher.py (what to do) with mqtt.py (the broker) and the spool.  Nothing here can hold up the scanning: the
broker is spoken to by paho's thread, the spool by a thread of its own.

Which MQTT version (`mqtt_version = "auto"`): v5 first; when a broker refuses the version, or hangs up without an
answer, the other one at once; the one that came about stays.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol, TypeVar

from zonetag_gateway.config import Config
from zonetag_gateway.errors import SpoolFull
from zonetag_gateway.identity import Identity
from zonetag_gateway.mqtt import V5, V311, Connected, Connection, Ended, Event, Message, Received, Refused, Roomy
from zonetag_gateway.publisher import Publisher
from zonetag_gateway.source import Clock
from zonetag_gateway.spool import Record, Spool
from zonetag_protocol import envelope, loss, topics
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.errors import ZonetagError

log = logging.getLogger(__name__)

LASTING_S = 10.0  # a connection that stood for so long was a good one
SUSPICIOUS = 3  # that many in a row that did not
BACKOFF_FIRST_S = 1.0
BACKOFF_MAX_S = 60.0  # a broker that comes back finds its gateways again within a minute
CONNECT_LIMIT_S = 30.0  # TCP, TLS and CONNACK together; a broker that accepts and stays silent is none
MAX_ANSWERS = 32  # to commands, that wait for a connection; nobody waits for more
IDLE_S = 5.0  # how often to look at the spool when nothing has happened

_T = TypeVar("_T")


class Run(Protocol):
    """Runs a function in the spool's thread."""

    def __call__(self, function: Callable[..., _T], /, *args: Any) -> Awaitable[_T]: ...


class Uplink:
    """One gateway's way to the backend."""

    def __init__(
        self,
        config: Config,
        spool: Spool,
        boot: int,
        clock: Clock,
        *,
        run: Run,
        jitter: Callable[[], float],
        version: str,
        identity: Identity | None = None,
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        """`run` runs spool work in its thread, `jitter` gives numbers from 0 to 1, `version` is the program's.

        `identity` of an enrolled gateway; `behind` says whether the system's clock is known to be in the past.
        """
        self._config = config
        self._key = identity.signing if identity else None
        self._broker = identity.broker(config.broker) if identity else config.broker
        self._behind = behind
        self._spool = spool
        self._boot = boot
        self._clock = clock
        self._in_spool_thread = run
        self._jitter = jitter
        self._program = version
        self._ears: dict[str, Callable[[bytes, bool], None]] = {}  # by leaf
        self._answers: deque[bytes] = deque(maxlen=MAX_ANSWERS)
        broker, backend = config.broker, identity.backend if identity else None
        self.publisher = Publisher(config.name, broker.in_flight, broker.resend_s, jitter, backend)
        self._versions = [V5, V311] if broker.mqtt_version == "auto" else [broker.mqtt_version]
        self._connection: Connection | None = None
        self._events: asyncio.Queue[Event] = asyncio.Queue()
        self._mids: dict[int, Record] = {}
        self._owed: dict[int, Acknowledgement] = {}  # by boot: deletions that the disk has refused
        self._wake = asyncio.Event()
        self._health: bytes | None = None
        self._denial_told = False
        self.greetings: Mapping[str, bytes] = {}  # topic -> what to leave there, retained, at each connection
        self._ungreeted: list[str] = []  # topics of them that this connection had no room for yet
        self._greeted = 0  # which of `connects` has taken them all
        self.rounds = 0  # goes up as long as this goes round, whether or not there is a broker
        self.connects = 0  # connections that came about
        self.mqtt_version = ""  # of the connection, "" when there is none

    @property
    def connected(self) -> bool:
        """Whether the broker has taken us in."""
        return bool(self.mqtt_version)

    @property
    def greeted(self) -> int:
        """Which of `connects` stands and has taken the greetings; 0 if none."""
        return self._greeted if self.connected and self._greeted == self.connects else 0

    def wake(self) -> None:
        """There may be something new in the spool."""
        self._wake.set()

    def tell_health(self, health: dict[str, Any]) -> None:
        """Publish this now, or when a connection stands."""
        self._health = json.dumps(health, separators=(",", ":")).encode()
        self._publish_health()

    def connect_anew(self, why: str) -> None:
        """End the connection, so that the next one shows the new certificate."""
        self._events.put_nowait(Ended(why, connected=self.connected))

    def listen(self, leaf: str, ear: Callable[[bytes, bool], None]) -> None:
        """From the next connection on, `ear` gets what comes on the topic `leaf`, and whether it was retained."""
        self._ears[leaf] = ear

    def say(self, leaf: str, payload: bytes) -> bool:
        """Publish this now; False when that cannot be: it is not kept."""
        return self._publish(Message(self._topic(leaf), payload)) is not None

    def tell_done(self, answer: bytes) -> None:
        """Publish what became of a command now, or when a connection stands."""
        self._answers.append(answer)
        self._publish_answers()

    async def run(self) -> None:
        """Until cancelled; then says goodbye to the broker."""
        wait = BACKOFF_FIRST_S
        short = 0  # connections in a row that ended soon after they stood
        try:
            while True:
                self.rounds += 1
                began = self._clock.monotonic()
                ended = await self._one_connection()
                await self._hang_up()
                # A connection that ends at once is no success: two gateways of one name throw each other out for ever.
                lasting = ended.connected and self._clock.monotonic() - began >= LASTING_S
                short = short + 1 if ended.connected and not lasting else 0
                if lasting:
                    wait = BACKOFF_FIRST_S
                elif ended.version_refused and len(self._versions) > 1:
                    self._versions.reverse()
                    if self._versions[0] == V311:
                        log.info("broker does not answer to MQTT v5, trying 3.1.1")
                        continue
                advice = "; check broker.username, password_file and the certificates" if ended.denied else ""
                if short >= SUSPICIOUS:
                    advice = f"; is another gateway connected as {self._config.site}/{self._config.name}?"
                pause = wait * (0.5 + self._jitter() / 2)
                log.warning("broker %s: %s%s; next try in %.1f s", self._config.broker.url, ended.what, advice, pause)
                await asyncio.sleep(pause)
                wait = min(wait * 2, BACKOFF_MAX_S)
        finally:
            self._publish(self._state(online=False))
            await self._hang_up()

    async def drained(self) -> None:
        """Returns when the spool is empty."""
        while (await self._in_spool_thread(self._spool.fill)).reports:
            self._wake.set()
            await asyncio.sleep(0.05)

    async def _one_connection(self) -> Ended:
        loop = asyncio.get_running_loop()
        events: asyncio.Queue[Event] = asyncio.Queue()

        def tell(event: Event) -> None:
            loop.call_soon_threadsafe(events.put_nowait, event)

        self._events = events
        self._mids.clear()
        self._connection = connection = Connection(
            self._broker,
            f"zonetag-{self._config.site}-{self._config.name}",
            version=self._versions[0],
            will=self._state(online=False),
            subscribe=self._topics(),
            tell=tell,
            check_time=not (self._key and self._behind()),
        )
        connection.start()
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S) as limit:
                while True:
                    event = await self._next_event()
                    if isinstance(event, Ended):
                        return event
                    if isinstance(event, Connected):
                        limit.reschedule(None)
                    if event is not None:
                        await self._handle(event)
                    await self._send()
        except TimeoutError:
            return Ended("no answer", connected=False, version_refused=True)

    async def _next_event(self) -> Event | None:
        """The next event; None when the spool may have something, or something is due again."""
        due = self.publisher.next_due()
        wait = IDLE_S if due is None else min(IDLE_S, max(0.0, due - self._clock.monotonic()))
        get = asyncio.ensure_future(self._events.get())
        wake = asyncio.ensure_future(self._wake.wait())
        try:
            await asyncio.wait((get, wake), timeout=wait, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake.cancel()
            if not get.done():
                get.cancel()
        self._wake.clear()
        self.rounds += 1
        return get.result() if get.done() and not get.cancelled() else None

    async def _handle(self, event: Event) -> None:
        if isinstance(event, Connected):
            self.mqtt_version = event.version
            self.connects += 1
            log.info("broker %s: connected with MQTT %s", self._config.broker.url, event.version)
            self.publisher.online(self._clock.monotonic(), event.room)
            self._publish(self._state(online=True))
            self._ungreeted = list(self.greetings)
            self._publish_health()
            self._publish_answers()
        elif isinstance(event, Roomy):
            self._publish_answers()
            self.publisher.roomy(self._clock.monotonic())
        elif isinstance(event, Refused):
            record = self._mids.pop(event.mid, None)
            if record is not None:
                self.publisher.refused(record.boot, record.seq, self._clock.monotonic())
            if not self._denial_told:
                self._denial_told = True
                log.error(
                    "broker refuses a publish: %s; allow this gateway to write %s and its other topics",
                    event.what,
                    self._topic(topics.REPORT),
                )
        elif isinstance(event, Received):
            try:
                self._take(event)
            finally:
                if self._connection is not None:
                    self._connection.handled()

    def _take(self, event: Received) -> None:
        if event.topic == self._topic(topics.ACK):
            ack = self.publisher.acknowledge(event.payload, self._clock.monotonic())
            if ack is not None:
                self._owed[ack.boot] = ack
        elif ear := self._ears.get(event.topic.rpartition("/")[2]):
            ear(event.payload, event.retained)

    async def _send(self) -> None:
        """Delete what may be deleted, send what may be sent."""
        while self._ungreeted:
            topic = self._ungreeted[0]
            if self._publish(Message(topic, self.greetings[topic], retain=True)) is None:
                break
            self._ungreeted.pop(0)
        else:
            self._greeted = self.connects
        for boot, ack in list(self._owed.items()):
            try:
                await self._in_spool_thread(self._spool.acknowledged, ack)
            except SpoolFull as error:
                log.error("spool cannot delete: %s", error)
                break
            if self._owed.get(boot) is ack:
                del self._owed[boot]
        for boot, seqs in self.publisher.wanted():
            await self._find(boot, seqs)
        for record in self.publisher.due(self._clock.monotonic()):
            self._publish_report(record)
        limit, after = self.publisher.wants()
        if limit:
            records = await self._in_spool_thread(self._spool.oldest, limit, after)
            for record in self.publisher.take(records, self._clock.monotonic()):
                self._publish_report(record)

    async def _find(self, boot: int, seqs: list[int]) -> None:
        """What the backend misses is sent again, or told lost."""
        found = await self._in_spool_thread(self._spool.find, boot, seqs)
        for record in self.publisher.again(found, self._clock.monotonic()):
            self._publish_report(record)
        gone = sorted(set(seqs).difference(record.seq for record in found))
        if gone:
            told = loss.encode(loss.Loss(self._config.name, boot, tuple(gone)))
            if self._publish(Message(self._topic(topics.LOST), envelope.wrap(told, topics.LOST, self._key))) is None:
                return  # it will be asked again
            self.publisher.counters.told_lost += len(gone)
            log.warning("the backend asks for %d reports of boot %d that are no longer here", len(gone), boot)

    def _publish_report(self, record: Record) -> None:
        mid = self._publish(Message(self._topic(topics.REPORT), self._signed(record.sealed)))
        if mid is None:
            self.publisher.postpone(record.boot, record.seq, self._clock.monotonic())
        else:
            if len(self._mids) > 1000:  # PUBACKs that never came
                self._mids.clear()
            self._mids[mid] = record

    def _signed(self, sealed: bytes) -> bytes:
        """Signed with the key of now: what waited here while the gateway was enrolled goes out signed too."""
        if self._key is None:
            return sealed
        try:
            return envelope.wrap(envelope.unwrap(sealed, topics.REPORT), topics.REPORT, self._key)
        except ZonetagError:
            return sealed  # damaged on the disk: the backend says so

    def _publish_health(self) -> None:
        if self._health is not None and self.connected:
            self._publish(Message(self._topic(topics.HEALTH), self._health, retain=True))

    def _publish_answers(self) -> None:
        while self._answers and self.connected:
            if self._publish(Message(self._topic(topics.DONE), self._answers[0])) is None:
                return  # no room now: Roomy, or the next connection, comes back to it
            self._answers.popleft()

    def _publish(self, message: Message) -> int | None:
        return None if self._connection is None else self._connection.publish(message)

    def _topics(self) -> list[str]:
        """What this gateway listens to."""
        return [self._topic(leaf) for leaf in (topics.ACK, *self._ears)]

    def _topic(self, leaf: str) -> str:
        return topics.topic(self._config.site, self._config.name, leaf)

    def _state(self, *, online: bool) -> Message:
        state = {
            "online": online,
            "since": self._clock.now().utc_ms,
            "version": self._program,
            "boot": self._boot,
        }
        return Message(self._topic(topics.STATE), json.dumps(state, separators=(",", ":")).encode(), retain=True)

    async def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        self.publisher.offline()
        self.mqtt_version = ""
        if connection is not None:
            await asyncio.to_thread(connection.stop)
