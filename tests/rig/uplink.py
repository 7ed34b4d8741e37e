"""A gateway's publisher in its simplest form: sends reports again and again until each one is acknowledged."""

import threading
from collections.abc import Sequence
from types import TracebackType

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from rig.reports import Gateway, sealed

from zonetag_protocol import acknowledgement, envelope, topics
from zonetag_protocol.report import Report

LIMIT_S = 60.0
AGAIN_S = 1.0


class Uplink:
    """`with Uplink(port, gateway) as uplink: uplink.deliver(reports)`."""

    def __init__(self, port: int, gateway: Gateway) -> None:
        self.acknowledged: set[int] = set()  # seqs of the gateway's boot
        self.acknowledgements = 0
        self._gateway = gateway
        self._changed = threading.Condition()
        self._subscribed = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"uplink-{gateway.name}", protocol=mqtt.MQTTv311)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe(gateway.topic(topics.ACK), 1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.connect("127.0.0.1", port)

    def __enter__(self) -> "Uplink":
        self._client.loop_start()
        assert self._subscribed.wait(LIMIT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, *reports: Report) -> None:
        """Send once."""
        for made in reports:
            self.raw(self._gateway.topic(), sealed(made))

    def raw(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        self._client.publish(topic, payload, 1, retain)

    def deliver(self, reports: Sequence[Report]) -> None:
        """Send until all are acknowledged."""
        wanted = {made.seq for made in reports}
        tries = int(LIMIT_S / AGAIN_S)
        for _ in range(tries):
            missing = [made for made in reports if made.seq not in self.acknowledged]
            if not missing:
                return
            self.send(*missing)
            with self._changed:
                self._changed.wait_for(lambda: wanted <= self.acknowledged, AGAIN_S)
        missing_seqs = sorted(wanted - self.acknowledged)
        assert not missing_seqs, missing_seqs

    def wait_for(self, seqs: set[int]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: seqs <= self.acknowledged, LIMIT_S), seqs - self.acknowledged

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        told = acknowledgement.decode(envelope.unwrap(bytes(message.payload), topics.ACK))
        assert told.gateway == self._gateway.name
        with self._changed:
            self.acknowledgements += 1
            if told.boot == self._gateway.boot:
                self.acknowledged.update(range(1, told.through + 1), told.beyond)
            self._changed.notify_all()
