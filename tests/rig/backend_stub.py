"""The smallest backend there can be: takes reports from a broker and acknowledges them, or does not."""

import asyncio
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.enums import CallbackAPIVersion

from zonetag_protocol import acknowledgement, envelope, report, topics
from zonetag_protocol.acknowledgement import Acknowledgement
from zonetag_protocol.report import Report

LIMIT_S = 120.0


class BackendStub:
    """Subscribes to everything.  `answer` says what to send on `ack` for a report: envelopes, perhaps none."""

    def __init__(self, port: int, answer: "Callable[[Report, BackendStub], list[bytes]] | None" = None) -> None:
        self.reports: list[Report] = []
        self.others: list[tuple[str, bytes, bool]] = []  # topic, payload, retained
        self.seen: dict[int, set[int]] = {}  # boot -> seqs committed
        self.answer = answer or (lambda report, stub: [stub.ack_of(report)])
        self._changed = threading.Condition()
        self._client = mqtt.Client(
            CallbackAPIVersion.VERSION2, "backend-stub", clean_session=False, protocol=mqtt.MQTTv311
        )
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(f"{topics.PREFIX}/#", qos=1)
        self._client.on_subscribe = lambda *_: self._note(None)
        self._client.reconnect_delay_set(1, 1)
        self._subscribed = False
        self._client.connect_async("127.0.0.1", port)

    async def __aenter__(self) -> "BackendStub":
        self._client.loop_start()
        await asyncio.to_thread(self.wait, lambda: self._subscribed)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._client.disconnect()
        await asyncio.to_thread(self._client.loop_stop)

    def wait(self, done: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
        """Wait until `done()`; looked at after every message."""
        with self._changed:
            assert self._changed.wait_for(done, limit_s), (
                f"waited in vain; {len(self.reports)} reports, others: {[topic for topic, _, _ in self.others]}"
            )

    def names(self) -> list[tuple[int, int]]:
        """(boot, seq) of the reports, as they came."""
        return [(r.boot, r.seq) for r in self.reports]

    def windows(self) -> list[report.Window]:
        """The windows of all reports, each report once."""
        once = {(r.boot, r.seq): r for r in self.reports}
        return [window for r in once.values() for window in r.columns.windows()]

    def last(self, leaf: str) -> bytes | None:
        """The newest message on a leaf."""
        return next((payload for topic, payload, _ in reversed(self.others) if topic.endswith("/" + leaf)), None)

    def ack_of(self, r: Report) -> bytes:
        """An honest acknowledgement of everything seen of that boot."""
        seqs = self.seen.setdefault(r.boot, set())
        through = 0
        while through + 1 in seqs:
            through += 1
        beyond = tuple(sorted(seq for seq in seqs if seq > through))
        return ack(r.gateway, r.boot, through, *beyond)

    def send_ack(self, site: str, gateway: str, data: bytes) -> None:
        self._client.publish(topics.topic(site, gateway, topics.ACK), data, qos=1)

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        topic = topics.parse(message.topic)
        if topic.leaf != topics.REPORT:
            if topic.leaf != topics.ACK:
                self._note((message.topic, bytes(message.payload), message.retain))
            return
        r = report.decode(envelope.unwrap(bytes(message.payload), "report"))
        self.seen.setdefault(r.boot, set()).add(r.seq)
        for data in self.answer(r, self):
            self.send_ack(topic.site, topic.gateway, data)
        with self._changed:
            self.reports.append(r)
            self._changed.notify_all()

    def _note(self, other: tuple[str, bytes, bool] | None) -> None:
        with self._changed:
            self._subscribed = True
            if other is not None:
                self.others.append(other)
            self._changed.notify_all()


def ack(
    gateway: str,
    boot: int,
    through: int,
    *beyond: int,
    missing: tuple[int, ...] = (),
    key: Ed25519PrivateKey | None = None,
) -> bytes:
    told = Acknowledgement(gateway, boot, through, beyond, missing)
    return envelope.wrap(acknowledgement.encode(told), "ack", key)
