"""From the broker's messages to committed reports and their acknowledgements.

paho's thread puts messages into a bounded queue, and waits when it is full; then nothing is read from the broker, and
the broker waits.  One thread takes what is there, up to a group, writes it in one transaction, and only then tells the
broker and the gateways.  What is killed at any moment was either committed, or comes again.
"""

import contextlib
import json
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from zonetag_backend.doors import Doors, windows_of
from zonetag_backend.errors import StoreUnavailable
from zonetag_backend.events import BOOK, GATEWAYS, Change, Events
from zonetag_backend.mqtt import Incoming
from zonetag_backend.names import printable
from zonetag_backend.signatures import MALFORMED, NOT_OURS
from zonetag_backend.store.came import (
    Came,
    HealthCame,
    LossCame,
    RefusedCame,
    ReportCame,
    StateCame,
    UplinkCame,
)
from zonetag_backend.store.writer import Counts, Done, Writer
from zonetag_protocol import acknowledgement, carriage, envelope, loss, report, topics
from zonetag_protocol.errors import Malformed, NotOurs, ZonetagError

GROUP = 64  # messages in one transaction, at most
GROUP_BYTES = 1_000_000  # and of this size, about 40,000 windows: half a second of work
MAX_JSON = 64 * 1024  # bytes of a state or health message
RETRY_S = (0.5, 10.0)  # first and longest wait for a database that cannot be written

log = logging.getLogger(__name__)


class Back(Protocol):
    """The way back to the broker: `zonetag_backend.mqtt.Link`."""

    def publish(self, topic: str, payload: bytes) -> bool:
        """Send a message, if that can be."""

    def done(self, message: Incoming) -> None:
        """The broker may forget a message."""


@dataclass(slots=True)
class Counters(Counts):
    """What was done since the start."""

    malformed: int = 0
    # messages that break their format
    failed: int = 0
    # messages that hit a fault of this program; their gateways keep them


class Subscriber:
    """Takes messages with `put` from the broker's thread and works on them in its own, from `start` to `stop`."""

    def __init__(
        self,
        writer: Writer,
        events: Events,
        clock: Callable[[], int],
        waiting: int,
        key: Ed25519PrivateKey | None = None,
        *,
        doors: Doors | None = None,
        clocks: Callable[[Iterable[int], int | None], None] | None = None,
    ) -> None:
        """`waiting`: how many messages may wait; `clock` gives UTC ms; `key` signs acknowledgements.

        `doors` is told who holds a tag close, before the change is told to the pages; `clocks` which clocks became
        known, and from when on contact records came that hang on such (`contact_repair.Repair.note`).
        """
        self._clocks = clocks
        self._doors = Doors() if doors is None else doors
        self._key = key
        self._writer = writer
        self._events = events
        self._clock = clock
        self._queue: queue.Queue[Incoming | None] = queue.Queue(waiting)
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._counters = Counters()
        self._back: Back
        self._thread = threading.Thread(target=self._run, name="zonetag-writer", daemon=True)

    def start(self, back: Back) -> None:
        """Begin to work; `back` is the way to the broker."""
        self._back = back
        self._thread.start()

    def stop(self) -> None:
        """Finish the group at hand and end; what still waits the broker hands over again."""
        self._stopping.set()
        with contextlib.suppress(queue.Full):  # then the thread is not waiting for more
            self._queue.put_nowait(None)
        if self._thread.is_alive():
            self._thread.join()

    def put(self, message: Incoming) -> None:
        """Take one message; waits while too many are waiting."""
        while not self._stopping.is_set():
            try:
                self._queue.put(message, timeout=1.0)
                return
            except queue.Full:
                continue

    def counters(self) -> Counters:
        """A copy of the counters."""
        with self._lock:
            c = self._counters
            return replace(c, rejected=Counter(c.rejected), unsigned=Counter(c.unsigned))

    def _run(self) -> None:
        while not self._stopping.is_set():
            group = self._take()
            if group:
                self._work(group)

    def _take(self) -> list[Incoming]:
        """What is there, at least one message; empty when it is time to end."""
        group: list[Incoming] = []
        size = 0
        while len(group) < GROUP and size < GROUP_BYTES:
            try:
                message = self._queue.get(block=not group)
            except queue.Empty:
                break
            if message is None:
                return []
            group.append(message)
            size += len(message.payload)
        return group

    def _work(self, group: Sequence[Incoming]) -> None:
        came = self._read(group)
        done = self._write(came)
        if done is None:
            return  # told to stop: the broker hands it all over again
        with self._lock:
            self._counters.count(done)
        if done.unsigned:
            what = ", ".join(f"{code} {n}" for code, n in sorted(done.unsigned.items()))
            log.warning("messages of registered gateways are refused: %s; see zonetag gateway list", what)
        if done.relayed:
            log.warning(
                "ALARM: a tag was heard at two sites at once: somebody relays its signal, or the sites are near each"
                " other (setting ingest.near_sites); gateways: %s; see the page /rejected",
                ", ".join(sorted(done.relayed)),
            )
        for gateway, reason in done.full:
            log.warning(
                "gateway %s: so many windows are %s that no more of them are kept this hour; they are still counted",
                gateway,
                reason,
            )
        for site, acknowledged in done.acknowledgements:
            payload = envelope.wrap(acknowledgement.encode(acknowledged), topics.ACK, self._key)
            # If it cannot be sent, the gateway sends its reports again and is told then.
            self._back.publish(topics.topic(site, acknowledged.gateway, topics.ACK), payload)
        for site, said in done.downlinks:
            payload = envelope.wrap(carriage.encode_down(said), topics.DOWNLINK, self._key)
            self._back.publish(topics.topic(site, said.gateway, topics.DOWNLINK), payload)
        for message in group:
            self._back.done(message)
        if self._clocks is not None and (done.moved or done.apart_ms is not None):
            self._clocks(done.moved, done.apart_ms)
        self._tell(came, done)

    def _read(self, group: Sequence[Incoming]) -> list[Came]:
        """What the messages say; what says nothing is counted, and told once a group: there may be many."""
        came: list[Came] = []
        refused: list[tuple[str, ZonetagError]] = []
        for message in group:
            try:
                came.append(read(message.topic, message.payload))
            except ZonetagError as error:
                refused.append((message.topic, error))
                came.append(_refused(message.topic, error))
        if refused:
            topic, why = refused[-1]
            # Who publishes chooses the topic: it must not move a terminal's cursor or begin a line of the log.
            log.warning("%d messages are refused, the last on %s: %s", len(refused), printable(topic), why)
            with self._lock:
                self._counters.malformed += len(refused)
        return came

    def _write(self, came: Sequence[Came]) -> Done | None:
        """Write, for as long as it takes; None when told to stop before that was possible."""
        wait = RETRY_S[0]
        while True:
            try:
                return self._writer.write(came, self._clock())
            except StoreUnavailable as error:
                log.error("%s", error)
            except Exception:  # a fault of ours: one message must not keep all others from being written
                log.exception("a group of %d messages could not be worked on", len(came))
                return self._write_one_by_one(came)
            if self._stopping.wait(wait):
                return None
            wait = min(2 * wait, RETRY_S[1])

    def _write_one_by_one(self, came: Sequence[Came]) -> Done | None:
        if len(came) == 1:
            with self._lock:
                self._counters.failed += 1
            return Done()  # not acknowledged: its gateway keeps it for a better version of this program
        together = Done()
        for each in came:
            done = self._write([each])
            if done is None:
                return None
            together.add(done)
        return together

    def _tell(self, came: Sequence[Came], done: Done) -> None:
        for each in done.judged:
            self._doors.hear(windows_of(each.post.place, each.verdict), self._clock())
        for site in done.sites:
            self._events.publish(Change(site, BOOK))
        for site in {each.site for each in came if each.site}:
            self._events.publish(Change(site, GATEWAYS))


def read(topic: str, payload: bytes) -> Came:
    """What a message says; an error of the protocol for anything that it should not."""
    where = topics.parse(topic)
    if where.leaf == topics.REPORT:
        opened = envelope.take_apart(payload)
        decoded = report.decode(opened.payload)
        if decoded.gateway != where.gateway:
            raise Malformed("a report of another gateway than its topic says")
        return ReportCame(where.site, decoded, report.hash_of(opened.payload), opened)
    if where.leaf == topics.LOST:
        opened = envelope.take_apart(payload)
        told = loss.decode(opened.payload)
        if told.gateway != where.gateway:
            raise Malformed("a loss of another gateway than its topic says")
        return LossCame(where.site, told, opened)
    if where.leaf == topics.UPLINK:
        opened = envelope.take_apart(payload)
        carried = carriage.decode_up(opened.payload)
        if carried.gateway != where.gateway:
            raise Malformed("a link of another gateway than its topic says")
        return UplinkCame(where.site, carried, opened)
    text = _json_object(payload)
    if where.leaf == topics.STATE:
        online = text.get("online")
        if not isinstance(online, bool):
            raise Malformed("a state says whether the gateway is online")
        return StateCame(where.site, where.gateway, online)
    if where.leaf == topics.HEALTH:
        return HealthCame(where.site, where.gateway, json.dumps(text, separators=(",", ":")))
    raise Malformed("nothing that a backend listens to")


def _refused(topic: str, error: ZonetagError) -> RefusedCame:
    """What is counted of a message that says nothing; whoever publishes chooses the topic too."""
    try:
        where = topics.parse(topic)
    except ZonetagError:
        return RefusedCame("", "", NOT_OURS)
    return RefusedCame(where.site, where.gateway, NOT_OURS if isinstance(error, NotOurs) else MALFORMED)


def _json_object(payload: bytes) -> dict[str, object]:
    if len(payload) > MAX_JSON:
        raise Malformed("too long")
    try:
        item = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error
    if not isinstance(item, dict):
        raise Malformed("not a JSON object")
    return item
